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
	IceCaller    caller;
	int          security_context;
	int          level; /* of the (sub)transaction that it was made in */
	struct Call *outer;
} Call;

static Call *innermost = NULL;

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
ice_call_begin(FunctionCallInfo fcinfo)
{
	Call *call = MemoryContextAlloc(TopTransactionContext, sizeof(Call));
	Oid   owner = function_owner(fcinfo->flinfo->fn_oid);

	GetUserIdAndSecContext(&call->caller.role, &call->security_context);
	call->caller.owns = has_privs_of_role(call->caller.role, owner);
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
ice_call_end(void)
{
	ice_spi_end();
	SetUserIdAndSecContext(innermost->caller.role, innermost->security_context);
	pop();
}

IceCaller
ice_caller(void)
{
	if (innermost != NULL)
		return innermost->caller;
	return (IceCaller){GetUserId(), true};
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
