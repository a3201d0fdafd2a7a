/*
 * json_write.c
 *		Text of a tree, and the writer of new documents.
 *
 * What was not edited is copied from its source, white space included. An edited array or object is
 * written without white space of its own; the spelling of its keys is normal (no needless escapes).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json/json.h"

/* The two-character escape of a byte, or 0. */
static char
short_escape(unsigned char byte)
{
	switch (byte)
	{
		case '"':
			return '"';
		case '\\':
			return '\\';
		case '\b':
			return 'b';
		case '\f':
			return 'f';
		case '\n':
			return 'n';
		case '\r':
			return 'r';
		case '\t':
			return 't';
		default:
			return 0;
	}
}

/* Runs of bytes that need no escape are copied whole. */
void
ice_json_escape(StringInfo out, const char *value)
{
	const char *run = value;

	appendStringInfoCharMacro(out, '"');
	for (const char *p = value; *p != '\0'; p++)
	{
		unsigned char byte = (unsigned char) *p;

		if (likely(byte >= 0x20 && byte != '"' && byte != '\\'))
			continue;
		appendBinaryStringInfo(out, run, (int) (p - run));
		run = p + 1;
		if (short_escape(byte) != 0)
		{
			appendStringInfoCharMacro(out, '\\');
			appendStringInfoCharMacro(out, short_escape(byte));
		}
		else
			appendStringInfo(out, "\\u%04x", byte);
	}
	appendStringInfoString(out, run);
	appendStringInfoCharMacro(out, '"');
}

static void
write_members(StringInfo out, const IceJson *object)
{
	appendStringInfoCharMacro(out, '{');
	for (int i = 0; i < object->count; i++)
	{
		ice_step();
		if (i > 0)
			appendStringInfoCharMacro(out, ',');
		ice_json_escape(out, object->members[i].key);
		appendStringInfoCharMacro(out, ':');
		ice_json_write(out, object->members[i].value);
	}
	appendStringInfoCharMacro(out, '}');
}

static void
write_items(StringInfo out, const IceJson *array)
{
	appendStringInfoCharMacro(out, '[');
	for (int i = 0; i < array->count; i++)
	{
		ice_step();
		if (i > 0)
			appendStringInfoCharMacro(out, ',');
		ice_json_write(out, array->items[i]);
	}
	appendStringInfoCharMacro(out, ']');
}

void
ice_json_write(StringInfo out, const IceJson *value)
{
	ice_budget_stack_check();
	if (!value->edited)
	{
		ice_step_bytes(value->text_len);
		appendBinaryStringInfo(out, value->text, (int) value->text_len);
		return;
	}
	switch (value->kind)
	{
		case ICE_JSON_NULL:
			appendStringInfoString(out, "null");
			break;
		case ICE_JSON_BOOL:
			appendStringInfoString(out, value->boolean ? "true" : "false");
			break;
		case ICE_JSON_NUMBER:
			appendStringInfoString(out, value->string);
			break;
		case ICE_JSON_STRING:
			ice_json_escape(out, value->string);
			break;
		case ICE_JSON_ARRAY:
			write_items(out, value);
			break;
		case ICE_JSON_OBJECT:
			write_members(out, value);
			break;
	}
}

char *
ice_json_text(const IceJson *value)
{
	StringInfoData out;

	char *text;

	initStringInfo(&out);
	ice_json_write(&out, value);
	text = pnstrdup(out.data, out.len); /* a buffer is larger than what it holds */
	pfree(out.data);
	return text;
}

/* -- text with other integers ----------------------------------------------------------------- */

/* Whether the object has the integer already. */
static bool
has_int(const IceJson *object, const IceJsonInt *wanted)
{
	const IceJson *old;
	int64          value;

	if (wanted == NULL)
		return true;
	old = ice_json_get(object, wanted->key);
	return old != NULL && ice_json_is_int64(old, &value) && value == wanted->value;
}

static void
write_int_member(StringInfo out, const IceJsonInt *member)
{
	ice_json_escape(out, member->key);
	appendStringInfo(out, ":" INT64_FORMAT, member->value);
}

/* Members keep their places; those that were missing follow. */
static void
write_with(StringInfo out, const IceJson *object, const IceJsonInt *const *wanted)
{
	bool written[2] = {wanted[0] == NULL, wanted[1] == NULL};

	appendStringInfoCharMacro(out, '{');
	for (int i = 0; i < object->count; i++)
	{
		const IceJsonMember *member = &object->members[i];
		int                  which = 0;

		ice_step();
		while (which < 2 && (written[which] || strcmp(wanted[which]->key, member->key) != 0))
			which++;
		if (i > 0)
			appendStringInfoCharMacro(out, ',');
		if (which < 2)
		{
			write_int_member(out, wanted[which]);
			written[which] = true;
			continue;
		}
		ice_json_escape(out, member->key);
		appendStringInfoCharMacro(out, ':');
		ice_json_write(out, member->value);
	}
	for (int which = 0; which < 2; which++)
	{
		if (written[which])
			continue;
		if (out->data[out->len - 1] != '{')
			appendStringInfoCharMacro(out, ',');
		write_int_member(out, wanted[which]);
	}
	appendStringInfoCharMacro(out, '}');
}

const char *
ice_json_text_with(const IceJson *object, const IceJsonInt *first, const IceJsonInt *second,
				   size_t *len)
{
	const IceJsonInt *wanted[2] = {first, second};
	StringInfoData    out;
	char             *text;

	if (!object->edited && has_int(object, first) && has_int(object, second))
	{
		*len = object->text_len;
		return object->text;
	}
	initStringInfo(&out);
	write_with(&out, object, wanted);
	text = pnstrdup(out.data, out.len);
	*len = (size_t) out.len;
	pfree(out.data);
	return text;
}

/* -- canonical text --------------------------------------------------------------------------- */

static int
compare_members(const void *a, const void *b)
{
	ice_step();
	return strcmp((*(const IceJsonMember *const *) a)->key,
				  (*(const IceJsonMember *const *) b)->key);
}

static void
canonical_members(StringInfo out, const IceJson *object)
{
	const IceJsonMember **members = palloc(sizeof(IceJsonMember *) * Max(object->count, 1));

	for (int i = 0; i < object->count; i++)
		members[i] = &object->members[i];
	qsort(members, object->count, sizeof(IceJsonMember *), compare_members);
	appendStringInfoCharMacro(out, '{');
	for (int i = 0; i < object->count; i++)
	{
		if (i > 0)
			appendStringInfoCharMacro(out, ',');
		ice_json_escape(out, members[i]->key);
		appendStringInfoCharMacro(out, ':');
		ice_json_canonical(out, members[i]->value);
	}
	appendStringInfoCharMacro(out, '}');
	pfree(members);
}

void
ice_json_canonical(StringInfo out, const IceJson *value)
{
	int64 number;

	ice_budget_stack_check();
	ice_step();
	switch (value->kind)
	{
		case ICE_JSON_NULL:
			appendStringInfoString(out, "null");
			break;
		case ICE_JSON_BOOL:
			appendStringInfoString(out, value->boolean ? "true" : "false");
			break;
		case ICE_JSON_NUMBER:
			if (ice_json_is_int64(value, &number))
				appendStringInfo(out, INT64_FORMAT, number);
			else
				appendStringInfoString(out, value->string);
			break;
		case ICE_JSON_STRING:
			ice_json_escape(out, value->string);
			break;
		case ICE_JSON_ARRAY:
			appendStringInfoCharMacro(out, '[');
			for (int i = 0; i < value->count; i++)
			{
				if (i > 0)
					appendStringInfoCharMacro(out, ',');
				ice_json_canonical(out, value->items[i]);
			}
			appendStringInfoCharMacro(out, ']');
			break;
		case ICE_JSON_OBJECT:
			canonical_members(out, value);
			break;
	}
}

/* -- writer ----------------------------------------------------------------------------------- */

void
ice_json_write_init(IceJsonWriter *writer, StringInfo out)
{
	writer->out = out;
	writer->need_comma = false;
}

/* Called before each value and each key. */
static void
separate(IceJsonWriter *writer)
{
	if (writer->need_comma)
		appendStringInfoCharMacro(writer->out, ',');
	writer->need_comma = true;
}

static void
begin(IceJsonWriter *writer, char bracket)
{
	separate(writer);
	appendStringInfoCharMacro(writer->out, bracket);
	writer->need_comma = false;
}

static void
end(IceJsonWriter *writer, char bracket)
{
	appendStringInfoCharMacro(writer->out, bracket);
	writer->need_comma = true;
}

void
ice_json_write_begin_object(IceJsonWriter *writer)
{
	begin(writer, '{');
}

void
ice_json_write_end_object(IceJsonWriter *writer)
{
	end(writer, '}');
}

void
ice_json_write_begin_array(IceJsonWriter *writer)
{
	begin(writer, '[');
}

void
ice_json_write_end_array(IceJsonWriter *writer)
{
	end(writer, ']');
}

void
ice_json_write_key(IceJsonWriter *writer, const char *key)
{
	separate(writer);
	ice_json_escape(writer->out, key);
	appendStringInfoCharMacro(writer->out, ':');
	writer->need_comma = false;
}

void
ice_json_write_string(IceJsonWriter *writer, const char *value)
{
	separate(writer);
	ice_json_escape(writer->out, value);
}

void
ice_json_write_int(IceJsonWriter *writer, int64 value)
{
	separate(writer);
	appendStringInfo(writer->out, INT64_FORMAT, value);
}

void
ice_json_write_null(IceJsonWriter *writer)
{
	separate(writer);
	appendStringInfoString(writer->out, "null");
}

void
ice_json_write_raw(IceJsonWriter *writer, const char *text, size_t len)
{
	separate(writer);
	appendBinaryStringInfo(writer->out, text, (int) len);
}
