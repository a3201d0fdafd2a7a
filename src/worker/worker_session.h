/*
 * worker_session.h
 *		The worker's session: whose rights it has, its settings, its transactions.
 *
 * The worker connects without a user name, because the owner of the tables may not be allowed to
 * log in, which makes it a session of the bootstrap superuser. The owner may attach code to the
 * tables (triggers, rules, defaults, index expressions …), and the worker runs it. So as soon as it
 * knows the owner the session becomes the owner's, and stays so: what runs before, between and
 * after transactions, or when one aborts, has the owner's rights at most. Each transaction, to the
 * end of its commit, is a security-restricted operation: nothing can be left behind for later (a
 * deferred trigger, a cursor WITH HOLD, a temporary table), and nobody can change the role or the
 * session's user, not even back.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_WORKER_SESSION_H
#define ICE_WORKER_SESSION_H

#include "postgres.h"

typedef struct IceWorkerSession
{
	bool          installed;  /* the extension was there when the last transaction began */
	bool          in_the_way; /* another session wanted the database for itself then */
	MemoryContext context;    /* current after each transaction */
} IceWorkerSession;

extern IceWorkerSession ice_worker_session;

/* Settings of the database or role that the worker's own statements must not depend on. */
extern void ice_worker_session_pin_settings(void);

/* Starts a transaction as the owner. False, and no transaction, if there is nothing to work on: see
 * ice_worker_session. */
extern bool ice_worker_session_begin(void);
/* The commit itself runs code of the owner: it is not done with other rights. */
extern void ice_worker_session_commit(void);
extern void ice_worker_session_abort(void);
/* Losing the end of this transaction in a crash only means doing the tasks again. */
extern void ice_worker_session_forgo_flush(void);
/* Was the worker woken since its round began? */
extern bool ice_worker_session_is_wanted(void);
/* After a transaction that was aborted in another way. */
extern void ice_worker_session_leave_sandbox(void);

#endif
