/*
 * api_view.c
 *		SQL entries for views: create, register, load, exists, replace, drop, rename. Their list is
 *		in api_table.c.
 *
 * The rest_ forms take the REST request body as it came.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "api/chain.h"
#include "api/once.h"
#include "api/represent.h"
#include "commit/commit_view.h"
#include "commit/publish.h"
#include "guc.h"
#include "store/store_queue.h"

PG_FUNCTION_INFO_V1(sql_ice_create_view);
PG_FUNCTION_INFO_V1(sql_ice_rest_create_view);
PG_FUNCTION_INFO_V1(sql_ice_register_view);
PG_FUNCTION_INFO_V1(sql_ice_rest_register_view);
PG_FUNCTION_INFO_V1(sql_ice_load_view);
PG_FUNCTION_INFO_V1(sql_ice_view_exists);
PG_FUNCTION_INFO_V1(sql_ice_replace_view);
PG_FUNCTION_INFO_V1(sql_ice_rest_replace_view);
PG_FUNCTION_INFO_V1(sql_ice_drop_view);
PG_FUNCTION_INFO_V1(sql_ice_rename_view);
PG_FUNCTION_INFO_V1(sql_ice_rest_rename_view);

/* A LoadViewResult out of a view and the text of its metadata. */
static Datum
view_result(MemoryContext caller, const IceView *view, const StringInfoData *document)
{
	StringInfoData out;
	IceJsonWriter  w;

	ice_arg_result_begin(&out, caller);
	ice_json_write_init(&w, &out);
	ice_json_write_begin_object(&w);
	ice_json_write_key(&w, "metadata-location");
	ice_json_write_string(&w, view->metadata_location);
	ice_json_write_key(&w, "metadata");
	ice_json_write_raw(&w, document->data, (size_t) document->len);
	ice_json_write_key(&w, "config");
	ice_json_write_begin_object(&w);
	ice_json_write_end_object(&w);
	ice_represent_labels(&out, &view->warehouse_id, &view->id);
	ice_json_write_end_object(&w);
	return ice_arg_result_end(&out);
}

/* A change of a view that answers with its metadata: makes it, from the arguments after the
 * namespace. */
typedef void (*ChangeView)(FunctionCallInfo fcinfo, const IceWarehouse *warehouse,
						   const IceNamespacePath *path, IceView *view, StringInfo document);

/* Makes a change once and shows the view. */
static Datum
run_change(FunctionCallInfo fcinfo, const char *operation, ChangeView change)
{
	MemoryContext    caller = ice_caller_begin(fcinfo);
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceView          view;
	IceOnce          once;
	StringInfoData   document;
	Datum            result = (Datum) 0;

	initStringInfo(&document);
	ice_queue_wait();
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	if (ice_once_run(&once, fcinfo, operation, &warehouse))
	{
		ice_arg_namespace(fcinfo, 1, &path);
		change(fcinfo, &warehouse, &path, &view, &document);
		ice_once_done(&once, &view.id, NULL);
	}
	else if (!once.recorded)
	{
		ice_once_view(&once, &view);
		ice_view_metadata_write(&document, view.metadata);
	}
	if (!once.recorded)
		result = view_result(caller, &view, &document);
	ice_caller_end();
	return result;
}

/* Creates the view of a request body. */
static void
create_of_json(IceJson *body, const IceWarehouse *warehouse, const IceNamespacePath *path,
			   IceView *view, StringInfo document)
{
	IceCreateView *request = ice_view_parse_create(body);

	ice_arg_check_view_name(request->name);
	ice_commit_view_create(warehouse, path, request, view, document);
}

static void
create_of_arguments(FunctionCallInfo fcinfo, const IceWarehouse *warehouse,
					const IceNamespacePath *path, IceView *view, StringInfo document)
{
	IceJson    *request = ice_json_make_object();
	const char *location = ice_arg_opt_text(fcinfo, 5);
	IceJson    *properties = ice_arg_opt_json(fcinfo, 6);

	ice_json_set(request, "name", ice_json_make_string(ice_arg_text(fcinfo, 2, "name")));
	ice_json_set(request, "schema", ice_arg_json(fcinfo, 3, "schema"));
	ice_json_set(request, "view-version", ice_arg_json(fcinfo, 4, "view_version"));
	if (location != NULL)
		ice_json_set(request, "location", ice_json_make_string(location));
	ice_json_set(request, "properties", properties ? properties : ice_json_make_object());
	create_of_json(request, warehouse, path, view, document);
}

static void
create_of_request(FunctionCallInfo fcinfo, const IceWarehouse *warehouse,
				  const IceNamespacePath *path, IceView *view, StringInfo document)
{
	create_of_json(ice_arg_json(fcinfo, 2, "request"), warehouse, path, view, document);
}

Datum
sql_ice_create_view(PG_FUNCTION_ARGS)
{
	return run_change(fcinfo, "createView", create_of_arguments);
}

Datum
sql_ice_rest_create_view(PG_FUNCTION_ARGS)
{
	return run_change(fcinfo, "createView", create_of_request);
}

static void
register_of_arguments(FunctionCallInfo fcinfo, const IceWarehouse *warehouse,
					  const IceNamespacePath *path, IceView *view, StringInfo document)
{
	const char *name = ice_arg_text(fcinfo, 2, "name");

	ice_arg_check_view_name(name);
	ice_commit_view_register(warehouse, path, name, ice_arg_text(fcinfo, 3, "metadata_location"),
							 view, document);
}

static void
register_of_request(FunctionCallInfo fcinfo, const IceWarehouse *warehouse,
					const IceNamespacePath *path, IceView *view, StringInfo document)
{
	IceJson    *request = ice_arg_json(fcinfo, 2, "request");
	const char *name = ice_json_string(request, "name");

	ice_arg_check_view_name(name);
	ice_commit_view_register(warehouse, path, name, ice_json_string(request, "metadata-location"),
							 view, document);
}

Datum
sql_ice_register_view(PG_FUNCTION_ARGS)
{
	return run_change(fcinfo, "registerView", register_of_arguments);
}

Datum
sql_ice_rest_register_view(PG_FUNCTION_ARGS)
{
	return run_change(fcinfo, "registerView", register_of_request);
}

static void
replace_of_arguments(FunctionCallInfo fcinfo, const IceWarehouse *warehouse,
					 const IceNamespacePath *path, IceView *view, StringInfo document)
{
	const char    *name = ice_arg_text(fcinfo, 2, "view");
	IceViewCommit *commit;

	ice_arg_check_view_name(name);
	commit = ice_view_update_parse_commit(ice_arg_opt_json(fcinfo, 3),
										  ice_arg_json(fcinfo, 4, "updates"), ice_guc_updates_max);
	ice_commit_view_replace(warehouse, path, name, commit, view, document);
}

static void
replace_of_request(FunctionCallInfo fcinfo, const IceWarehouse *warehouse,
				   const IceNamespacePath *path, IceView *view, StringInfo document)
{
	const char    *name = ice_arg_text(fcinfo, 2, "view");
	IceJson       *body = ice_arg_json(fcinfo, 3, "request");
	IceViewCommit *commit;

	ice_arg_check_view_name(name);
	if (body->kind != ICE_JSON_OBJECT)
		ice_json_raise(body, ICE_ERR_BAD_REQUEST, "Commit request must be a JSON object");
	commit = ice_view_update_parse_commit(ice_json_opt_array(body, "requirements"),
										  ice_json_array(body, "updates"), ice_guc_updates_max);
	ice_commit_view_replace(warehouse, path, name, commit, view, document);
}

Datum
sql_ice_replace_view(PG_FUNCTION_ARGS)
{
	return run_change(fcinfo, "replaceView", replace_of_arguments);
}

Datum
sql_ice_rest_replace_view(PG_FUNCTION_ARGS)
{
	return run_change(fcinfo, "replaceView", replace_of_request);
}

Datum
sql_ice_load_view(PG_FUNCTION_ARGS)
{
	MemoryContext    caller = ice_caller_begin(fcinfo);
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceView          view;
	IceChain         chain;
	StringInfoData   document;
	const char      *name;
	Datum            result;

	ice_chain_arg(fcinfo, 3, &chain);
	ice_arg_warehouse(fcinfo, 0, true, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	name = ice_arg_text(fcinfo, 2, "view");
	ice_chain_follow(&chain, &warehouse.id, name);
	ice_view_get(&warehouse.id, &path, name, true, &view);
	ice_view_require(ICE_SELECT, &view, &path, name);
	ice_publish_check_view(&view);
	ice_view_load(&view, true);
	initStringInfo(&document);
	ice_view_metadata_write(&document, view.metadata);
	result = view_result(caller, &view, &document);
	ice_caller_end();
	return result;
}

Datum
sql_ice_view_exists(PG_FUNCTION_ARGS)
{
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceView          view;
	bool             exists;

	ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, true, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	exists = ice_view_find(&warehouse.id, &path, ice_arg_text(fcinfo, 2, "view"), true, &view);
	ice_caller_end();
	PG_RETURN_BOOL(exists);
}

Datum
sql_ice_drop_view(PG_FUNCTION_ARGS)
{
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceOnce          once;

	ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	if (ice_once_run(&once, fcinfo, "dropView", &warehouse))
	{
		ice_arg_namespace(fcinfo, 1, &path);
		ice_commit_view_drop(&warehouse, &path, ice_arg_text(fcinfo, 2, "view"),
							 ice_arg_flag(fcinfo, 3));
	}
	ice_caller_end();
	PG_RETURN_VOID();
}

static void
rename_of_arguments(FunctionCallInfo fcinfo, const IceWarehouse *warehouse)
{
	IceNamespacePath source_path;
	IceNamespacePath destination_path;
	const char      *destination = ice_arg_text(fcinfo, 4, "destination");

	ice_arg_namespace(fcinfo, 1, &source_path);
	ice_arg_namespace(fcinfo, 3, &destination_path);
	ice_arg_check_view_name(destination);
	ice_commit_view_rename(warehouse, &source_path, ice_arg_text(fcinfo, 2, "source"),
						   &destination_path, destination);
}

static void
rename_of_request(FunctionCallInfo fcinfo, const IceWarehouse *warehouse)
{
	IceNamespacePath source_path;
	IceNamespacePath destination_path;
	IceJson         *request = ice_arg_json(fcinfo, 1, "request");
	IceJson         *source = ice_json_object(request, "source");
	IceJson         *destination = ice_json_object(request, "destination");

	ice_arg_namespace_of_json(ice_json_array(source, "namespace"), &source_path);
	ice_arg_namespace_of_json(ice_json_array(destination, "namespace"), &destination_path);
	ice_arg_check_view_name(ice_json_string(destination, "name"));
	ice_commit_view_rename(warehouse, &source_path, ice_json_string(source, "name"),
						   &destination_path, ice_json_string(destination, "name"));
}

/* Renames a view once. */
static void
run_rename(FunctionCallInfo fcinfo, void (*rename)(FunctionCallInfo, const IceWarehouse *))
{
	IceWarehouse warehouse;
	IceOnce      once;

	ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	if (ice_once_run(&once, fcinfo, "renameView", &warehouse))
		rename(fcinfo, &warehouse);
	ice_caller_end();
}

Datum
sql_ice_rename_view(PG_FUNCTION_ARGS)
{
	run_rename(fcinfo, rename_of_arguments);
	PG_RETURN_VOID();
}

Datum
sql_ice_rest_rename_view(PG_FUNCTION_ARGS)
{
	run_rename(fcinfo, rename_of_request);
	PG_RETURN_VOID();
}
