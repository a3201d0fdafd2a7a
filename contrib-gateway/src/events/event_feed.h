/*
 * event_feed.h
 *		What feeds the streams of a warehouse: one question to the database for all of them.
 *
 * A question names the roles of all streams, and the answer says for each event which of them see
 * it now. Streams that have come as far as the feed are fed together, when the database notifies
 * the gateway of events, and now and then. Those that are behind (they began further back, or were
 * too slow for a while) are fed by a second question at a time, from the one on that was fed the
 * longest time ago; so they hold up nobody, each gets its turn, and nothing is kept in memory for
 * them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_EVENT_FEED_H
#define GW_EVENT_FEED_H

#include "events/event_stream.h"

/* Before a stream begins: which feed it is of. */
extern void gw_event_feed_use(GwEventStream *stream, GwDatabase *database, GwSlice warehouse);

/* How many streams a client has. */
extern int gw_event_feed_streams_of(const GwRequest *request);

/* By how many events the stream that is furthest behind is so. */
extern int64_t gw_event_feed_lag(void);

/* It takes more again. */
extern void gw_event_feed_resume(GwEventStream *stream);

/* The database has numbered events of a warehouse. */
extern void gw_event_feed_notified(GwDatabase *database, const char *warehouse);

extern void gw_event_feed_tick(uint64_t now_us);

#endif
