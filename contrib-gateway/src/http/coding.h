/*
 * coding.h
 *		Content codings (RFC 9110, sections 8.4 and 12.5.3): gzip, in both directions. No I/O.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CODING_H
#define GW_CODING_H

#include "http/parse.h"

/* What a client takes. Without Accept-Encoding: only what is not coded. */
typedef struct GwAccept
{
	bool gzip;     /* it takes gzip, and likes it no less than uncoded bytes */
	bool identity; /* it takes uncoded bytes */
} GwAccept;

extern GwAccept gw_coding_accept(const GwHttpHead *head);

/* The coding of a request's body. */
typedef enum GwCoding
{
	GW_CODING_NONE,
	GW_CODING_GZIP,
	GW_CODING_UNKNOWN
} GwCoding;

extern GwCoding gw_coding_of_body(const GwHttpHead *head);

/* Compresses at once; level 1 to 9. Blocks as long as it takes: for bodies of bounded size. */
extern void gw_coding_gzip(GwText *out, const char *data, size_t len, int level);

/* Compresses piece by piece. Feed the last piece (or nothing) with last set, then end. */
typedef struct GwDeflater GwDeflater;

extern GwDeflater *gw_coding_deflate_begin(int level);
extern void        gw_coding_deflate(GwDeflater *deflater, const char *data, size_t len, bool last,
									 GwText *out);
extern void        gw_coding_deflate_end(GwDeflater *deflater);

typedef enum GwInflated
{
	GW_INFLATE_MORE, /* all input is used; the end has not come */
	GW_INFLATE_END,  /* all input is used, and a member is complete */
	GW_INFLATE_FULL, /* the output would be longer than allowed */
	GW_INFLATE_BROKEN
} GwInflated;

/* Decompresses piece by piece: one gzip member or several. Never writes more than out_max bytes to
 * out in all, however small the input is. */
typedef struct GwInflater GwInflater;

extern GwInflater *gw_coding_inflate_begin(void);
extern GwInflated gw_coding_inflate(GwInflater *inflater, const char *data, size_t len, GwText *out,
									size_t out_max);
extern void       gw_coding_inflate_end(GwInflater *inflater);

#endif
