/*
 * task_signal.h
 *		Wakes the worker of this database when a transaction commits; starts it where none runs.
 *
 * The worker of each database has a slot in a small piece of shared memory, which is made at first use (no
 * shared_preload_libraries needed) and guarded by one spinlock, held for a few instructions. A slot
 * says: nobody (free), a session has asked for a worker (starting), or a worker waits on this latch
 * (running). Latches are set outside of the spinlock; setting one that meanwhile belongs to another process
 * only wakes that process once for nothing.
 *
 * A failure to start a worker never fails a commit: the tasks stay in the queue for whoever runs next. A database that got no
 * process waits. Every running worker, and the end of every transaction of a session that has the library, tries again for all
 * that wait; a worker with nothing to do makes room for them at once, one with work after its turn. The last worker of all cannot
 * start another before it is gone: it has the postmaster start it again, as the worker of the database that waits longest.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TASK_SIGNAL_H
#define ICE_TASK_SIGNAL_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Class (locktag_field4) of our advisory locks; PostgreSQL's own are 1 and 2. key1, key2 choose the lock. */
#define ICE_LOCK_CLASS_WORKER 0x1CE0
#define ICE_WORKER_LOCK_TASKS 1      /* only one session at a time works on the queue */
#define ICE_WORKER_LOCK_PARTITIONS 2 /* only one makes or drops partitions of event */
#define ICE_WORKER_LOCK_REPORT_PARTITIONS 3 /* the same of metrics_report */
/* Whoever deletes files, while it does; shared by who takes over files that exist. */
#define ICE_WORKER_LOCK_FILES 4

#define ICE_WORKER_LIBRARY "icecat"
#define ICE_WORKER_FUNCTION "ice_worker_main"

/* A number that grows with each call in a transaction: orders what it writes. */
extern int32 ice_xact_position(void);

/* Call in a transaction that wrote a task or event: the worker wakes when it commits. */
extern void ice_task_signal(void);

/* The same for one that queued a metadata file. */
extern void ice_queue_added(void);

/* For who works on the queue: files were written; it is empty. About so many are queued: what a rolled back
 * savepoint had queued is counted until the queue is empty. */
extern void ice_queue_written(int files);
extern void ice_queue_empty(void);

/* Before a commit begins: waits while more than icecat.metadata_queue_max files are queued, at most
 * icecat.metadata_queue_wait_ms. Not in a transaction that has changed something: it may hold locks that others wait for. */
extern void ice_queue_wait(void);

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

/* Does any database wait for a process? Starts their workers, if one is free. Neither raises. */
extern bool ice_worker_others_wait(void);
extern void ice_worker_start_waiting(void);
/* From now on the end of each of this session's transactions tries to start those that wait. */
extern void ice_worker_watch(void);

/* For a worker process that starts: the database it is for. InvalidOid: none needs it any more. */
extern Oid ice_worker_choose(Oid database);
/* For the worker: what was wrong with its last round; "": nothing. */
extern void ice_worker_note_error(const char *message);
/* For the worker: takes the database's slot until the process ends; false if another worker has it. */
extern bool ice_worker_claim_slot(void);
/* Gives the slot back; from then on a commit starts another worker. waits: there is work left, for the next turn. True if another
 * worker runs, which looks after those that wait. */
extern bool ice_worker_release_slot(bool waits);

/* Advisory locks of our class in this database; transaction-scoped. false: taken by another session. */
extern bool ice_worker_lock(int32 key, bool session, bool wait);
extern void ice_worker_unlock_session(int32 key);
/* Shares the lock with others until the end of the transaction; waits for whoever has it alone. */
extern void ice_worker_lock_shared(int32 key);

#endif
