/*
 * zstd.c
 *		libzstd over StringInfo, with palloc as its allocator.
 *
 * The data is unpacked as a stream, a chunk at a time, so that it can be cancelled and its end need
 * not be believed. The window that a frame asks for is memory that its first bytes decide on: it
 * has a limit, and comes out of the request's budget.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#define ZSTD_STATIC_LINKING_ONLY /* for ZSTD_customMem */

#include "postgres.h"

#include <zstd.h>
#include <zstd_errors.h>

#include "utils/memutils.h"

#include "budget.h"
#include "budget_server.h"
#include "codec/zstd.h"
#include "errors.h"
#include "pg_compat.h"

#define CHUNK_BYTES 65536
#define WINDOW_LOG_MAX \
	27 /* 128 MB: what the highest level of compression uses, and every decoder accepts */

/* What the library asked for and could not have; 0: it had everything. */
typedef struct Allocator
{
	size_t refused;
} Allocator;

static void *
zstd_alloc(void *opaque, size_t size)
{
	if (ice_budget_fits(size))
		return palloc_extended(size, MCXT_ALLOC_NO_OOM);
	((Allocator *) opaque)->refused = size;
	return NULL;
}

static void
zstd_free(void *opaque, void *address)
{
	(void) opaque;
	if (address != NULL)
		pfree(address);
}

static ZSTD_DStream *
zstd_start(Allocator *allocator)
{
	ZSTD_customMem memory = {zstd_alloc, zstd_free, allocator};
	ZSTD_DStream  *stream = ZSTD_createDStream_advanced(memory);

	if (stream == NULL && allocator->refused > 0)
		ice_budget_reserve(allocator->refused);
	if (stream == NULL ||
		ZSTD_isError(ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
		elog(ERROR, "could not start zstd");
	return stream;
}

static void raise_broken(const Allocator *allocator, size_t result) pg_attribute_noreturn();

static void
raise_broken(const Allocator *allocator, size_t result)
{
	if (allocator->refused > 0)
		ice_budget_reserve(allocator->refused);
	if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED,
				  "Zstandard data needs a window larger than the limit of %d MB",
				  1 << (WINDOW_LOG_MAX - 20));
	ice_raise(ICE_ERR_STORAGE, "could not unpack Zstandard data: %s",
			  ZSTD_isError(result) ? ZSTD_getErrorName(result) : "it ends too early");
}

void
ice_zstd_unpack(const char *data, size_t len, size_t limit, StringInfo out)
{
	Allocator      allocator = {0};
	ZSTD_DStream  *stream = zstd_start(&allocator);
	ZSTD_inBuffer  in = {data, len, 0};
	ZSTD_outBuffer chunk;
	size_t         start = (size_t) out->len;
	size_t         result;

	do
	{
		ice_budget_look();
		ice_budget_enlarge(out, CHUNK_BYTES);
		chunk = (ZSTD_outBuffer){out->data + out->len, CHUNK_BYTES, 0};
		result = ZSTD_decompressStream(stream, &chunk, &in);
		if (ZSTD_isError(result))
			raise_broken(&allocator, result);
		out->len += (int) chunk.pos;
		if ((size_t) out->len - start > limit)
			ice_raise(ICE_ERR_LIMIT_EXCEEDED, "Unpacked data is larger than the limit of %zu bytes",
					  limit);
	} while (in.pos < in.size || (result != 0 && chunk.pos == chunk.size));
	if (result != 0)
		raise_broken(&allocator, result);
	out->data[out->len] = '\0';
	ZSTD_freeDStream(stream);
}
