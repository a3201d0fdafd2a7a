/*
 * worker_watch.h
 *		What icecat.worker_status() and icecat.storage_status() say, for /metrics: the queue, the
 *		worker, the oldest file, what was written to each store.
 *		Asked only while somebody reads the metrics, and at most once in probe_interval_ms, so that
 *		a page that is asked for often costs nothing.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_WORKER_WATCH_H
#define GW_WORKER_WATCH_H

#include <stdint.h>

#include "base/text.h"

extern void gw_worker_watch_tick(uint64_t now_us);

/* One gauge a column. What is shown was asked for by an earlier page; the first one shows
 * nothing. */
extern void gw_worker_watch_render(GwText *out);

#endif
