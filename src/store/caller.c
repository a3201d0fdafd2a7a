/*
 * caller.c
 *		Who calls: the role whose rights in the catalog count. See caller.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "store/caller.h"
#include "store/spi.h"

/* A call that is under way. Lives in TopTransactionContext. */
typedef struct Call
{
	IceCaller        caller;
	Oid              user;  /* whom the session goes back to */
	Oid              owner; /* of the function */
	FunctionCallInfo fcinfo;
	uint64           changes; /* ice_spi_changes() when it began, or when a call within it ended */
	bool             recorded;
	List            *changed;  /* what it has said that it changes; see audit_change.h */
	List            *deferred; /* of Deferred */
	int              security_context;
	int              level; /* of the (sub)transaction that it was made in */
	struct Call     *outer;
} Call;

/* What is to run at the end of a call. */
typedef struct Deferred
{
	void (*run)(void *arg);
	void *arg;
} Deferred;

static Call *innermost = NULL;
static void (*at_end)(void) = NULL;

static Oid
function_owner(Oid function)
{
	HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid       owner;

	if (!HeapTupleIsValid(row))
		elog(ERROR, "cache lookup failed for function %u", function);
	owner = ((Form_pg_proc) GETSTRUCT(row))->proowner;
	ReleaseSysCache(row);
	return owner;
}

MemoryContext
ice_caller_begin(FunctionCallInfo fcinfo)
{
	Call *call = MemoryContextAlloc(TopTransactionContext, sizeof(Call));
	Oid   owner = function_owner(fcinfo->flinfo->fn_oid);

	GetUserIdAndSecContext(&call->user, &call->security_context);
	call->owner = owner;
	call->caller = (IceCaller){call->user, call->user, has_privs_of_role(call->user, owner)};
	call->fcinfo = fcinfo;
	call->changes = ice_spi_changes();
	call->recorded = false;
	call->changed = call->deferred = NIL;
	call->level = GetCurrentTransactionNestLevel();
	call->outer = innermost;
	innermost = call;
	SetUserIdAndSecContext(owner, call->security_context | SECURITY_LOCAL_USERID_CHANGE);
	return ice_spi_begin();
}

static void
pop(void)
{
	Call *call = innermost;

	innermost = call->outer;
	pfree(call);
}

void
ice_caller_defer(void (*run)(void *arg), void *arg)
{
	Deferred *deferred;

	if (innermost == NULL)
	{
		run(arg);
		return;
	}
	deferred = palloc(sizeof(Deferred));
	*deferred = (Deferred){run, arg};
	innermost->deferred = lappend(innermost->deferred, deferred);
}

static void
run_deferred(void)
{
	const ListCell *cell;

	foreach (cell, innermost->deferred)
	{
		const Deferred *deferred = lfirst(cell);

		deferred->run(deferred->arg);
	}
	innermost->deferred = NIL;
}

void
ice_caller_end(void)
{
	run_deferred();
	if (at_end != NULL && (!innermost->recorded || innermost->changed != NIL) &&
		ice_spi_changes() != innermost->changes)
		at_end();
	ice_spi_end();
	SetUserIdAndSecContext(innermost->user, innermost->security_context);
	pop();
	if (innermost != NULL)
		innermost->changes = ice_spi_changes();
}

void
ice_caller_as(Oid role)
{
	innermost->caller.role = role;
	innermost->caller.owns = has_privs_of_role(role, innermost->owner);
}

void
ice_caller_become(Oid role)
{
	ice_caller_as(role);
	innermost->caller.engine = role;
}

IceCaller
ice_caller(void)
{
	if (innermost != NULL)
		return innermost->caller;
	return (IceCaller){GetUserId(), GetUserId(), true};
}

Oid
ice_caller_function(void)
{
	return innermost != NULL ? innermost->fcinfo->flinfo->fn_oid : InvalidOid;
}

FunctionCallInfo
ice_caller_call(void)
{
	return innermost != NULL ? innermost->fcinfo : NULL;
}

void
ice_caller_recorded(void)
{
	if (innermost != NULL)
		innermost->recorded = true;
}

List **
ice_caller_changed(void)
{
	static List *nobody = NIL;

	return innermost != NULL ? &innermost->changed : &nobody;
}

bool
ice_caller_is_recorded(void)
{
	return innermost != NULL && innermost->recorded;
}

void
ice_caller_on_end(void (*on_end)(void))
{
	at_end = on_end;
}

/* The abort of a (sub)transaction sets the user back itself. */
static void
end_subtransaction(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	(void) id;
	(void) parent;
	(void) arg;
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	while (innermost != NULL && innermost->level >= GetCurrentTransactionNestLevel())
		pop();
}

static void
end_transaction(XactEvent event, void *arg)
{
	(void) arg;
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT)
		innermost = NULL;
}

void
ice_caller_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
}
