/*
 * delete_keys.c
 *		Reads the body of a DeleteObjects request. See delete_keys.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "vend/delete_keys.h"

#include "mb/pg_wchar.h"

static const char *const other_xml = "the body is not the XML of a DeleteObjects request";

typedef struct Reader
{
	const char *at;
	const char *fault; /* the first one; NULL: none */
} Reader;

static void
skip_blanks(Reader *r)
{
	while (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')
	{
		ice_step();
		r->at++;
	}
}

/* Takes a text if it comes next. */
static bool
take(Reader *r, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(r->at, text, len) != 0)
		return false;
	r->at += len;
	return true;
}

static void
need(Reader *r, const char *text)
{
	if (r->fault == NULL && !take(r, text))
		r->fault = other_xml;
}

/* <?xml …?> before the document. */
static void
skip_declaration(Reader *r)
{
	const char *end;

	skip_blanks(r);
	if (!take(r, "<?xml "))
		return;
	end = strstr(r->at, "?>");
	if (end == NULL || memchr(r->at, '<', (size_t) (end - r->at)) != NULL)
		r->fault = other_xml;
	else
		r->at = end + 2;
}

/* <Delete>, with its namespace or without. */
static void
read_root(Reader *r)
{
	need(r, "<Delete");
	if (r->fault == NULL && *r->at == ' ')
	{
		skip_blanks(r);
		if (!take(r, "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"") &&
			!take(r, "xmlns='http://s3.amazonaws.com/doc/2006-03-01/'"))
			r->fault = other_xml;
		skip_blanks(r);
	}
	need(r, ">");
}

/* The number of a character reference; after "&#". */
static uint32
read_number(Reader *r)
{
	int    base = take(r, "x") ? 16 : 10;
	uint32 value = 0;
	int    digits = 0;

	for (; *r->at != ';'; r->at++, digits++)
	{
		char c = *r->at;
		int  digit = c >= '0' && c <= '9'   ? c - '0'
					 : c >= 'a' && c <= 'f' ? c - 'a' + 10
					 : c >= 'A' && c <= 'F' ? c - 'A' + 10
											: 16;

		if (digit >= base || value > 0x10FFFF)
			return 0;
		value = value * base + digit;
	}
	return digits > 0 ? value : 0;
}

/* A character reference, or one of the five that XML knows by name; after "&". */
static void
read_reference(Reader *r, StringInfo out)
{
	static const struct
	{
		const char *name;
		char        value;
	} named[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
	unsigned char bytes[8];
	uint32        value;

	for (size_t i = 0; i < lengthof(named); i++)
		if (take(r, named[i].name))
		{
			appendStringInfoChar(out, named[i].value);
			return;
		}
	value = take(r, "#") ? read_number(r) : 0;
	if (value < 0x20 || value == 0x7F || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000) ||
		!take(r, ";"))
	{
		r->fault = "the body has a character reference that no key has";
		return;
	}
	unicode_to_utf8(value, bytes);
	appendBinaryStringInfo(out, (char *) bytes, pg_utf_mblen(bytes));
}

/* The text of an element, up to its end. */
static char *
read_text(Reader *r)
{
	StringInfoData out;

	initStringInfo(&out);
	while (r->fault == NULL && *r->at != '<')
	{
		unsigned char c = (unsigned char) *r->at;

		ice_step();
		if (c < 0x20 || c == 0x7F)
			r->fault = c == '\0' ? other_xml : "the body has a key with a control character";
		else if (take(r, "&"))
			read_reference(r, &out);
		else
			appendStringInfoChar(&out, *r->at++);
	}
	return out.data;
}

/* After <Object>. */
static void
read_object(Reader *r, IceDeleteKeys *out)
{
	skip_blanks(r);
	if (strncmp(r->at, "<VersionId>", strlen("<VersionId>")) == 0)
		r->fault = "versions are not deleted";
	need(r, "<Key>");
	if (r->fault != NULL)
		return;
	if (out->count == ICE_DELETE_KEYS_MAX)
	{
		r->fault = "the body has too many keys";
		return;
	}
	out->keys[out->count++] = read_text(r);
	need(r, "</Key>");
	skip_blanks(r);
	if (r->fault == NULL && strncmp(r->at, "<VersionId>", strlen("<VersionId>")) == 0)
		r->fault = "versions are not deleted";
	need(r, "</Object>");
}

const char *
ice_delete_keys_read(const char *body, IceDeleteKeys *out)
{
	Reader r = {.at = body};

	*out = (IceDeleteKeys){palloc(sizeof(char *) * ICE_DELETE_KEYS_MAX), 0};
	skip_declaration(&r);
	skip_blanks(&r);
	read_root(&r);
	for (skip_blanks(&r); r.fault == NULL && !take(&r, "</Delete>"); skip_blanks(&r))
	{
		if (take(&r, "<Object>"))
			read_object(&r, out);
		else if (!take(&r, "<Quiet>true</Quiet>") && !take(&r, "<Quiet>false</Quiet>"))
			r.fault = other_xml;
	}
	skip_blanks(&r);
	if (r.fault == NULL && *r.at != '\0')
		r.fault = other_xml;
	if (r.fault == NULL && out->count == 0)
		r.fault = "the body names no key";
	return r.fault;
}
