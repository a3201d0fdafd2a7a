/*
 * store_queue.h
 *		Who changes the queue of file tasks, or writes an event, has the worker woken at the end of
 *		the transaction.
 *
 * The length of the queue is kept in shared memory, about: what a rolled back savepoint had queued
 * is counted until the queue is empty.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_QUEUE_H
#define ICE_STORE_QUEUE_H

#include "postgres.h"

/* Call in a transaction that wrote a task or event: the worker wakes when it commits. */
extern void ice_queue_signal(void);

/* The same for one that queued a metadata file. */
extern void ice_queue_added(void);

/* From now on the end of each of this session's transactions tries to start the workers that wait
 * for a process. */
extern void ice_queue_watch(void);

/* For the session that does tasks: files were written; it is empty. */
extern void ice_queue_written(int files);
extern void ice_queue_empty(void);

/* Before a commit begins: waits while more than icecat.metadata_queue_max files are queued, at most
 * icecat.metadata_queue_wait_ms. Not in a transaction that has changed something: it may hold locks
 * that others wait for. */
extern void ice_queue_wait(void);

/* A number that grows with each call in a transaction: orders what it writes. */
extern int32 ice_queue_position(void);

#endif
