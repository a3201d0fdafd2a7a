/*
 * reply.h
 *		The bytes of an answer: head and error body. Pure.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_REPLY_H
#define GW_REPLY_H

#include "base/text.h"

typedef struct GwReply
{
	int         status;
	const char *content_type; /* NULL: application/json */
	const char *body;
	size_t      body_len;
	void       *handle; /* owns body when release is given */
	void (*release)(const void *data, size_t len, void *handle);
	const char *etag; /* these: NULL for none */
	const char *content_encoding;
	const char *accept_encoding; /* what a request's body may come in, for 415 */
	bool        no_store;        /* nobody may keep it */
	bool        is_secret;       /* the same, and it is for this client alone */
	bool        vary;            /* another Accept-Encoding could have given another answer */
	bool        vary_origin;     /* another Origin could have given another answer */
	const char *allow_origin;    /* whose pages may read it; NULL: none */
	const char *allow_methods;   /* of a preflight: what may be sent */
	const char *allow_headers;
	const char *allow;         /* methods, for 405 */
	const char *authenticate;  /* how to, for 401 */
	int64_t     retry_after_s; /* -1: no such field */
	bool        unbuffered;    /* a proxy is to hand on each piece at once */
	bool        flows;         /* the body comes in pieces, and its length is not known */
	bool        upgrade;       /* only as a WebSocket: what to ask for */
	const char *accept;        /* of 101: the proof; see websocket.h */
	bool        close;         /* the connection cannot go on */
} GwReply;

/* Appends the head. A 204 or 304 has no length, since it has no body. */
extern void gw_reply_head(GwText *out, const GwReply *reply, const char *request_id, bool close,
						  bool http10);

/* Appends {"error":{"message":…,"type":…,"code":…}}. */
extern void gw_reply_error_body(GwText *out, int status, const char *type, const char *message);

#endif
