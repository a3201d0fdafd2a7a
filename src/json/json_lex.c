/*
 * json_lex.c
 *		Tokens of a JSON text; see json_lex.h.
 *
 * Errors name the line, and the offset in bytes from the start of the text, counted from 0.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json/json_lex.h"

#include <limits.h>

#include "mb/pg_wchar.h"

#include "json/json_private.h"

#define WINDOW_BYTES        (64 * 1024)  /* scanned between two looks */
#define ENCODING_BYTES      (256 * 1024) /* the same, of a faster scan */
#define CHARACTER_BYTES_MAX 8

/* -- errors ----------------------------------------------------------------------------------- */

size_t
ice_json_lex_clip(const char *text, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max > 0 && ((unsigned char) text[max] & 0xC0) == 0x80)
		max--;
	return max;
}

int
ice_json_lex_line(const char *text, const char *at)
{
	int line = 1;

	while ((text = memchr(text, '\n', (size_t) (at - text))) != NULL)
	{
		ice_step();
		line++;
		text++;
	}
	return line;
}

/* The present token, which reaches to end, is wrong. */
static void raise_token(IceJsonLexer *lexer, const char *end, const char *what)
	__attribute__((noreturn));

static void
raise_token(IceJsonLexer *lexer, const char *end, const char *what)
{
	size_t len = end - lexer->token;

	ice_raise(ICE_ERR_BAD_REQUEST, "invalid JSON at line %d, byte %d: %s, found \"%.*s\"",
			  ice_json_lex_line(lexer->text, lexer->token), (int) (lexer->token - lexer->text),
			  what, (int) ice_json_lex_clip(lexer->token, len, ICE_JSON_TOKEN_SHOWN_MAX),
			  lexer->token);
}

void
ice_json_lex_unexpected(IceJsonLexer *lexer, IceJsonToken token, const char *expected)
{
	if (token == ICE_JSON_TOKEN_END)
		ice_raise(ICE_ERR_BAD_REQUEST, "invalid JSON at line %d, byte %d: the text ended too early",
				  ice_json_lex_line(lexer->text, lexer->stop), (int) (lexer->stop - lexer->text));
	raise_token(lexer, lexer->end, expected);
}

/* Where the character ends that starts here. */
static const char *
character_end(const IceJsonLexer *lexer, const char *at)
{
	if (at >= lexer->stop)
		return lexer->stop;
	return Min(at + pg_encoding_mblen(lexer->encoding, at), lexer->stop);
}

/* -- start ------------------------------------------------------------------------------------ */

static int
text_encoding(void)
{
#ifdef FRONTEND
	return PG_UTF8;
#else
	return GetDatabaseEncoding();
#endif
}

/* A byte sequence that the encoding does not allow would come out of the database as an error
 * later. */
static void
check_encoding(const char *text, size_t len, int encoding)
{
	size_t done = 0;

	while (done < len)
	{
		size_t part = Min(len - done, ENCODING_BYTES);
		int    valid = pg_encoding_verifymbstr(encoding, text + done, (int) part);

		ice_step_bytes(part);
		/* A part may end inside of a character: it comes again with the next. */
		if (valid < 0 ||
			((size_t) valid < part && (done + part == len || part - valid >= CHARACTER_BYTES_MAX)))
			ice_raise(ICE_ERR_BAD_REQUEST,
					  "invalid JSON at byte %d: invalid byte sequence for encoding %s",
					  (int) (done + Max(valid, 0)), pg_encoding_to_char(encoding));
		done += valid;
	}
}

void
ice_json_lex_start(IceJsonLexer *lexer, const char *text, size_t len)
{
	if (len > INT_MAX / 2)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "JSON text is too long: %zu bytes", len);
	memset(lexer, 0, sizeof(*lexer));
	lexer->text = lexer->token = lexer->end = text;
	lexer->stop = text + len;
	lexer->encoding = text_encoding();
	check_encoding(text, len, lexer->encoding);
}

void
ice_json_lex_end(IceJsonLexer *lexer)
{
	if (lexer->decoded.data != NULL)
		pfree(lexer->decoded.data);
}

/* -- strings ---------------------------------------------------------------------------------- */

/* The first byte from here on that ends a string or needs a closer look; the stop if there is
 * none. */
static const char *
skip_plain(const IceJsonLexer *lexer, const char *at)
{
	for (;;)
	{
		const char *window = at + Min(lexer->stop - at, WINDOW_BYTES);

		while (at < window && (unsigned char) *at >= 0x20 && *at != '"' && *at != '\\')
			at++;
		if (at < window || at == lexer->stop)
			return at;
		ice_budget_look();
	}
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* The four digits of an escape. */
static unsigned int
take_hex(IceJsonLexer *lexer, const char *at)
{
	unsigned int code = 0;

	for (int i = 0; i < 4; i++, at++)
	{
		int digit = at < lexer->stop ? hex_digit(*at) : -1;

		if (digit < 0)
			raise_token(lexer, character_end(lexer, at),
						"\"\\u\" must be followed by four hexadecimal digits");
		code = code << 4 | (unsigned int) digit;
	}
	return code;
}

static void
append_code(IceJsonLexer *lexer, unsigned int code)
{
#ifdef FRONTEND
	unsigned char bytes[CHARACTER_BYTES_MAX];

	unicode_to_utf8(code, bytes);
	appendBinaryStringInfo(&lexer->decoded, (char *) bytes, pg_utf_mblen(bytes));
#else
	unsigned char bytes[MAX_UNICODE_EQUIVALENT_STRING + 1];

	pg_unicode_to_server(code, bytes); /* raises where the encoding has no such character */
	appendStringInfoString(&lexer->decoded, (char *) bytes);
#endif
}

/* Behind "\u". Characters beyond U+FFFF come as a pair of escapes. */
static const char *
take_unicode(IceJsonLexer *lexer, const char *at)
{
	const char  *half = "half of a Unicode surrogate pair";
	unsigned int code = take_hex(lexer, at);
	unsigned int low;

	at += 4;
	if (code == 0)
		raise_token(lexer, at, "\\u0000 cannot be stored");
	if ((code & 0xFC00) == 0xDC00)
		raise_token(lexer, at, half);
	if ((code & 0xFC00) == 0xD800)
	{
		if (lexer->stop - at < 2 || at[0] != '\\' || at[1] != 'u')
			raise_token(lexer, character_end(lexer, at), half);
		low = take_hex(lexer, at + 2);
		at += 6;
		if ((low & 0xFC00) != 0xDC00)
			raise_token(lexer, at, half);
		code = 0x10000 + ((code & 0x3FF) << 10 | (low & 0x3FF));
	}
	append_code(lexer, code);
	return at;
}

/* Behind a backslash; returns what follows the escape. */
static const char *
take_escape(IceJsonLexer *lexer, const char *at)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	const char       *letter;

	if (at == lexer->stop)
		raise_token(lexer, at, "invalid token");
	if (*at == 'u')
		return take_unicode(lexer, at + 1);
	letter = *at == '\0' ? NULL : strchr(letters, *at);
	if (letter == NULL)
		raise_token(lexer, character_end(lexer, at), "invalid escape sequence");
	appendStringInfoCharMacro(&lexer->decoded, meant[letter - letters]);
	return at + 1;
}

/* Decodes a string with escapes; at is the first backslash. Returns the place of its closing
 * quote. */
static const char *
decode_string(IceJsonLexer *lexer, const char *at)
{
	const char *run = lexer->token + 1;

	if (lexer->decoded.data == NULL)
		initStringInfo(&lexer->decoded);
	resetStringInfo(&lexer->decoded);
	while (at < lexer->stop && *at == '\\')
	{
		ice_step();
		ice_budget_reserve((size_t) (at - run));
		appendBinaryStringInfo(&lexer->decoded, run, (int) (at - run));
		run = take_escape(lexer, at + 1);
		at = skip_plain(lexer, run);
	}
	ice_budget_reserve((size_t) (at - run));
	appendBinaryStringInfo(&lexer->decoded, run, (int) (at - run));
	lexer->value = lexer->decoded.data;
	lexer->value_len = (size_t) lexer->decoded.len;
	return at;
}

static IceJsonToken
lex_string(IceJsonLexer *lexer)
{
	const char *at = skip_plain(lexer, lexer->token + 1);

	lexer->value = lexer->token + 1;
	lexer->value_len = (size_t) (at - lexer->value);
	if (at < lexer->stop && *at == '\\')
		at = decode_string(lexer, at);
	if (at == lexer->stop)
		raise_token(lexer, at, "invalid token");
	if (*at != '"')
		raise_token(lexer, at, "control character that is not escaped");
	lexer->end = at + 1;
	return ICE_JSON_TOKEN_STRING;
}

/* -- numbers and words ------------------------------------------------------------------------ */

static const char *
skip_digits(const IceJsonLexer *lexer, const char *at)
{
	while (at < lexer->stop && *at >= '0' && *at <= '9')
		at++;
	return at;
}

/* What PostgreSQL's parser takes for one word. */
static const char *
skip_word(const IceJsonLexer *lexer, const char *at)
{
	while (at < lexer->stop &&
		   (((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z') || (*at >= '0' && *at <= '9') ||
			*at == '_' || ((unsigned char) *at & 0x80) != 0))
		at++;
	return at;
}

/* What follows a number's digits after a point or an exponent; NULL if there are none. */
static const char *
take_digits(const IceJsonLexer *lexer, const char *at)
{
	const char *end = skip_digits(lexer, at);

	return end == at ? NULL : end;
}

/* The end of the number that starts here; NULL if it is none. */
static const char *
number_end(const IceJsonLexer *lexer, const char *at)
{
	if (at < lexer->stop && *at == '-')
		at++;
	if (at < lexer->stop && *at == '0')
		at++;
	else
		at = take_digits(lexer, at);
	if (at != NULL && at < lexer->stop && *at == '.')
		at = take_digits(lexer, at + 1);
	if (at != NULL && at < lexer->stop && (*at == 'e' || *at == 'E'))
	{
		at++;
		if (at < lexer->stop && (*at == '+' || *at == '-'))
			at++;
		at = take_digits(lexer, at);
	}
	return at;
}

/* A wrong number is shown as far as PostgreSQL reads it: to where it goes wrong, and the word that
 * follows. */
static const char *
wrong_number_end(const IceJsonLexer *lexer, const char *at)
{
	while (at < lexer->stop && ((*at >= '0' && *at <= '9') || strchr("+-.eE", *at) != NULL) &&
		   *at != '\0')
		at++;
	return skip_word(lexer, at);
}

static IceJsonToken
lex_number(IceJsonLexer *lexer)
{
	const char *end = number_end(lexer, lexer->token);

	if (end == NULL || skip_word(lexer, end) != end)
		raise_token(lexer, wrong_number_end(lexer, lexer->token), "invalid token");
	lexer->end = end;
	lexer->value = lexer->token;
	lexer->value_len = (size_t) (end - lexer->token);
	ice_step_bytes(lexer->value_len);
	return ICE_JSON_TOKEN_NUMBER;
}

/* true, false or null; any other run of letters, or a lone other byte, is wrong. */
static IceJsonToken
lex_word(IceJsonLexer *lexer)
{
	static const struct
	{
		const char  *word;
		IceJsonToken token;
	} words[] = {
		{"true", ICE_JSON_TOKEN_TRUE},
		{"false", ICE_JSON_TOKEN_FALSE},
		{"null", ICE_JSON_TOKEN_NULL},
	};
	size_t len;

	lexer->end = skip_word(lexer, lexer->token);
	len = (size_t) (lexer->end - lexer->token);
	for (int i = 0; i < (int) lengthof(words); i++)
		if (len == strlen(words[i].word) && memcmp(lexer->token, words[i].word, len) == 0)
			return words[i].token;
	raise_token(lexer, len > 0 ? lexer->end : lexer->token + 1, "invalid token");
}

/* -- all -------------------------------------------------------------------------------------- */

static const char *
skip_space(const IceJsonLexer *lexer, const char *at)
{
	const char *start = at;

	for (; at < lexer->stop && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'); at++)
		if (at - start == WINDOW_BYTES)
		{
			ice_budget_look();
			start = at;
		}
	return at;
}

IceJsonToken
ice_json_lex(IceJsonLexer *lexer)
{
	IceJsonToken token;

	lexer->token = skip_space(lexer, lexer->end);
	if (lexer->token == lexer->stop)
	{
		lexer->end = lexer->stop;
		return ICE_JSON_TOKEN_END;
	}
	lexer->end = lexer->token + 1;
	switch (*lexer->token)
	{
		case '{':
			token = ICE_JSON_TOKEN_OBJECT_START;
			break;
		case '}':
			token = ICE_JSON_TOKEN_OBJECT_END;
			break;
		case '[':
			token = ICE_JSON_TOKEN_ARRAY_START;
			break;
		case ']':
			token = ICE_JSON_TOKEN_ARRAY_END;
			break;
		case ',':
			token = ICE_JSON_TOKEN_COMMA;
			break;
		case ':':
			token = ICE_JSON_TOKEN_COLON;
			break;
		case '"':
			token = lex_string(lexer);
			break;
		case '-':
		case '0':
		case '1':
		case '2':
		case '3':
		case '4':
		case '5':
		case '6':
		case '7':
		case '8':
		case '9':
			token = lex_number(lexer);
			break;
		default:
			token = lex_word(lexer);
			break;
	}
	return token;
}
