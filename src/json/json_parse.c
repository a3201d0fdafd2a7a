/*
 * json_parse.c
 *		Builds the tree over a text in one pass, without recursion.
 *
 * What is accepted is what PostgreSQL's json type accepts (the fuzzer compares both), stricter in
 * four points: duplicate keys, \u0000, nesting over depth_max and text that is not valid in the
 * database's encoding are refused.
 *
 * Memory: nodes and texts lie in blocks; a key that comes again shares its text with those before.
 * The children of open containers wait on one stack, and get an array of exactly their number when
 * theirs closes. Every block is asked for from the budget. Time is linear, and the parser can be
 * interrupted at any point, also inside of a long string.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json/json.h"

#include <limits.h>

#include "json/json_lex.h"
#include "json/json_private.h"

#define BLOCK_MIN      512
#define BLOCK_MAX      (256 * 1024)
#define BLOCK_PER_TEXT 4 /* the first block's size for each byte of text: what small texts need */
#define LONG_TEXT      1024 /* gets memory of its own */
#define KEYS_KEPT      64
#define STACK_MIN      32

typedef struct KeptKey
{
	const char *key;
	size_t      len;
} KeptKey;

typedef struct Parser
{
	IceJsonLexer lexer;
	IceJson     *container; /* innermost open array or object; at first, the document */
	const char  *key;       /* of the member whose value comes next */
	int          depth;
	int          depth_max;
	IceJsonMember
		   *stack; /* children of all open containers; capacity says where a container's begin */
	int     stack_count;
	int     stack_size;
	char   *block; /* unused memory */
	size_t  block_left;
	size_t  block_size;
	KeptKey keys[KEYS_KEPT];
} Parser;

/* -- memory ----------------------------------------------------------------------------------- */

static void *
take_large(size_t bytes)
{
	ice_budget_reserve(bytes);
	return palloc(bytes);
}

static void *
take(Parser *parser, size_t bytes)
{
	void *taken;

	bytes = MAXALIGN(bytes);
	if (bytes > parser->block_left)
	{
		if (bytes > LONG_TEXT)
			return take_large(bytes);
		parser->block_size = Min(parser->block_size * 2, BLOCK_MAX);
		parser->block = take_large(parser->block_size);
		parser->block_left = parser->block_size;
	}
	taken = parser->block;
	parser->block += bytes;
	parser->block_left -= bytes;
	return taken;
}

static IceJson *
new_node(Parser *parser, IceJsonKind kind, const char *text)
{
	IceJson *node = take(parser, sizeof(IceJson));

	memset(node, 0, sizeof(*node));
	node->kind = kind;
	node->text = text;
	return node;
}

static const char *
keep_text(Parser *parser, const char *text, size_t len)
{
	char *copy = take(parser, len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

static const char *
keep_key(Parser *parser, const char *text, size_t len)
{
	uint32   hash = (uint32) len;
	KeptKey *kept;

	for (size_t i = 0; i < len && i < LONG_TEXT; i++)
		hash = hash * 31 + (unsigned char) text[i];
	kept = &parser->keys[(hash ^ hash >> 8) % KEYS_KEPT];
	if (kept->key == NULL || kept->len != len || memcmp(kept->key, text, len) != 0)
		*kept = (KeptKey){keep_text(parser, text, len), len};
	return kept->key;
}

/* -- the tree --------------------------------------------------------------------------------- */

/* Hangs a node into the open container. */
static void
attach(Parser *parser, IceJson *node)
{
	ice_step();
	if (parser->stack_count == parser->stack_size)
	{
		size_t size = (size_t) parser->stack_size * 2;

		ice_budget_reserve(size * sizeof(IceJsonMember));
		parser->stack = repalloc(parser->stack, size * sizeof(IceJsonMember));
		parser->stack_size = (int) size;
	}
	node->parent = parser->container;
	parser->stack[parser->stack_count++] = (IceJsonMember){parser->key, node};
}

/* Gives a container its children, which end the stack. */
static void
take_children(Parser *parser, IceJson *node, int start, int end)
{
	const IceJsonMember *children = parser->stack + start;

	node->count = end - start;
	if (node->count == 0)
		return;
	if (node->kind == ICE_JSON_OBJECT)
	{
		node->members = take(parser, sizeof(IceJsonMember) * node->count);
		memcpy(node->members, children, sizeof(IceJsonMember) * node->count);
		return;
	}
	node->items = take(parser, sizeof(IceJson *) * node->count);
	for (int i = 0; i < node->count; i++)
		node->items[i] = children[i].value;
}

/* Before an error that says where it is: open containers get the children they have so far. */
static void
close_all(Parser *parser)
{
	int end = parser->stack_count;

	for (IceJson *node = parser->container; node != NULL; node = node->parent)
	{
		int start = node->capacity;

		node->capacity = 0;
		take_children(parser, node, start, end);
		end = start;
	}
}

static void
open_container(Parser *parser, IceJsonKind kind)
{
	IceJson *node = new_node(parser, kind, parser->lexer.token);

	attach(parser, node);
	node->capacity = parser->stack_count;
	parser->container = node;
	if (++parser->depth <= parser->depth_max)
		return;
	close_all(parser);
	ice_json_raise(node, ICE_ERR_LIMIT_EXCEEDED, "JSON is nested more than %d levels deep",
				   parser->depth_max);
}

/* The innermost container ends with the present token. */
static void
close_container(Parser *parser)
{
	IceJson    *node = parser->container;
	int         start = node->capacity;
	const char *duplicate = NULL;

	node->capacity = 0;
	node->text_len = (uint32) (parser->lexer.end - node->text);
	take_children(parser, node, start, parser->stack_count);
	parser->stack_count = start;
	parser->container = node->parent;
	parser->depth--;
	if (node->kind == ICE_JSON_OBJECT)
		duplicate = ice_json_tree_find_duplicate(node);
	if (duplicate == NULL)
		return;
	close_all(parser);
	ice_json_raise(node, ICE_ERR_BAD_REQUEST, "duplicate key in JSON object: \"%.*s\"",
				   (int) ice_json_lex_clip(duplicate, strlen(duplicate), ICE_JSON_TOKEN_SHOWN_MAX),
				   duplicate);
}

static void
add_scalar(Parser *parser, IceJsonToken token)
{
	IceJsonLexer *lexer = &parser->lexer;
	IceJson      *node = new_node(parser, ICE_JSON_NULL, lexer->token);

	node->text_len = (uint32) (lexer->end - lexer->token);
	if (token == ICE_JSON_TOKEN_STRING || token == ICE_JSON_TOKEN_NUMBER)
	{
		node->kind = token == ICE_JSON_TOKEN_STRING ? ICE_JSON_STRING : ICE_JSON_NUMBER;
		node->string = keep_text(parser, lexer->value, lexer->value_len);
	}
	else if (token != ICE_JSON_TOKEN_NULL)
	{
		node->kind = ICE_JSON_BOOL;
		node->boolean = token == ICE_JSON_TOKEN_TRUE;
	}
	attach(parser, node);
}

/* -- the grammar ------------------------------------------------------------------------------ */

/* A key and its colon. */
static void
read_key(Parser *parser, IceJsonToken token, const char *expected)
{
	if (token != ICE_JSON_TOKEN_STRING)
		ice_json_lex_unexpected(&parser->lexer, token, expected);
	parser->key = keep_key(parser, parser->lexer.value, parser->lexer.value_len);
	token = ice_json_lex(&parser->lexer);
	if (token != ICE_JSON_TOKEN_COLON)
		ice_json_lex_unexpected(&parser->lexer, token, "expected \":\"");
}

/* After "{" or "[": does the container end at once? If not, the token of the first value is
 * read. */
static bool
begin_container(Parser *parser, IceJsonKind kind, IceJsonToken *token)
{
	open_container(parser, kind);
	*token = ice_json_lex(&parser->lexer);
	if (kind == ICE_JSON_ARRAY)
		return *token == ICE_JSON_TOKEN_ARRAY_END;
	if (*token == ICE_JSON_TOKEN_OBJECT_END)
		return true;
	read_key(parser, *token, "expected string or \"}\"");
	*token = ice_json_lex(&parser->lexer);
	return false;
}

/* Reads the value that begins with a token, down to its first scalar or empty container. */
static void
read_value(Parser *parser, IceJsonToken token)
{
	for (;;)
	{
		switch (token)
		{
			case ICE_JSON_TOKEN_OBJECT_START:
			case ICE_JSON_TOKEN_ARRAY_START:
				if (begin_container(parser,
									token == ICE_JSON_TOKEN_ARRAY_START ? ICE_JSON_ARRAY
																		: ICE_JSON_OBJECT,
									&token))
				{
					close_container(parser);
					return;
				}
				break;
			case ICE_JSON_TOKEN_STRING:
			case ICE_JSON_TOKEN_NUMBER:
			case ICE_JSON_TOKEN_TRUE:
			case ICE_JSON_TOKEN_FALSE:
			case ICE_JSON_TOKEN_NULL:
				add_scalar(parser, token);
				return;
			default:
				ice_json_lex_unexpected(&parser->lexer, token, "expected JSON value");
		}
	}
}

/* After a value: closes what ends here. Returns the token that the next value begins with, or
 * END. */
static IceJsonToken
read_separators(Parser *parser)
{
	while (parser->depth > 0)
	{
		bool         is_array = parser->container->kind == ICE_JSON_ARRAY;
		IceJsonToken token = ice_json_lex(&parser->lexer);

		if (token == ICE_JSON_TOKEN_COMMA)
		{
			token = ice_json_lex(&parser->lexer);
			if (is_array)
				return token;
			read_key(parser, token, "expected string");
			return ice_json_lex(&parser->lexer);
		}
		if (token != (is_array ? ICE_JSON_TOKEN_ARRAY_END : ICE_JSON_TOKEN_OBJECT_END))
			ice_json_lex_unexpected(&parser->lexer, token,
									is_array ? "expected \",\" or \"]\""
											 : "expected \",\" or \"}\"");
		close_container(parser);
	}
	return ICE_JSON_TOKEN_END;
}

/* The value goes on where its last container has closed, and so does the document. */
static void
read_document(Parser *parser)
{
	IceJsonToken token = ice_json_lex(&parser->lexer);

	do
	{
		read_value(parser, token);
		token = read_separators(parser);
	} while (parser->depth > 0);
	token = ice_json_lex(&parser->lexer);
	if (token != ICE_JSON_TOKEN_END)
		ice_json_lex_unexpected(&parser->lexer, token, "expected end of input");
}

IceJson *
ice_json_parse(const char *text, size_t len, int depth_max)
{
	Parser   parser;
	IceJson *document;

	memset(&parser, 0, sizeof(parser));
	ice_json_lex_start(&parser.lexer, text, len);
	parser.depth_max = depth_max;
	parser.block_size = Max(Min(len * BLOCK_PER_TEXT, BLOCK_MAX / 8), BLOCK_MIN) / 2;
	parser.stack_size = STACK_MIN;
	parser.stack = palloc(sizeof(IceJsonMember) * STACK_MIN);
	document = new_node(&parser, ICE_JSON_ARRAY, text);
	document->text_len = (uint32) len;
	parser.container = document;
	read_document(&parser);
	take_children(&parser, document, 0, parser.stack_count);
	pfree(parser.stack);
	ice_json_lex_end(&parser.lexer);
	return document->items[0];
}
