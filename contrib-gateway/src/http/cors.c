/*
 * cors.c
 *		Cross-Origin Resource Sharing; see cors.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/cors.h"

#include <strings.h>

#define ORIGIN_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]_"

/* Cuts the next item off a list; blanks around it are none of it. */
static GwSlice
next_item(const char **list)
{
	size_t  len;
	GwSlice item;

	*list += strspn(*list, " ");
	len = strcspn(*list, ",");
	item = (GwSlice){*list, len};
	*list += len + ((*list)[len] == ',');
	while (item.len > 0 && item.data[item.len - 1] == ' ')
		item.len--;
	return item;
}

/* Where the host begins: behind "scheme://"; 0 when there is none. */
static size_t
host_start(GwSlice origin)
{
	for (size_t i = 1; i + 3 < origin.len; i++)
		if (memcmp(origin.data + i, "://", 3) == 0)
			return i + 3;
	return 0;
}

/* scheme "://" host [":" port], and nothing behind it */
static bool
origin_is_valid(GwSlice origin)
{
	size_t at = host_start(origin);

	if (at == 0 || origin.len >= GW_ORIGIN_BYTES)
		return false;
	for (size_t i = 0; i < origin.len; i++)
		if ((i < at - 3 || i >= at) &&
			(origin.data[i] == '\0' || strchr(ORIGIN_CHARS, origin.data[i]) == NULL))
			return false;
	return true;
}

bool
gw_cors_valid(const char *list)
{
	if (strcmp(list, "*") == 0)
		return true;
	while (*list != '\0')
		if (!origin_is_valid(next_item(&list)))
			return false;
	return true;
}

static bool
names_origin(const char *list, GwSlice origin)
{
	while (*list != '\0')
	{
		GwSlice item = next_item(&list);

		if (item.len == origin.len && strncasecmp(item.data, origin.data, item.len) == 0)
			return true;
	}
	return false;
}

/* The only field of that name; empty when there is none, or more than one. */
static GwSlice
only_field(const GwHttpHead *head, const char *name)
{
	GwSlice found = {NULL, 0};
	int     count = 0;

	for (int i = 0; i < head->header_count; i++)
	{
		if (!gw_text_slice_is_nocase(head->headers[i].name, name))
			continue;
		found = head->headers[i].value;
		count++;
	}
	return count == 1 ? found : (GwSlice){NULL, 0};
}

/* Does the page come from the host that it speaks to? */
static bool
is_same_host(const GwHttpHead *head, GwSlice origin)
{
	GwSlice host = only_field(head, "host");
	size_t  at = host_start(origin);

	return at > 0 && host.len == origin.len - at &&
		   strncasecmp(origin.data + at, host.data, host.len) == 0;
}

/* Names of header fields, as a page may ask for: nothing that could end the line or begin another
 * field. */
static bool
are_field_names(GwSlice names)
{
	for (size_t i = 0; i < names.len; i++)
		if (names.data[i] != ',' && names.data[i] != ' ' &&
			!gw_parse_is_token_char((unsigned char) names.data[i]))
			return false;
	return names.len < GW_CORS_HEADERS_BYTES;
}

static void
read_preflight(const GwHttpHead *head, GwCors *out)
{
	GwSlice names = only_field(head, "access-control-request-headers");

	out->preflight = only_field(head, "access-control-request-method").len > 0;
	if (out->preflight && are_field_names(names))
		out->headers = names;
}

void
gw_cors_read(const GwHttpHead *head, const char *list, GwCors *out)
{
	GwSlice origin = only_field(head, "origin");

	*out = (GwCors){0};
	if (origin.len == 0)
		return;
	if (strcmp(list, "*") == 0)
		out->origin = GW_LITERAL("*");
	else if (origin.len < GW_ORIGIN_BYTES && names_origin(list, origin))
		out->origin = origin;
	out->foreign = out->origin.len == 0 && !is_same_host(head, origin);
	if (out->origin.len > 0 && head->method == GW_OPTIONS)
		read_preflight(head, out);
}

void
gw_cors_answer(GwReply *reply, const char *list, const char *origin)
{
	reply->vary_origin = list[0] != '\0' && strcmp(list, "*") != 0;
	reply->allow_origin = origin;
}
