/*
 * event_line.h
 *		One event as icecat._event_feed() tells it, and what a stream wants. Pure.
 *
 * Names and namespaces are compared in the spelling of the database's JSON, byte by byte: both
 * sides come from the same writer.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_EVENT_LINE_H
#define GW_EVENT_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* The head of an answer. */
typedef struct GwEventHead
{
	int64_t looked_to; /* up to this number */
	int64_t last;
	int64_t oldest;
	GwSlice roles; /* for each role that was asked for: 1, or 0 where the session may not be it */
} GwEventHead;

typedef struct GwEventLine
{
	int64_t number;
	GwSlice mask; /* a digit for each role that was asked for: 1 where it sees the event */
	GwSlice kind;
	GwSlice type;
	GwSlice object;
	GwSlice space; /* JSON array; empty: none */
	GwSlice name;  /* JSON string; empty: none */
	GwSlice space_before;
	GwSlice name_before;
	GwSlice document;
} GwEventLine;

/* What a stream wants; empty: all. */
typedef struct GwEventFilter
{
	GwSlice kinds; /* words, separated by commas */
	GwSlice types;
	GwSlice space; /* the beginning of a JSON array: it, and what is below */
	GwSlice name;
	GwSlice objects; /* ids, separated by spaces */
} GwEventFilter;

/* These take a line off the front; false: there is none that reads so, and it stays. */
extern bool gw_event_line_read_head(GwSlice *text, GwEventHead *out);
extern bool gw_event_line_read(GwSlice *text, GwEventLine *out);

/* What icecat.open_event_stream() says: the warehouse, after which number, the filter. */
extern bool gw_event_line_read_open(GwSlice text, GwSlice *warehouse, int64_t *after,
									GwEventFilter *filter);

extern bool gw_event_line_passes(const GwEventLine *line, const GwEventFilter *filter);

#endif
