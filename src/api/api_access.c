/*
 * api_access.c
 *		SQL entries of privileges: granted, revoked, and asked about by the views.
 *
 * To change the privileges on an object takes manage on it. The object is locked as by a creation
 * in it, so that no row is left of a namespace or warehouse that is being dropped. (A table's rows
 * go when the worker deletes what is left of it.)
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "api/args.h"
#include "api/grant_check.h"
#include "errors.h"
#include "store/access.h"
#include "store/audit_change.h"
#include "store/store_access.h"
#include "store/store_table.h"
#include "store/store_view.h"

#define CHANGES_MAX 1000

PG_FUNCTION_INFO_V1(sql_ice_grant);
PG_FUNCTION_INFO_V1(sql_ice_revoke);
PG_FUNCTION_INFO_V1(sql_ice_apply_grants);
PG_FUNCTION_INFO_V1(sql_ice_implying);
PG_FUNCTION_INFO_V1(sql_ice_guards_estimates);
PG_FUNCTION_INFO_V1(sql_ice_sees_all);
PG_FUNCTION_INFO_V1(sql_ice_seen);
PG_FUNCTION_INFO_V1(sql_ice_seen_above);

/* An object as the caller names it. */
typedef struct Named
{
	const char       *warehouse; /* NULL: the whole catalog */
	IceNamespacePath *path;      /* NULL: the warehouse */
	const char       *name;      /* NULL: the namespace */
} Named;

typedef struct Change
{
	bool     gives;
	IceGrant grant;
} Change;

/* -- the object -------------------------------------------------------------------------------- */

/* Finds the table or view of a name. Raises NO_SUCH_TABLE, FORBIDDEN. */
static void
find_relation(const pg_uuid_t *warehouse_id, const Named *named, IceGrant *out)
{
	IceTable table;
	IceView  view;

	if (ice_table_find(warehouse_id, named->path, named->name, false, &table))
	{
		ice_table_require(ICE_MANAGE, &table, named->path, named->name);
		out->object_kind = "table";
		out->object_id = table.id;
	}
	else if (ice_view_find(warehouse_id, named->path, named->name, false, &view))
	{
		ice_view_require(ICE_MANAGE, &view, named->path, named->name);
		out->object_kind = "view";
		out->object_id = view.id;
	}
	else
		ice_raise(ICE_ERR_NO_SUCH_TABLE, "Table or view does not exist: %s.%s", named->path->dotted,
				  named->name);
}

/* Finds the object of a change, and locks it. Raises NO_SUCH_…, and FORBIDDEN without manage on
 * it. */
static void
find_object(const Named *named, IceGrant *out)
{
	IceWarehouse warehouse;
	IceNamespace space;

	if ((named->name != NULL && named->path == NULL) ||
		(named->path != NULL && named->warehouse == NULL))
		ice_raise(ICE_ERR_BAD_REQUEST, "A name needs its namespace, and a namespace its warehouse");
	memset(&out->warehouse_id, 0, sizeof(pg_uuid_t));
	out->object_id = out->warehouse_id;
	out->object_kind = "catalog";
	if (named->warehouse == NULL)
	{
		ice_access_require(ICE_MANAGE, (IceObject){.warehouse_id = NULL}, "the catalog", NULL,
						   NULL);
		return;
	}
	ice_warehouse_get_locked(named->warehouse, ICE_LOCK_KEY_SHARE, &warehouse);
	out->warehouse_id = out->object_id = warehouse.id;
	out->object_kind = "warehouse";
	if (named->path == NULL)
	{
		ice_warehouse_require(ICE_MANAGE, &warehouse);
		return;
	}
	ice_namespace_get(&warehouse.id, named->path, ICE_LOCK_KEY_SHARE, false, &space);
	if (named->name != NULL)
	{
		find_relation(&warehouse.id, named, out);
		return;
	}
	ice_namespace_require(ICE_MANAGE, &warehouse.id, &space, named->path);
	out->object_kind = "namespace";
	out->object_id = space.id;
}

/* A right can be taken from a role that is gone, and from PUBLIC (0), which an upgrade may have
 * given it to. */
static void
check_role(const Change *change)
{
	if (change->gives)
		ice_grant_check_role(&change->grant);
}

static bool
apply(const Change *change)
{
	const IceGrant *grant = &change->grant;

	ice_audit_change_begin(ICE_AUDIT_GRANT,
						   &(IceAuditState){.warehouse_id = grant->warehouse_id,
											.object_id = grant->object_id,
											.role = grant->role,
											.text = grant->privilege,
											.action = change->gives ? "grant" : "revoke"});
	return change->gives ? ice_store_access_insert_grant(grant)
						 : ice_store_access_delete_grant(grant);
}

/* -- one change -------------------------------------------------------------------------------- */

/* Grants or revokes, by the arguments of icecat.grant(). */
static Datum
run_change(FunctionCallInfo fcinfo, bool gives)
{
	Change           change = {.gives = gives};
	IceNamespacePath path;
	Named            named = {NULL, NULL, NULL};
	bool             changed;

	(void) ice_caller_begin(fcinfo);
	if (PG_ARGISNULL(0))
		ice_raise(ICE_ERR_BAD_REQUEST, "Missing value: role must not be null");
	change.grant.role = PG_GETARG_OID(0);
	change.grant.privilege = ice_arg_text(fcinfo, 1, "privilege");
	ice_grant_check_privilege(change.grant.privilege);
	named.warehouse = ice_arg_opt_text(fcinfo, 2);
	if (!PG_ARGISNULL(3))
	{
		ice_arg_namespace(fcinfo, 3, &path);
		named.path = &path;
	}
	named.name = ice_arg_opt_text(fcinfo, 4);
	find_object(&named, &change.grant);
	check_role(&change);
	changed = apply(&change);
	ice_caller_end();
	PG_RETURN_BOOL(changed);
}

Datum
sql_ice_grant(PG_FUNCTION_ARGS)
{
	return run_change(fcinfo, true);
}

Datum
sql_ice_revoke(PG_FUNCTION_ARGS)
{
	return run_change(fcinfo, false);
}

/* -- many changes ------------------------------------------------------------------------------ */

/* Reads one change. */
static void
parse_change(IceJson *body, Change *out)
{
	const char      *action = ice_json_string(body, "action");
	const char      *role = ice_json_string(body, "role");
	IceJson         *levels = ice_json_opt_array(body, "namespace");
	IceNamespacePath path;
	Named named = {ice_json_opt_string(body, "warehouse"), NULL, ice_json_opt_string(body, "name")};

	out->gives = strcmp(action, "grant") == 0;
	if (!out->gives && strcmp(action, "revoke") != 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "Invalid action: %s (expected grant or revoke)", action);
	out->grant.role = get_role_oid(role, true);
	if (!OidIsValid(out->grant.role))
		ice_raise(ICE_ERR_BAD_REQUEST, "No such role: %s", role);
	out->grant.privilege = ice_json_string(body, "privilege");
	ice_grant_check_privilege(out->grant.privilege);
	if (levels != NULL)
	{
		ice_arg_namespace_of_json(levels, &path);
		named.path = &path;
	}
	find_object(&named, &out->grant);
	check_role(out);
}

/* One order for all callers, so that none waits for another in a circle. */
static int
compare_changes(const void *a, const void *b)
{
	const IceGrant *x = &((const Change *) a)->grant;
	const IceGrant *y = &((const Change *) b)->grant;
	int             result = memcmp(&x->warehouse_id, &y->warehouse_id, UUID_LEN);

	if (result == 0)
		result = memcmp(&x->object_id, &y->object_id, UUID_LEN);
	if (result == 0)
		result = (x->role > y->role) - (x->role < y->role);
	return result != 0 ? result : strcmp(x->privilege, y->privilege);
}

/* Reads all changes, and puts them in order. */
static Change *
parse_changes(IceJson *array)
{
	Change *changes = palloc0(sizeof(Change) * Max(array->count, 1));

	if (array->kind != ICE_JSON_ARRAY)
		ice_json_raise(array, ICE_ERR_BAD_REQUEST, "Changes must be a JSON array");
	if (array->count > CHANGES_MAX)
		ice_json_raise(array, ICE_ERR_LIMIT_EXCEEDED,
					   "There are %d changes, more than the limit of %d", array->count,
					   CHANGES_MAX);
	for (int i = 0; i < array->count; i++)
		parse_change(array->items[i], &changes[i]);
	qsort(changes, array->count, sizeof(Change), compare_changes);
	for (int i = 1; i < array->count; i++)
		if (compare_changes(&changes[i - 1], &changes[i]) == 0 &&
			changes[i - 1].gives != changes[i].gives)
			ice_raise(ICE_ERR_GRANTS_CONTRADICT, "Privilege %s of %s is both granted and revoked",
					  changes[i].grant.privilege, GetUserNameFromId(changes[i].grant.role, false));
	return changes;
}

Datum
sql_ice_apply_grants(PG_FUNCTION_ARGS)
{
	IceJson *array;
	Change  *changes;
	int32    changed = 0;

	(void) ice_caller_begin(fcinfo);
	array = ice_arg_json(fcinfo, 0, "changes");
	changes = parse_changes(array);
	for (int i = 0; i < array->count; i++)
		changed += apply(&changes[i]);
	ice_caller_end();
	PG_RETURN_INT32(changed);
}

/* -- for views --------------------------------------------------------------------------------- */

/* The privilege of a name; 0: none. */
static uint32
privilege_arg(FunctionCallInfo fcinfo)
{
	const char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	uint32      grants;

	ice_grant_check_privilege(name);
	grants = ice_privilege_grants(name);
	for (uint32 bit = ICE_MANAGE; bit != 0; bit >>= 1)
		if ((grants & bit) && strcmp(ice_privilege_name(bit), name) == 0)
			return bit;
	return 0;
}

Datum
sql_ice_implying(PG_FUNCTION_ARGS)
{
	const char *names[ICE_PRIVILEGES];
	Datum       elements[ICE_PRIVILEGES];
	int         count = ice_privilege_implied_by(privilege_arg(fcinfo), names);

	for (int i = 0; i < count; i++)
		elements[i] = CStringGetTextDatum(names[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Loads the library, for its hooks. */
Datum
sql_ice_guards_estimates(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_BOOL(true);
}

Datum
sql_ice_sees_all(PG_FUNCTION_ARGS)
{
	uint32 privilege = privilege_arg(fcinfo);
	bool   all;

	(void) ice_caller_begin(fcinfo);
	all = ice_access_may(privilege, (IceObject){.warehouse_id = NULL});
	ice_caller_end();
	PG_RETURN_BOOL(all);
}

/* Returns the ids that are field 1 of the last result. */
static void
return_ids(ReturnSetInfo *result, uint64 rows)
{
	for (uint64 i = 0; i < rows; i++)
	{
		Datum value = ice_spi_field(i, 1);
		bool  null = false;

		tuplestore_putvalues(result->setResult, result->setDesc, &value, &null);
	}
}

Datum
sql_ice_seen(PG_FUNCTION_ARGS)
{
	uint32 privilege = privilege_arg(fcinfo);

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	(void) ice_caller_begin(fcinfo);
	return_ids((ReturnSetInfo *) fcinfo->resultinfo, ice_access_objects(privilege));
	ice_caller_end();
	return (Datum) 0;
}

Datum
sql_ice_seen_above(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	(void) ice_caller_begin(fcinfo);
	return_ids((ReturnSetInfo *) fcinfo->resultinfo, ice_access_above());
	ice_caller_end();
	return (Datum) 0;
}
