/*
 * json_parse.c
 *		Builds the tree with PostgreSQL's own JSON parser, so that what icecat accepts is what the
 *		json type accepts.
 *
 * Stricter than the json type in four points: duplicate keys, \u0000, nesting over depth_max and
 * text that is not valid in the database's encoding are refused. Runs in linear time apart from
 * the sort of an object's keys. pg_parse_json() recurses; depth_max bounds it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json/json.h"

#include <limits.h>

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"

#include "json/json_private.h"
#include "pg_compat.h"

#define NODE_BLOCK_MIN 16
#define NODE_BLOCK_MAX 1024
#define MESSAGE_TEXT_MAX 64

typedef struct Parser
{
	JsonLexContext *lex;
	IceJson        *container;     /* innermost open array or object; at first, the document */
	const char     *pending_key;   /* of the member whose value comes next */
	const char     *pending_start; /* where the next value's text starts */
	int             depth;
	int             depth_max;
	IceJson        *block;         /* unused nodes */
	int             block_left;
	int             block_size;
} Parser;

/* Takes a zeroed node from the current block. */
static IceJson *
new_node(Parser *parser, IceJsonKind kind)
{
	if (parser->block_left == 0)
	{
		parser->block_size = Min(Max(parser->block_size * 2, NODE_BLOCK_MIN), NODE_BLOCK_MAX);
		parser->block = palloc0(sizeof(IceJson) * parser->block_size);
		parser->block_left = parser->block_size;
	}
	parser->block_left--;

	IceJson *node = parser->block++;

	node->kind = kind;
	return node;
}

/* Hangs a node into the open container. */
static void
attach(Parser *parser, IceJson *node)
{
	IceJson *container = parser->container;

	node->parent = container;
	if (container->kind == ICE_JSON_OBJECT)
		ice_json_members_push(container, parser->pending_key, node);
	else
		ice_json_items_push(container, node);
}

static void
open_container(Parser *parser, IceJsonKind kind)
{
	IceJson *node = new_node(parser, kind);

	node->text = parser->lex->token_start;
	attach(parser, node);
	parser->container = node;
	if (++parser->depth > parser->depth_max)
		ice_json_raise(node, ICE_ERR_LIMIT_EXCEEDED, "JSON is nested more than %d levels deep",
					   parser->depth_max);
}

static void
close_container(Parser *parser)
{
	IceJson *node = parser->container;

	node->text_len = parser->lex->prev_token_terminator - node->text;
	parser->container = node->parent;
	parser->depth--;
	if (node->kind == ICE_JSON_OBJECT)
	{
		const char *duplicate = ice_json_find_duplicate(node);

		if (duplicate != NULL)
			ice_json_raise(node, ICE_ERR_BAD_REQUEST, "duplicate key in JSON object: \"%.*s\"",
						   (int) ice_json_clip(duplicate, strlen(duplicate), MESSAGE_TEXT_MAX),
						   duplicate);
	}
}

static ICE_JSON_ACTION
on_object_start(void *state)
{
	open_container(state, ICE_JSON_OBJECT);
	ICE_JSON_ACTION_RETURN();
}

static ICE_JSON_ACTION
on_array_start(void *state)
{
	open_container(state, ICE_JSON_ARRAY);
	ICE_JSON_ACTION_RETURN();
}

static ICE_JSON_ACTION
on_container_end(void *state)
{
	close_container(state);
	ICE_JSON_ACTION_RETURN();
}

/* The key is ours from here on: the parser allocates it for us. */
static ICE_JSON_ACTION
on_field_start(void *state, char *name, bool isnull pg_attribute_unused())
{
	Parser *parser = state;

	parser->pending_key = name;
	parser->pending_start = parser->lex->token_start;
	ICE_JSON_ACTION_RETURN();
}

static ICE_JSON_ACTION
on_element_start(void *state, bool isnull pg_attribute_unused())
{
	Parser *parser = state;

	parser->pending_start = parser->lex->token_start;
	ICE_JSON_ACTION_RETURN();
}

/* When this is called the scalar has been consumed: its end is the previous token's. */
static ICE_JSON_ACTION
on_scalar(void *state, char *token, JsonTokenType type)
{
	Parser  *parser = state;
	IceJson *node = new_node(parser, ICE_JSON_NULL);

	node->text = parser->pending_start;
	node->text_len = parser->lex->prev_token_terminator - node->text;
	switch (type)
	{
		case JSON_TOKEN_STRING:
			node->kind = ICE_JSON_STRING;
			node->string = token;
			break;
		case JSON_TOKEN_NUMBER:
			node->kind = ICE_JSON_NUMBER;
			node->string = token;
			break;
		case JSON_TOKEN_TRUE:
		case JSON_TOKEN_FALSE:
			node->kind = ICE_JSON_BOOL;
			node->boolean = type == JSON_TOKEN_TRUE;
			break;
		default:
			break;
	}
	attach(parser, node);
	ICE_JSON_ACTION_RETURN();
}

/* json_errdetail() would be translated, and is missing outside the server before PostgreSQL 17. */
static const char *
error_text(JsonParseErrorType error)
{
	switch (error)
	{
		case JSON_EXPECTED_ARRAY_FIRST:
			return "expected array element or \"]\"";
		case JSON_EXPECTED_ARRAY_NEXT:
			return "expected \",\" or \"]\"";
		case JSON_EXPECTED_COLON:
			return "expected \":\"";
		case JSON_EXPECTED_END:
			return "expected end of input";
		case JSON_EXPECTED_JSON:
			return "expected JSON value";
		case JSON_EXPECTED_MORE:
			return "the text ended too early";
		case JSON_EXPECTED_OBJECT_FIRST:
			return "expected string or \"}\"";
		case JSON_EXPECTED_OBJECT_NEXT:
			return "expected \",\" or \"}\"";
		case JSON_EXPECTED_STRING:
			return "expected string";
		case JSON_ESCAPING_INVALID:
			return "invalid escape sequence";
		case JSON_ESCAPING_REQUIRED:
			return "control character that is not escaped";
		case JSON_UNICODE_CODE_POINT_ZERO:
			return "\\u0000 cannot be stored";
		case JSON_UNICODE_ESCAPE_FORMAT:
			return "\"\\u\" must be followed by four hexadecimal digits";
		case JSON_UNICODE_HIGH_ESCAPE:
			return "character that the database's encoding does not have";
		case JSON_UNICODE_HIGH_SURROGATE:
		case JSON_UNICODE_LOW_SURROGATE:
			return "half of a Unicode surrogate pair";
		default:
			return "invalid token";
	}
}

/* Names the place: the line, and the offset in bytes from the start of the text, counted from 0. */
static void
raise_syntax_error(JsonLexContext *lex, JsonParseErrorType error)
{
	if (lex->token_start == NULL || lex->token_start >= lex->input + lex->input_length)
		ice_raise(ICE_ERR_BAD_REQUEST, "invalid JSON at line %d, byte %d: %s", lex->line_number,
				  (int) lex->input_length, error_text(error));

	size_t length = lex->token_terminator > lex->token_start
						? (size_t) (lex->token_terminator - lex->token_start)
						: 0;

	ice_raise(ICE_ERR_BAD_REQUEST, "invalid JSON at line %d, byte %d: %s, found \"%.*s\"",
			  lex->line_number, (int) (lex->token_start - lex->input), error_text(error),
			  (int) ice_json_clip(lex->token_start, length, MESSAGE_TEXT_MAX), lex->token_start);
}

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
	int valid = pg_encoding_verifymbstr(encoding, text, (int) len);

	if (valid < 0 || (size_t) valid != len)
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "invalid JSON at byte %d: invalid byte sequence for encoding %s", valid,
				  pg_encoding_to_char(encoding));
}

/* The node above the value; see json.h. */
static IceJson *
make_document(Parser *parser, const char *text, size_t len)
{
	IceJson *document = new_node(parser, ICE_JSON_ARRAY);

	document->text = text;
	document->text_len = len;
	return document;
}

static const char *
skip_space(const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end && (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r'))
		text++;
	return text;
}

IceJson *
ice_json_parse(const char *text, size_t len, int depth_max)
{
	int encoding = text_encoding();

	if (len > INT_MAX / 2)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "JSON text is too long: %zu bytes", len);
	check_encoding(text, len, encoding);

	Parser        parser = {.depth_max = depth_max, .pending_start = skip_space(text, len)};
	JsonSemAction actions = {
		.semstate = &parser,
		.object_start = on_object_start,
		.object_end = on_container_end,
		.array_start = on_array_start,
		.array_end = on_container_end,
		.object_field_start = on_field_start,
		.array_element_start = on_element_start,
		.scalar = on_scalar,
	};

	IceJson *document = make_document(&parser, text, len);

	parser.container = document;
	parser.lex = ice_compat_make_json_lexer(text, (int) len, encoding);

	JsonParseErrorType error = pg_parse_json(parser.lex, &actions);

	if (error != JSON_SUCCESS)
		raise_syntax_error(parser.lex, error);
	ice_compat_free_json_lexer(parser.lex);
	return document->items[0];
}
