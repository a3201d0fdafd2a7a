/*
 * await.h
 *		Answers that wait until the metadata file that they name can be read.
 *
 * An answer with which the database names queued files is kept here, outside of every lock,
 * transaction and connection, until the worker has announced them or metadata_wait_ms is over. One
 * connection listens for these announcements. A second way leads to the same: what waits for some
 * time is asked for, on a connection for reads; so a lost announcement, or a pooler that lets
 * nobody listen, costs some 100 ms and no more.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_AWAIT_H
#define GW_AWAIT_H

#include "catalog/request_data.h"

/* Keeps the answer until done(), which takes it. False: it can go at once. */
extern bool gw_await_begin(GwRequest *request, GwPgResult *result,
						   void (*done)(GwRequest *request));

/* Drops a kept answer, whose client is gone. */
extern void gw_await_cancel(GwRequest *request);

/* The worker of a database has announced these files. */
extern void gw_await_announced(void *database, const char *keys);

/* How many answers wait. */
extern size_t gw_await_waiting(void);

/* Are announcements heard? Did a worker run, when it was last asked for? */
extern bool gw_await_listens(const GwDatabase *database);
extern bool gw_await_listens_all(void);
extern bool gw_await_worker(const GwDatabase *database);

/* Once per tick: what has waited too long. */
extern void gw_await_tick(uint64_t now_us);

#endif
