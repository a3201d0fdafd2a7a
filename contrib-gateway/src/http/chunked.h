/*
 * chunked.h
 *		A strict reader of chunked bodies (RFC 9112, section 7.1). Pure: no I/O, no allocation, no
 *		clock.
 *
 * Extensions and trailer fields are read over, within bounds. After a fault the connection must be
 * closed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CHUNKED_H
#define GW_CHUNKED_H

#include "base/text.h"
#include "http/fault.h"

typedef enum GwChunkStep
{
	GW_CHUNK_MORE, /* all input is used */
	GW_CHUNK_DATA, /* *data holds a piece of the body */
	GW_CHUNK_DONE, /* the last chunk and the trailers are over */
	GW_CHUNK_FAULT
} GwChunkStep;

typedef struct GwChunked
{
	int      state;
	int      digits;
	uint64_t left; /* bytes of the chunk under way */
	size_t   extension_bytes;
	size_t   trailer_bytes;
} GwChunked;

/* Call again with the rest of the input until it says MORE, DONE or FAULT. */
extern GwChunkStep gw_chunked_next(GwChunked *chunked, const char *in, size_t len, size_t *used,
								   GwSlice *data, GwFault *fault);

#endif
