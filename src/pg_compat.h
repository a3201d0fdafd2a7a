/*
 * pg_compat.h
 *		Where PostgreSQL 15 to 18 differ for us, and nothing else.
 *
 * PostgreSQL 15 is the base: code is written for it, and later versions are mapped here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PG_COMPAT_H
#define ICE_PG_COMPAT_H

/* common/jsonapi.h: semantic actions return a status from 16 on. */
#if PG_VERSION_NUM >= 160000
#define ICE_JSON_ACTION          JsonParseErrorType
#define ICE_JSON_ACTION_RETURN() return JSON_SUCCESS
#else
#define ICE_JSON_ACTION          void
#define ICE_JSON_ACTION_RETURN() return
#endif

/* common/jsonapi.h: the lexer takes an optional place to live in from 17 on. */
#if PG_VERSION_NUM >= 170000
#define ice_compat_make_json_lexer(text, len, encoding) \
	makeJsonLexContextCstringLen(NULL, unconstify(char *, (text)), (len), (encoding), true)
#define ice_compat_free_json_lexer(lex) freeJsonLexContext(lex)
#else
#define ice_compat_make_json_lexer(text, len, encoding) \
	makeJsonLexContextCstringLen(unconstify(char *, (text)), (int) (len), (encoding), true)
#define ice_compat_free_json_lexer(lex) \
	do                                  \
	{                                   \
		if ((lex)->strval != NULL)      \
			pfree((lex)->strval->data); \
	} while (0)
#endif

/* c.h: 18 has only the form that stands before the function. */
#if PG_VERSION_NUM >= 180000
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

#endif
