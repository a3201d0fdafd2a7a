/*
 * json_lex.h
 *		Tokens of a JSON text, for the parser.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_JSON_LEX_H
#define ICE_JSON_LEX_H

#include "json/pure.h"

#define ICE_JSON_TOKEN_SHOWN_MAX 64 /* bytes in an error message */

typedef enum IceJsonToken
{
	ICE_JSON_TOKEN_END,
	ICE_JSON_TOKEN_OBJECT_START,
	ICE_JSON_TOKEN_OBJECT_END,
	ICE_JSON_TOKEN_ARRAY_START,
	ICE_JSON_TOKEN_ARRAY_END,
	ICE_JSON_TOKEN_COMMA,
	ICE_JSON_TOKEN_COLON,
	ICE_JSON_TOKEN_STRING,
	ICE_JSON_TOKEN_NUMBER,
	ICE_JSON_TOKEN_TRUE,
	ICE_JSON_TOKEN_FALSE,
	ICE_JSON_TOKEN_NULL
} IceJsonToken;

typedef struct IceJsonLexer
{
	const char    *text;
	const char    *stop;  /* behind the text's last byte */
	const char    *token; /* where the present token starts */
	const char    *end;   /* and what follows it */
	/* of a string, decoded; of a number, as spelled: until the next token */
	const char    *value;
	size_t         value_len;
	int            encoding;
	StringInfoData decoded; /* of a string with escapes; data NULL until there is one */
} IceJsonLexer;

/* Raises BAD_REQUEST where the text is not valid in the database's encoding, LIMIT_EXCEEDED where
 * it is too long. */
extern void ice_json_lex_start(IceJsonLexer *lexer, const char *text, size_t len);
extern void ice_json_lex_end(IceJsonLexer *lexer);

/* Reads the next token. Raises BAD_REQUEST. */
extern IceJsonToken ice_json_lex(IceJsonLexer *lexer);

/* Raises BAD_REQUEST for a token that does not belong here. */
extern void ice_json_lex_unexpected(IceJsonLexer *lexer, IceJsonToken token, const char *expected)
	__attribute__((noreturn));

/* The line of a text, from 1 on, in which a place of it lies. */
extern int ice_json_lex_line(const char *text, const char *at);

/* The longest length up to max that does not cut a UTF-8 character. */
extern size_t ice_json_lex_clip(const char *text, size_t len, size_t max);

#endif
