/*
 * event_stream.c
 *		One client's stream of events; see event_stream.h.
 *
 * A message of Server-Sent Events is an id, by which the client goes on later, and one line of
 * data. The last one is of the type "end", which an EventSource hands to those that listen for it.
 * On a WebSocket a message is the event alone, whose "sequence" is the id; pings carry the id
 * between them, and the close has the reason.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "events/event_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "base/log.h"
#include "catalog/answer.h"

static const char *const reasons[GW_EVENT_ENDS] = {
	[GW_EVENT_LEFT] = "client-left",       [GW_EVENT_SLOW] = "slow-consumer",
	[GW_EVENT_EXPIRED] = "token-expired",  [GW_EVENT_AGE] = "stream-too-old",
	[GW_EVENT_NO_ROLE] = "role-lost",      [GW_EVENT_TRIMMED] = "events-trimmed",
	[GW_EVENT_DROPPED] = "warehouse-gone", [GW_EVENT_SHUTDOWN] = "gateway-stops",
	[GW_EVENT_LOUD] = "too-much-input",
};

/* With which code a WebSocket is closed (RFC 6455, section 7.4.1): going away, where the client is
 * to connect again at once; else policy violation. */
static const int codes[GW_EVENT_ENDS] = {
	[GW_EVENT_SLOW] = 1008,     [GW_EVENT_EXPIRED] = 1008, [GW_EVENT_AGE] = 1001,
	[GW_EVENT_NO_ROLE] = 1008,  [GW_EVENT_TRIMMED] = 1008, [GW_EVENT_DROPPED] = 1008,
	[GW_EVENT_SHUTDOWN] = 1001, [GW_EVENT_LOUD] = 1008,
};

const char *
gw_event_stream_reason(int why)
{
	return reasons[why];
}

/* False: the client is gone, and so is the stream. */
static bool
feed(GwEventStream *stream, const GwText *text)
{
	GwExchange *exchange = &stream->request->exchange;
	GwFed       fed = exchange->feed(exchange, (GwSlice){text->data, text->len});

	if (fed == GW_FED_GONE)
		return false;
	stream->sent_us = gw_clock_us();
	if (fed == GW_FED_FULL && stream->full_us == 0)
		stream->full_us = stream->sent_us;
	return true;
}

/* Is it still there? Its memory is not looked at. */
static bool
is_in(const GwEventStreamList *list, const GwEventStream *stream)
{
	const GwEventStream *each;

	TAILQ_FOREACH (each, list, link)
		if (each == stream)
			return true;
	return false;
}

/* The head says that both sides speak frames from now on. */
static void
begin_socket(GwEventStream *stream, GwReply *reply)
{
	reply->status = 101;
	reply->accept = stream->request->accept_socket;
	stream->request->exchange.frames = true;
}

void
gw_event_stream_begin(GwEventStream *stream)
{
	GwRequest         *request = stream->request;
	GwEventStreamList *list = stream->list;
	static GwText      text;
	GwReply            reply = {.status = 200,
								.retry_after_s = -1,
								.content_type = "text/event-stream",
								.no_store = true,
								.unbuffered = true,
								.flows = true};

	request->stream = stream;
	request->exchange.flow_max = (size_t) gw_conf.event_buffer_bytes;
	request->exchange.endless = true;
	if (stream->frames != NULL)
		begin_socket(stream, &reply);
	stream->began_us = stream->sent_us = stream->heard_us = gw_clock_us();
	gw_counters.event_streams++;
	TAILQ_INSERT_TAIL(list, stream, link);
	gw_answer_give(request, &reply);
	if (!is_in(list, stream))
		return; /* the client had left */
	if (stream->frames != NULL)
	{
		(void) gw_event_stream_beat(stream);
		return;
	}
	text.len = 0;
	gw_text_printf(&text, "retry: %lld\nid: %lld\n\n", (long long) gw_conf.event_retry_ms,
				   (long long) stream->at);
	(void) feed(stream, &text);
}

bool
gw_event_stream_send(GwEventStream *stream, const GwEventLine *line)
{
	static GwText text;

	text.len = 0;
	gw_counters.events_sent++;
	if (stream->frames != NULL)
		gw_frames_text(stream->frames, line->document, &text);
	else
	{
		gw_text_printf(&text, "id: %lld\ndata: ", (long long) line->number);
		gw_text_add(&text, line->document.data, line->document.len);
		gw_text_add(&text, "\n\n", 2);
	}
	return feed(stream, &text);
}

bool
gw_event_stream_beat(GwEventStream *stream)
{
	static GwText text;
	char          number[24];

	text.len = 0;
	if (stream->frames == NULL)
		gw_text_printf(&text, ":\nid: %lld\n\n", (long long) stream->at);
	else
	{
		snprintf(number, sizeof(number), "%lld", (long long) stream->at);
		gw_frames_ping(stream->frames, (GwSlice){number, strlen(number)}, &text);
		if (stream->pinged_us == 0)
			stream->pinged_us = gw_clock_us();
	}
	return feed(stream, &text);
}

void
gw_event_stream_free(GwEventStream *stream, int why)
{
	stream->request->stream = NULL;
	gw_state_set(&stream->request->state, GW_STATE_OVER);
	gw_counters.event_streams--;
	gw_counters.event_streams_ended[why]++;
	TAILQ_REMOVE(stream->list, stream, link);
	gw_frames_free(stream->frames);
	free(stream->text);
	free(stream);
}

/* What the last message says. */
static void
put_end(GwText *out, const GwEventStream *stream, int why, int64_t oldest)
{
	gw_text_printf(out, "{\"reason\":\"%s\",\"last-event-id\":\"%lld\"", reasons[why],
				   (long long) stream->at);
	if (why == GW_EVENT_TRIMMED)
		gw_text_printf(out, ",\"oldest\":\"%lld\"", (long long) oldest);
	gw_text_putc(out, '}');
}

void
gw_event_stream_end(GwEventStream *stream, int why, int64_t oldest)
{
	GwExchange   *exchange = &stream->request->exchange;
	static GwText text;
	static GwText frame;

	text.len = frame.len = 0;
	if (stream->frames == NULL)
		gw_text_puts(&text, "event: end\ndata: ");
	put_end(&text, stream, why, oldest);
	if (stream->frames == NULL)
		gw_text_puts(&text, "\n\n");
	else
		gw_frames_close(stream->frames, codes[why], (GwSlice){text.data, text.len}, &frame);
	gw_log_request(GW_DEBUG, exchange->id, "stream of events ended: %s", reasons[why]);
	if (!feed(stream, stream->frames == NULL ? &text : &frame))
		return;
	gw_event_stream_free(stream, why);
	exchange->finish(exchange, true);
}

/* Answers to pings are all that is expected: a client that sends more than these could be, again
 * and again, would only cost work, and memory for what answers its own pings. */
static bool
is_too_loud(GwEventStream *stream, size_t bytes)
{
	uint64_t now = gw_clock_us();

	if (gw_clock_since(now, stream->heard_us) >= (uint64_t) gw_conf.event_heartbeat_ms * 1000)
	{
		stream->heard_us = now;
		stream->heard_bytes = 0;
	}
	stream->heard_bytes += bytes;
	return stream->heard_bytes > GW_SOCKET_INPUT_BYTES_MAX;
}

void
gw_event_stream_receive(GwEventStream *stream, GwSlice input)
{
	GwExchange   *exchange = &stream->request->exchange;
	static GwText text;
	bool          goes_on;

	if (is_too_loud(stream, input.len))
	{
		gw_event_stream_end(stream, GW_EVENT_LOUD, 0);
		return;
	}
	text.len = 0;
	goes_on = gw_frames_take(stream->frames, input, &text);
	if (gw_frames_was_heard(stream->frames))
		stream->pinged_us = 0;
	if ((text.len > 0 && !feed(stream, &text)) || goes_on)
		return;
	gw_event_stream_free(stream, GW_EVENT_LEFT);
	exchange->finish(exchange, true);
}
