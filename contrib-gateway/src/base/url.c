/*
 * url.c
 *		Percent-decoding and what stands in paths and queries; see url.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/url.h"

#include <strings.h>

#define UNIT_SEPARATOR "\x1F"

GwUrlFault
gw_url_decode(GwSlice in, bool plus_is_space, char *out, size_t *out_len)
{
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++)
	{
		char c = in.data[i];

		if (c == '%')
		{
			bool whole = in.len - i > 2;
			int  high = whole ? gw_text_hex_digit(in.data[i + 1]) : -1;
			int  low = whole ? gw_text_hex_digit(in.data[i + 2]) : -1;

			if (high < 0 || low < 0)
				return "The URL holds a % that is not followed by two hexadecimal digits";
			c = (char) (high * 16 + low);
			i += 2;
		}
		else if (c == '+' && plus_is_space)
			c = ' ';
		if (c == '\0')
			return "The URL holds a NUL character";
		out[n++] = c;
	}
	out[n] = '\0';
	*out_len = n;
	return gw_text_is_utf8(out, n) ? NULL : "The URL holds bytes that are not UTF-8";
}

int
gw_url_split(GwSlice path, GwSlice *segments, int max)
{
	int    count = 0;
	size_t at = 1; /* behind the leading slash */

	while (at <= path.len)
	{
		const char *slash = memchr(path.data + at, '/', path.len - at);
		size_t      len = slash ? (size_t) (slash - path.data) - at : path.len - at;

		if (count == max)
			return -1;
		segments[count++] = (GwSlice){path.data + at, len};
		at += len + 1;
	}
	return count;
}

bool
gw_url_query_next(GwSlice *query, GwSlice *key, GwSlice *value)
{
	while (query->data != NULL && query->len > 0)
	{
		const char *amp = memchr(query->data, '&', query->len);
		size_t      len = amp ? (size_t) (amp - query->data) : query->len;
		const char *equals = memchr(query->data, '=', len);
		size_t      key_len = equals ? (size_t) (equals - query->data) : len;

		*key = (GwSlice){query->data, key_len};
		*value = (GwSlice){query->data + key_len, 0};
		if (equals != NULL)
			*value = (GwSlice){equals + 1, len - key_len - 1};
		query->data += len + (amp ? 1 : 0);
		query->len -= len + (amp ? 1 : 0);
		if (len > 0)
			return true;
	}
	return false;
}

bool
gw_url_separator(const char *encoded, char out[GW_SEPARATOR_BYTES_MAX])
{
	size_t len = strlen(encoded);

	if (len == 0 || len >= GW_SEPARATOR_BYTES_MAX ||
		gw_url_decode((GwSlice){encoded, len}, false, out, &len) != NULL)
		return false;
	return strpbrk(encoded, "/?#+&= ") == NULL;
}

bool
gw_url_encoded_twice(const char *decoded)
{
	for (const char *at = decoded; (at = strchr(at, '%')) != NULL; at++)
		if (strncasecmp(at, "%1F", 3) == 0)
			return true;
	return false;
}

GwUrlFault
gw_url_namespace(GwSlice decoded, const char *separator, char *out, size_t *out_len)
{
	size_t n = 0;
	size_t level = 0; /* bytes of the level under way */
	size_t separator_len;

	if (memchr(decoded.data, UNIT_SEPARATOR[0], decoded.len) != NULL)
		separator = UNIT_SEPARATOR;
	separator_len = strlen(separator);
	out[n++] = '{';
	out[n++] = '"';
	for (size_t i = 0; i < decoded.len; i++)
	{
		char c = decoded.data[i];

		if (decoded.len - i >= separator_len &&
			memcmp(decoded.data + i, separator, separator_len) == 0)
		{
			i += separator_len - 1;
			if (level == 0)
				return "A level of the namespace is empty";
			memcpy(out + n, "\",\"", 3);
			n += 3;
			level = 0;
			continue;
		}
		if (c == '"' || c == '\\')
			out[n++] = '\\';
		out[n++] = c;
		level++;
	}
	if (level == 0)
		return "A level of the namespace is empty";
	out[n++] = '"';
	out[n++] = '}';
	out[n] = '\0';
	*out_len = n;
	return NULL;
}
