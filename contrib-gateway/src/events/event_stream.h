/*
 * event_stream.h
 *		One client's stream of events: what goes out, and how it ends (Server-Sent Events, or a
 *		WebSocket).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_EVENT_STREAM_H
#define GW_EVENT_STREAM_H

#include "catalog/request_data.h"
#include "events/event_line.h"
#include "events/frames.h"

typedef TAILQ_HEAD(GwEventStreamList, GwEventStream) GwEventStreamList;

typedef struct GwEventStream
{
	TAILQ_ENTRY(GwEventStream) link;
	GwEventStreamList  *list; /* of its feed */
	struct GwEventFeed *feed;
	GwRequest          *request;
	char               *text; /* what was said at its opening; the filter lies in it */
	GwEventFilter       filter;
	int64_t             at;      /* up to this number all is sent, or not for it */
	uint64_t            full_us; /* since when it takes no more; 0: it takes more */
	uint64_t            sent_us; /* the last time that something was sent */
	uint64_t            turn;    /* of those that are behind, who was fed last has the highest */
	uint64_t            began_us;
	GwFrames           *frames;      /* of a WebSocket; NULL: it is none */
	uint64_t            pinged_us;   /* since when an answer to a ping is due; 0: none is */
	uint64_t            heard_us;    /* the beginning of an interval, and how much */
	size_t              heard_bytes; /* the client has sent in it */
	int                 roles[2];    /* its place in what a question asked for; -1: in none */
	bool                eligible;    /* while an answer is given out */
} GwEventStream;

/* The beginning of a stream: the head, and from where it goes on. After it the stream may be gone
 * already. */
extern void gw_event_stream_begin(GwEventStream *stream);

/* These say whether the stream is still there. An event; a sign of life; nothing for a number that
 * it has passed. */
extern bool gw_event_stream_send(GwEventStream *stream, const GwEventLine *line);
extern bool gw_event_stream_beat(GwEventStream *stream);

/* The client of a WebSocket has sent something. The stream may be gone after it. */
extern void gw_event_stream_receive(GwEventStream *stream, GwSlice input);

/* A last message says why, and the answer ends. Frees the stream. */
extern void gw_event_stream_end(GwEventStream *stream, int why, int64_t oldest);

/* Counts its end and frees it: nothing more can be sent. */
extern void gw_event_stream_free(GwEventStream *stream, int why);

/* What ends are called, in messages and metrics. */
extern const char *gw_event_stream_reason(int why);

#endif
