/*
 * api_warehouse.c
 *		SQL entries that make, change and drop warehouses.
 *
 * A location is only checked as text here; whether the server may write there is decided where it
 * does. Creating a namespace holds the warehouse's row FOR KEY SHARE, dropping the warehouse FOR
 * UPDATE.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "api/property_change.h"
#include "api/warehouse_profile.h"
#include "commit/holdings.h"
#include "commit/tenant_root.h"
#include "guc.h"
#include "storage/storage.h"
#include "spec/case_fold.h"
#include "store/access.h"
#include "store/audit.h"
#include "store/audit_change.h"
#include "store/caller.h"
#include "store/case_mode.h"
#include "store/delegation_mode.h"
#include "store/maintenance.h"
#include "store/names.h"
#include "store/store_access.h"
#include "store/store_dropped.h"
#include "store/store_protection.h"
#include "store/store_event.h"
#include "store/store_inspection.h"
#include "store/warehouse_rules.h"

#define WRITE_MODE_PROPERTY "icecat.metadata-write-mode"

PG_FUNCTION_INFO_V1(sql_ice_create_warehouse);
PG_FUNCTION_INFO_V1(sql_ice_alter_warehouse);
PG_FUNCTION_INFO_V1(sql_ice_drop_warehouse);
PG_FUNCTION_INFO_V1(sql_ice_set_maintenance);
PG_FUNCTION_INFO_V1(sql_ice_load_warehouse);
PG_FUNCTION_INFO_V1(sql_ice_case_key);

static const char *
check_name(const char *name)
{
	size_t bytes = strlen(name);

	if (bytes == 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "Warehouse name must not be empty");
	if (bytes > (size_t) ice_guc_name_bytes_max)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED,
				  "Warehouse name is %zu bytes long, more than the limit of %d", bytes,
				  ice_guc_name_bytes_max);
	ice_name_check_new("warehouse", name);
	return name;
}

/* Where the path of a location begins: after "scheme:" and the slashes that follow; NULL if the
 * text is neither a URI nor an absolute path. */
static const char *
location_path(const char *location)
{
	const char *p = location;

	if (isalpha((unsigned char) *p))
	{
		while (isalnum((unsigned char) *p) || (*p != '\0' && strchr("+-.", *p) != NULL))
			p++;
		if (*p != ':')
			return NULL;
		p++;
	}
	else if (*p != '/')
		return NULL;
	while (*p == '/')
		p++;
	return p;
}

/* A location without slashes at its end. Raises BAD_REQUEST. */
static const char *
check_location(char *location)
{
	const char *path = location_path(location);
	size_t      len = strlen(location);

	if (path == NULL)
		ice_raise(ICE_ERR_BAD_REQUEST, "Warehouse location must be a URI or an absolute path: %s",
				  location);
	if (*path == '\0')
		ice_raise(ICE_ERR_BAD_REQUEST, "Warehouse location must not be a root: %s", location);
	for (const char *p = location; *p != '\0'; p++)
		if ((unsigned char) *p < 0x20 || *p == 0x7f)
			ice_raise(ICE_ERR_BAD_REQUEST,
					  "Warehouse location must not hold control characters: %s", location);
	while (location[len - 1] == '/')
		location[--len] = '\0';
	return location;
}

/* Checks properties that icecat itself reads. */
static void
check_known_properties(const IceJson *properties)
{
	const char *mode = ice_json_opt_string(properties, WRITE_MODE_PROPERTY);
	const char *case_mode = ice_json_opt_string(properties, ICE_CASE_MODE_PROPERTY);

	const char *purge = ice_json_opt_string(properties, ICE_PURGE_REGISTERED_PROPERTY);

	ice_warehouse_rules_check(properties);
	(void) ice_dropped_retention_s(properties);
	ice_delegation_mode_check(properties);
	if (purge != NULL && strcmp(purge, "true") != 0 && strcmp(purge, "false") != 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "Invalid %s: %s (expected true or false)",
				  ICE_PURGE_REGISTERED_PROPERTY, purge);
	if (case_mode != NULL && strcmp(case_mode, "sensitive") != 0 &&
		strcmp(case_mode, "insensitive") != 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "Invalid %s: %s (expected sensitive or insensitive)",
				  ICE_CASE_MODE_PROPERTY, case_mode);
	if (mode != NULL && strcmp(mode, "async") != 0 && strcmp(mode, "sync") != 0 &&
		strcmp(mode, "none") != 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "Invalid %s: %s (expected async, sync or none)",
				  WRITE_MODE_PROPERTY, mode);
}

/* A warehouse as the functions show it, in the given context. */
static Datum
warehouse_result(MemoryContext context, const IceWarehouse *warehouse)
{
	const char    *profile = ice_warehouse_profile_name(warehouse);
	StringInfoData result;
	IceJsonWriter  writer;

	ice_arg_result_begin(&result, context);
	ice_json_write_init(&writer, &result);
	ice_json_write_begin_object(&writer);
	ice_json_write_key(&writer, "name");
	ice_json_write_string(&writer, ice_tenant_short_name(warehouse->name));
	if (warehouse->location != NULL)
	{
		ice_json_write_key(&writer, "location");
		ice_json_write_string(&writer, warehouse->location);
	}
	ice_json_write_key(&writer, "properties");
	ice_json_write_raw(&writer, warehouse->properties, strlen(warehouse->properties));
	if (profile != NULL)
	{
		ice_json_write_key(&writer, "storage-profile");
		ice_json_write_string(&writer, profile);
	}
	ice_json_write_end_object(&writer);
	return ice_arg_result_end(&result);
}

/* The warehouse as it is now, in the memory of the call. */
static const char *
warehouse_text(const IceWarehouse *warehouse)
{
	return TextDatumGetCString(warehouse_result(CurrentMemoryContext, warehouse));
}

/* The event of a mutation shows what the function returns, and what was before (NULL: nothing). */
static Datum
write_event(MemoryContext caller, const char *type, const IceWarehouse *warehouse,
			const char *before)
{
	Datum result = warehouse_result(caller, warehouse);
	char *details = TextDatumGetCString(result);

	if (before != NULL)
		details = psprintf("%.*s,\"before\":%s}", (int) strlen(details) - 1, details, before);
	ice_event_insert(&warehouse->id, type, "warehouse", &warehouse->id, (Datum) 0, warehouse->name,
					 0, details);
	return result;
}

/* May the caller, who is of no tenant, create the warehouse in the one that its name begins
 * with? */
static bool
may_in_named(const char *name)
{
	IceTenant tenant;

	return ice_tenant_named(name, &tenant) && ice_access_may_tenant(ICE_CREATE, &tenant.id);
}

/* The tenant that a new warehouse belongs to (NULL: none), and its whole name. Raises FORBIDDEN in
 * the same words whether there is a tenant of that name or not. */
static const IceTenant *
owner_of_new(IceWarehouse *warehouse, IceTenant *tenant)
{
	IceTenancy own;
	bool       in_tenant = ice_access_tenant(&own);

	if (!in_tenant && !may_in_named(warehouse->name))
		ice_access_require(ICE_CREATE, (IceObject){.warehouse_id = NULL}, "the catalog", NULL,
						   NULL);
	if (!ice_tenant_of_new(warehouse->name, &warehouse->name, tenant))
		return NULL;
	ice_access_require_tenant(ICE_CREATE, &tenant->id, tenant->name);
	ice_maintenance_require_off_tenant(&tenant->id, tenant->name);
	return tenant;
}

/* Gives the warehouse the profile of argument n (NULL: no change). A function of a version before
 * has no such argument. */
static void
set_profile(FunctionCallInfo fcinfo, int n, const IceWarehouse *warehouse)
{
	const char *name = PG_NARGS() > n ? ice_arg_opt_text(fcinfo, n) : NULL;

	if (name != NULL)
		ice_warehouse_profile_set(warehouse, name);
	ice_warehouse_profile_check(warehouse);
}

Datum
sql_ice_create_warehouse(PG_FUNCTION_ARGS)
{
	MemoryContext caller = ice_caller_begin(fcinfo);
	char         *location = ice_arg_opt_text(fcinfo, 1);
	IceJson      *properties = ice_property_change_check(ice_arg_opt_json(fcinfo, 2), "properties");
	IceWarehouse  warehouse;
	IceTenant     own;
	const IceTenant *tenant;
	Datum            result;

	warehouse.name = check_name(ice_arg_text(fcinfo, 0, "name"));
	ice_tenants_hold();
	tenant = owner_of_new(&warehouse, &own);
	check_known_properties(properties);
	warehouse.location = location == NULL ? NULL : check_location(location);
	ice_tenant_root_check_tenant(tenant, warehouse.location);
	warehouse.properties = ice_json_text(properties);
	if (!ice_warehouse_insert(&warehouse, tenant != NULL ? &tenant->id : NULL))
		ice_raise(ICE_ERR_ALREADY_EXISTS, "Warehouse already exists: %s",
				  ice_tenant_short_name(warehouse.name));
	ice_access_own("warehouse", &warehouse.id, &warehouse.id);
	set_profile(fcinfo, 3, &warehouse);
	result = write_event(caller, "create-warehouse", &warehouse, NULL);
	ice_caller_end();
	return result;
}

/* Gives the warehouse, which is locked, another name. */
static void
rename_warehouse(IceWarehouse *warehouse, const char *name)
{
	IceWarehouse other;
	IceTenant    before;
	IceTenant    after;
	bool         owned = ice_tenant_of_warehouse(&warehouse->id, &before);
	const char  *whole;
	bool         stays;

	/* In the same words whether there is a tenant of the name or not. */
	if (!owned && strchr(name, '/') != NULL && ice_tenants_exist())
		ice_raise(ICE_ERR_BAD_REQUEST, "A warehouse stays with its tenant, or with none: %s", name);
	stays = ice_tenant_of_new(check_name(name), &whole, &after)
				? owned && memcmp(&before.id, &after.id, UUID_LEN) == 0
				: !owned;

	if (strcmp(whole, warehouse->name) == 0)
		return;
	if (!stays)
		ice_raise(ICE_ERR_BAD_REQUEST, "A warehouse stays with its tenant, or with none: %s", name);
	if (ice_warehouse_find(whole, ICE_LOCK_NONE, false, &other))
		ice_raise(ICE_ERR_ALREADY_EXISTS, "Warehouse already exists: %s", name);
	warehouse->name = whole;
}

/* Does the server write metadata files of tables with these properties, by their own word or else
 * the warehouse's? */
static bool
writes_files(const IceJson *own, const char *warehouse_properties)
{
	const char *mode = own == NULL ? NULL : ice_json_opt_string(own, WRITE_MODE_PROPERTY);

	if (mode == NULL)
		mode =
			ice_json_opt_string(ice_json_parse(warehouse_properties, strlen(warehouse_properties),
											   ice_guc_json_depth_max),
								WRITE_MODE_PROPERTY);
	return mode == NULL || strcmp(mode, "none") != 0;
}

static void
require_storage(const IceWarehouse *warehouse, const char *location)
{
	if (ice_storage_canonical(location, ice_profile_of(&warehouse->id, location)) == NULL)
		ice_raise_full(
			ICE_ERR_UNSUPPORTED,
			psprintf("Cannot write metadata files of warehouse %s: the server may not write to %s",
					 warehouse->name, location),
			NULL, "Leave " WRITE_MODE_PROPERTY " at none, for the warehouse or for the table.");
}

/* A warehouse that leaves mode none: raises UNSUPPORTED unless the server may write where it, its
 * tables and views lie. Later nobody would see that the worker fails. */
static void
check_may_write(const IceWarehouse *warehouse)
{
	List     *tables = ice_warehouse_table_locations(&warehouse->id);
	ListCell *cell;

	if (warehouse->location != NULL)
		require_storage(warehouse, warehouse->location);
	foreach (cell, tables)
	{
		IceTableLocation *table = lfirst(cell);
		IceJson          *own = NULL;
		const char       *folder = NULL;

		if (table->properties != NULL)
		{
			own = ice_json_parse(table->properties, strlen(table->properties),
								 ice_guc_json_depth_max);
			folder = ice_json_opt_string(own, "write.metadata.path");
		}
		if (folder == NULL)
			folder = table->location;
		if (writes_files(own, warehouse->properties))
			require_storage(warehouse, folder);
	}
}

/* Makes names what new properties of the warehouse, which is locked, say that they are. */
static void
change_case_mode(const IceWarehouse *warehouse, const char *properties)
{
	bool folds = ice_case_mode_folds(properties);

	if (folds != ice_case_mode_folds(warehouse->properties))
		ice_case_mode_convert(&warehouse->id, warehouse->name, folds);
	ice_case_mode_remember(&warehouse->id, properties);
	ice_warehouse_rules_remember(&warehouse->id, properties);
}

/* Where the change begins to have the snapshots of commits read, it waits for those that are under
 * way, before it has a lock that one of these may want. */
static void
wait_for_commits(const char *name, const IcePropertyChange *change)
{
	IcePropertyChange trial = {.updates = change->updates,
							   .removals = change->removals,
							   .removed = ice_json_make_array(),
							   .missing = ice_json_make_array()};
	IceWarehouse      warehouse;
	const char       *properties;

	ice_warehouse_get(name, false, &warehouse);
	ice_warehouse_require(ICE_MANAGE, &warehouse);
	properties = ice_property_change_apply(&trial, warehouse.properties);
	if (properties != NULL && !ice_warehouse_rules_inspect(warehouse.properties) &&
		ice_warehouse_rules_inspect(properties))
		ice_inspection_wait(&warehouse.id);
}

Datum
sql_ice_alter_warehouse(PG_FUNCTION_ARGS)
{
	MemoryContext     caller = ice_caller_begin(fcinfo);
	char             *new_name = ice_arg_opt_text(fcinfo, 1);
	char             *location = ice_arg_opt_text(fcinfo, 2);
	IceWarehouse      warehouse;
	IcePropertyChange change;
	const char       *properties;
	const char       *before;
	Datum             result;

	ice_property_change_of_args(fcinfo, 3, "warehouse", &change);
	check_known_properties(change.updates);
	wait_for_commits(ice_arg_text(fcinfo, 0, "name"), &change);
	ice_warehouse_get_locked(ice_arg_text(fcinfo, 0, "name"), ICE_LOCK_UPDATE, &warehouse);
	ice_warehouse_require(ICE_MANAGE, &warehouse);
	ice_maintenance_require_off(&warehouse);
	before = warehouse_text(&warehouse);
	if (new_name != NULL)
		rename_warehouse(&warehouse, new_name);
	if (location != NULL)
		warehouse.location = *location == '\0' ? NULL : check_location(location);
	if (location != NULL)
		ice_tenant_root_check(&warehouse.id, warehouse.location);
	set_profile(fcinfo, 5, &warehouse);
	properties = ice_property_change_apply(&change, warehouse.properties);
	if (properties != NULL)
	{
		bool wrote = writes_files(NULL, warehouse.properties);
		bool inspected = ice_warehouse_rules_inspect(warehouse.properties);

		change_case_mode(&warehouse, properties);
		warehouse.properties = properties;
		if (!inspected && ice_warehouse_rules_inspect(properties))
			ice_inspection_add_all(&warehouse.id);
		if (!wrote && writes_files(NULL, properties))
			check_may_write(&warehouse);
	}
	ice_warehouse_update(&warehouse);
	result = write_event(caller, "alter-warehouse", &warehouse, before);
	ice_caller_end();
	return result;
}

/* Raises WAREHOUSE_NOT_EMPTY while it has namespaces, or files that the worker has still to write
 * or delete: metadata would be lost, or a purge forgotten. */
static void
check_empty(const IceWarehouse *warehouse)
{
	int64 namespaces = ice_warehouse_count_namespaces(&warehouse->id);
	int64 tasks;
	int64 kept;

	if (namespaces > 0)
		ice_raise(ICE_ERR_WAREHOUSE_NOT_EMPTY,
				  "Warehouse %s is not empty. Contains " INT64_FORMAT " namespace(s).",
				  warehouse->name, namespaces);
	kept = ice_dropped_exists() ? ice_dropped_count(&warehouse->id) : 0;
	if (kept > 0)
		ice_raise_full(ICE_ERR_WAREHOUSE_NOT_EMPTY,
					   psprintf("Warehouse %s is not empty. " INT64_FORMAT
								" dropped table(s) or view(s) can still be undropped.",
								warehouse->name, kept),
					   NULL, "Call icecat.expire_dropped(), and wait for the worker.");
	tasks = ice_warehouse_count_tasks(&warehouse->id);
	if (tasks > 0)
		ice_raise_full(ICE_ERR_WAREHOUSE_NOT_EMPTY,
					   psprintf("Warehouse %s is not empty. " INT64_FORMAT
								" file(s) of dropped tables are still in the queue.",
								warehouse->name, tasks),
					   NULL, "Wait for the worker, or call icecat.run_worker_once().");
}

Datum
sql_ice_drop_warehouse(PG_FUNCTION_ARGS)
{
	MemoryContext caller = ice_caller_begin(fcinfo);
	IceWarehouse  warehouse;
	Datum         result;
	bool          forced;

	ice_warehouse_get_locked(ice_arg_text(fcinfo, 0, "name"), ICE_LOCK_UPDATE, &warehouse);
	result = warehouse_result(caller, &warehouse);
	ice_warehouse_require(ICE_DROP, &warehouse);
	ice_maintenance_require_off(&warehouse);
	forced = ice_protection_pass(&(IceProtected){.warehouse_id = &warehouse.id,
												 .object_id = &warehouse.id,
												 .object_kind = "warehouse"},
								 ice_arg_flag(fcinfo, 1), warehouse.name);
	check_empty(&warehouse);
	ice_audit_insert(
		&(IceAuditRow){.object_kind = "warehouse",
					   .warehouse_id = &warehouse.id,
					   .object_id = &warehouse.id,
					   .warehouse = warehouse.name,
					   .name = warehouse.name,
					   .details = ice_audit_change_details(forced ? "\"forced\":true," : "",
														   TextDatumGetCString(result), NULL)});
	ice_warehouse_delete(&warehouse.id);
	ice_caller_end();
	PG_RETURN_VOID();
}

/* The properties of a warehouse that is in maintenance mode, or is not. */
static const char *
maintained_properties(const char *properties, bool on, const char *reason)
{
	IceJson *map = ice_json_parse(properties, strlen(properties), ice_guc_json_depth_max);

	if (on)
		ice_json_set(map, ICE_MAINTENANCE_PROPERTY,
					 ice_json_make_string(reason != NULL ? reason : ""));
	else
		(void) ice_json_remove(map, ICE_MAINTENANCE_PROPERTY);
	return ice_json_text(map);
}

/* Nobody waits: the lock excludes neither what is being made in the warehouse nor commits. */
Datum
sql_ice_set_maintenance(PG_FUNCTION_ARGS)
{
	MemoryContext caller = ice_caller_begin(fcinfo);
	bool          on = ice_arg_bool(fcinfo, 1, "on");
	char         *reason = ice_arg_opt_text(fcinfo, 2);
	IceWarehouse  warehouse;
	const char   *properties;

	if (reason != NULL && strlen(reason) > ICE_MAINTENANCE_REASON_BYTES_MAX)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "The reason is %zu bytes long, more than the limit of %d",
				  strlen(reason), ICE_MAINTENANCE_REASON_BYTES_MAX);
	ice_warehouse_get_locked(ice_arg_text(fcinfo, 0, "warehouse"), ICE_LOCK_NO_KEY_UPDATE,
							 &warehouse);
	ice_warehouse_require(ICE_MANAGE, &warehouse);
	properties = maintained_properties(warehouse.properties, on, reason);
	if (strcmp(properties, warehouse.properties) != 0)
	{
		const char *before = warehouse_text(&warehouse);

		warehouse.properties = properties;
		ice_warehouse_update(&warehouse);
		(void) write_event(caller, "alter-warehouse", &warehouse, before);
	}
	ice_caller_end();
	PG_RETURN_VOID();
}

Datum
sql_ice_load_warehouse(PG_FUNCTION_ARGS)
{
	MemoryContext caller = ice_caller_begin(fcinfo);
	IceWarehouse  warehouse;
	Datum         result;

	ice_warehouse_get(ice_arg_text(fcinfo, 0, "name"), true, &warehouse);
	ice_warehouse_require(ICE_USAGE, &warehouse);
	result = warehouse_result(caller, &warehouse);
	ice_caller_end();
	return result;
}

Datum
sql_ice_case_key(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(ice_case_fold(ice_arg_text(fcinfo, 0, "name"))));
}
