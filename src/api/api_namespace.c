/*
 * api_namespace.c
 *		SQL entries of the namespace operations.
 *
 * A call that creates something inside a warehouse or namespace holds its row FOR KEY SHARE, one
 * that drops one FOR UPDATE, and counts only then: nothing is left without a parent.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "api/namespace.h"
#include "api/once.h"
#include "api/page.h"
#include "commit/commit_policy.h"
#include "commit/location.h"
#include "store/access.h"
#include "store/case_mode.h"
#include "store/store_access.h"
#include "store/store_event.h"
#include "store/store_protection.h"
#include "store/warehouse_rules.h"

PG_FUNCTION_INFO_V1(sql_ice_create_namespace);
PG_FUNCTION_INFO_V1(sql_ice_rest_create_namespace);
PG_FUNCTION_INFO_V1(sql_ice_list_namespaces);
PG_FUNCTION_INFO_V1(sql_ice_load_namespace);
PG_FUNCTION_INFO_V1(sql_ice_namespace_exists);
PG_FUNCTION_INFO_V1(sql_ice_update_namespace_properties);
PG_FUNCTION_INFO_V1(sql_ice_rest_update_namespace_properties);
PG_FUNCTION_INFO_V1(sql_ice_drop_namespace);

/* A request body, which must be an object. */
static IceJson *
request_body(FunctionCallInfo fcinfo, int n)
{
	IceJson *request = ice_arg_json(fcinfo, n, "request");

	if (request->kind != ICE_JSON_OBJECT)
		ice_json_raise(request, ICE_ERR_BAD_REQUEST, "Request body must be a JSON object");
	return request;
}

static void
write_levels(IceJsonWriter *writer, const IceNamespacePath *path)
{
	ice_json_write_begin_array(writer);
	for (int i = 0; i < path->depth; i++)
		ice_json_write_string(writer, path->levels[i]);
	ice_json_write_end_array(writer);
}

/* The properties exactly as they were set. Where no location was, clients are told the one that is
 * in use, as by Iceberg's reference server; it is not stored, so that it follows a change of what
 * it comes from. */
static const char *
effective_properties(const IceWarehouse *warehouse, const IceNamespacePath *path,
					 const IceNamespace *space, bool read_only)
{
	const char    *text = space->properties;
	const IceJson *properties = ice_json_parse(text, strlen(text), ICE_JSON_DEPTH_STORED);
	const char    *location;
	StringInfoData out;

	if (ice_json_get(properties, "location") != NULL)
		return text;
	location = ice_location_of_namespace(warehouse, path, space, read_only);
	if (location == NULL)
		return text;
	initStringInfo(&out);
	appendBinaryStringInfo(&out, text, (int) (strrchr(text, '}') - text));
	appendStringInfo(&out, "%s\"location\":", properties->count > 0 ? "," : "");
	ice_json_escape(&out, location);
	appendStringInfoChar(&out, '}');
	return out.data;
}

/* An answer that shows a namespace, in the caller's context. */
static Datum
write_namespace(MemoryContext caller, const IceNamespacePath *path, const char *properties)
{
	StringInfoData result;
	IceJsonWriter  writer;

	ice_arg_result_begin(&result, caller);
	ice_json_write_init(&writer, &result);
	ice_json_write_begin_object(&writer);
	ice_json_write_key(&writer, "namespace");
	write_levels(&writer, path);
	ice_json_write_key(&writer, "properties");
	ice_json_write_raw(&writer, properties, strlen(properties));
	ice_json_write_end_object(&writer);
	return ice_arg_result_end(&result);
}

/* The namespace with its properties. */
static Datum
namespace_result(MemoryContext caller, const IceWarehouse *warehouse, const IceNamespacePath *path,
				 const IceNamespace *space, bool read_only)
{
	return write_namespace(caller, path, effective_properties(warehouse, path, space, read_only));
}

static void
write_event(const IceWarehouse *warehouse, const char *type, const IceNamespace *namespace,
			const IceNamespacePath *path, const char *details)
{
	ice_event_insert(&warehouse->id, type, "namespace", &namespace->id, path->array, NULL, 0,
					 details);
}

/* The path of a namespace below another, as that one is spelled. */
static void
below(IceNamespacePath *parent_path, const char *level, const pg_uuid_t *warehouse_id,
	  const pg_uuid_t *parent_id, IceNamespacePath *out)
{
	const char **levels = palloc(sizeof(char *) * (parent_path->depth + 1));

	ice_case_mode_respell_path(warehouse_id, parent_id, false, parent_path);
	memcpy(levels, parent_path->levels, sizeof(char *) * parent_path->depth);
	levels[parent_path->depth] = level;
	ice_namespace_path_from(levels, parent_path->depth + 1, out);
}

bool
ice_namespace_create(const IceWarehouse *warehouse, const IceNamespacePath *path,
					 IceJson *properties, IceNamespace *out)
{
	IceNamespacePath parent_path;
	IceNamespacePath spelled;
	IceNamespace     parent;
	bool             nested = ice_namespace_path_parent(path, &parent_path);

	properties = ice_property_change_check(properties, "properties");
	ice_warehouse_rules_check_steering(&warehouse->id, "namespace", properties, NULL);
	out->properties = ice_json_text(properties);
	if (nested)
	{
		ice_namespace_get(&warehouse->id, &parent_path, ICE_LOCK_KEY_SHARE, false, &parent);
		ice_namespace_require(ICE_CREATE, &warehouse->id, &parent, &parent_path);
		if (ice_case_mode_folds_of(&warehouse->id))
		{
			below(&parent_path, path->levels[path->depth - 1], &warehouse->id, &parent.id,
				  &spelled);
			path = &spelled;
		}
	}
	else
		ice_warehouse_require(ICE_CREATE, warehouse);
	if (!ice_namespace_insert(&warehouse->id, path, nested ? &parent : NULL, out))
		return false;
	ice_commit_policy_namespace(&warehouse->id, "create-namespace", nested ? &parent.id : NULL,
								path, NULL, out->properties);
	ice_access_own("namespace", &warehouse->id, &out->id);
	write_event(warehouse, "create-namespace", out, path,
				psprintf("{\"properties\":%s}", out->properties));
	return true;
}

/* Reads the namespace to create and its properties. */
typedef void (*ReadNamespace)(FunctionCallInfo fcinfo, IceNamespacePath *path,
							  IceJson **properties);

static void
read_arguments(FunctionCallInfo fcinfo, IceNamespacePath *path, IceJson **properties)
{
	ice_arg_namespace(fcinfo, 1, path);
	*properties = ice_arg_opt_json(fcinfo, 2);
}

static void
read_request(FunctionCallInfo fcinfo, IceNamespacePath *path, IceJson **properties)
{
	IceJson *request = request_body(fcinfo, 1);

	ice_arg_namespace_of_json(ice_json_array(request, "namespace"), path);
	*properties = ice_json_get(request, "properties");
}

/* Creates a namespace and shows it. */
static Datum
run_create(FunctionCallInfo fcinfo, ReadNamespace read)
{
	MemoryContext    caller = ice_caller_begin(fcinfo);
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceNamespace namespace;
	IceJson *properties;
	IceOnce  once;
	Datum    result = (Datum) 0;

	ice_warehouse_get_locked(ice_arg_text(fcinfo, 0, "warehouse"), ICE_LOCK_KEY_SHARE, &warehouse);
	if (ice_once_run(&once, fcinfo, "createNamespace", &warehouse))
	{
		read(fcinfo, &path, &properties);
		if (!ice_namespace_create(&warehouse, &path, properties, &namespace))
			ice_raise(ICE_ERR_ALREADY_EXISTS, "Namespace already exists: %s", path.dotted);
		ice_case_mode_respell_path(&warehouse.id, &namespace.id, false, &path);
		ice_once_done(&once, &namespace.id, NULL);
	}
	else if (!once.recorded)
		ice_once_namespace(&once, &path, &namespace);
	if (!once.recorded)
		result = namespace_result(caller, &warehouse, &path, &namespace, false);
	ice_caller_end();
	return result;
}

Datum
sql_ice_create_namespace(PG_FUNCTION_ARGS)
{
	return run_create(fcinfo, read_arguments);
}

Datum
sql_ice_rest_create_namespace(PG_FUNCTION_ARGS)
{
	return run_create(fcinfo, read_request);
}

/* Writes the paths of the namespaces right below parent, which may be NULL. */
static void
write_children(IceJsonWriter *writer, const IceNamespacePath *parent, const IcePage *page,
			   const IceNames *names)
{
	ice_json_write_begin_object(writer);
	ice_json_write_key(writer, "namespaces");
	ice_json_write_begin_array(writer);
	for (int i = 0; i < ice_page_count(page, names); i++)
	{
		ice_json_write_begin_array(writer);
		for (int j = 0; parent != NULL && j < parent->depth; j++)
			ice_json_write_string(writer, parent->levels[j]);
		ice_json_write_string(writer, names->items[i]);
		ice_json_write_end_array(writer);
	}
	ice_json_write_end_array(writer);
	ice_page_end(writer, page, names);
	ice_json_write_end_object(writer);
}

Datum
sql_ice_list_namespaces(PG_FUNCTION_ARGS)
{
	MemoryContext    caller = ice_caller_begin(fcinfo);
	bool             at_top = PG_ARGISNULL(1) || ARR_NDIM(PG_GETARG_ARRAYTYPE_P(1)) == 0;
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceNamespace     parent;
	StringInfoData   result;
	IceJsonWriter    writer;
	IcePage          page;
	IceNames         names;

	ice_arg_warehouse(fcinfo, 0, true, &warehouse);
	if (!at_top)
	{
		ice_arg_namespace(fcinfo, 1, &path);
		ice_namespace_get(&warehouse.id, &path, ICE_LOCK_NONE, true, &parent);
		ice_case_mode_respell_path(&warehouse.id, &parent.id, true, &path);
	}
	ice_page_arg(fcinfo, 2, "listNamespaces", &warehouse.id, at_top ? NULL : &parent.id, &page);
	ice_namespace_children(&warehouse.id, page.parent_id, &page.range, &names);
	ice_arg_result_begin(&result, caller);
	ice_json_write_init(&writer, &result);
	write_children(&writer, at_top ? NULL : &path, &page, &names);
	ice_caller_end();
	return ice_arg_result_end(&result);
}

Datum
sql_ice_load_namespace(PG_FUNCTION_ARGS)
{
	MemoryContext    caller = ice_caller_begin(fcinfo);
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceNamespace namespace;
	Datum result;

	ice_arg_warehouse(fcinfo, 0, true, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	ice_namespace_get(&warehouse.id, &path, ICE_LOCK_NONE, true, &namespace);
	ice_case_mode_respell_path(&warehouse.id, &namespace.id, true, &path);
	if (ice_access_may(ICE_USAGE, (IceObject){&warehouse.id, &namespace.id, NULL}))
		result = namespace_result(caller, &warehouse, &path, &namespace, true);
	else
		result = write_namespace(caller, &path, "{}");
	ice_caller_end();
	return result;
}

Datum
sql_ice_namespace_exists(PG_FUNCTION_ARGS)
{
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceNamespace namespace;
	bool exists;

	(void) ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, true, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	exists = ice_namespace_find(&warehouse.id, &path, ICE_LOCK_NONE, true, &namespace);
	ice_caller_end();
	PG_RETURN_BOOL(exists);
}

static void
write_tree(IceJsonWriter *writer, const IceJson *value)
{
	const char *text = ice_json_text(value);

	ice_json_write_raw(writer, text, strlen(text));
}

/* The answer of updateProperties, in the caller's context. */
static Datum
change_result(MemoryContext caller, const IcePropertyChange *change)
{
	StringInfoData result;
	IceJsonWriter  writer;

	ice_arg_result_begin(&result, caller);
	ice_json_write_init(&writer, &result);
	ice_json_write_begin_object(&writer);
	ice_json_write_key(&writer, "updated");
	ice_json_write_begin_array(&writer);
	for (int i = 0; i < change->updates->count; i++)
		ice_json_write_string(&writer, change->updates->members[i].key);
	ice_json_write_end_array(&writer);
	ice_json_write_key(&writer, "removed");
	write_tree(&writer, change->removed);
	ice_json_write_key(&writer, "missing");
	write_tree(&writer, change->missing);
	ice_json_write_end_object(&writer);
	return ice_arg_result_end(&result);
}

/* Stores changed properties, with their event. */
static void
write_change(const IceWarehouse *warehouse, const IceNamespacePath *path,
			 const IceNamespace *namespace, const char *before, Datum result)
{
	ice_commit_policy_namespace(&warehouse->id, "update-namespace-properties", &namespace->id, path,
								before, namespace->properties);
	ice_namespace_set_properties(&warehouse->id, namespace);
	write_event(warehouse, "update-namespace-properties", namespace, path,
				TextDatumGetCString(result));
}

/* Applies a change to the properties of a namespace; what it leaves there may not steer readers, if
 * it was not so before. */
static void
apply_change(const IceWarehouse *warehouse, IceNamespace *space, IcePropertyChange *change)
{
	const char *before = space->properties;

	ice_warehouse_rules_check_steering(
		&warehouse->id, "namespace", change->updates,
		ice_json_parse(before, strlen(before), ICE_JSON_DEPTH_STORED));
	space->properties = ice_property_change_apply(change, before);
}

void
ice_namespace_change(const IceWarehouse *warehouse, const IceNamespacePath *path,
					 IceNamespace *space, IcePropertyChange *change)
{
	const char *before = space->properties;

	ice_namespace_require(ICE_WRITE, &warehouse->id, space, path);
	apply_change(warehouse, space, change);
	if (space->properties != NULL)
		write_change(warehouse, path, space, before, change_result(CurrentMemoryContext, change));
}

/* Changes the properties of a namespace under its row lock, so that parallel changes add up. */
static Datum
update_properties(FunctionCallInfo fcinfo, MemoryContext caller, const IceWarehouse *warehouse,
				  IcePropertyChange *change)
{
	IceNamespacePath path;
	IceNamespace namespace;
	const char *before;
	Datum       result;

	ice_arg_namespace(fcinfo, 1, &path);
	ice_namespace_get(&warehouse->id, &path, ICE_LOCK_NO_KEY_UPDATE, false, &namespace);
	ice_namespace_require(ICE_WRITE, &warehouse->id, &namespace, &path);
	ice_case_mode_respell_path(&warehouse->id, &namespace.id, false, &path);
	before = namespace.properties;
	apply_change(warehouse, &namespace, change);
	result = change_result(caller, change);
	if (namespace.properties != NULL)
		write_change(warehouse, &path, &namespace, before, result);
	return result;
}

/* updateProperties. Its answer is no state of the catalog: a key keeps it as text. */
static Datum
run_update_properties(FunctionCallInfo fcinfo, bool is_rest)
{
	MemoryContext     caller = ice_caller_begin(fcinfo);
	IceWarehouse      warehouse;
	IcePropertyChange change;
	IceOnce           once;
	Datum             result = (Datum) 0;

	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	if (ice_once_run(&once, fcinfo, "updateProperties", &warehouse))
	{
		if (is_rest)
			ice_property_change_of_json(request_body(fcinfo, 2), &change);
		else
			ice_property_change_of_args(fcinfo, 2, "namespace", &change);
		result = update_properties(fcinfo, caller, &warehouse, &change);
		if (once.keyed)
			ice_once_done(&once, NULL, TextDatumGetCString(result));
	}
	else if (!once.recorded)
		result = ice_arg_result_text(caller, once.row.answer);
	ice_caller_end();
	return result;
}

Datum
sql_ice_update_namespace_properties(PG_FUNCTION_ARGS)
{
	return run_update_properties(fcinfo, false);
}

Datum
sql_ice_rest_update_namespace_properties(PG_FUNCTION_ARGS)
{
	return run_update_properties(fcinfo, true);
}

/* Raises NAMESPACE_NOT_EMPTY in the reference implementation's words. */
static void
check_empty(const IceWarehouse     *warehouse, const IceNamespace *namespace,
			const IceNamespacePath *path)
{
	IceNamespaceContent content;
	const char         *kind;
	int64               count;

	ice_namespace_content(&warehouse->id, &namespace->id, &content);
	if (content.namespaces > 0)
	{
		kind = "child namespace";
		count = content.namespaces;
	}
	else
	{
		kind = content.tables > 0 ? "table" : "view";
		count = content.tables > 0 ? content.tables : content.views;
	}
	if (count > 0)
		ice_raise(ICE_ERR_NAMESPACE_NOT_EMPTY,
				  "Namespace %s is not empty. Contains " INT64_FORMAT " %s(s).", path->dotted,
				  count, kind);
}

void
ice_namespace_drop(const IceWarehouse *warehouse, const IceNamespacePath *path,
				   const IceNamespace *space, bool force)
{
	bool forced;

	ice_namespace_require(ICE_DROP, &warehouse->id, space, path);
	forced = ice_protection_pass(&(IceProtected){.warehouse_id = &warehouse->id,
												 .object_id = &space->id,
												 .object_kind = "namespace"},
								 force, path->dotted);
	check_empty(warehouse, space, path);
	ice_commit_policy_namespace(&warehouse->id, "drop-namespace", &space->id, path,
								space->properties, NULL);
	ice_namespace_delete(&warehouse->id, &space->id);
	write_event(warehouse, "drop-namespace", space, path, forced ? "{\"forced\":true}" : NULL);
}

static void
drop_namespace(FunctionCallInfo fcinfo, const IceWarehouse *warehouse)
{
	IceNamespacePath path;
	IceNamespace namespace;

	ice_arg_namespace(fcinfo, 1, &path);
	ice_namespace_get(&warehouse->id, &path, ICE_LOCK_UPDATE, false, &namespace);
	ice_case_mode_respell_path(&warehouse->id, &namespace.id, false, &path);
	ice_namespace_drop(warehouse, &path, &namespace, ice_arg_flag(fcinfo, 2));
}

Datum
sql_ice_drop_namespace(PG_FUNCTION_ARGS)
{
	IceWarehouse warehouse;
	IceOnce      once;

	(void) ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	if (ice_once_run(&once, fcinfo, "dropNamespace", &warehouse))
		drop_namespace(fcinfo, &warehouse);
	ice_caller_end();
	PG_RETURN_VOID();
}
