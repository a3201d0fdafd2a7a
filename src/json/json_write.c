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
		if (i > 0)
			appendStringInfoCharMacro(out, ',');
		ice_json_write(out, array->items[i]);
	}
	appendStringInfoCharMacro(out, ']');
}

void
ice_json_write(StringInfo out, const IceJson *value)
{
	if (!value->edited)
	{
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

	initStringInfo(&out);
	ice_json_write(&out, value);
	return out.data;
}

/* -- writer ----------------------------------------------------------------------------------- */

void
ice_jw_init(IceJsonWriter *writer, StringInfo out)
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
ice_jw_begin_object(IceJsonWriter *writer)
{
	begin(writer, '{');
}

void
ice_jw_end_object(IceJsonWriter *writer)
{
	end(writer, '}');
}

void
ice_jw_begin_array(IceJsonWriter *writer)
{
	begin(writer, '[');
}

void
ice_jw_end_array(IceJsonWriter *writer)
{
	end(writer, ']');
}

void
ice_jw_key(IceJsonWriter *writer, const char *key)
{
	separate(writer);
	ice_json_escape(writer->out, key);
	appendStringInfoCharMacro(writer->out, ':');
	writer->need_comma = false;
}

void
ice_jw_string(IceJsonWriter *writer, const char *value)
{
	separate(writer);
	ice_json_escape(writer->out, value);
}

void
ice_jw_int(IceJsonWriter *writer, int64 value)
{
	separate(writer);
	appendStringInfo(writer->out, INT64_FORMAT, value);
}

void
ice_jw_bool(IceJsonWriter *writer, bool value)
{
	separate(writer);
	appendStringInfoString(writer->out, value ? "true" : "false");
}

void
ice_jw_null(IceJsonWriter *writer)
{
	separate(writer);
	appendStringInfoString(writer->out, "null");
}

void
ice_jw_raw(IceJsonWriter *writer, const char *text, size_t len)
{
	separate(writer);
	appendBinaryStringInfo(writer->out, text, (int) len);
}
