/*
 * caller.h
 *		Who calls: the role whose rights in the catalog count.
 *
 * Functions that ask for it are SECURITY INVOKER and change to their owner here. PostgreSQL's
 * SECURITY DEFINER would make the same change, but does not tell who was there before it. So the
 * caller is current_user at the call: after SET ROLE that role, in a function of another definer
 * its owner, in an index expression the owner of the table. The role of the session
 * (GetOuterUserId) would be wrong there: an index expression could do what the superuser may who
 * runs ANALYZE.
 *
 * Calls nest (code that the owner has attached to a table may call again); what an error leaves
 * behind goes with the transaction, or with the subtransaction that the call was in.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_CALLER_H
#define ICE_CALLER_H

#include "postgres.h"

#include "fmgr.h"
#include "nodes/pg_list.h"

typedef struct IceCaller
{
	Oid  role;   /* whose rights count */
	Oid  engine; /* that calls: another one only after ice_caller_as() */
	bool owns; /* has the rights of the extension's owner, as a superuser does: may do everything */
} IceCaller;

/* As ice_spi_begin() and ice_spi_end() (spi.h), for a function that is called from SQL: in
 * between, the current user is the owner of the function. */
extern MemoryContext ice_caller_begin(FunctionCallInfo fcinfo);
extern void          ice_caller_end(void);

/* Until the call ends, the rights of another role count. Who decides that the caller may have them
 * has decided. */
extern void ice_caller_as(Oid role);

/* The same, as if that role itself had called: it is not taken for an engine that reads for others,
 * unless it is one. */
extern void ice_caller_become(Oid role);

/* The caller. Where nobody called, as in the worker, it is the current user, who then is the
 * owner. */
extern IceCaller ice_caller(void);

/* The function of the innermost call; InvalidOid where nobody called. */
extern Oid              ice_caller_function(void);
/* The innermost call, with its arguments; NULL where nobody called. */
extern FunctionCallInfo ice_caller_call(void);

/* What the call that is under way changes is on record: its end has nothing to add. */
extern void   ice_caller_recorded(void);
extern bool   ice_caller_is_recorded(void);
/* What the call that is under way has said that it changes, for audit_change.c. It lives as long as
 * the memory of the call. */
extern List **ice_caller_changed(void);
/* Once: what is done, as the owner, at the end of a call that has changed rows of which nothing is
 * on record. */
extern void   ice_caller_on_end(void (*on_end)(void));

/* Has something run, as the owner, when the call that is under way has done its work and before it
 * ends, in the order in which it is said; at once where nobody called. The argument lives as long
 * as the memory of the call. */
extern void ice_caller_defer(void (*run)(void *arg), void *arg);

/* Once, when the library is loaded. */
extern void ice_caller_init(void);

#endif
