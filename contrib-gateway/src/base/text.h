/*
 * text.h
 *		A growing byte buffer, slices, and JSON string escaping. No I/O.
 *
 * GwText is always followed by a NUL that is not counted. Memory that cannot be had ends the
 * process: the buffers that clients control are bounded by settings before they come here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_TEXT_H
#define GW_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct GwSlice
{
	const char *data;
	size_t      len;
} GwSlice;

typedef struct GwText
{
	char  *data;
	size_t len;
	size_t cap;
} GwText;

#define GW_LITERAL(s) ((GwSlice){(s), sizeof(s) - 1})

/* Ends the process: no caller can go on without its memory. */
extern void gw_text_no_memory(size_t size) __attribute__((noreturn));

extern void *gw_alloc(size_t size);
extern void *gw_realloc(void *old, size_t size);
extern char *gw_strdup(const char *text);

/* Clears memory, or clears and frees it: what had a secret is not to be found there later. Forms,
 * heads and tokens are small, so what is larger than GW_CLEARED_BYTES_MAX is left as it is. */
extern void gw_text_wipe(void *memory, size_t size);
extern void gw_text_forget(void *memory, size_t size);

extern void gw_text_reserve(GwText *text, size_t more);
extern void gw_text_add(GwText *text, const void *data, size_t len);
extern void gw_text_puts(GwText *text, const char *string);
extern void gw_text_putc(GwText *text, char c);
extern void gw_text_uint(GwText *text, uint64_t value);
extern void gw_text_printf(GwText *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
extern void gw_text_fit(GwText *text); /* gives back room that is not used */
extern void gw_text_free(GwText *text);

/* Appends the bytes as a JSON string with its quotes; what is not UTF-8 becomes U+FFFD. */
extern void gw_text_json(GwText *text, const char *data, size_t len);

/* Length of the valid UTF-8 sequence at p, 0 when there is none. */
extern int  gw_text_utf8_sequence(const unsigned char *p, size_t left);
extern bool gw_text_is_utf8(const char *data, size_t len);

/* The value of a hexadecimal digit, -1 for what is none. */
extern int gw_text_hex_digit(char c);

/* A hash of 64 bits (FNV-1a), never 0. Who knows it can make keys of one hash: where
 * clients choose keys, few must stand in a table at once. */
extern uint64_t gw_text_slice_hash(GwSlice slice);

/* Without the blanks and tabs around it. */
extern GwSlice gw_text_trim(GwSlice slice);
/* Cuts what stands before the separator off the front, trimmed: all, where there is none. */
extern GwSlice gw_text_cut(GwSlice *rest, char separator);

extern bool gw_text_slice_is(GwSlice slice, const char *text);
extern bool gw_text_slice_is_nocase(GwSlice slice, const char *text);

#endif
