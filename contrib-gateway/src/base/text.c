/*
 * text.c
 *		Byte buffers, UTF-8 and JSON string escaping.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/limits.h"

/* Ends the process: no caller can go on without its memory. */
void
gw_text_no_memory(size_t size)
{
	fprintf(stderr, "icecat-gateway: out of memory (%zu bytes)\n", size);
	abort();
}

void *
gw_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		gw_text_no_memory(size);
	return p;
}

void *
gw_realloc(void *old, size_t size)
{
	void *p = realloc(old, size);

	if (p == NULL)
		gw_text_no_memory(size);
	return p;
}

char *
gw_strdup(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(gw_alloc(size), text, size);
}

void
gw_text_wipe(void *memory, size_t size)
{
	if (memory != NULL && size <= GW_CLEARED_BYTES_MAX)
		explicit_bzero(memory, size);
}

void
gw_text_forget(void *memory, size_t size)
{
	gw_text_wipe(memory, size);
	free(memory);
}

/* As realloc(), which would leave the bytes behind where they were. */
static char *
move(const GwText *text, size_t cap)
{
	char *fresh;

	if (text->cap > GW_CLEARED_BYTES_MAX)
		return gw_realloc(text->data, cap);
	fresh = gw_realloc(NULL, cap);
	if (text->data != NULL)
		memcpy(fresh, text->data, text->len + 1);
	gw_text_forget(text->data, text->cap);
	return fresh;
}

/* Makes room for that many more bytes and the closing NUL. */
void
gw_text_reserve(GwText *text, size_t more)
{
	size_t need = text->len + more + 1;
	size_t cap = text->cap ? text->cap : 64;

	if (need <= text->cap)
		return;
	while (cap < need)
		cap += cap / 2 + 64;
	text->data = move(text, cap);
	text->cap = cap;
}

void
gw_text_add(GwText *text, const void *data, size_t len)
{
	gw_text_reserve(text, len);
	if (len > 0)
		memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = '\0';
}

void
gw_text_puts(GwText *text, const char *string)
{
	gw_text_add(text, string, strlen(string));
}

void
gw_text_putc(GwText *text, char c)
{
	gw_text_add(text, &c, 1);
}

void
gw_text_uint(GwText *text, uint64_t value)
{
	char   digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char) ('0' + value % 10);
	while ((value /= 10) > 0);
	gw_text_add(text, digits + at, sizeof(digits) - at);
}

void
gw_text_printf(GwText *text, const char *format, ...)
{
	va_list args;
	int     need;

	va_start(args, format);
	need = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (need <= 0)
		return;
	gw_text_reserve(text, (size_t) need);
	va_start(args, format);
	vsnprintf(text->data + text->len, (size_t) need + 1, format, args);
	va_end(args);
	text->len += (size_t) need;
}

void
gw_text_fit(GwText *text)
{
	if (text->cap == text->len + 1 || text->data == NULL)
		return;
	text->data = gw_realloc(text->data, text->len + 1);
	text->data[text->len] = '\0';
	text->cap = text->len + 1;
}

void
gw_text_free(GwText *text)
{
	gw_text_forget(text->data, text->cap);
	*text = (GwText){0};
}

/* Is c a continuation byte within [low, high]? */
static bool
continues(unsigned char c, unsigned char low, unsigned char high)
{
	return c >= low && c <= high;
}

/* The table of well-formed sequences of the Unicode standard: no surrogates, nothing overlong. */
int
gw_text_utf8_sequence(const unsigned char *p, size_t left)
{
	unsigned char c = p[0];

	if (c < 0x80)
		return 1;
	if (c < 0xC2 || c > 0xF4 || left < 2)
		return 0;
	if (c < 0xE0)
		return continues(p[1], 0x80, 0xBF) ? 2 : 0;
	if (c < 0xF0)
	{
		unsigned char low = c == 0xE0 ? 0xA0 : 0x80;
		unsigned char high = c == 0xED ? 0x9F : 0xBF;

		return left >= 3 && continues(p[1], low, high) && continues(p[2], 0x80, 0xBF) ? 3 : 0;
	}
	else
	{
		unsigned char low = c == 0xF0 ? 0x90 : 0x80;
		unsigned char high = c == 0xF4 ? 0x8F : 0xBF;

		return left >= 4 && continues(p[1], low, high) && continues(p[2], 0x80, 0xBF) &&
					   continues(p[3], 0x80, 0xBF)
				   ? 4
				   : 0;
	}
}

/* Eight ASCII bytes at a time, so that a large body costs little. NUL counts as valid here. */
bool
gw_text_is_utf8(const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *) data;
	size_t               at = 0;

	while (at < len)
	{
		uint64_t word;
		int      n;

		if (len - at >= sizeof(word))
		{
			memcpy(&word, p + at, sizeof(word));
			if ((word & UINT64_C(0x8080808080808080)) == 0)
			{
				at += sizeof(word);
				continue;
			}
		}
		n = gw_text_utf8_sequence(p + at, len - at);
		if (n == 0)
			return false;
		at += (size_t) n;
	}
	return true;
}

/* Appends one character that JSON does not take as it is. */
static void
add_escape(GwText *text, unsigned char c)
{
	switch (c)
	{
		case '"':
			gw_text_add(text, "\\\"", 2);
			break;
		case '\\':
			gw_text_add(text, "\\\\", 2);
			break;
		case '\n':
			gw_text_add(text, "\\n", 2);
			break;
		case '\r':
			gw_text_add(text, "\\r", 2);
			break;
		case '\t':
			gw_text_add(text, "\\t", 2);
			break;
		default:
			gw_text_printf(text, "\\u%04x", c);
	}
}

void
gw_text_json(GwText *text, const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *) data;
	size_t               plain = 0; /* start of the run that can be copied */
	size_t               at = 0;

	gw_text_putc(text, '"');
	while (at < len)
	{
		unsigned char c = p[at];
		int           n = gw_text_utf8_sequence(p + at, len - at);

		if (n > 0 && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
		{
			at += (size_t) n;
			continue;
		}
		gw_text_add(text, p + plain, at - plain);
		if (n == 0)
			gw_text_puts(text, "\xEF\xBF\xBD");
		else
			add_escape(text, c);
		plain = ++at;
	}
	gw_text_add(text, p + plain, at - plain);
	gw_text_putc(text, '"');
}

int
gw_text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

uint64_t
gw_text_slice_hash(GwSlice slice)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < slice.len; i++)
		hash = (hash ^ (unsigned char) slice.data[i]) * 1099511628211u;
	return hash ? hash : 1;
}

GwSlice
gw_text_trim(GwSlice text)
{
	while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
	{
		text.data++;
		text.len--;
	}
	while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
		text.len--;
	return text;
}

GwSlice
gw_text_cut(GwSlice *rest, char separator)
{
	const char *end = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
	GwSlice     piece = {rest->data, end ? (size_t) (end - rest->data) : rest->len};
	size_t      used = piece.len + (end ? 1 : 0);

	rest->data += used;
	rest->len -= used;
	return gw_text_trim(piece);
}

bool
gw_text_slice_is(GwSlice slice, const char *text)
{
	return strlen(text) == slice.len && memcmp(slice.data, text, slice.len) == 0;
}

bool
gw_text_slice_is_nocase(GwSlice slice, const char *text)
{
	return strlen(text) == slice.len && strncasecmp(slice.data, text, slice.len) == 0;
}
