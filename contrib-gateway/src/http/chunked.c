/*
 * chunked.c
 *		The strict reader of chunked bodies; see chunked.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/chunked.h"

#include "base/limits.h"
#include "http/parse.h"

enum
{
	CHUNK_SIZE, /* hexadecimal digits */
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_BYTES,
	CHUNK_BYTES_CR,
	CHUNK_BYTES_LF,
	CHUNK_TRAILER_START, /* first byte of a trailer line */
	CHUNK_TRAILER_NAME,
	CHUNK_TRAILER_VALUE,
	CHUNK_TRAILER_LF,
	CHUNK_END_LF
};

/* One byte of a chunk's size line. */
static bool
chunk_size_byte(GwChunked *chunked, unsigned char c, GwFault *fault)
{
	int digit = gw_text_hex_digit((char) c);

	if (digit >= 0)
	{
		if (++chunked->digits > 15)
			return gw_fail(fault, 400, "A chunk size is too long");
		chunked->left = chunked->left * 16 + (uint64_t) digit;
		return true;
	}
	if (chunked->digits == 0)
		return gw_fail(fault, 400, "A chunk size is malformed");
	if (c == '\r')
		chunked->state = CHUNK_SIZE_LF;
	else if (c == ';')
		chunked->state = CHUNK_EXTENSION;
	else
		return gw_fail(fault, 400, "A chunk size is malformed");
	return true;
}

/* A byte of free text: an extension or a trailer's value. */
static bool
chunk_text_byte(GwChunked *chunked, unsigned char c, int after, GwFault *fault)
{
	if (c == '\r')
		chunked->state = after;
	else if ((c < 0x20 && c != '\t') || c == 0x7F)
		return gw_fail(fault, 400, "A control character in the chunked body's framing");
	return true;
}

static bool
chunk_trailer_byte(GwChunked *chunked, unsigned char c, GwFault *fault)
{
	if (chunked->state == CHUNK_TRAILER_VALUE)
		return chunk_text_byte(chunked, c, CHUNK_TRAILER_LF, fault);
	if (chunked->state == CHUNK_TRAILER_START && c == '\r')
		chunked->state = CHUNK_END_LF;
	else if (chunked->state == CHUNK_TRAILER_NAME && c == ':')
		chunked->state = CHUNK_TRAILER_VALUE;
	else if (gw_parse_is_token_char(c))
		chunked->state = CHUNK_TRAILER_NAME;
	else
		return gw_fail(fault, 400, "A trailer line is malformed");
	return true;
}

/* A place where only CR or only LF may stand. */
static bool
chunk_line_end(GwChunked *chunked, unsigned char c, GwFault *fault)
{
	bool want_cr = chunked->state == CHUNK_BYTES_CR;

	if (c != (want_cr ? '\r' : '\n'))
		return gw_fail(fault, 400, "A line of the chunked body does not end in CRLF");
	switch (chunked->state)
	{
		case CHUNK_SIZE_LF:
			chunked->state = chunked->left > 0 ? CHUNK_BYTES : CHUNK_TRAILER_START;
			break;
		case CHUNK_BYTES_CR:
			chunked->state = CHUNK_BYTES_LF;
			break;
		case CHUNK_BYTES_LF:
			chunked->state = CHUNK_SIZE;
			chunked->digits = 0;
			break;
		default:
			chunked->state = CHUNK_TRAILER_START;
	}
	return true;
}

/* One byte of framing, in any state but CHUNK_BYTES. */
static bool
chunk_byte(GwChunked *chunked, unsigned char c, GwFault *fault)
{
	switch (chunked->state)
	{
		case CHUNK_SIZE:
			return chunk_size_byte(chunked, c, fault);
		case CHUNK_EXTENSION:
			if (++chunked->extension_bytes > GW_CHUNK_EXTENSION_BYTES_MAX)
				return gw_fail(fault, 400, "The chunk extensions are too long");
			return chunk_text_byte(chunked, c, CHUNK_SIZE_LF, fault);
		case CHUNK_TRAILER_START:
		case CHUNK_TRAILER_NAME:
		case CHUNK_TRAILER_VALUE:
			if (++chunked->trailer_bytes > GW_TRAILER_BYTES_MAX)
				return gw_fail(fault, 431, "The trailer fields are too large");
			return chunk_trailer_byte(chunked, c, fault);
		default:
			return chunk_line_end(chunked, c, fault);
	}
}

GwChunkStep
gw_chunked_next(GwChunked *chunked, const char *in, size_t len, size_t *used, GwSlice *data,
				GwFault *fault)
{
	size_t at = 0;

	while (at < len)
	{
		if (chunked->state == CHUNK_BYTES)
		{
			size_t n = len - at;

			if (n > chunked->left)
				n = (size_t) chunked->left;
			*data = (GwSlice){in + at, n};
			chunked->left -= n;
			if (chunked->left == 0)
				chunked->state = CHUNK_BYTES_CR;
			*used = at + n;
			return GW_CHUNK_DATA;
		}
		if (chunked->state == CHUNK_END_LF && in[at] == '\n')
		{
			*used = at + 1;
			return GW_CHUNK_DONE;
		}
		if (!chunk_byte(chunked, (unsigned char) in[at++], fault))
		{
			*used = at;
			return GW_CHUNK_FAULT;
		}
	}
	*used = at;
	return GW_CHUNK_MORE;
}
