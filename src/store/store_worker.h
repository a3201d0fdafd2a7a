/*
 * store_worker.h
 *		Starts the worker of this database where none runs, and wakes it.
 *
 * The worker of each database has a slot in a small piece of shared memory, which is made at first
 * use (no shared_preload_libraries needed) and guarded by one spinlock, held for a few
 * instructions. A slot says: nobody (free), a session has asked for a worker (starting), or a
 * worker waits on this latch (running). Latches are set outside of the spinlock; setting one that
 * by then belongs to another process only wakes that process once for nothing.
 *
 * A failure to start a worker never fails a commit: the tasks stay in the queue for the next
 * worker. A database that got no process waits. Every running worker, and the end of every
 * transaction of a session that has the library, tries again for all that wait; a worker with
 * nothing to do makes room for them at once, one with work after its turn. The last worker of all
 * cannot start another before it is gone: it has the postmaster start it again, as the worker of
 * the database that waits longest.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_WORKER_H
#define ICE_STORE_WORKER_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define ICE_WORKER_LIBRARY  "icecat"
#define ICE_WORKER_FUNCTION "ice_worker_main"

/* Starts a worker if none runs or is starting; false if that was not possible. */
extern bool ice_worker_ensure(void);

/* Wakes the worker now. */
extern void ice_worker_wake(void);

/* Pid of this database's running worker; 0: none. */
extern int ice_worker_pid(void);

typedef struct IceWorkerState
{
	int         pid;           /* 0: none runs */
	TimestampTz waiting_since; /* 0: it does not wait for a process */
	char        error[200];    /* of its last round; "": none */
} IceWorkerState;

/* Fills out; returns none, starting, waiting or running. */
extern const char *ice_worker_state(IceWorkerState *out);

/* Adds to the number of metadata files that are queued; with reset, that is what it is. */
extern void ice_worker_count_files(int change, bool reset);
extern int  ice_worker_queued_files(void);

/* Does any database wait for a process? Starts their workers, if one is free. Neither raises. */
extern bool ice_worker_others_wait(void);
extern void ice_worker_start_waiting(void);
/* For a worker process that starts: the database it is for. InvalidOid: none needs it any more. */
extern Oid  ice_worker_choose(Oid database);
/* For the worker: what was wrong with its last round; "": nothing. */
extern void ice_worker_note_error(const char *message);
/* For the worker: takes the database's slot until the process ends; false if another worker has
 * it. */
extern bool ice_worker_claim_slot(void);
/* Gives the slot back; from then on a commit starts another worker. waits: there is work left, for
 * the next turn. True if another worker runs, which looks after those that wait. */
extern bool ice_worker_release_slot(bool waits);

#endif
