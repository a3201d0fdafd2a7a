/*
 * event_line.c
 *		One event, and what a stream wants; see event_line.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "events/event_line.h"

#include <string.h>

#define FIELDS_MAX 10

/* The part before a separator, which is taken off with it; all, where there is none. */
static GwSlice
take(GwSlice *rest, char separator)
{
	const char *end = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
	GwSlice     part = {rest->data, end != NULL ? (size_t) (end - rest->data) : rest->len};

	*rest = end != NULL ? (GwSlice){end + 1, rest->len - part.len - 1} : (GwSlice){NULL, 0};
	return part;
}

/* Splits a line at its tabs, the last field to the end; false: there are not so many. */
static bool
split(GwSlice line, GwSlice *fields, int count)
{
	for (int i = 0; i < count - 1 && line.data != NULL; i++)
		fields[i] = take(&line, '\t');
	fields[count - 1] = line;
	return line.data != NULL;
}

static bool
read_number(GwSlice text, int64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < text.len; i++)
	{
		if (text.data[i] < '0' || text.data[i] > '9' || i >= 18)
			return false;
		*out = *out * 10 + (text.data[i] - '0');
	}
	return text.len > 0;
}

bool
gw_event_line_read_head(GwSlice *text, GwEventHead *out)
{
	GwSlice fields[4];

	if (!split(take(text, '\n'), fields, 4) || !read_number(fields[0], &out->looked_to) ||
		!read_number(fields[1], &out->last) || !read_number(fields[2], &out->oldest))
		return false;
	out->roles = fields[3];
	return true;
}

bool
gw_event_line_read(GwSlice *text, GwEventLine *out)
{
	GwSlice fields[FIELDS_MAX];
	GwSlice rest = *text;

	if (text->len == 0 || !split(take(&rest, '\n'), fields, FIELDS_MAX) ||
		!read_number(fields[0], &out->number))
		return false;
	*text = rest;
	out->mask = fields[1];
	out->kind = fields[2];
	out->type = fields[3];
	out->object = fields[4];
	out->space = fields[5];
	out->name = fields[6];
	out->space_before = fields[7];
	out->name_before = fields[8];
	out->document = fields[9];
	return true;
}

bool
gw_event_line_read_open(GwSlice text, GwSlice *warehouse, int64_t *after, GwEventFilter *filter)
{
	GwSlice fields[7];

	if (!split(text, fields, 7) || !read_number(fields[1], after))
		return false;
	*warehouse = fields[0];
	*filter = (GwEventFilter){fields[2], fields[3], fields[4], fields[5], fields[6]};
	return true;
}

static bool
same(GwSlice a, GwSlice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static bool
has_word(GwSlice list, char separator, GwSlice word)
{
	if (list.len == 0)
		return true;
	while (list.data != NULL)
		if (same(take(&list, separator), word))
			return true;
	return false;
}

/* In the namespace; with a name, in no other one and of that name. */
static bool
is_in(const GwEventFilter *filter, GwSlice space, GwSlice name)
{
	GwSlice above = filter->space;

	if (above.len == 0)
		return true;
	if (space.len <= above.len || memcmp(space.data, above.data, above.len) != 0)
		return false;
	if (filter->name.len > 0)
		return space.data[above.len] == ']' && same(name, filter->name);
	return space.data[above.len] == ']' || space.data[above.len] == ',';
}

bool
gw_event_line_passes(const GwEventLine *line, const GwEventFilter *filter)
{
	return has_word(filter->kinds, ',', line->kind) && has_word(filter->types, ',', line->type) &&
		   has_word(filter->objects, ' ', line->object) &&
		   (is_in(filter, line->space, line->name) ||
			is_in(filter, line->space_before, line->name_before));
}
