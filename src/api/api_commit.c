/*
 * api_commit.c
 *		SQL entries for commits of one and of many tables.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "api/table_answer.h"
#include "api/once.h"
#include "commit/commit_table.h"
#include "guc.h"
#include "store/store_queue.h"

PG_FUNCTION_INFO_V1(sql_ice_commit_table);
PG_FUNCTION_INFO_V1(sql_ice_rest_commit_table);
PG_FUNCTION_INFO_V1(sql_ice_rest_commit_table_tagged);
PG_FUNCTION_INFO_V1(sql_ice_commit_transaction);
PG_FUNCTION_INFO_V1(sql_ice_rest_commit_transaction);

static const IceTableAnswer plain_answer = {.kind = ICE_TABLE_ANSWER_COMMIT};
static const IceTableAnswer tagged_answer = {
	.kind = ICE_TABLE_ANSWER_COMMIT, .tagged = true, .limited = true};

/* Reads requirements and updates of a CommitTableRequest. */
static IceCommitRequest *
parse_request(IceJson *body)
{
	if (body->kind != ICE_JSON_OBJECT)
		ice_json_raise(body, ICE_ERR_BAD_REQUEST, "Commit request must be a JSON object");
	return ice_commit_request_parse(ice_json_opt_array(body, "requirements"),
									ice_json_opt_array(body, "updates"), ice_guc_updates_max);
}

/* Commits to one table and shows its state. */
static Datum
run_commit(FunctionCallInfo fcinfo, bool is_rest, const IceTableAnswer *answer)
{
	MemoryContext  caller = ice_caller_begin(fcinfo);
	IceWarehouse   warehouse;
	IceTableChange change = {.name = NULL};
	IceOnce        once;
	Datum          result = (Datum) 0;

	ice_queue_wait();
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	if (ice_once_run(&once, fcinfo, "updateTable", &warehouse))
	{
		ice_arg_namespace(fcinfo, 1, &change.path);
		change.name = ice_arg_text(fcinfo, 2, "table");
		ice_arg_check_table_name(change.name);
		change.request = is_rest ? parse_request(ice_arg_json(fcinfo, 3, "request"))
								 : ice_commit_request_parse(ice_arg_opt_json(fcinfo, 3),
															ice_arg_opt_json(fcinfo, 4),
															ice_guc_updates_max);
		ice_commit_table_changes(&warehouse, &change, 1);
		ice_once_done(&once, &change.table.id, NULL);
	}
	else if (!once.recorded)
		ice_once_table(&once, &change.table);
	if (!once.recorded)
		result = ice_table_answer(caller, &change.table, answer);
	ice_caller_end();
	return result;
}

Datum
sql_ice_commit_table(PG_FUNCTION_ARGS)
{
	return run_commit(fcinfo, false, &plain_answer);
}

/* Named by the script of 0.1.0. */
Datum
sql_ice_rest_commit_table(PG_FUNCTION_ARGS)
{
	return run_commit(fcinfo, true, &plain_answer);
}

Datum
sql_ice_rest_commit_table_tagged(PG_FUNCTION_ARGS)
{
	return run_commit(fcinfo, true, &tagged_answer);
}

/* Reads the changes of a CommitTransactionRequest. */
static IceTableChange *
parse_changes(IceJson *array)
{
	IceTableChange *changes = palloc0(sizeof(IceTableChange) * Max(array->count, 1));

	if (array->count > ice_guc_transaction_changes_max)
		ice_json_raise(array, ICE_ERR_LIMIT_EXCEEDED,
					   "Transaction has %d table changes, more than the limit of %d", array->count,
					   ice_guc_transaction_changes_max);
	for (int i = 0; i < array->count; i++)
	{
		IceJson *body = array->items[i];
		IceJson *identifier = ice_json_object(body, "identifier");

		ice_arg_namespace_of_json(ice_json_array(identifier, "namespace"), &changes[i].path);
		changes[i].name = ice_json_string(identifier, "name");
		ice_arg_check_table_name(changes[i].name);
		changes[i].request = parse_request(body);
	}
	return changes;
}

static void
commit_transaction(const IceWarehouse *warehouse, IceJson *array)
{
	ice_commit_table_changes(warehouse, parse_changes(array), array->count);
}

/* Takes the array of changes, or the REST body that has it in "table-changes". */
Datum
sql_ice_commit_transaction(PG_FUNCTION_ARGS)
{
	IceWarehouse warehouse;
	IceOnce      once;

	ice_caller_begin(fcinfo);
	ice_queue_wait();
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	if (ice_once_run(&once, fcinfo, "commitTransaction", &warehouse))
	{
		IceJson *body = ice_arg_json(fcinfo, 1, "table_changes");

		commit_transaction(&warehouse, body->kind == ICE_JSON_ARRAY
										   ? body
										   : ice_json_array(body, "table-changes"));
	}
	ice_caller_end();
	PG_RETURN_VOID();
}

/* Takes the REST body only. */
Datum
sql_ice_rest_commit_transaction(PG_FUNCTION_ARGS)
{
	IceWarehouse warehouse;
	IceOnce      once;

	ice_caller_begin(fcinfo);
	ice_queue_wait();
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	if (ice_once_run(&once, fcinfo, "commitTransaction", &warehouse))
		commit_transaction(&warehouse,
						   ice_json_array(ice_arg_json(fcinfo, 1, "request"), "table-changes"));
	ice_caller_end();
	PG_RETURN_VOID();
}
