/*
 * coding.c
 *		Content codings; see coding.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/coding.h"

#include <limits.h>
#include <stdlib.h>
#include <strings.h>
#include <zlib.h>

#define GZIP_WINDOW  (15 + 16) /* the largest window, in gzip's wrapping */
#define MEMORY_LEVEL 8
#define OUT_STEP     65536 /* room that is made for output at a time */
#define Q_ONE        1000

/* Thousandths of a weight such as "0.5"; what is none counts as 1, as if it were not there. */
static int
parse_q(GwSlice text)
{
	int q = 0;
	int unit = Q_ONE;

	if (text.len == 0 || text.len > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
		(text.len > 1 && text.data[1] != '.'))
		return Q_ONE;
	q = (text.data[0] - '0') * Q_ONE;
	for (size_t i = 2; i < text.len; i++)
	{
		if (text.data[i] < '0' || text.data[i] > '9')
			return Q_ONE;
		unit /= 10;
		q += (text.data[i] - '0') * unit;
	}
	return q > Q_ONE ? Q_ONE : q;
}

/* The weight among the parameters behind a coding. */
static int
weight_of(GwSlice parameters)
{
	while (parameters.len > 0)
	{
		GwSlice value = gw_text_cut(&parameters, ';');
		GwSlice name = gw_text_cut(&value, '=');

		if (gw_text_slice_is_nocase(name, "q"))
			return parse_q(gw_text_trim(value));
	}
	return Q_ONE;
}

typedef struct Weights
{
	int gzip; /* -1: not named */
	int identity;
	int any;
} Weights;

static void
read_field(GwSlice rest, Weights *weights)
{
	while (rest.len > 0)
	{
		GwSlice parameters = gw_text_cut(&rest, ',');
		GwSlice coding = gw_text_cut(&parameters, ';');
		int     q = weight_of(parameters);

		if (gw_text_slice_is_nocase(coding, "gzip") || gw_text_slice_is_nocase(coding, "x-gzip"))
			weights->gzip = q;
		else if (gw_text_slice_is_nocase(coding, "identity"))
			weights->identity = q;
		else if (gw_text_slice_is(coding, "*"))
			weights->any = q;
	}
}

GwAccept
gw_coding_accept(const GwHttpHead *head)
{
	Weights weights = {-1, -1, -1};
	int     gzip;
	int     identity;

	for (int i = 0; i < head->header_count; i++)
		if (gw_text_slice_is_nocase(head->headers[i].name, "accept-encoding"))
			read_field(head->headers[i].value, &weights);
	gzip = weights.gzip >= 0 ? weights.gzip : weights.any;
	identity = weights.identity >= 0 ? weights.identity : weights.any == 0 ? 0 : -1;
	return (GwAccept){.gzip = gzip > 0 && gzip >= identity, .identity = identity != 0};
}

GwCoding
gw_coding_of_body(const GwHttpHead *head)
{
	GwCoding coding = GW_CODING_NONE;

	for (int i = 0; i < head->header_count; i++)
	{
		GwSlice value = head->headers[i].value;

		if (!gw_text_slice_is_nocase(head->headers[i].name, "content-encoding"))
			continue;
		if (value.len == 0 || gw_text_slice_is_nocase(value, "identity"))
			continue;
		if (coding != GW_CODING_NONE ||
			(!gw_text_slice_is_nocase(value, "gzip") && !gw_text_slice_is_nocase(value, "x-gzip")))
			return GW_CODING_UNKNOWN;
		coding = GW_CODING_GZIP;
	}
	return coding;
}

struct GwDeflater
{
	z_stream z;
};

/* Out of memory is the one thing that can go wrong here. */
GwDeflater *
gw_coding_deflate_begin(int level)
{
	GwDeflater *deflater = gw_alloc(sizeof(*deflater));

	if (deflateInit2(&deflater->z, level, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
					 Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	return deflater;
}

/* zlib counts input in an int: more comes in pieces. */
void
gw_coding_deflate(GwDeflater *deflater, const char *data, size_t len, bool last, GwText *out)
{
	z_stream *z = &deflater->z;
	int       rc;

	do
	{
		uInt piece = len > INT_MAX ? INT_MAX : (uInt) len;

		z->next_in = (Bytef *) data;
		z->avail_in = piece;
		do
		{
			gw_text_reserve(out, OUT_STEP);
			z->next_out = (Bytef *) out->data + out->len;
			z->avail_out = OUT_STEP;
			rc = deflate(z, last && piece == len ? Z_FINISH : Z_NO_FLUSH);
			out->len += OUT_STEP - z->avail_out;
		} while (z->avail_out == 0 && rc != Z_STREAM_END);
		data += piece;
		len -= piece;
	} while (len > 0);
}

void
gw_coding_deflate_end(GwDeflater *deflater)
{
	if (deflater == NULL)
		return;
	deflateEnd(&deflater->z);
	free(deflater);
}

/* The state of one compression is kept for the next: making it costs more than a small body. */
void
gw_coding_gzip(GwText *out, const char *data, size_t len, int level)
{
	static GwDeflater *kept;
	static int         kept_level;

	if (kept != NULL && kept_level != level)
	{
		gw_coding_deflate_end(kept);
		kept = NULL;
	}
	if (kept == NULL)
		kept = gw_coding_deflate_begin(level);
	else
		deflateReset(&kept->z);
	kept_level = level;
	gw_coding_deflate(kept, data, len, true, out);
}

struct GwInflater
{
	z_stream z;
	bool     ended; /* a member is complete */
};

/* zlib's: memory of its own, which is as long as it says before it. */
static voidpf
take(voidpf unused, uInt items, uInt size)
{
	size_t *memory = calloc(1, sizeof(max_align_t) + (size_t) items * size);

	(void) unused;
	if (memory == NULL)
		return Z_NULL;
	*memory = (size_t) items * size;
	return (char *) memory + sizeof(max_align_t);
}

/* zlib's: what was decompressed may be a form with a secret. */
static void
forget(voidpf unused, voidpf memory)
{
	size_t *start = (size_t *) (void *) ((char *) memory - sizeof(max_align_t));

	(void) unused;
	gw_text_forget(start, sizeof(max_align_t) + *start);
}

GwInflater *
gw_coding_inflate_begin(void)
{
	GwInflater *inflater = gw_alloc(sizeof(*inflater));

	inflater->z.zfree = forget;
	inflater->z.zalloc = take;
	if (inflateInit2(&inflater->z, GZIP_WINDOW) != Z_OK)
		abort();
	return inflater;
}

/* One step: fills what room there is, up to out_max. */
static GwInflated
inflate_step(GwInflater *inflater, GwText *out, size_t out_max)
{
	z_stream *z = &inflater->z;
	size_t    room = out_max - out->len < OUT_STEP ? out_max - out->len : OUT_STEP;
	char      over;
	int       rc;

	gw_text_reserve(out, room);
	z->next_out = room > 0 ? (Bytef *) out->data + out->len : (Bytef *) &over;
	z->avail_out = room > 0 ? (uInt) room : 1;
	rc = inflate(z, Z_NO_FLUSH);
	if (room == 0 && z->avail_out == 0)
		return GW_INFLATE_FULL;
	if (room > 0)
		out->len += room - z->avail_out;
	inflater->ended = rc == Z_STREAM_END;
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		return GW_INFLATE_BROKEN;
	return inflater->ended ? GW_INFLATE_END : GW_INFLATE_MORE;
}

GwInflated
gw_coding_inflate(GwInflater *inflater, const char *data, size_t len, GwText *out, size_t out_max)
{
	z_stream  *z = &inflater->z;
	GwInflated step = inflater->ended ? GW_INFLATE_END : GW_INFLATE_MORE;

	z->next_in = (Bytef *) data;
	z->avail_in = (uInt) len;
	while (z->avail_in > 0 || (step == GW_INFLATE_MORE && z->avail_out == 0 && z->total_in > 0))
	{
		if (inflater->ended)
			inflateReset(z);
		step = inflate_step(inflater, out, out_max);
		if (step == GW_INFLATE_FULL || step == GW_INFLATE_BROKEN)
			break;
	}
	if (out->data != NULL)
		out->data[out->len] = '\0';
	return step;
}

void
gw_coding_inflate_end(GwInflater *inflater)
{
	if (inflater == NULL)
		return;
	inflateEnd(&inflater->z);
	free(inflater);
}
