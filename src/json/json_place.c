/*
 * json_place.c
 *		Where a value stands in the text that it came from, for error messages.
 *
 * Nothing is kept for this while a text is parsed but the text itself: the path is found by going
 * down from the document to the value's first byte. So a copy of a value has its place too, and
 * only errors pay.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json/json.h"

#include "json/json_lex.h"
#include "json/json_private.h"

#define KEY_SHOWN_MAX  64  /* bytes of a key in a path */
#define PATH_SHOWN_MAX 400 /* bytes of a path, and at most one step more */

/* The node that stands for the whole text, above its value; NULL where nothing came from a text. */
static const IceJson *
document_of(const IceJson *value)
{
	while (value->parent != NULL)
		value = value->parent;
	return value->text != NULL ? value : NULL;
}

/* Whether the byte belongs to the value. One that is still being parsed has no end yet. */
static bool
covers(const IceJson *value, const char *at)
{
	if (value->text == NULL || value->text > at)
		return false;
	return value->text_len == 0 || at < value->text + value->text_len;
}

static bool
is_plain_key(const char *key)
{
	if (*key == '\0' || strlen(key) > KEY_SHOWN_MAX)
		return false;
	for (; *key != '\0'; key++)
		if (*key != '-' && *key != '_' && !(*key >= '0' && *key <= '9') &&
			!((*key | 0x20) >= 'a' && (*key | 0x20) <= 'z'))
			return false;
	return true;
}

static void
append_key(StringInfo path, const char *key)
{
	size_t shown = ice_json_lex_clip(key, strlen(key), KEY_SHOWN_MAX);

	if (is_plain_key(key))
		appendStringInfo(path, "%s%s", path->len > 0 ? "." : "", key);
	else
		appendStringInfo(path, "[\"%.*s%s\"]", (int) shown, key, key[shown] != '\0' ? "..." : "");
}

/* Appends the step to the child that holds the byte, and returns it; NULL: it is the container's
 * own. */
static const IceJson *
step_down(StringInfo path, const IceJson *container, const char *at)
{
	for (int i = 0; container->kind == ICE_JSON_ARRAY && i < container->count; i++)
	{
		ice_step();
		if (!covers(container->items[i], at))
			continue;
		appendStringInfo(path, "[%d]", i);
		return container->items[i];
	}
	for (int i = 0; container->kind == ICE_JSON_OBJECT && i < container->count; i++)
	{
		ice_step();
		if (!covers(container->members[i].value, at))
			continue;
		append_key(path, container->members[i].key);
		return container->members[i].value;
	}
	return NULL;
}

char *
ice_json_place(const IceJson *value)
{
	const IceJson *document;
	StringInfoData path;

	while (value->text == NULL && value->parent != NULL)
		value = value->parent;
	document = document_of(value);
	if (document == NULL || document == value)
		return NULL;
	initStringInfo(&path);
	for (const IceJson *node = document->items[0]; node != NULL && path.len <= PATH_SHOWN_MAX;)
		node = step_down(&path, node, value->text);
	if (path.len > PATH_SHOWN_MAX)
		appendStringInfoString(&path, "...");
	return psprintf("At %s%sline %d, byte %zu.", path.data, path.len > 0 ? ", " : "",
					ice_json_lex_line(document->text, value->text),
					(size_t) (value->text - document->text));
}

void
ice_json_raise(const IceJson *at, IceErrorCode code, const char *format, ...)
{
	StringInfoData message;

	initStringInfo(&message);
	for (;;)
	{
		va_list args;
		int     needed;

		va_start(args, format);
		needed = appendStringInfoVA(&message, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&message, needed);
	}
	ice_raise_full(code, message.data, ice_json_place(at), NULL);
}
