/*
 * api_table.c
 *		SQL entries for tables: create, register, load, list (of views, too), exists, drop,
 *		unregister, rename.
 *
 * Each function reads its arguments, calls the commit layer or the store, and builds its answer.
 * The rest_ forms take the REST request body as it came, and answer with an entity tag where the
 * specification has one. (The forms without _tagged are named by the script of 0.1.0.)
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "api/dropped_list.h"
#include "api/table_answer.h"
#include "api/chain.h"
#include "api/delegation.h"
#include "api/once.h"
#include "api/page.h"
#include "api/represent.h"
#include "commit/create_register.h"
#include "commit/publish.h"
#include "store/access.h"
#include "store/case_mode.h"
#include "store/maintenance.h"

PG_FUNCTION_INFO_V1(sql_ice_create_table);
PG_FUNCTION_INFO_V1(sql_ice_rest_create_table);
PG_FUNCTION_INFO_V1(sql_ice_rest_create_table_tagged);
PG_FUNCTION_INFO_V1(sql_ice_register_table);
PG_FUNCTION_INFO_V1(sql_ice_rest_register_table);
PG_FUNCTION_INFO_V1(sql_ice_rest_register_table_tagged);
PG_FUNCTION_INFO_V1(sql_ice_load_table);
PG_FUNCTION_INFO_V1(sql_ice_rest_load_table);
PG_FUNCTION_INFO_V1(sql_ice_list_tables);
PG_FUNCTION_INFO_V1(sql_ice_list_views);
PG_FUNCTION_INFO_V1(sql_ice_table_exists);
PG_FUNCTION_INFO_V1(sql_ice_drop_table);
PG_FUNCTION_INFO_V1(sql_ice_unregister_table);
PG_FUNCTION_INFO_V1(sql_ice_rename_table);
PG_FUNCTION_INFO_V1(sql_ice_rest_rename_table);

static const IceTableAnswer plain_answer = {.kind = ICE_TABLE_ANSWER_LOAD};
static const IceTableAnswer tagged_answer = {.kind = ICE_TABLE_ANSWER_LOAD, .tagged = true};

/* The request that the arguments of create_table() amount to. */
static IceJson *
create_arguments(FunctionCallInfo fcinfo)
{
	IceJson                 *request = ice_json_make_object();
	const char              *location = ice_arg_opt_text(fcinfo, 6);
	static const char *const fields[] = {
		NULL, NULL, NULL, "schema", "partition-spec", "write-order", NULL, "properties"};

	ice_json_set(request, "name", ice_json_make_string(ice_arg_text(fcinfo, 2, "name")));
	for (size_t i = 0; i < lengthof(fields); i++)
	{
		IceJson *value = fields[i] != NULL ? ice_arg_opt_json(fcinfo, (int) i) : NULL;

		if (value != NULL)
			ice_json_set(request, fields[i], value);
	}
	if (location != NULL)
		ice_json_set(request, "location", ice_json_make_string(location));
	ice_json_set(request, "stage-create",
				 ice_json_make_bool(ice_arg_bool(fcinfo, 8, "stage_create")));
	return request;
}

static IceCreateTable *
read_create(FunctionCallInfo fcinfo, bool is_rest)
{
	IceCreateTable *request = ice_new_table_parse(is_rest ? ice_arg_json(fcinfo, 2, "request")
														  : create_arguments(fcinfo));

	ice_arg_check_table_name(request->name);
	return request;
}

/* Creates a table. A staged one has no id: nothing is stored. */
static void
create_table(FunctionCallInfo fcinfo, bool is_rest, const IceWarehouse *warehouse,
			 const char *table_uuid, IceTable *out)
{
	IceNamespacePath path;
	IceCreateTable  *request = read_create(fcinfo, is_rest);

	ice_arg_namespace(fcinfo, 1, &path);
	request->table_uuid = table_uuid;
	ice_create_table(warehouse, &path, request, out);
}

/* Before anything is locked: has credentials for the new table brought, if it is going to be made.
 * Returns the uuid that was chosen for it, or NULL. */
static const char *
prepare_create(FunctionCallInfo fcinfo, bool is_rest, const IceWarehouse *warehouse)
{
	IceNamespacePath path;
	IceCreateTable  *request;
	IceTable         table;

	if (!ice_delegation_asks(warehouse) || ice_once_is_known(warehouse))
		return NULL;
	ice_maintenance_require_off(warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	request = read_create(fcinfo, is_rest);
	if (ice_create_expect(warehouse, &path, request, &table))
		ice_delegation_prepare(warehouse, &table);
	return request->table_uuid;
}

/* Shows a table that was made, with access to its files if it is wished. In a repeat (again) the
 * table must still be the one of its name. */
static Datum
show_made(FunctionCallInfo fcinfo, bool is_rest, bool again, const IceWarehouse *warehouse,
		  const IceTable *table, MemoryContext caller, const IceTableAnswer *answer)
{
	IceTableAnswer   shown = *answer;
	const char      *name = is_rest ? ice_json_string(ice_arg_json(fcinfo, 2, "request"), "name")
									: ice_arg_text(fcinfo, 2, "name");
	IceNamespacePath path;
	IceTable         now;

	ice_arg_namespace(fcinfo, 1, &path);
	if (!again || (ice_table_find(&warehouse->id, &path, name, false, &now) &&
				   memcmp(&now.id, &table->id, UUID_LEN) == 0 &&
				   ice_access_may_by_id(ICE_SELECT, &warehouse->id, &now.id)))
		shown.representation.called = ice_delegation_called(warehouse, &path, name);
	shown.representation.made = !again;
	return ice_table_answer(caller, table, &shown);
}

/* Creates a table and shows it. The repeat of a staged creation, which has no effect, runs
 * again. */
static Datum
run_create(FunctionCallInfo fcinfo, bool is_rest, const IceTableAnswer *answer)
{
	MemoryContext caller = ice_caller_begin(fcinfo);
	IceWarehouse  warehouse;
	IceTable      table;
	IceOnce       once;
	bool          again = false;
	const char   *uuid;
	Datum         result = (Datum) 0;

	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	uuid = prepare_create(fcinfo, is_rest, &warehouse);
	if (ice_once_run(&once, fcinfo, "createTable", &warehouse))
	{
		create_table(fcinfo, is_rest, &warehouse, uuid, &table);
		ice_once_done(&once, table.metadata_location != NULL ? &table.id : NULL, NULL);
	}
	else if (!once.recorded && once.row.has_object)
	{
		again = true;
		ice_once_table(&once, &table);
	}
	else if (!once.recorded)
		create_table(fcinfo, is_rest, &warehouse, uuid, &table);
	if (!once.recorded)
		result = show_made(fcinfo, is_rest, again, &warehouse, &table, caller, answer);
	ice_caller_end();
	return result;
}

Datum
sql_ice_create_table(PG_FUNCTION_ARGS)
{
	return run_create(fcinfo, false, &plain_answer);
}

Datum
sql_ice_rest_create_table(PG_FUNCTION_ARGS)
{
	return run_create(fcinfo, true, &plain_answer);
}

Datum
sql_ice_rest_create_table_tagged(PG_FUNCTION_ARGS)
{
	return run_create(fcinfo, true, &tagged_answer);
}

/* What a registration says. */
typedef struct Registration
{
	IceNamespacePath path;
	const char      *name;
	const char      *location; /* of the metadata file */
	bool             overwrite;
} Registration;

static void
read_registration(FunctionCallInfo fcinfo, bool is_rest, Registration *out)
{
	IceJson *request = is_rest ? ice_arg_json(fcinfo, 2, "request") : NULL;

	out->name = is_rest ? ice_json_string(request, "name") : ice_arg_text(fcinfo, 2, "name");
	out->location = is_rest ? ice_json_string(request, "metadata-location")
							: ice_arg_text(fcinfo, 3, "metadata_location");
	ice_arg_namespace(fcinfo, 1, &out->path);
	ice_arg_check_table_name(out->name);
	out->overwrite = is_rest ? ice_json_opt_bool(request, "overwrite", false)
							 : ice_arg_bool(fcinfo, 4, "overwrite");
}

/* Registers a table. */
static void
register_table(FunctionCallInfo fcinfo, bool is_rest, const IceWarehouse *warehouse, IceTable *out)
{
	Registration said;

	read_registration(fcinfo, is_rest, &said);
	ice_register_table(warehouse, &said.path, said.name, said.location, said.overwrite, out);
}

/* As prepare_create(). The document is read once more: a lock must keep its file from being deleted
 * then, and nobody waits for that one now. */
static void
prepare_register(FunctionCallInfo fcinfo, bool is_rest, const IceWarehouse *warehouse)
{
	Registration said;
	IceTable     table;

	if (!ice_delegation_asks(warehouse) || ice_once_is_known(warehouse))
		return;
	ice_maintenance_require_off(warehouse);
	read_registration(fcinfo, is_rest, &said);
	if (ice_register_expect(warehouse, &said.path, said.name, said.location, said.overwrite,
							&table))
		ice_delegation_prepare(warehouse, &table);
}

/* Registers a table and shows it. */
static Datum
run_register(FunctionCallInfo fcinfo, bool is_rest, const IceTableAnswer *answer)
{
	MemoryContext caller = ice_caller_begin(fcinfo);
	IceWarehouse  warehouse;
	IceTable      table;
	IceOnce       once;
	bool          again = false;
	Datum         result = (Datum) 0;

	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	prepare_register(fcinfo, is_rest, &warehouse);
	if (ice_once_run(&once, fcinfo, "registerTable", &warehouse))
	{
		register_table(fcinfo, is_rest, &warehouse, &table);
		ice_once_done(&once, &table.id, NULL);
	}
	else if (!once.recorded)
	{
		again = true;
		ice_once_table(&once, &table);
	}
	if (!once.recorded)
		result = show_made(fcinfo, is_rest, again, &warehouse, &table, caller, answer);
	ice_caller_end();
	return result;
}

Datum
sql_ice_register_table(PG_FUNCTION_ARGS)
{
	return run_register(fcinfo, false, &plain_answer);
}

Datum
sql_ice_rest_register_table(PG_FUNCTION_ARGS)
{
	return run_register(fcinfo, true, &plain_answer);
}

Datum
sql_ice_rest_register_table_tagged(PG_FUNCTION_ARGS)
{
	return run_register(fcinfo, true, &tagged_answer);
}

/* Reads the parameter p_snapshots; the function of 0.1.0 has none. */
bool
ice_table_answer_refs_only(FunctionCallInfo fcinfo, int n)
{
	const char *value = n < PG_NARGS() ? ice_arg_opt_text(fcinfo, n) : NULL;

	if (value == NULL || pg_strcasecmp(value, "all") == 0)
		return false;
	if (pg_strcasecmp(value, "refs") != 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "Invalid value of snapshots: %s (expected all or refs)",
				  value);
	return true;
}

/* Finds the table that arguments 0 to 2 name, for a load by way of the views that argument n
 * names. */
void
ice_table_answer_find(FunctionCallInfo fcinfo, int n, IceTable *table,
					  IceRepresentation *representation)
{
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceChain         chain;
	const char      *name;

	ice_chain_arg(fcinfo, n, &chain);
	ice_arg_warehouse(fcinfo, 0, true, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	name = ice_arg_text(fcinfo, 2, "table");
	ice_chain_follow(&chain, &warehouse.id, name);
	representation->access = chain.lent;
	ice_table_get(&warehouse.id, &path, name, true, table);
	ice_table_require(ICE_SELECT, table, &path, name);
	representation->called = ice_delegation_called(&warehouse, &path, name);
	ice_publish_check(table);
}

Datum
sql_ice_load_table(PG_FUNCTION_ARGS)
{
	MemoryContext  caller = ice_caller_begin(fcinfo);
	IceTableAnswer answer = plain_answer;
	IceTable       table;
	Datum          result;

	answer.read_only = true;
	answer.representation.refs_only = ice_table_answer_refs_only(fcinfo, 3);
	ice_table_answer_find(fcinfo, 4, &table, &answer.representation);
	result = ice_table_answer(caller, &table, &answer);
	ice_caller_end();
	return result;
}

/* Where the client's copy is current, only the head is read. */
Datum
sql_ice_rest_load_table(PG_FUNCTION_ARGS)
{
	MemoryContext  caller = ice_caller_begin(fcinfo);
	IceTableAnswer answer = tagged_answer;
	const char    *if_none_match = ice_arg_opt_text(fcinfo, 3);
	const char    *etag;
	IceTable       table;
	Datum          result;

	answer.read_only = answer.limited = true;
	answer.representation.refs_only = ice_table_answer_refs_only(fcinfo, 4);
	ice_table_answer_find(fcinfo, 5, &table, &answer.representation);
	ice_represent(&table, &answer.representation);
	etag = if_none_match != NULL ? ice_etag(&table, &answer.representation) : NULL;
	if (etag != NULL && ice_etag_matches(if_none_match, etag))
		result = ice_table_answer_tag(caller, etag);
	else
		result = ice_table_answer(caller, &table, &answer);
	ice_caller_end();
	return result;
}

/* Lists the names of one kind in a namespace: a ListTablesResponse. */
static Datum
list_relations(FunctionCallInfo fcinfo, IceRelationKind kind)
{
	MemoryContext    caller;
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceNamespace     space;
	IcePage          page;
	IceNames         names;
	StringInfoData   out;

	if (ice_dropped_list_wanted(fcinfo))
		return ice_dropped_list(fcinfo, kind);
	caller = ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, true, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	ice_namespace_get(&warehouse.id, &path, ICE_LOCK_NONE, true, &space);
	ice_case_mode_respell_path(&warehouse.id, &space.id, true, &path);
	ice_page_arg(fcinfo, 2, kind == ICE_RELATION_VIEW ? "listViews" : "listTables", &warehouse.id,
				 &space.id, &page);
	ice_relation_names(&warehouse.id, &space.id, kind, &page.range, &names);
	ice_arg_result_begin(&out, caller);
	ice_page_write_identifiers(&out, &path, &page, &names);
	ice_caller_end();
	return ice_arg_result_end(&out);
}

Datum
sql_ice_list_tables(PG_FUNCTION_ARGS)
{
	return list_relations(fcinfo, ICE_RELATION_TABLE);
}

Datum
sql_ice_list_views(PG_FUNCTION_ARGS)
{
	return list_relations(fcinfo, ICE_RELATION_VIEW);
}

Datum
sql_ice_table_exists(PG_FUNCTION_ARGS)
{
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceTable         table;
	bool             exists;

	ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, true, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	exists = ice_table_find(&warehouse.id, &path, ice_arg_text(fcinfo, 2, "table"), true, &table);
	ice_caller_end();
	PG_RETURN_BOOL(exists);
}

Datum
sql_ice_drop_table(PG_FUNCTION_ARGS)
{
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceOnce          once;

	ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	if (ice_once_run(&once, fcinfo, "dropTable", &warehouse))
	{
		ice_arg_namespace(fcinfo, 1, &path);
		ice_drop_table(&warehouse, &path, ice_arg_text(fcinfo, 2, "table"),
					   (IceDropOptions){.purge = ice_arg_bool(fcinfo, 3, "purge"),
										.force = ice_arg_flag(fcinfo, 4)});
	}
	ice_caller_end();
	PG_RETURN_VOID();
}

/* An UnregisterTableResult with the last document of a table. */
static Datum
unregister_result(MemoryContext caller, const IceTable *table, const StringInfoData *document)
{
	StringInfoData out;
	IceJsonWriter  w;

	ice_arg_result_begin(&out, caller);
	ice_json_write_init(&w, &out);
	ice_json_write_begin_object(&w);
	ice_json_write_key(&w, "metadata-location");
	ice_json_write_string(&w, table->metadata_location);
	ice_json_write_key(&w, "metadata");
	ice_json_write_raw(&w, document->data, document->len);
	ice_json_write_end_object(&w);
	return ice_arg_result_end(&out);
}

/* A repeat shows the rows of the table as they were left, as long as they are kept. */
Datum
sql_ice_unregister_table(PG_FUNCTION_ARGS)
{
	MemoryContext    caller = ice_caller_begin(fcinfo);
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceTable         table;
	StringInfoData   document;
	IceOnce          once;
	Datum            result = (Datum) 0;

	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	initStringInfo(&document);
	if (ice_once_run(&once, fcinfo, "unregisterTable", &warehouse))
	{
		ice_arg_namespace(fcinfo, 1, &path);
		ice_drop_unregister(&warehouse, &path, ice_arg_text(fcinfo, 2, "table"), &table, &document);
		ice_once_done(&once, &table.id, NULL);
	}
	else if (!once.recorded)
	{
		ice_once_table(&once, &table);
		ice_publish_render_current(&document, &table, false);
	}
	if (!once.recorded)
		result = unregister_result(caller, &table, &document);
	ice_caller_end();
	return result;
}

/* Reads the names out of a RenameTableRequest, and renames. */
static void
rename_of_request(FunctionCallInfo fcinfo, const IceWarehouse *warehouse)
{
	IceJson         *request = ice_arg_json(fcinfo, 1, "request");
	IceJson         *source = ice_json_object(request, "source");
	IceJson         *destination = ice_json_object(request, "destination");
	IceNamespacePath source_path;
	IceNamespacePath destination_path;

	ice_arg_namespace_of_json(ice_json_array(source, "namespace"), &source_path);
	ice_arg_namespace_of_json(ice_json_array(destination, "namespace"), &destination_path);
	ice_arg_check_table_name(ice_json_string(destination, "name"));
	ice_rename_table(warehouse, &source_path, ice_json_string(source, "name"), &destination_path,
					 ice_json_string(destination, "name"));
}

/* Takes the names from the arguments, and renames. */
static void
rename_of_arguments(FunctionCallInfo fcinfo, const IceWarehouse *warehouse)
{
	IceNamespacePath source_path;
	IceNamespacePath destination_path;
	const char      *destination;

	ice_arg_namespace(fcinfo, 1, &source_path);
	ice_arg_namespace(fcinfo, 3, &destination_path);
	destination = ice_arg_text(fcinfo, 4, "destination");
	ice_arg_check_table_name(destination);
	ice_rename_table(warehouse, &source_path, ice_arg_text(fcinfo, 2, "source"), &destination_path,
					 destination);
}

static Datum
run_rename(FunctionCallInfo fcinfo, bool is_rest)
{
	IceWarehouse warehouse;
	IceOnce      once;

	ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	if (ice_once_run(&once, fcinfo, "renameTable", &warehouse))
		(is_rest ? rename_of_request : rename_of_arguments)(fcinfo, &warehouse);
	ice_caller_end();
	PG_RETURN_VOID();
}

Datum
sql_ice_rename_table(PG_FUNCTION_ARGS)
{
	return run_rename(fcinfo, false);
}

Datum
sql_ice_rest_rename_table(PG_FUNCTION_ARGS)
{
	return run_rename(fcinfo, true);
}
