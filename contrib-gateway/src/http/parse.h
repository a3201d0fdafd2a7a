/*
 * parse.h
 *		A strict HTTP/1.1 request parser (RFC 9112). Pure: no I/O, no allocation, no clock.
 *
 * Two steps. gw_parse_scan looks at each byte of the head once as it arrives, finds the end and
 * refuses at once what can never become a request. gw_parse_head then reads the whole head.
 * Whatever two HTTP programs might read differently is refused, because a proxy in front of this
 * one may be the other program: Content-Length together with Transfer-Encoding, a repeated
 * Content-Length, folded lines, bare CR or LF, a space before the colon, two Host fields.
 *
 * A fault is an HTTP status and a message; after a fault the connection must be closed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_PARSE_H
#define GW_PARSE_H

#include "base/limits.h"
#include "base/text.h"
#include "http/fault.h"

typedef enum GwMethod
{
	GW_GET,
	GW_HEAD,
	GW_POST,
	GW_PUT,
	GW_DELETE,
	GW_PATCH,
	GW_OPTIONS,
	GW_TRACE,
	GW_CONNECT,
	GW_METHOD_OTHER,
	GW_METHOD_COUNT
} GwMethod;

typedef struct GwHttpLimits
{
	size_t target_bytes_max;
	size_t header_bytes_max;
	int    header_count_max;
} GwHttpLimits;

typedef struct GwHeader
{
	GwSlice name;
	GwSlice value;
} GwHeader;

/* All slices point into the buffer that was parsed. */
typedef struct GwHttpHead
{
	GwMethod method;
	GwSlice  method_text;
	GwSlice  path;  /* starts with '/', or is "*" */
	GwSlice  query; /* without the '?'; data is NULL when there is none */
	GwSlice  host;  /* of the target, else of the field Host; with its port, if it has one */
	int      minor; /* HTTP/1.x */
	bool     keep_alive;
	bool     chunked;
	bool     has_length;
	bool     expect_continue;
	uint64_t length;
	GwSlice  content_type; /* data is NULL when absent */
	GwSlice  request_id;
	GwSlice  idempotency_key;
	GwSlice  deduplicate;
	int      header_count;
	GwHeader headers[GW_HEADERS_MAX];
} GwHttpHead;

typedef enum GwScan
{
	GW_SCAN_MORE, /* no end in sight yet */
	GW_SCAN_DONE,
	GW_SCAN_FAULT
} GwScan;

typedef struct GwHeadScan
{
	size_t start;   /* first byte of the request line */
	size_t at;      /* next byte to look at */
	size_t line;    /* start of the line under way */
	size_t fields;  /* start of the header fields, 0 while in the request line */
	size_t end;     /* length of the head, once done */
	bool   skipped; /* one empty line before the request line was seen */
} GwHeadScan;

extern GwScan      gw_parse_scan(GwHeadScan *scan, const char *data, size_t len,
								 const GwHttpLimits *limits, GwFault *fault);
extern bool        gw_parse_head(GwHttpHead *head, const char *data, size_t len,
								 const GwHttpLimits *limits, GwFault *fault);
extern const char *gw_parse_method_name(GwMethod method);
extern bool        gw_parse_is_token_char(unsigned char c);

#endif
