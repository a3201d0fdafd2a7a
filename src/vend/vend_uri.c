/*
 * vend_uri.c
 *		URIs of requests to object stores. See vend_uri.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "vend/vend_uri.h"

#include "mb/pg_wchar.h"

static bool
is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		   c == '.' || c == '_' || c == '~';
}

void
ice_vend_uri_encode(StringInfo out, const char *text)
{
	for (; *text != '\0'; text++)
	{
		ice_step();
		if (is_unreserved(*text))
			appendStringInfoChar(out, *text);
		else
			appendStringInfo(out, "%%%02X", (unsigned char) *text);
	}
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes a part of the URI; as_is are the characters besides the unreserved ones that stand for
 * themselves. Returns NULL or a fault. */
static const char *
decode(const char *text, size_t len, const char *as_is, bool slash_ok, char **result)
{
	StringInfoData out;

	initStringInfo(&out);
	for (size_t i = 0; i < len; i++)
	{
		int c = (unsigned char) text[i];

		ice_step();
		if (c == '%')
		{
			if (len - i < 3 || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0)
				return "it has a broken escape";
			c = hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]);
			i += 2;
			if (c < 0x20 || c == 0x7F)
				return "it has a control character";
			if (c == '/' && !slash_ok)
				return "it has an encoded slash";
		}
		else if (c == '+')
			return "it has a '+', which some read as a blank: encode it";
		else if (!is_unreserved((char) c) && strchr(as_is, c) == NULL)
			return "it has a character that must be encoded";
		appendStringInfoChar(&out, (char) c);
	}
	*result = out.data;
	if (pg_encoding_verifymbstr(PG_UTF8, out.data, out.len) != out.len)
		return "it is not UTF-8";
	return NULL;
}

/* Host and port, as they are compared. */
static const char *
read_authority(const char *start, size_t len, IceVendUri *uri)
{
	char       *authority = pnstrdup(start, len);
	const char *standard = strcmp(uri->scheme, "https") == 0 ? ":443" : ":80";
	size_t      port;

	for (char *c = authority; *c != '\0'; c++)
	{
		*c = (*c >= 'A' && *c <= 'Z') ? (char) (*c - 'A' + 'a') : *c;
		if (!is_unreserved(*c) && *c != ':' && *c != '[' && *c != ']')
			return "its host has a character that no host has";
	}
	if (len == 0)
		return "it names no host";
	port = strlen(standard);
	if (len > port && strcmp(authority + len - port, standard) == 0)
		authority[len - port] = '\0';
	uri->authority = authority;
	return NULL;
}

/* Segments that a program may resolve or drop. */
static const char *
path_fault(const char *path)
{
	const char *segment = path + 1;

	for (const char *c = segment;; c++)
		if (*c == '/' || *c == '\0')
		{
			size_t len = (size_t) (c - segment);

			if (len == 0 && *c == '/')
				return "it has an empty segment";
			if ((len == 1 && segment[0] == '.') ||
				(len == 2 && segment[0] == '.' && segment[1] == '.'))
				return "it has a segment of dots";
			if (*c == '\0')
				return NULL;
			segment = c + 1;
		}
}

/* One parameter of the query. */
static const char *
read_parameter(const char *start, size_t len, IceVendUri *uri)
{
	const char       *equals = memchr(start, '=', len);
	size_t            name_len = equals ? (size_t) (equals - start) : len;
	IceVendParameter *parameter = &uri->parameters[uri->parameter_count];
	char             *name;
	char             *value = "";
	const char       *fault;

	if (uri->parameter_count == ICE_VEND_PARAMETERS_MAX)
		return "it has too many parameters";
	if (name_len == 0)
		return "it has a parameter without a name";
	fault = decode(start, name_len, "", false, &name);
	if (fault == NULL && equals != NULL)
		fault = decode(equals + 1, len - name_len - 1, "/:=", true, &value);
	if (fault != NULL)
		return fault;
	if (ice_vend_uri_parameter(uri, name) != NULL)
		return "it has a parameter twice";
	*parameter = (IceVendParameter){name, value};
	uri->parameter_count++;
	return NULL;
}

static const char *
read_query(const char *query, IceVendUri *uri)
{
	for (;;)
	{
		size_t      len = strcspn(query, "&");
		const char *fault = read_parameter(query, len, uri);

		if (fault != NULL || query[len] == '\0')
			return fault;
		query += len + 1;
	}
}

const char *
ice_vend_uri_parse(const char *text, IceVendUri *uri)
{
	bool        secure = strncmp(text, "https://", strlen("https://")) == 0;
	const char *rest = text + (secure ? strlen("https://") : strlen("http://"));
	const char *fault;
	size_t      len;
	char       *path;

	memset(uri, 0, sizeof(*uri));
	if (!secure && strncmp(text, "http://", strlen("http://")) != 0)
		return "its scheme is neither http nor https";
	uri->scheme = secure ? "https" : "http";
	len = strcspn(rest, "/?#");
	fault = read_authority(rest, len, uri);
	if (fault != NULL)
		return fault;
	rest += len;
	if (*rest != '/')
		return "it has no path";
	len = strcspn(rest, "?");
	fault = decode(rest, len, "/:@!$&'()*,;=", false, &path);
	if (fault == NULL)
		fault = path_fault(path);
	uri->path = path;
	if (fault != NULL || rest[len] == '\0')
		return fault;
	return read_query(rest + len + 1, uri);
}

const char *
ice_vend_uri_parameter(const IceVendUri *uri, const char *name)
{
	for (int i = 0; i < uri->parameter_count; i++)
		if (strcmp(uri->parameters[i].name, name) == 0)
			return uri->parameters[i].value;
	return NULL;
}
