/*
 * api_commit_group.c
 *		Many commits of one table in one call: rest_commit_table_group().
 *
 * Each commit is a call of rest_commit_table() in a subtransaction of its own, under settings of
 * its own: what it finds, changes and answers is what it would as a call alone, right after the one
 * before it. So an error of ours (class IC) takes back that commit and no other, and is its answer.
 * Any other error may concern the transaction and ends the call, so that all of them are taken
 * back.
 *
 * Locks. A call alone takes the row of its key, or of its fingerprint, before it locks the head.
 * Here a commit comes to its key with the head locked by one before it. To wait then could be a
 * deadlock with who has the key and waits for the head: so it waits for a moment only, and is left
 * to be called again. The commits behind one that has waited in vain for all of its time are left,
 * too, for they would all wait so long. So is one that would read manifests (outside_check.h) while
 * the head is locked, and what is not done when it has been locked for HELD_MS_MAX: others wait.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/delegation.h"
#include "commit/outside_check.h"
#include "guc.h"
#include "store/pending.h"

PG_FUNCTION_INFO_V1(sql_ice_rest_commit_table_group);

#define ARG_REQUESTS   3
#define SINGLE_ARGS    4
#define KEPT_WAIT_MS   10 /* how long a commit waits while an earlier one keeps the head locked */
#define HELD_MS_MAX    1000
#define HELD_BYTES_MAX 16777216 /* of all bodies, where icecat.answer_bytes_max sets no bound */
#define COLUMNS        10
#define COLUMN_LARGE   2
#define COLUMN_PENDING 3
#define COLUMN_SECRET  4
#define COLUMN_STATE   5
#define COLUMN_MESSAGE 6
#define COLUMN_DETAIL  7
#define COLUMN_HINT    8
#define COLUMN_AGAIN   9

/* Settings of each commit, in the order of the arguments behind the requests. */
static const char *const settings[] = {"icecat.request_id", "icecat.client_address",
									   "icecat.idempotency_key", "icecat.deduplicate",
									   "application_name"};

#define SETTINGS lengthof(settings)

typedef struct Column
{
	Datum *values; /* NULL: the argument is */
	bool  *nulls;
} Column;

typedef struct CommitGroup
{
	FunctionCallInfo fcinfo;
	ReturnSetInfo   *result;
	int              count;
	Column           requests;
	Column           of_setting[SETTINGS];
	FmgrInfo         single;
	MemoryContext    memory;   /* of one commit */
	int64            answered; /* bytes of bodies so far */
	bool             landed;   /* a commit has been made: the head stays locked */
	TimestampTz      since;    /* since then */
	bool             given_up; /* the rest is left: to wait is in vain, or answers are too long */
} CommitGroup;

/* Reads an array that has an element for each request, or is NULL. */
static void
read_column(FunctionCallInfo fcinfo, int n, const char *name, int count, Column *out)
{
	ArrayType *array;
	int        found;

	*out = (Column){NULL, NULL};
	if (PG_ARGISNULL(n))
		return;
	array = PG_GETARG_ARRAYTYPE_P(n);
	if (ARR_NDIM(array) > 1)
		ice_raise(ICE_ERR_BAD_REQUEST, "Invalid value: %s must have one dimension", name);
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &out->values, &out->nulls, &found);
	if (count >= 0 && found != count)
		ice_raise(ICE_ERR_BAD_REQUEST, "Invalid value: %s must have an element for each request",
				  name);
}

static void
read_arguments(CommitGroup *group)
{
	FunctionCallInfo fcinfo = group->fcinfo;
	ArrayType       *requests;

	if (PG_ARGISNULL(ARG_REQUESTS))
		ice_raise(ICE_ERR_BAD_REQUEST, "Missing value: requests must not be null");
	requests = PG_GETARG_ARRAYTYPE_P(ARG_REQUESTS);
	group->count = ArrayGetNItems(ARR_NDIM(requests), ARR_DIMS(requests));
	if (group->count > ice_guc_commit_group_max)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "Group has %d commits, more than the limit of %d",
				  group->count, ice_guc_commit_group_max);
	read_column(fcinfo, ARG_REQUESTS, "requests", -1, &group->requests);
	for (size_t i = 0; i < SETTINGS; i++)
		read_column(fcinfo, ARG_REQUESTS + 1 + (int) i, settings[i], group->count,
					&group->of_setting[i]);
}

static bool
may_execute(Oid function)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ProcedureRelationId, function, GetUserId(), ACL_EXECUTE) == ACLCHECK_OK;
#else
	return pg_proc_aclcheck(function, GetUserId(), ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

/* Finds the function of one commit, which the caller must be allowed to call. It looks at the types
 * of its arguments, so it gets an expression that has them. */
static void
find_single(CommitGroup *group)
{
	Oid   types[SINGLE_ARGS] = {TEXTOID, TEXTARRAYOID, TEXTOID, JSONOID};
	List *name = list_make2(makeString("icecat"), makeString("rest_commit_table"));
	Oid   function = LookupFuncName(name, SINGLE_ARGS, types, false);
	List *args = NIL;

	if (!may_execute(function))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, "rest_commit_table");
	for (int i = 0; i < SINGLE_ARGS; i++)
		args = lappend(args, makeNullConst(types[i], -1, InvalidOid));
	fmgr_info(function, &group->single);
	fmgr_info_set_expr((Node *) makeFuncExpr(function, RECORDOID, args, InvalidOid, InvalidOid,
											 COERCE_EXPLICIT_CALL),
					   &group->single);
}

static void
set_local(const char *name, const char *value)
{
	(void) set_config_option(name, value, superuser() ? PGC_SUSET : PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

static void
set_local_number(const char *name, int64 number)
{
	char text[32];

	snprintf(text, sizeof(text), INT64_FORMAT, number);
	set_local(name, text);
}

/* The settings of a commit. All bodies together are bounded as one alone is: one for which too
 * little is left is announced as large. */
static void
apply_settings(const CommitGroup *group, int n)
{
	for (size_t i = 0; i < SETTINGS; i++)
	{
		const Column *column = &group->of_setting[i];

		if (column->values != NULL && !column->nulls[n])
			set_local(settings[i], TextDatumGetCString(column->values[n]));
	}
	if (ice_guc_answer_bytes_max > 0)
		set_local_number("icecat.answer_bytes_max",
						 Max(1, ice_guc_answer_bytes_max - group->answered));
	if (group->landed &&
		(ice_guc_commit_lock_timeout_ms == 0 || ice_guc_commit_lock_timeout_ms > KEPT_WAIT_MS))
		set_local_number("icecat.commit_lock_timeout_ms", KEPT_WAIT_MS);
}

/* Calls the function of one commit, which sees what the commits before it have done. */
static Datum
call_single(CommitGroup *group, int n, bool *is_null)
{
	LOCAL_FCINFO(single, SINGLE_ARGS);
	Datum result;

	InitFunctionCallInfoData(*single, &group->single, SINGLE_ARGS, InvalidOid, NULL, NULL);
	for (int i = 0; i < ARG_REQUESTS; i++)
		single->args[i] = group->fcinfo->args[i];
	single->args[ARG_REQUESTS].value = group->requests.values[n];
	single->args[ARG_REQUESTS].isnull = group->requests.nulls[n];
	PushActiveSnapshot(GetTransactionSnapshot());
	result = FunctionCallInvoke(single);
	PopActiveSnapshot();
	*is_null = single->isnull;
	return result;
}

/* One commit that succeeds: its columns. */
static void
commit_one(CommitGroup *group, int n, Datum *values, bool *nulls)
{
	int         level = NewGUCNestLevel();
	const char *pending;
	bool        is_null;
	Datum       record;

	apply_settings(group, n);
	record = call_single(group, n, &is_null);
	for (int i = 0; i < COLUMN_PENDING && !is_null; i++)
		values[i] = GetAttributeByNum(DatumGetHeapTupleHeader(record), (AttrNumber) (i + 1),
									  &nulls[i]);
	pending = ice_pending_take();
	nulls[COLUMN_PENDING] = pending == NULL;
	if (pending != NULL)
		values[COLUMN_PENDING] = CStringGetTextDatum(pending);
	nulls[COLUMN_SECRET] = false;
	values[COLUMN_SECRET] = BoolGetDatum(ice_delegation_is_secret());
	AtEOXact_GUC(true, level);
}

static void
put_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	if (text != NULL)
		values[column] = CStringGetTextDatum(text);
}

/* The columns of a commit that was taken back. False: the error is not its own. */
static bool
put_error(CommitGroup *group, const ErrorData *error, Datum *values, bool *nulls)
{
	char sqlstate[6];
	bool timed_out = error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
	bool waited;

	strlcpy(sqlstate, unpack_sql_state(error->sqlerrcode), sizeof(sqlstate));
	if (!timed_out && strncmp(sqlstate, "IC", 2) != 0)
		return false;
	waited = timed_out || ice_error_of_sqlstate(sqlstate) == ICE_ERR_IDEMPOTENCY_IN_FLIGHT;
	for (int i = 0; i < COLUMN_STATE; i++)
		nulls[i] = true;
	put_text(values, nulls, COLUMN_STATE, sqlstate);
	put_text(values, nulls, COLUMN_MESSAGE, error->message);
	put_text(values, nulls, COLUMN_DETAIL, error->detail);
	put_text(values, nulls, COLUMN_HINT, error->hint);
	values[COLUMN_AGAIN] = BoolGetDatum(waited && group->landed);
	group->given_up = timed_out && !group->landed;
	return true;
}

/* Would a commit that was made perhaps have a body if the others had none? */
static bool
lacks_room(const CommitGroup *group, const Datum *values, const bool *nulls)
{
	return group->answered > 0 && !nulls[COLUMN_LARGE] && DatumGetBool(values[COLUMN_LARGE]);
}

/* A commit is made: it stays, or it and those behind it are left for another call. */
static void
keep_one(CommitGroup *group, Datum *values, bool *nulls)
{
	if (lacks_room(group, values, nulls))
	{
		RollbackAndReleaseCurrentSubTransaction();
		memset(nulls, true, sizeof(bool) * COLUMNS);
		nulls[COLUMN_AGAIN] = false;
		values[COLUMN_AGAIN] = BoolGetDatum(true);
		group->given_up = true;
		return;
	}
	ReleaseCurrentSubTransaction();
	if (!group->landed)
		group->since = GetCurrentTimestamp();
	group->landed = true;
}

/* Makes one commit, or takes it back. */
static void
run_one(CommitGroup *group, int n, Datum *values, bool *nulls)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(group->memory);
	PG_TRY();
	{
		ice_outside_check_put_off(group->landed);
		commit_one(group, n, values, nulls);
		ice_outside_check_put_off(false);
		keep_one(group, values, nulls);
	}
	PG_CATCH();
	{
		ErrorData *error;

		ice_outside_check_put_off(false);
		MemoryContextSwitchTo(group->memory);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (!put_error(group, error, values, nulls))
			ReThrowError(error);
		(void) ice_pending_take(); /* of files that will not be */
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
}

/* Makes one commit, or leaves it, and adds its row to the answer. */
static void
answer_one(CommitGroup *group, int n)
{
	Datum values[COLUMNS] = {0};
	bool  nulls[COLUMNS];

	CHECK_FOR_INTERRUPTS();
	if (group->landed &&
		TimestampDifferenceExceeds(group->since, GetCurrentTimestamp(), HELD_MS_MAX))
		group->given_up = true;
	memset(nulls, true, sizeof(nulls));
	nulls[COLUMN_AGAIN] = false;
	values[COLUMN_AGAIN] = BoolGetDatum(group->given_up);
	if (!group->given_up)
		run_one(group, n, values, nulls);
	if (!nulls[0])
		group->answered += VARSIZE_ANY_EXHDR(DatumGetPointer(values[0]));
	if (ice_guc_answer_bytes_max == 0 && group->answered > HELD_BYTES_MAX)
		group->given_up = true;
	tuplestore_putvalues(group->result->setResult, group->result->setDesc, values, nulls);
	MemoryContextReset(group->memory);
}

Datum
sql_ice_rest_commit_table_group(PG_FUNCTION_ARGS)
{
	CommitGroup group = {.fcinfo = fcinfo, .result = (ReturnSetInfo *) fcinfo->resultinfo};

	InitMaterializedSRF(fcinfo, 0);
	read_arguments(&group);
	find_single(&group);
	group.memory = AllocSetContextCreate(CurrentMemoryContext, "icecat commit of a group",
										 ALLOCSET_DEFAULT_SIZES);
	for (int n = 0; n < group.count; n++)
		answer_one(&group, n);
	return (Datum) 0;
}
