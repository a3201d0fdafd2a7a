/*
 * api_policy.c
 *		SQL entries of commit policies. See store/policy.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "utils/acl.h"
#include "utils/syscache.h"

#include "api/args.h"
#include "errors.h"
#include "guc.h"
#include "store/access.h"
#include "store/audit_change.h"
#include "store/policy.h"
#include "store/store_table.h"
#include "store/store_view.h"

PG_FUNCTION_INFO_V1(sql_ice_create_commit_policy);
PG_FUNCTION_INFO_V1(sql_ice_drop_commit_policy);

/* Whom the function runs as, the caller must be able to become: SET ROLE would be the same. */
static void
check_function(Oid function)
{
	const char *problem = ice_policy_function_problem(function);
	HeapTuple   row;
	Oid         owner;

	if (problem != NULL)
		ice_raise(ICE_ERR_BAD_REQUEST, "Not a function for a commit policy: %s", problem);
	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	owner = ((Form_pg_proc) GETSTRUCT(row))->proowner;
	ReleaseSysCache(row);
	if (!is_member_of_role(ice_caller().role, owner))
		ice_raise(ICE_ERR_FORBIDDEN,
				  "Only a role that may become the owner of the function may have it asked");
}

/* Finds the table or view. Raises NO_SUCH_TABLE, and FORBIDDEN without manage on it. */
static void
find_relation(const IceNamespacePath *path, const char *name, IcePolicy *policy)
{
	IceTable table;
	IceView  view;

	if (ice_table_find(&policy->warehouse_id, path, name, false, &table))
	{
		ice_table_require(ICE_MANAGE, &table, path, name);
		policy->object_kind = "table";
		policy->object_id = table.id;
	}
	else if (ice_view_find(&policy->warehouse_id, path, name, false, &view))
	{
		ice_view_require(ICE_MANAGE, &view, path, name);
		policy->object_kind = "view";
		policy->object_id = view.id;
	}
	else
		ice_raise(ICE_ERR_NO_SUCH_TABLE, "Table or view does not exist: %s.%s", path->dotted, name);
}

/* What the policy is to be on. */
static void
find_object(FunctionCallInfo fcinfo, IcePolicy *policy)
{
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceNamespace     space;
	char            *name = ice_arg_opt_text(fcinfo, 4);

	ice_warehouse_get_locked(ice_arg_text(fcinfo, 0, "warehouse"), ICE_LOCK_KEY_SHARE, &warehouse);
	policy->warehouse_id = policy->object_id = warehouse.id;
	policy->object_kind = "warehouse";
	if (PG_ARGISNULL(3))
	{
		if (name != NULL)
			ice_raise(ICE_ERR_BAD_REQUEST, "A name needs its namespace");
		ice_warehouse_require(ICE_MANAGE, &warehouse);
		return;
	}
	ice_arg_namespace(fcinfo, 3, &path);
	ice_namespace_get(&warehouse.id, &path, ICE_LOCK_KEY_SHARE, false, &space);
	if (name != NULL)
	{
		find_relation(&path, name, policy);
		return;
	}
	ice_namespace_require(ICE_MANAGE, &warehouse.id, &space, &path);
	policy->object_kind = "namespace";
	policy->object_id = space.id;
}

/* For the audit log. */
static void
note_change(const IcePolicy *policy)
{
	ice_audit_change_begin(ICE_AUDIT_POLICY, &(IceAuditState){.warehouse_id = policy->warehouse_id,
															  .object_id = policy->object_id,
															  .text = policy->name});
}

Datum
sql_ice_create_commit_policy(PG_FUNCTION_ARGS)
{
	IcePolicy policy = {.name = NULL};

	(void) ice_caller_begin(fcinfo);
	policy.name = ice_arg_text(fcinfo, 1, "name");
	if (*policy.name == '\0' || strlen(policy.name) > (size_t) ice_guc_name_bytes_max)
		ice_raise(ICE_ERR_BAD_REQUEST, "The name of a policy has 1 to %d bytes",
				  ice_guc_name_bytes_max);
	if (PG_ARGISNULL(2))
		ice_raise(ICE_ERR_BAD_REQUEST, "Missing value: function must not be null");
	policy.function = PG_GETARG_OID(2);
	policy.timing = ice_arg_text(fcinfo, 5, "when");
	if (strcmp(policy.timing, "before") != 0 && strcmp(policy.timing, "after") != 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "A policy is asked before or after a change, not: %s",
				  policy.timing);
	find_object(fcinfo, &policy);
	check_function(policy.function);
	note_change(&policy);
	if (!ice_policy_insert(&policy))
		ice_raise(ICE_ERR_ALREADY_EXISTS, "Commit policy already exists: %s", policy.name);
	ice_caller_end();
	PG_RETURN_VOID();
}

/* Manage on the object; of one that is gone, on its warehouse. */
static void
require_manage(const IceWarehouse *warehouse, const IcePolicy *policy)
{
	IceObject object = {.warehouse_id = &policy->warehouse_id};

	if (strcmp(policy->object_kind, "namespace") == 0)
		object.namespace_id = &policy->object_id;
	if (strcmp(policy->object_kind, "table") == 0 || strcmp(policy->object_kind, "view") == 0)
	{
		if (!ice_access_may_by_id(ICE_MANAGE, &policy->warehouse_id, &policy->object_id))
			ice_warehouse_require(ICE_MANAGE, warehouse);
		return;
	}
	ice_access_require(ICE_MANAGE, object, policy->object_kind, policy->name, NULL);
}

Datum
sql_ice_drop_commit_policy(PG_FUNCTION_ARGS)
{
	IceWarehouse warehouse;
	IcePolicy    policy;
	bool         found;

	(void) ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	found = ice_policy_find(&warehouse.id, ice_arg_text(fcinfo, 1, "name"), &policy);
	if (found)
	{
		require_manage(&warehouse, &policy);
		note_change(&policy);
		ice_policy_delete(&policy);
	}
	ice_caller_end();
	PG_RETURN_BOOL(found);
}
