/*
 * base64url.c
 *		Decodes and encodes base64url; see base64url.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/base64url.h"

/* The six bits of a character, -1 for one that is none. */
static int
bits_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

bool
gw_base64url_decode(GwSlice in, GwText *out)
{
	unsigned held = 0;
	int      count = 0; /* bits held */

	if (in.len % 4 == 1)
		return false;
	gw_text_reserve(out, in.len);
	for (size_t i = 0; i < in.len; i++)
	{
		int bits = bits_of(in.data[i]);

		if (bits < 0)
			return false;
		held = (held << 6 | (unsigned) bits) & 0xFFFF;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		gw_text_putc(out, (char) (held >> count & 0xFF));
	}
	return (held & ((1u << count) - 1)) == 0;
}

void
gw_base64url_encode(GwSlice in, GwText *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned          held = 0;
	int               count = 0; /* bits held */

	gw_text_reserve(out, in.len + in.len / 3 + 2);
	for (size_t i = 0; i < in.len; i++)
	{
		held = (held << 8 | (unsigned char) in.data[i]) & 0xFFFF;
		for (count += 8; count >= 6; count -= 6)
			gw_text_putc(out, digits[held >> (count - 6) & 63]);
	}
	if (count > 0)
		gw_text_putc(out, digits[held << (6 - count) & 63]);
}
