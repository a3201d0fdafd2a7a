/*
 * fuzz_snappy.c
 *		Any bytes as Snappy data; and any bytes packed, which must come back.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "codec/snappy.h"
#include "fuzz.h"

#define UNPACKED_BYTES_MAX (1024 * 1024)
#define LITERAL_BYTES_MAX  60 /* of those whose length is in the tag */
#define COPY_BYTES_MAX     64
#define COPY_BYTES_MIN     4

/* How many bytes from here on repeat what stood offset bytes before. */
static size_t
repeated(const char *bytes, size_t len, size_t at, size_t offset)
{
	size_t n = 0;

	while (n < COPY_BYTES_MAX && at + n < len && bytes[at + n] == bytes[at + n - offset])
		n++;
	return n;
}

/* A copy of n bytes by one of the three forms, in turn. */
static void
put_copy(StringInfo out, size_t n, size_t offset, int form)
{
	if (form == 1 && n <= 11)
	{
		appendStringInfoChar(out, (char) (1 | ((n - 4) << 2) | ((offset >> 8) << 5)));
		appendStringInfoChar(out, (char) offset);
		return;
	}
	appendStringInfoChar(out, (char) ((form == 3 ? 3 : 2) | ((n - 1) << 2)));
	for (int i = 0; i < (form == 3 ? 4 : 2); i++)
		appendStringInfoChar(out, (char) (offset >> (8 * i)));
}

/* Packs with offsets of 1 to 8, so that copies overlap what they write. */
static void
pack(const char *bytes, size_t len, StringInfo out)
{
	size_t at = 0;
	size_t n = len;

	for (; n > 0x7f; n >>= 7)
		appendStringInfoChar(out, (char) ((n & 0x7f) | 0x80));
	appendStringInfoChar(out, (char) n);
	for (int turn = 0; at < len; turn++)
	{
		size_t offset = (size_t) turn % 8 + 1;

		if (at >= offset && (n = repeated(bytes, len, at, offset)) >= COPY_BYTES_MIN)
			put_copy(out, n, offset, turn % 3 + 1);
		else
		{
			n = Min(len - at, (size_t) turn % LITERAL_BYTES_MAX + 1);
			appendStringInfoChar(out, (char) ((n - 1) << 2));
			appendBinaryStringInfo(out, bytes + at, (int) n);
		}
		at += n;
	}
}

void
fuzz_one(const char *bytes, size_t len)
{
	StringInfoData packed;
	StringInfoData back;

	initStringInfo(&packed);
	initStringInfo(&back);
	pack(bytes, len, &packed);
	ice_snappy_unpack(packed.data, (size_t) packed.len, len, &back);
	FUZZ_DEMAND((size_t) back.len == len && memcmp(back.data, bytes, len) == 0, "%zu bytes", len);
	ice_snappy_unpack(bytes, len, UNPACKED_BYTES_MAX, &back);
	FUZZ_DEMAND((size_t) back.len <= len + UNPACKED_BYTES_MAX, "%d", back.len);
}
