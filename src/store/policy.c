/*
 * policy.c
 *		Commit policies. See policy.h.
 *
 * A function runs in the sandbox of all statements (spi.h), with the pinned search_path of the API
 * function, by the newest snapshot, and within icecat.commit_policy_timeout_ms. Whatever goes wrong
 * in it refuses the change.
 *
 * A function can catch the cancel that its time is over. So the cancel comes again every CANCEL_MS,
 * and the change is refused also if the function ends by itself. Who goes on all the same, in
 * handler after handler, is ended with the session after OVERRUN_MS more: nothing less is sure to
 * end it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "guc.h"
#include "json/json.h"
#include "store/caller.h"
#include "store/policy.h"
#include "store/spi.h"
#include "store/table_watch.h"

#define REASON_BYTES_MAX 2000
#define CANCEL_MS        10
#define OVERRUN_MS       1000

static IceStatement find_any = {
	"SELECT warehouse_id FROM icecat_data.commit_policy LIMIT 1", 0, {0}, NULL};

static IceStatement find_of = {
	"WITH RECURSIVE up (namespace_id, parent_id) AS ("
	"SELECT namespace_id, parent_id FROM icecat_data.namespace "
	"WHERE warehouse_id = $1 AND namespace_id IN ($2, $4) UNION "
	"SELECT n.namespace_id, n.parent_id FROM up JOIN icecat_data.namespace AS n "
	"ON n.warehouse_id = $1 AND n.namespace_id = up.parent_id) "
	"SELECT p.name, p.function::pg_catalog.oid, p.timing FROM icecat_data.commit_policy AS p "
	"WHERE p.warehouse_id = $1 AND (p.object_id = $1 OR p.object_id = $3 "
	"OR p.object_id IN (SELECT up.namespace_id FROM up)) ORDER BY p.name",
	4,
	{UUIDOID, UUIDOID, UUIDOID, UUIDOID},
	NULL};

static IceStatement find_warehouse = {
	"SELECT name FROM icecat_data.warehouse WHERE warehouse_id = $1", 1, {UUIDOID}, NULL};

static IceStatement insert_policy = {
	"INSERT INTO icecat_data.commit_policy (warehouse_id, name, object_id, object_kind, function, "
	"created_by, created_at, timing) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
	"ON CONFLICT (warehouse_id, name) DO NOTHING",
	8,
	{UUIDOID, TEXTOID, UUIDOID, TEXTOID, REGPROCEDUREOID, TEXTOID, TIMESTAMPTZOID, TEXTOID},
	NULL};

static IceStatement find_policy = {
	"SELECT object_id, object_kind, function::pg_catalog.oid FROM icecat_data.commit_policy "
	"WHERE warehouse_id = $1 AND name = $2",
	2,
	{UUIDOID, TEXTOID},
	NULL};

static IceStatement delete_policy = {
	"DELETE FROM icecat_data.commit_policy WHERE warehouse_id = $1 AND name = $2",
	2,
	{UUIDOID, TEXTOID},
	NULL};

/* -- is there one? ----------------------------------------------------------------------------- */

static IceTableWatch watch = {.table = "commit_policy"};

bool
ice_policy_exists(void)
{
	return ice_table_watch_any(&watch, &find_any, NULL);
}

/* -- rows -------------------------------------------------------------------------------------- */

bool
ice_policy_insert(const IcePolicy *policy)
{
	Datum values[8] = {UUIDPGetDatum(&policy->warehouse_id),
					   ice_spi_cstring_datum(policy->name),
					   UUIDPGetDatum(&policy->object_id),
					   ice_spi_cstring_datum(policy->object_kind),
					   ObjectIdGetDatum(policy->function),
					   ice_spi_cstring_datum(GetUserNameFromId(ice_caller().role, false)),
					   TimestampTzGetDatum(GetCurrentTimestamp()),
					   ice_spi_cstring_datum(policy->timing)};

	if (ice_spi_execute_waiting(&insert_policy, values, NULL) == 0)
		return false;
	ice_table_watch_changed(&watch);
	return true;
}

bool
ice_policy_find(const pg_uuid_t *warehouse_id, const char *name, IcePolicy *out)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), ice_spi_cstring_datum(name)};

	if (ice_spi_execute(&find_policy, values, NULL, false) == 0)
		return false;
	*out = (IcePolicy){.warehouse_id = *warehouse_id, .name = name};
	out->object_id = ice_spi_field_uuid(0, 1);
	out->object_kind = ice_spi_field_text(0, 2);
	out->function = DatumGetObjectId(ice_spi_field(0, 3));
	return true;
}

void
ice_policy_delete(const IcePolicy *policy)
{
	Datum values[2] = {UUIDPGetDatum(&policy->warehouse_id), ice_spi_cstring_datum(policy->name)};

	(void) ice_spi_execute_waiting(&delete_policy, values, NULL);
	ice_table_watch_changed(&watch);
}

/* -- the function ------------------------------------------------------------------------------ */

/* Is it one that runs as its own owner, who is not above the catalog? Called as the extension's
 * owner. */
static const char *
problem_of(Form_pg_proc function)
{
	if (function->pronargs != 1 || function->proargtypes.values[0] != JSONOID ||
		function->prorettype != TEXTOID || function->proretset ||
		function->prokind != PROKIND_FUNCTION)
		return "it is no function of one json that returns text";
	if (!function->prosecdef)
		return "it is not SECURITY DEFINER";
	if (has_privs_of_role(function->proowner, GetUserId()))
		return "its owner has the rights of the extension's owner";
	return NULL;
}

const char *
ice_policy_function_problem(Oid function)
{
	HeapTuple   row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	const char *problem;

	if (!HeapTupleIsValid(row))
		return "there is no such function";
	problem = problem_of((Form_pg_proc) GETSTRUCT(row));
	ReleaseSysCache(row);
	if (problem == NULL && !DatumGetBool(OidFunctionCall3(
							   F_HAS_FUNCTION_PRIVILEGE_OID_OID_TEXT, ObjectIdGetDatum(GetUserId()),
							   ObjectIdGetDatum(function), CStringGetTextDatum("EXECUTE"))))
		return "the extension's owner may not execute it";
	return problem;
}

/* -- asking ------------------------------------------------------------------------------------ */

static int         running = 0;
static const char *asked = NULL; /* name of the policy that runs */

static volatile sig_atomic_t timed_out = false;
static volatile sig_atomic_t cancels = 0;

void
ice_policy_require_none(void)
{
	if (running > 0)
		ice_raise(ICE_ERR_FORBIDDEN, "A commit policy may not change the catalog");
}

static void
on_timeout(void)
{
	timed_out = true;
	InterruptPending = true;
	if (++cancels > OVERRUN_MS / CANCEL_MS)
		ProcDiePending = true;
	else
		QueryCancelPending = true;
	SetLatch(MyLatch);
}

/* The end of a session whose policy did not end. */
static void
tell_overrun(int code, Datum arg)
{
	(void) code;
	(void) arg;
	if (asked != NULL && timed_out && cancels > OVERRUN_MS / CANCEL_MS)
		ereport(LOG, (errmsg("commit policy %s did not end: its session is ended", asked)));
}

static TimeoutId
register_timeout(void)
{
	before_shmem_exit(tell_overrun, (Datum) 0);
	return RegisterTimeout(USER_TIMEOUT, on_timeout);
}

/* Calls the function; its answer, or NULL. */
static char *
call(Oid function, const char *change)
{
	LOCAL_FCINFO(fcinfo, 1);
	FmgrInfo flinfo;
	Datum    result;

	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, 1, DEFAULT_COLLATION_OID, NULL, NULL);
	fcinfo->args[0].value = ice_spi_cstring_datum(change);
	fcinfo->args[0].isnull = false;
	PushActiveSnapshot(GetLatestSnapshot());
	result = FunctionCallInvoke(fcinfo);
	PopActiveSnapshot();
	return fcinfo->isnull ? NULL : TextDatumGetCString(result);
}

/* An error that is not the policy's: a cancel, a shutdown, a conflict that may be gone in a
 * moment. */
static bool
is_ours(const ErrorData *error)
{
	int code = error->sqlerrcode;

	return (code == ERRCODE_QUERY_CANCELED && !timed_out) || code == ERRCODE_ADMIN_SHUTDOWN ||
		   code == ERRCODE_CRASH_SHUTDOWN ||
		   ERRCODE_TO_CATEGORY(code) == ERRCODE_TO_CATEGORY(ERRCODE_T_R_SERIALIZATION_FAILURE);
}

/* The time is over, at once: also where nothing looked whether it was (a long sort, the end of the
 * function). The cancel that is still to come was only meant for the function. */
static void
stop_clock(TimeoutId timeout)
{
	disable_timeout(timeout, false);
	asked = NULL;
	if (timed_out)
		QueryCancelPending = false;
}

static void
raise_late(const char *name)
{
	ice_raise(ICE_ERR_POLICY_REFUSED, "Commit policy %s took longer than %d ms", name,
			  ice_guc_commit_policy_timeout_ms);
}

/* Only the wording changes: the transaction is lost either way. */
static void
refuse_error(const char *name, MemoryContext context)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	if (is_ours(error))
		PG_RE_THROW();
	FlushErrorState();
	if (timed_out)
		raise_late(name);
	if (error->sqlerrcode == ERRCODE_RAISE_EXCEPTION)
		ice_raise(ICE_ERR_POLICY_REFUSED, "Refused by commit policy %s: %s", name,
				  pnstrdup(error->message, REASON_BYTES_MAX));
	ice_raise(ICE_ERR_POLICY_REFUSED, "Commit policy %s failed: SQLSTATE %s", name,
			  unpack_sql_state(error->sqlerrcode));
}

/* The answer of one policy; a failure is raised. */
static char *
ask(const char *name, Oid function, const char *change)
{
	static TimeoutId timeout = 0;
	MemoryContext    context = CurrentMemoryContext;
	IceSandbox       outside;
	char *volatile answer = NULL;

	/* One that asks others by a change of its own would get their time, too: the change is
	 * refused. */
	Assert(running == 0);
	if (timeout == 0)
		timeout = register_timeout();
	timed_out = false;
	cancels = 0;
	asked = name;
	running++;
	PG_TRY();
	{
		ice_spi_sandbox_enter(&outside);
		if (ice_guc_commit_policy_timeout_ms > 0)
			enable_timeout_every(timeout,
								 TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
															 ice_guc_commit_policy_timeout_ms),
								 CANCEL_MS);
		answer = call(function, change);
		stop_clock(timeout);
		ice_spi_sandbox_leave(&outside);
	}
	PG_CATCH();
	{
		running--;
		stop_clock(timeout);
		refuse_error(name, context);
	}
	PG_END_TRY();
	running--;
	if (timed_out)
		raise_late(name);
	return answer;
}

static void
put_raw(IceJsonWriter *w, const char *key, const char *text)
{
	ice_json_write_key(w, key);
	if (text == NULL)
		ice_json_write_null(w);
	else
		ice_json_write_raw(w, text, strlen(text));
}

static void
put_levels(IceJsonWriter *w, Datum levels)
{
	Datum *elements;
	int    count;

	deconstruct_array(DatumGetArrayTypeP(levels), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL,
					  &count);
	ice_json_write_key(w, "namespace");
	ice_json_write_begin_array(w);
	for (int i = 0; i < count; i++)
		ice_json_write_string(w, TextDatumGetCString(elements[i]));
	ice_json_write_end_array(w);
}

/* What policies are told. */
static char *
change_json(const IcePolicyChange *change, const char *timing)
{
	Datum          values[1] = {UUIDPGetDatum(change->warehouse_id)};
	StringInfoData out;
	IceJsonWriter  w;

	initStringInfo(&out);
	ice_json_write_init(&w, &out);
	ice_json_write_begin_object(&w);
	ice_json_write_key(&w, "operation");
	ice_json_write_string(&w, change->operation);
	ice_json_write_key(&w, "timing");
	ice_json_write_string(&w, timing);
	ice_json_write_key(&w, "kind");
	ice_json_write_string(&w, change->kind);
	ice_json_write_key(&w, "warehouse");
	(void) ice_spi_execute(&find_warehouse, values, NULL, false);
	ice_json_write_string(&w, ice_spi_field_text(0, 1));
	put_levels(&w, change->namespace_levels);
	ice_json_write_key(&w, "name");
	if (change->name != NULL)
		ice_json_write_string(&w, change->name);
	else
		ice_json_write_null(&w);
	ice_json_write_key(&w, "role");
	ice_json_write_string(&w, GetUserNameFromId(ice_caller().role, false));
	if (*ice_guc_principal != '\0')
	{
		ice_json_write_key(&w, "principal");
		ice_json_write_string(&w, ice_guc_principal);
	}
	if (change->source != NULL)
		put_raw(&w, "source", change->source);
	put_raw(&w, "old", change->before);
	put_raw(&w, "new", change->after);
	ice_json_write_end_object(&w);
	return out.data;
}

/* One policy, and what it is told. */
typedef struct Question
{
	char *name;
	Oid   function;
	bool  after;
	char *told;
} Question;

/* Asks one policy; what it does not agree with is raised. */
static void
put_question(void *arg)
{
	const Question *question = arg;
	const char     *problem = ice_policy_function_problem(question->function);
	const char     *reason;

	if (problem != NULL)
		ice_raise(ICE_ERR_POLICY_REFUSED, "Commit policy %s cannot be asked: %s", question->name,
				  problem);
	reason = ask(question->name, question->function, question->told);
	if (reason != NULL)
		ice_raise(ICE_ERR_POLICY_REFUSED, "Refused by commit policy %s: %s", question->name,
				  pnstrdup(reason, REASON_BYTES_MAX));
}

/* Finds the policies of an object, and of what it is in. */
static uint64
find_policies(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
			  const pg_uuid_t *object_id, const pg_uuid_t *to)
{
	static const pg_uuid_t nil = {{0}};
	Datum                  values[4] = {UUIDPGetDatum(warehouse_id),
										UUIDPGetDatum(namespace_id != NULL ? namespace_id : &nil),
										UUIDPGetDatum(object_id != NULL ? object_id : &nil)};

	values[3] = to != NULL ? UUIDPGetDatum(to) : values[1];
	return ice_policy_exists() ? ice_spi_execute_latest(&find_of, values) : 0;
}

bool
ice_policy_concerns(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
					const pg_uuid_t *object_id, const pg_uuid_t *to)
{
	return find_policies(warehouse_id, namespace_id, object_id, to) > 0;
}

void
ice_policy_check(const IcePolicyChange *change)
{
	uint64    count = find_policies(change->warehouse_id, change->namespace_id, change->object_id,
									change->to);
	Question *questions = palloc(sizeof(Question) * Max(count, 1));
	char     *told[2] = {NULL, NULL};

	for (uint64 i = 0; i < count; i++)
		questions[i] = (Question){ice_spi_field_text(i, 1), DatumGetObjectId(ice_spi_field(i, 2)),
								  strcmp(ice_spi_field_text(i, 3), "after") == 0, NULL};
	for (uint64 i = 0; i < count; i++)
	{
		Question *question = &questions[i];

		if (told[question->after] == NULL)
			told[question->after] = change_json(change, question->after ? "after" : "before");
		question->told = told[question->after];
		if (question->after)
			ice_caller_defer(put_question, question);
		else
			put_question(question);
	}
}
