/*
 * snappy.c
 *		Unpacks Snappy's raw block format (google/snappy, format_description.txt).
 *
 * A few dozen lines, so that the server needs no C++ library for the rare manifest packed with it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "budget.h"
#include "budget_server.h"
#include "errors.h"
#include "maint/avro.h"
#include "pg_compat.h"

/* What a byte can unpack to, rounded up: a copy of 64 bytes takes three. */
#define SNAPPY_GROWTH_MAX 22

typedef struct Input
{
	const uint8 *at;
	const uint8 *end;
} Input;

static void raise_broken(void) pg_attribute_noreturn();

static void
raise_broken(void)
{
	ice_raise(ICE_ERR_STORAGE, "broken Snappy data in an Avro file");
}

/* A little-endian number of n bytes. */
static uint32
take(Input *in, int n)
{
	uint32 value = 0;

	if (in->end - in->at < n)
		raise_broken();
	for (int i = 0; i < n; i++)
		value |= (uint32) in->at[i] << (8 * i);
	in->at += n;
	return value;
}

/* The unpacked length that the data begins with: a varint of at most 32 bits. */
static uint32
take_length(Input *in)
{
	uint64 value = 0;

	for (int shift = 0; shift < 35; shift += 7)
	{
		uint32 byte = take(in, 1);

		value |= (uint64) (byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
		{
			if (value > PG_UINT32_MAX)
				raise_broken();
			return (uint32) value;
		}
	}
	raise_broken();
}

static void
copy_literal(Input *in, uint32 tag, char *out, size_t *used, size_t total)
{
	size_t n = tag >> 2;

	if (n >= 60)
		n = take(in, (int) n - 59);
	n++;
	if (n > (size_t) (in->end - in->at) || n > total - *used)
		raise_broken();
	memcpy(out + *used, in->at, n);
	in->at += n;
	*used += n;
}

/* Repeats earlier output; source and target may overlap, so byte by byte. */
static void
copy_earlier(Input *in, uint32 tag, char *out, size_t *used, size_t total)
{
	size_t n = (tag >> 2) + 1;
	size_t offset;

	switch (tag & 3)
	{
		case 1:
			n = ((tag >> 2) & 7) + 4;
			offset = ((tag >> 5) << 8) | take(in, 1);
			break;
		case 2:
			offset = take(in, 2);
			break;
		default:
			offset = take(in, 4);
			break;
	}
	if (offset == 0 || offset > *used || n > total - *used)
		raise_broken();
	for (; n > 0; n--, (*used)++)
		out[*used] = out[*used - offset];
}

void
ice_snappy_unpack(const char *data, size_t len, size_t limit, StringInfo out)
{
	Input  in = {(const uint8 *) data, (const uint8 *) data + len};
	size_t total = take_length(&in);
	size_t used = 0;
	char  *target;

	if (total > limit)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "Unpacked data is larger than the limit of %zu bytes",
				  limit);
	/* No memory for what the data cannot hold. */
	if (total / SNAPPY_GROWTH_MAX > len)
		raise_broken();
	ice_budget_enlarge(out, total);
	target = out->data + out->len;
	while (in.at < in.end)
	{
		uint32 tag = take(&in, 1);

		ice_step();
		if ((tag & 3) == 0)
			copy_literal(&in, tag, target, &used, total);
		else
			copy_earlier(&in, tag, target, &used, total);
	}
	if (used != total)
		raise_broken();
	out->len += (int) total;
	out->data[out->len] = '\0';
}
