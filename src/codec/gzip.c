/*
 * gzip.c
 *		zlib over StringInfo, with palloc as its allocator.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <zlib.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "budget_server.h"
#include "codec/gzip.h"
#include "errors.h"

#define GZIP_WINDOW_BITS  (16 + MAX_WBITS) /* 16: zlib's flag for the gzip header */
#define RAW_WINDOW_BITS   (-MAX_WBITS)
#define GZIP_MEMORY_LEVEL 8
#define CHUNK_BYTES       65536

static voidpf
gzip_alloc(voidpf opaque, uInt items, uInt size)
{
	(void) opaque;
	return palloc_extended((Size) items * size, MCXT_ALLOC_NO_OOM);
}

static void
gzip_free(voidpf opaque, voidpf address)
{
	(void) opaque;
	pfree(address);
}

static void
gzip_start(z_stream *stream, const char *data, size_t len)
{
	memset(stream, 0, sizeof(*stream));
	stream->zalloc = gzip_alloc;
	stream->zfree = gzip_free;
	stream->next_in = (Bytef *) unconstify(char *, data);
	stream->avail_in = (uInt) len;
}

void
ice_gzip_pack(const char *data, size_t len, StringInfo out)
{
	z_stream stream;
	int      result;

	gzip_start(&stream, data, len);
	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW_BITS,
					 GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		elog(ERROR, "could not start zlib");
	do
	{
		CHECK_FOR_INTERRUPTS();
		enlargeStringInfo(out, CHUNK_BYTES);
		stream.next_out = (Bytef *) out->data + out->len;
		stream.avail_out = CHUNK_BYTES;
		result = deflate(&stream, Z_FINISH);
		out->len += CHUNK_BYTES - (int) stream.avail_out;
	} while (result == Z_OK || result == Z_BUF_ERROR);
	if (result != Z_STREAM_END)
		elog(ERROR, "could not compress: zlib result %d", result);
	out->data[out->len] = '\0';
	deflateEnd(&stream);
}

void
ice_gzip_unpack(const char *data, size_t len, bool raw, size_t limit, StringInfo out)
{
	z_stream stream;
	size_t   start = out->len;
	int      result;

	gzip_start(&stream, data, len);
	if (inflateInit2(&stream, raw ? RAW_WINDOW_BITS : GZIP_WINDOW_BITS) != Z_OK)
		elog(ERROR, "could not start zlib");
	do
	{
		CHECK_FOR_INTERRUPTS();
		ice_budget_enlarge(out, CHUNK_BYTES);
		stream.next_out = (Bytef *) out->data + out->len;
		stream.avail_out = CHUNK_BYTES;
		result = inflate(&stream, Z_NO_FLUSH);
		out->len += CHUNK_BYTES - (int) stream.avail_out;
		if ((size_t) out->len - start > limit)
			ice_raise(ICE_ERR_LIMIT_EXCEEDED, "Unpacked data is larger than the limit of %zu bytes",
					  limit);
	} while (result == Z_OK);
	if (result != Z_STREAM_END)
		ice_raise(ICE_ERR_STORAGE, "could not unpack compressed data: %s",
				  stream.msg != NULL ? stream.msg : "it ends too early");
	out->data[out->len] = '\0';
	inflateEnd(&stream);
}
