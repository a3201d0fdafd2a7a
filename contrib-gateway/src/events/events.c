/*
 * events.c
 *		Who may have a stream of events; see events.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "events/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/counters.h"
#include "base/process.h"
#include "catalog/respond.h"
#include "events/event_feed.h"

/* A stream has no end that HEAD could tell of. */
static void
refuse_head(GwRequest *request)
{
	snprintf(request->allow, sizeof(request->allow), "GET");
	gw_respond_refuse(request, 405, "The method is not allowed for this path", false);
}

/* True: the request was answered with an error. */
static bool
refuse(GwRequest *request)
{
	if (request->exchange.method == GW_HEAD)
		refuse_head(request);
	else if (gw_process.closing)
		gw_respond_refuse(request, 503, "The gateway stops", false);
	else if (gw_counters.event_streams >= gw_conf.event_streams_max)
	{
		gw_counters.event_streams_refused++;
		gw_respond_refuse(request, 503, "Too many streams of events (event_streams_max)", false);
	}
	else if (gw_event_feed_streams_of(request) >= gw_conf.event_client_streams_max)
	{
		gw_counters.event_streams_refused++;
		request->auth.wait_s = gw_conf.retry_after_s;
		gw_respond_refuse(request, 429,
						  "Too many streams of events of one client (event_client_streams_max)",
						  false);
	}
	else
		return false;
	return true;
}

/* The streamer's begin(). */
static void
begin(GwRequest *request, const GwPgResult *result)
{
	GwEventStream *stream;
	GwSlice        warehouse;

	if (refuse(request))
		return;
	stream = gw_alloc(sizeof(*stream));
	stream->request = request;
	stream->frames = request->accept_socket != NULL ? gw_frames_open() : NULL;
	stream->text = gw_strdup(result->value);
	if (!gw_event_line_read_open((GwSlice){stream->text, strlen(stream->text)}, &warehouse,
								 &stream->at, &stream->filter))
	{
		gw_frames_free(stream->frames);
		free(stream->text);
		free(stream);
		gw_respond_refuse(request, 500, "The catalog's answer cannot be read", false);
		return;
	}
	gw_event_feed_use(stream, request->database, warehouse);
	gw_event_stream_begin(stream);
}

static void
go_on(GwRequest *request)
{
	gw_event_feed_resume(request->stream);
}

static void
stop(GwRequest *request)
{
	gw_event_stream_free(request->stream, GW_EVENT_LEFT);
}

static void
receive(GwRequest *request, GwSlice input)
{
	gw_event_stream_receive(request->stream, input);
}

const GwStreamer gw_events_streamer = {
	.begin = begin, .go_on = go_on, .stop = stop, .receive = receive};
