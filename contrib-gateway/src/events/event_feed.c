/*
 * event_feed.c
 *		What feeds the streams of a warehouse; see event_feed.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "events/event_feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/auth.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/process.h"
#include "catalog/statements.h"

#define FEED_EVENTS  500   /* of one answer */
#define FEED_SIGHTS  50000 /* of one answer: events, times roles that ask */
#define FEED_MINIMUM 10    /* events, of however many roles */

/* Two may be under way: for the streams that are at the head, and for those behind. */
typedef enum Which
{
	AT_HEAD,
	BEHIND
} Which;

typedef struct Question
{
	struct GwEventFeed *feed;
	GwCall              call;
	int64_t             after;
	char                after_text[24];
	char                limit_text[12];
	GwText              roles; /* JSON */
} Question;

typedef struct GwEventFeed
{
	TAILQ_ENTRY(GwEventFeed) link;
	GwEventStreamList streams;
	GwDatabase       *database; /* held */
	char              warehouse[40];
	int64_t           at;   /* up to here the streams at the head are fed */
	int64_t           last; /* as far as it is known */
	bool              due;
	uint64_t          next_us;   /* when those at the head are to be asked for */
	uint64_t          behind_us; /* not before this time for those behind */
	Question          questions[2];
} GwEventFeed;

static TAILQ_HEAD(, GwEventFeed) feeds = TAILQ_HEAD_INITIALIZER(feeds);
static uint64_t turns;

/* -- streams come and go ----------------------------------------------------------------------- */

static GwEventFeed *
find_feed(const GwDatabase *database, GwSlice warehouse)
{
	GwEventFeed *feed;

	TAILQ_FOREACH (feed, &feeds, link)
		if (feed->database == database && gw_text_slice_is(warehouse, feed->warehouse))
			return feed;
	return NULL;
}

void
gw_event_feed_use(GwEventStream *stream, GwDatabase *database, GwSlice warehouse)
{
	GwEventFeed *feed = find_feed(database, warehouse);

	if (feed == NULL)
	{
		feed = gw_alloc(sizeof(*feed));
		snprintf(feed->warehouse, sizeof(feed->warehouse), "%.*s", (int) warehouse.len,
				 warehouse.data);
		feed->database = database;
		feed->questions[AT_HEAD].feed = feed->questions[BEHIND].feed = feed;
		TAILQ_INIT(&feed->streams);
		gw_database_hold(database);
		TAILQ_INSERT_TAIL(&feeds, feed, link);
	}
	if (stream->at > feed->at)
		feed->at = stream->at;
	feed->due = true;
	stream->feed = feed;
	stream->turn = ++turns;
	stream->list = &feed->streams;
	stream->roles[AT_HEAD] = stream->roles[BEHIND] = -1;
}

static const char *
client_of(const GwRequest *request)
{
	return request->principal != NULL ? request->principal : request->exchange.network;
}

int
gw_event_feed_streams_of(const GwRequest *request)
{
	const GwEventStream *stream;
	const GwEventFeed   *feed;
	int                  count = 0;

	TAILQ_FOREACH (feed, &feeds, link)
		TAILQ_FOREACH (stream, &feed->streams, link)
			count += strcmp(client_of(stream->request), client_of(request)) == 0 &&
					 (stream->request->principal != NULL) == (request->principal != NULL);
	return count;
}

int64_t
gw_event_feed_lag(void)
{
	const GwEventStream *stream;
	const GwEventFeed   *feed;
	int64_t              lag = 0;

	TAILQ_FOREACH (feed, &feeds, link)
		TAILQ_FOREACH (stream, &feed->streams, link)
			if (feed->last - stream->at > lag)
				lag = feed->last - stream->at;
	return lag;
}

/* -- answers ----------------------------------------------------------------------------------- */

static const char *
role_of(const GwEventStream *stream)
{
	return stream->request->role != NULL ? stream->request->role : "";
}

/* Ends those whose role is lost, and those whose next events are gone; finds those to be fed. They
 * have had their turn together. */
static void
sort_out(GwEventFeed *feed, Which which, const GwEventHead *head)
{
	int64_t        after = feed->questions[which].after;
	GwEventStream *next;

	turns++;
	for (GwEventStream *stream = TAILQ_FIRST(&feed->streams); stream != NULL; stream = next)
	{
		int role = stream->roles[which];

		next = TAILQ_NEXT(stream, link);
		stream->eligible = false;
		if (role < 0 || (size_t) role >= head->roles.len)
			continue;
		if (head->roles.data[role] != '1')
		{
			gw_event_stream_end(stream, GW_EVENT_NO_ROLE, 0);
			continue;
		}
		if (stream->full_us != 0 || stream->at < after)
			continue;
		if (stream->at + 1 < head->oldest)
		{
			gw_event_stream_end(stream, GW_EVENT_TRIMMED, head->oldest);
			continue;
		}
		stream->eligible = stream->at < head->looked_to;
		if (stream->eligible)
			stream->turn = turns;
	}
}

/* Gives an event to all that see it and want it. */
static void
give_out(GwEventFeed *feed, Which which, const GwEventLine *line)
{
	GwEventStream *next;

	for (GwEventStream *stream = TAILQ_FIRST(&feed->streams); stream != NULL; stream = next)
	{
		int role = stream->roles[which];

		next = TAILQ_NEXT(stream, link);
		if (!stream->eligible || line->number <= stream->at || (size_t) role >= line->mask.len ||
			line->mask.data[role] != '1' || !gw_event_line_passes(line, &stream->filter))
			continue;
		stream->at = line->number;
		if (gw_event_stream_send(stream, line))
			stream->eligible = stream->full_us == 0;
	}
}

/* False: the answer does not read as one. Then nobody passes over what could not be read. */
static bool
take_answer(GwEventFeed *feed, Which which, GwSlice text)
{
	GwEventHead    head;
	GwEventLine    line;
	GwEventStream *stream;

	if (!gw_event_line_read_head(&text, &head))
		return false;
	sort_out(feed, which, &head);
	while (gw_event_line_read(&text, &line))
		give_out(feed, which, &line);
	if (text.len > 0)
		return false;
	TAILQ_FOREACH (stream, &feed->streams, link)
		if (stream->eligible && stream->at < head.looked_to)
			stream->at = head.looked_to;
	feed->last = head.last;
	if (which == BEHIND)
	{
		if (head.looked_to > feed->questions[BEHIND].after)
			feed->behind_us = 0;
		return true;
	}
	if (head.looked_to > feed->at)
		feed->at = head.looked_to;
	if (head.last < feed->at) /* a client of a standby may have come further */
		feed->at = head.last;
	feed->due = feed->due || head.looked_to < head.last;
	return true;
}

static void
end_all(GwEventFeed *feed, int why)
{
	GwEventStream *stream;

	while ((stream = TAILQ_FIRST(&feed->streams)) != NULL)
		gw_event_stream_end(stream, why, 0);
}

static void pump(GwEventFeed *feed, uint64_t now);

/* The pool's done(). What cannot be had now is asked for again at the next interval. */
static void
done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	Question    *question = (Question *) ((char *) call - offsetof(Question, call));
	GwEventFeed *feed = question->feed;
	Which        which = question == &feed->questions[BEHIND] ? BEHIND : AT_HEAD;

	if (which == BEHIND) /* unless it brings them on */
		feed->behind_us = gw_clock_us() + (uint64_t) gw_conf.event_poll_ms * 1000;
	if (outcome != GW_CALL_ANSWERED)
		return;
	if (result->is_error)
		gw_log(GW_WARNING,
			   "the database does not tell of events (%s): the login role may need "
			   "icecat.grant_gateway() again",
			   result->message);
	else if (result->is_null)
		end_all(feed, GW_EVENT_DROPPED);
	else if (!take_answer(feed, which, (GwSlice){result->value, result->value_len}))
		gw_log(GW_ERROR, "the database's answer about events cannot be read");
	if (!result->is_error)
		pump(feed, gw_clock_us());
	gw_pg_result_free(result);
}

/* -- questions --------------------------------------------------------------------------------- */

/* qsort's. */
static int
by_role(const void *a, const void *b)
{
	return strcmp(role_of(*(GwEventStream *const *) a), role_of(*(GwEventStream *const *) b));
}

/* The streams that a question can feed, by their roles; the others have no place in it. */
static GwEventStream **
find_asking(GwEventFeed *feed, Which which, int *count)
{
	GwEventStream **asking = gw_alloc(sizeof(*asking) * (size_t) (gw_counters.event_streams + 1));
	GwEventStream  *stream;

	*count = 0;
	TAILQ_FOREACH (stream, &feed->streams, link)
	{
		stream->roles[which] = -1;
		if (stream->full_us == 0 && stream->at >= feed->questions[which].after &&
			(which == AT_HEAD || stream->at < feed->at))
			asking[(*count)++] = stream;
	}
	qsort(asking, (size_t) *count, sizeof(*asking), by_role);
	return asking;
}

/* Puts the roles of these streams into a JSON array, each once, and notes the place of each.
 * Returns how many roles there are. */
static int
put_roles(GwEventFeed *feed, Which which)
{
	GwText         *out = &feed->questions[which].roles;
	int             streams;
	int             count = 0;
	GwEventStream **asking = find_asking(feed, which, &streams);

	out->len = 0;
	for (int i = 0; i < streams; i++)
	{
		const char *role = role_of(asking[i]);

		if (i == 0 || strcmp(role, role_of(asking[i - 1])) != 0)
		{
			gw_text_putc(out, count++ == 0 ? '[' : ',');
			gw_text_json(out, role, strlen(role));
		}
		asking[i]->roles[which] = count - 1;
	}
	gw_text_puts(out, count == 0 ? "[]" : "]");
	gw_text_add(out, "", 1);
	free(asking);
	return count;
}

/* Of many roles, fewer events at a time: the database looks at each event for each role. */
static int
limit_for(int roles)
{
	int limit = FEED_SIGHTS / (roles > 0 ? roles : 1);

	return limit > FEED_EVENTS ? FEED_EVENTS : limit < FEED_MINIMUM ? FEED_MINIMUM : limit;
}

/* Sends a question, if none of its kind is under way. */
static void
ask(GwEventFeed *feed, Which which, int64_t after)
{
	Question *question = &feed->questions[which];
	GwPool   *pool = feed->database->reads;
	GwPgStep *step;

	if (question->call.state != GW_CALL_IDLE || !gw_pool_is_ready(pool) ||
		!gw_pool_offers(pool, GW_STATEMENT_EVENT_FEED))
		return;
	question->after = after;
	snprintf(question->after_text, sizeof(question->after_text), "%lld", (long long) after);
	snprintf(question->limit_text, sizeof(question->limit_text), "%d",
			 limit_for(put_roles(feed, which)));
	gw_call_begin(&question->call, question->roles.len);
	gw_call_role(&question->call);
	step = gw_call_step(&question->call, GW_STATEMENT_EVENT_FEED);
	gw_call_param(step, feed->warehouse);
	gw_call_param(step, question->after_text);
	gw_call_param(step, question->limit_text);
	gw_call_param(step, question->roles.data);
	question->call.done = done;
	gw_counters.event_polls++;
	(void) gw_pool_submit(pool, &question->call, true);
}

/* Of the streams that are behind and take more, the one that was fed the longest time ago. */
static GwEventStream *
next_behind(GwEventFeed *feed)
{
	GwEventStream *stream;
	GwEventStream *next = NULL;

	TAILQ_FOREACH (stream, &feed->streams, link)
		if (stream->full_us == 0 && stream->at < feed->at &&
			(next == NULL || stream->turn < next->turn ||
			 (stream->turn == next->turn && stream->at < next->at)))
			next = stream;
	return next;
}

/* Asks what is to be asked now. */
static void
pump(GwEventFeed *feed, uint64_t now)
{
	GwEventStream *behind;

	if (TAILQ_EMPTY(&feed->streams))
		return;
	if (now >= feed->behind_us && feed->questions[BEHIND].call.state == GW_CALL_IDLE &&
		(behind = next_behind(feed)) != NULL)
		ask(feed, BEHIND, behind->at);
	if ((!feed->due && now < feed->next_us) || feed->questions[AT_HEAD].call.state != GW_CALL_IDLE)
		return;
	feed->due = false;
	feed->next_us = now + (uint64_t) gw_conf.event_poll_ms * 1000;
	ask(feed, AT_HEAD, feed->at);
}

void
gw_event_feed_resume(GwEventStream *stream)
{
	stream->full_us = 0;
	pump(stream->feed, gw_clock_us());
}

void
gw_event_feed_notified(GwDatabase *database, const char *warehouse)
{
	GwEventFeed *feed = find_feed(database, (GwSlice){warehouse, strlen(warehouse)});

	if (feed == NULL)
		return;
	feed->due = true;
	pump(feed, gw_clock_us());
}

/* -- time -------------------------------------------------------------------------------------- */

/* Has it taken nothing for too long, or not all of what waits, or not answered? Or does it let wait
 * what the gateway has no memory for? */
static bool
is_slow(const GwEventStream *stream, uint64_t now)
{
	const GwExchange *exchange = &stream->request->exchange;
	uint64_t          limit = (uint64_t) gw_conf.event_slow_ms * 1000;
	uint64_t          stalled = exchange->stalled_us(exchange, now);

	return (stream->pinged_us != 0 && gw_clock_since(now, stream->pinged_us) >= limit) ||
		   (stream->full_us != 0 && gw_clock_since(now, stream->full_us) >= limit) ||
		   stalled >= limit ||
		   (stalled > 0 && gw_process.buffered_bytes > (uint64_t) gw_conf.buffered_bytes_max);
}

/* Why a stream is to end now; -1: it goes on. */
static int
reason_to_end(const GwEventStream *stream, uint64_t now)
{
	int64_t expires_s = stream->request->auth.verdict.expires_s;

	if (gw_process.closing)
		return GW_EVENT_SHUTDOWN;
	if (stream->feed->database->leaving)
		return GW_EVENT_DROPPED;
	if (gw_auth_is_on() && expires_s > 0 && (int64_t) time(NULL) >= expires_s)
		return GW_EVENT_EXPIRED;
	if (gw_clock_since(now, stream->began_us) >= (uint64_t) gw_conf.event_stream_max_s * 1000000)
		return GW_EVENT_AGE;
	return is_slow(stream, now) ? GW_EVENT_SLOW : -1;
}

static void
tick_streams(GwEventFeed *feed, uint64_t now)
{
	GwEventStream *next;

	for (GwEventStream *stream = TAILQ_FIRST(&feed->streams); stream != NULL; stream = next)
	{
		int why = reason_to_end(stream, now);

		next = TAILQ_NEXT(stream, link);
		if (why >= 0)
			gw_event_stream_end(stream, why, 0);
		else if (stream->full_us == 0 && gw_clock_since(now, stream->sent_us) >=
											 (uint64_t) gw_conf.event_heartbeat_ms * 1000)
			(void) gw_event_stream_beat(stream);
	}
}

/* A feed goes with its last stream, when nothing is asked any more. */
static bool
is_over(const GwEventFeed *feed)
{
	return TAILQ_EMPTY(&feed->streams) && feed->questions[AT_HEAD].call.state == GW_CALL_IDLE &&
		   feed->questions[BEHIND].call.state == GW_CALL_IDLE;
}

void
gw_event_feed_tick(uint64_t now)
{
	GwEventFeed *next;

	for (GwEventFeed *feed = TAILQ_FIRST(&feeds); feed != NULL; feed = next)
	{
		next = TAILQ_NEXT(feed, link);
		tick_streams(feed, now);
		pump(feed, now);
		if (!is_over(feed))
			continue;
		TAILQ_REMOVE(&feeds, feed, link);
		gw_database_release(feed->database);
		gw_text_free(&feed->questions[AT_HEAD].roles);
		gw_text_free(&feed->questions[BEHIND].roles);
		free(feed);
	}
}
