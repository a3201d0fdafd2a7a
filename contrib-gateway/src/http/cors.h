/*
 * cors.h
 *		Which web pages may read answers: Cross-Origin Resource Sharing. Pure.
 *
 * A browser asks before it sends what a page of another origin could not send of old, and hides the
 * answer unless the page's origin is named in it. Credentials are never allowed: the gateway has
 * none of its own.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CORS_H
#define GW_CORS_H

#include "http/parse.h"
#include "http/reply.h"

#define GW_ORIGIN_BYTES       256 /* longer origins are allowed nowhere */
#define GW_CORS_HEADERS_BYTES 1024

/* What a request says of the page that it comes from. */
typedef struct GwCors
{
	bool    foreign;   /* a page of another host, which the setting does not name */
	bool    preflight; /* only asks what it may send */
	GwSlice origin;    /* to be named in the answer; empty for none */
	GwSlice headers;   /* of a preflight: what it asks to send */
} GwCors;

/* Is it "*", or a list of origins such as https://console.example.org:8443, separated by commas?
 * Empty is one. */
extern bool gw_cors_valid(const char *list);

/* What an answer says of it. origin: as above, or NULL; it must live until the answer is sent. */
extern void gw_cors_answer(GwReply *reply, const char *list, const char *origin);

/* The slices point into the head, or are literals. */
extern void gw_cors_read(const GwHttpHead *head, const char *list, GwCors *out);

#endif
