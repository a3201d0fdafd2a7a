/*
 * case_fold.c
 *		Simple case folding; see case_fold.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/case_fold.h"

#define UTF8_BYTES_MAX 4

typedef struct FoldRange
{
	uint32 first;
	uint32 last;
	uint32 step;
	int32  delta;
} FoldRange;

/* In ascending order. */
static const FoldRange ranges[] = {
#define ICE_FOLD(first, last, step, delta) {first, last, step, delta},
#include "spec/case_fold.def"
};

/* What a character folds to: itself, if nothing is said of it. */
static uint32
fold(uint32 c)
{
	size_t low = 0;
	size_t high = lengthof(ranges);

	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
	while (low < high)
	{
		size_t           middle = (low + high) / 2;
		const FoldRange *range = &ranges[middle];

		if (c < range->first)
			high = middle;
		else if (c > range->last)
			low = middle + 1;
		else
			return (c - range->first) % range->step == 0 ? c + range->delta : c;
	}
	return c;
}

/* The character at p and its length; a byte that begins none is taken for itself, and length is 0
 * then. */
static uint32
decode(const unsigned char *p, int *length)
{
	int    more = p[0] >= 0xF0 ? 3 : p[0] >= 0xE0 ? 2 : p[0] >= 0xC0 ? 1 : 0;
	uint32 c = more == 0 ? p[0] : p[0] & (0x3F >> more);

	*length = more + 1;
	for (int i = 1; i <= more; i++)
	{
		if ((p[i] & 0xC0) != 0x80)
			more = i = UTF8_BYTES_MAX;
		else
			c = c << 6 | (p[i] & 0x3F);
	}
	if (more == UTF8_BYTES_MAX || (*length == 1 && p[0] >= 0x80))
		*length = 0;
	return c;
}

static int
encode(uint32 c, char *out)
{
	static const unsigned char marks[] = {0, 0xC0, 0xE0, 0xF0};
	int                        more = c >= 0x10000 ? 3 : c >= 0x800 ? 2 : c >= 0x80 ? 1 : 0;

	out[0] = (char) (marks[more] | c >> (6 * more));
	for (int i = 1; i <= more; i++)
		out[i] = (char) (0x80 | (c >> (6 * (more - i)) & 0x3F));
	return more + 1;
}

char *
ice_case_fold(const char *name)
{
	char                *key = palloc(strlen(name) * 2 + 1);
	char                *out = key;
	const unsigned char *p = (const unsigned char *) name;

	while (*p != '\0')
	{
		int    length;
		uint32 c = decode(p, &length);

		if (length == 0)
			*out++ = (char) *p++;
		else
		{
			out += encode(fold(c), out);
			p += length;
		}
	}
	*out = '\0';
	return key;
}
