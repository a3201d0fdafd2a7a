/*
 * xml.c
 *		A bounded reader of XML. See xml.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "xml/xml.h"

#define NAME_BYTES_MAX      256
#define REFERENCE_BYTES_MAX 12

static void
refuse(const char *why)
{
	ice_raise(ICE_ERR_STORAGE, "The answer is not well-formed XML: %s", why);
}

void
ice_xml_begin(IceXml *xml, const char *text, size_t len)
{
	*xml = (IceXml){.at = text, .end = text + len};
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		xml->at += 3;
	initStringInfo(&xml->path);
	initStringInfo(&xml->text);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
looking_at(const IceXml *xml, const char *text)
{
	size_t len = strlen(text);

	return (size_t) (xml->end - xml->at) >= len && memcmp(xml->at, text, len) == 0;
}

/* Goes behind the next such text, and returns where that begins. */
static const char *
skip_past(IceXml *xml, const char *text)
{
	size_t      len = strlen(text);
	const char *found;

	for (; (size_t) (xml->end - xml->at) >= len; xml->at++)
	{
		ice_step();
		if (memcmp(xml->at, text, len) == 0)
		{
			found = xml->at;
			xml->at += len;
			return found;
		}
	}
	refuse("it ends too early");
	return NULL;
}

/* -- text -------------------------------------------------------------------------------------- */

static void
append_code_point(StringInfo out, uint32 c)
{
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		refuse("a reference to no character");
	if (c < 0x80)
		appendStringInfoChar(out, (char) c);
	else if (c < 0x800)
		appendStringInfoChar(out, (char) (0xc0 | c >> 6));
	else if (c < 0x10000)
	{
		appendStringInfoChar(out, (char) (0xe0 | c >> 12));
		appendStringInfoChar(out, (char) (0x80 | (c >> 6 & 0x3f)));
	}
	else
	{
		appendStringInfoChar(out, (char) (0xf0 | c >> 18));
		appendStringInfoChar(out, (char) (0x80 | (c >> 12 & 0x3f)));
		appendStringInfoChar(out, (char) (0x80 | (c >> 6 & 0x3f)));
	}
	if (c >= 0x80)
		appendStringInfoChar(out, (char) (0x80 | (c & 0x3f)));
}

/* The value of &#65; or &#x41; between its number sign and its end. */
static uint32
numeric_reference(const char *digits, size_t len)
{
	int    base = len > 0 && (digits[0] == 'x' || digits[0] == 'X') ? 16 : 10;
	uint32 value = 0;

	if (base == 16)
	{
		digits++;
		len--;
	}
	for (size_t i = 0; i < len; i++)
	{
		char lower = digits[i] | 0x20;
		int  digit = digits[i] >= '0' && digits[i] <= '9' ? digits[i] - '0'
					 : lower >= 'a' && lower <= 'f'       ? lower - 'a' + 10
														  : 16;

		if (digit >= base)
			refuse("a reference to no character");
		value = value * (uint32) base + (uint32) digit; /* of 12 digits at most */
		if (value > 0x10ffff)
			refuse("a reference to no character");
	}
	return value;
}

/* Appends what a reference stands for. */
static void
read_reference(IceXml *xml)
{
	static const struct
	{
		const char *name;
		char        value;
	} known[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};

	const char *name = xml->at + 1;
	size_t      len = 0;

	while (name + len < xml->end && name[len] != ';' && len < REFERENCE_BYTES_MAX)
		len++;
	if (name + len >= xml->end || name[len] != ';' || len == 0)
		refuse("a reference without an end");
	xml->at = name + len + 1;
	if (name[0] == '#')
	{
		append_code_point(&xml->text, numeric_reference(name + 1, len - 1));
		return;
	}
	for (size_t i = 0; i < lengthof(known); i++)
		if (strlen(known[i].name) == len && memcmp(known[i].name, name, len) == 0)
		{
			appendStringInfoChar(&xml->text, known[i].value);
			return;
		}
	refuse("an entity");
}

/* Up to the next tag. */
static void
read_text(IceXml *xml)
{
	while (xml->at < xml->end && *xml->at != '<')
	{
		ice_step();
		if (*xml->at == '&')
			read_reference(xml);
		else if (*xml->at == '\0')
			refuse("a zero byte");
		else if (xml->depth == 0 && !is_blank(*xml->at))
			refuse("text outside of its root");
		else
			appendStringInfoChar(&xml->text, *xml->at++);
	}
}

/* -- tags -------------------------------------------------------------------------------------- */

/* The name at hand, without its prefix; goes behind it. */
static const char *
read_name(IceXml *xml, size_t *len)
{
	const char *name = xml->at;
	const char *begin = xml->at;

	while (xml->at < xml->end && !is_blank(*xml->at) && strchr("/><=\"'&", *xml->at) == NULL)
	{
		if (*xml->at == ':')
			name = xml->at + 1;
		xml->at++;
		if (xml->at - begin > NAME_BYTES_MAX)
			refuse("a name is too long");
	}
	*len = (size_t) (xml->at - name);
	if (*len == 0)
		refuse("a tag without a name");
	return name;
}

/* Attributes and blanks, up to the tag's own end. True: it is an empty element's. */
static bool
skip_attributes(IceXml *xml)
{
	while (xml->at < xml->end && *xml->at != '>' && *xml->at != '/')
	{
		ice_step();
		if (*xml->at == '<')
			refuse("a tag without an end");
		if (*xml->at == '"' || *xml->at == '\'')
		{
			const char quote[] = {*xml->at++, '\0'};

			(void) skip_past(xml, quote);
		}
		else
			xml->at++;
	}
	if (looking_at(xml, "/>"))
	{
		xml->at += 2;
		return true;
	}
	if (xml->at >= xml->end || *xml->at++ != '>')
		refuse("a tag without an end");
	return false;
}

/* Takes the element that has ended out of the path. */
static void
leave(IceXml *xml)
{
	int start = xml->starts[xml->depth--];

	xml->path.len = start > 0 ? start - 1 : 0;
	xml->path.data[xml->path.len] = '\0';
	xml->ended = false;
	xml->is_leaf = false;
}

/* True where it is empty, and so has ended. */
static bool
open_element(IceXml *xml)
{
	size_t      len;
	const char *name;

	xml->at++;
	name = read_name(xml, &len);
	if (xml->had_root && xml->depth == 0)
		refuse("a second root");
	xml->had_root = true;
	if (xml->depth >= ICE_XML_DEPTH_MAX)
		refuse("too deep");
	if (xml->path.len > 0)
		appendStringInfoChar(&xml->path, '/');
	xml->starts[++xml->depth] = xml->path.len;
	appendBinaryStringInfo(&xml->path, name, (int) len);
	resetStringInfo(&xml->text);
	xml->is_leaf = true;
	return skip_attributes(xml);
}

static void
close_element(IceXml *xml)
{
	size_t      len;
	const char *name;
	const char *open;

	xml->at += 2;
	name = read_name(xml, &len);
	if (xml->depth == 0)
		refuse("an end without a beginning");
	open = xml->path.data + xml->starts[xml->depth];
	if (strlen(open) != len || memcmp(open, name, len) != 0)
		refuse("elements cross each other");
	if (skip_attributes(xml))
		refuse("an end that is empty");
}

/* What starts with <! or <?, and is no element. */
static void
skip_special(IceXml *xml)
{
	if (looking_at(xml, "<!--"))
	{
		xml->at += 4;
		(void) skip_past(xml, "-->");
	}
	else if (looking_at(xml, "<![CDATA["))
	{
		const char *begin = xml->at + 9;
		const char *end;

		if (xml->depth == 0)
			refuse("text outside of its root");
		xml->at = begin;
		end = skip_past(xml, "]]>");
		if (memchr(begin, '\0', (size_t) (end - begin)) != NULL)
			refuse("a zero byte");
		appendBinaryStringInfo(&xml->text, begin, (int) (end - begin));
	}
	else if (looking_at(xml, "<?"))
		(void) skip_past(xml, "?>");
	else
		refuse("a document type");
}

bool
ice_xml_next(IceXml *xml)
{
	if (xml->ended)
		leave(xml);
	for (;;)
	{
		read_text(xml);
		if (xml->at >= xml->end)
			break;
		if (looking_at(xml, "<!") || looking_at(xml, "<?"))
			skip_special(xml);
		else if (looking_at(xml, "</"))
		{
			close_element(xml);
			xml->ended = true;
			return true;
		}
		else if (open_element(xml))
		{
			xml->ended = true;
			return true;
		}
	}
	if (xml->depth > 0 || !xml->had_root)
		refuse("it ends too early");
	return false;
}

bool
ice_xml_is(const IceXml *xml, const char *path)
{
	return xml->ended && strcmp(xml->path.data, path) == 0;
}

bool
ice_xml_is_leaf(const IceXml *xml, const char *path)
{
	return xml->is_leaf && ice_xml_is(xml, path);
}

void
ice_xml_append(StringInfo out, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text)
		{
			case '<':
				appendStringInfoString(out, "&lt;");
				break;
			case '>':
				appendStringInfoString(out, "&gt;");
				break;
			case '&':
				appendStringInfoString(out, "&amp;");
				break;
			case '"':
				appendStringInfoString(out, "&quot;");
				break;
			default:
				if ((unsigned char) *text < ' ')
					appendStringInfo(out, "&#%d;", *text);
				else
					appendStringInfoChar(out, *text);
		}
}
