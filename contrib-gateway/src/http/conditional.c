/*
 * conditional.c
 *		Entity tags and If-None-Match; see conditional.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/conditional.h"

static bool
is_field(const GwHeader *header)
{
	return gw_text_slice_is_nocase(header->name, "if-none-match");
}

size_t
gw_conditional_bytes(const GwHttpHead *head)
{
	size_t bytes = 1;

	for (int i = 0; i < head->header_count; i++)
		if (is_field(&head->headers[i]))
			bytes += head->headers[i].value.len + 1;
	return bytes;
}

static void
skip_blanks(GwSlice *rest)
{
	while (rest->len > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t'))
	{
		rest->data++;
		rest->len--;
	}
}

/* Cuts an entity tag off the front of rest; its length, or 0 when there is none. */
static size_t
cut_tag(GwSlice *rest, bool *ascii)
{
	size_t at = rest->len > 2 && memcmp(rest->data, "W/", 2) == 0 ? 2 : 0;

	*ascii = true;
	if (at >= rest->len || rest->data[at++] != '"')
		return 0;
	while (at < rest->len && rest->data[at] != '"')
	{
		unsigned char c = (unsigned char) rest->data[at++];

		if (c <= 0x20 || c == 0x7F)
			return 0;
		*ascii &= c < 0x80;
	}
	if (at == rest->len)
		return 0;
	at++;
	rest->data += at;
	rest->len -= at;
	return at;
}

/* Appends the tags of one field to the list. False when it is no list of tags. */
static bool
add_field(GwSlice rest, char *out, size_t *len)
{
	for (;;)
	{
		const char *start;
		size_t      tag_len;
		bool        ascii;

		while (skip_blanks(&rest), rest.len > 0 && rest.data[0] == ',')
		{
			rest.data++;
			rest.len--;
		}
		if (rest.len == 0)
			return true;
		start = rest.data;
		tag_len = cut_tag(&rest, &ascii);
		skip_blanks(&rest);
		if (tag_len == 0 || (rest.len > 0 && rest.data[0] != ','))
			return false;
		if (!ascii)
			continue;
		if (*len > 0)
			out[(*len)++] = ',';
		memcpy(out + *len, start, tag_len);
		*len += tag_len;
	}
}

size_t
gw_conditional_list(const GwHttpHead *head, char *out)
{
	size_t len = 0;
	int    fields = 0;
	bool   any = false;
	bool   sound = true;

	for (int i = 0; i < head->header_count && sound; i++)
	{
		if (!is_field(&head->headers[i]))
			continue;
		fields++;
		if (gw_text_slice_is(head->headers[i].value, "*"))
			any = true;
		else
			sound = add_field(head->headers[i].value, out, &len);
	}
	if (any && sound && fields == 1)
		out[len++] = '*';
	else if (any || !sound)
		len = 0;
	out[len] = '\0';
	return len;
}

/* The list holds no blanks: tags are compared from quote to quote. */
bool
gw_conditional_matches(const char *list, const char *etag)
{
	const char *wanted = strchr(etag, '"');
	size_t      len = wanted ? strlen(wanted) : 0;

	if (strcmp(list, "*") == 0)
		return true;
	while (len > 0 && (list = strchr(list, '"')) != NULL)
	{
		const char *end = strchr(list + 1, '"');

		if (end == NULL)
			break;
		if ((size_t) (end + 1 - list) == len && memcmp(list, wanted, len) == 0)
			return true;
		list = end + 1;
	}
	return false;
}
