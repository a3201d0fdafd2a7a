/*
 * api_protection.c
 *		SQL entry of protection against drops: icecat.set_protection().
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "api/args.h"
#include "api/once.h"
#include "errors.h"
#include "store/audit_change.h"
#include "store/store_protection.h"
#include "store/store_table.h"
#include "store/store_view.h"

PG_FUNCTION_INFO_V1(sql_ice_set_protection);

/* What is protected, and what is to become of it. */
typedef struct Change
{
	const char *name; /* NULL: the namespace */
	const char *kind; /* NULL: table or view */
	bool        on;
} Change;

static void
set_protection(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id, const char *kind, bool on)
{
	ice_audit_change_begin(ICE_AUDIT_PROTECTION, &(IceAuditState){.warehouse_id = *warehouse_id,
																  .object_id = *object_id});
	ice_protection_set(
		&(IceProtected){.warehouse_id = warehouse_id, .object_id = object_id, .object_kind = kind},
		on);
}

static bool
wants(const Change *change, const char *kind)
{
	return change->kind == NULL || strcmp(change->kind, kind) == 0;
}

/* A table or view, under the lock of its head. */
static void
change_relation(const pg_uuid_t *warehouse_id, const IceNamespacePath *path, const Change *change)
{
	IceTable table;
	IceView  view;

	if (wants(change, "table") &&
		ice_table_find_locked(ICE_MANAGE, warehouse_id, path, change->name, &table))
		set_protection(warehouse_id, &table.id, "table", change->on);
	else if (wants(change, "view") &&
			 ice_view_find_locked(ICE_MANAGE, warehouse_id, path, change->name, &view))
		set_protection(warehouse_id, &view.id, "view", change->on);
	else if (change->kind != NULL && wants(change, "view"))
		ice_raise(ICE_ERR_NO_SUCH_VIEW, "View does not exist: %s.%s", path->dotted, change->name);
	else
		ice_raise(ICE_ERR_NO_SUCH_TABLE, "%s does not exist: %s.%s",
				  change->kind != NULL ? "Table" : "Table or view", path->dotted, change->name);
}

static void
change_in_namespace(FunctionCallInfo fcinfo, const IceWarehouse *warehouse, const Change *change)
{
	IceNamespacePath path;
	IceNamespace     space;

	ice_arg_namespace(fcinfo, 1, &path);
	ice_namespace_get(&warehouse->id, &path,
					  change->name != NULL ? ICE_LOCK_KEY_SHARE : ICE_LOCK_NO_KEY_UPDATE, false,
					  &space);
	if (change->name != NULL)
	{
		change_relation(&warehouse->id, &path, change);
		return;
	}
	ice_namespace_require(ICE_MANAGE, &warehouse->id, &space, &path);
	set_protection(&warehouse->id, &space.id, "namespace", change->on);
}

static void
read_change(FunctionCallInfo fcinfo, Change *out)
{
	out->name = ice_arg_opt_text(fcinfo, 2);
	out->on = ice_arg_bool(fcinfo, 3, "protected");
	out->kind = ice_arg_opt_text(fcinfo, 4);
	if (out->name != NULL && PG_ARGISNULL(1))
		ice_raise(ICE_ERR_BAD_REQUEST, "A table or view needs its namespace");
	if (out->kind != NULL && (out->name == NULL || (!wants(out, "table") && !wants(out, "view"))))
		ice_raise(ICE_ERR_BAD_REQUEST, "Invalid kind: %s (expected table or view, of a name)",
				  out->kind);
}

Datum
sql_ice_set_protection(PG_FUNCTION_ARGS)
{
	IceWarehouse warehouse;
	IceOnce      once;
	Change       change;

	(void) ice_caller_begin(fcinfo);
	read_change(fcinfo, &change);
	if (PG_ARGISNULL(1))
	{
		ice_warehouse_get_locked(ice_arg_text(fcinfo, 0, "warehouse"), ICE_LOCK_NO_KEY_UPDATE,
								 &warehouse);
		ice_warehouse_require(ICE_MANAGE, &warehouse);
		if (ice_once_run(&once, fcinfo, "setProtection", &warehouse))
			set_protection(&warehouse.id, &warehouse.id, "warehouse", change.on);
	}
	else
	{
		ice_arg_warehouse(fcinfo, 0, false, &warehouse);
		if (ice_once_run(&once, fcinfo, "setProtection", &warehouse))
			change_in_namespace(fcinfo, &warehouse, &change);
	}
	ice_caller_end();
	PG_RETURN_VOID();
}
