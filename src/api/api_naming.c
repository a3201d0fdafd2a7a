/*
 * api_naming.c
 *		SQL entries of naming rules. See store/naming.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "api/args.h"
#include "errors.h"
#include "spec/name_pattern.h"
#include "store/access.h"
#include "store/audit_change.h"
#include "store/naming.h"
#include "store/store_namespace.h"
#include "store/store_tenant.h"

PG_FUNCTION_INFO_V1(sql_ice_set_naming_rule);
PG_FUNCTION_INFO_V1(sql_ice_set_tenant_naming_rule);
PG_FUNCTION_INFO_V1(sql_ice_name_matches);

/* What the rule is for, and its pattern: arguments 1 and 2. */
static IceNamingRule
rule_args(FunctionCallInfo fcinfo)
{
	const char   *name = ice_arg_text(fcinfo, 1, "kind");
	IceNamingRule rule = {.kind = ice_naming_kind(name)};

	if (rule.kind == ICE_NAMED_KINDS)
		ice_raise(ICE_ERR_BAD_REQUEST, "Names of what? Expected namespace, table or view: %s",
				  name);
	rule.pattern = ice_arg_opt_text(fcinfo, 2);
	return rule;
}

/* Sets the rule, with its row of the audit log. */
static void
set(const IceNamingRule *rule, const char *kind)
{
	ice_naming_lock();
	ice_audit_change_begin(ICE_AUDIT_NAMING, &(IceAuditState){.warehouse_id = rule->warehouse_id,
															  .object_id = rule->object_id,
															  .text = kind});
	ice_naming_set(rule);
}

Datum
sql_ice_set_naming_rule(PG_FUNCTION_ARGS)
{
	IceNamingRule    rule;
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceNamespace     space;

	(void) ice_caller_begin(fcinfo);
	rule = rule_args(fcinfo);
	ice_warehouse_get_locked(ice_arg_text(fcinfo, 0, "warehouse"), ICE_LOCK_KEY_SHARE, &warehouse);
	rule.warehouse_id = rule.object_id = warehouse.id;
	rule.object_kind = "warehouse";
	if (PG_ARGISNULL(3))
		ice_warehouse_require(ICE_MANAGE, &warehouse);
	else
	{
		ice_arg_namespace(fcinfo, 3, &path);
		ice_namespace_get(&warehouse.id, &path, ICE_LOCK_KEY_SHARE, false, &space);
		ice_namespace_require(ICE_MANAGE, &warehouse.id, &space, &path);
		rule.object_id = space.id;
		rule.object_kind = "namespace";
	}
	set(&rule, ice_arg_text(fcinfo, 1, "kind"));
	ice_caller_end();
	PG_RETURN_VOID();
}

Datum
sql_ice_set_tenant_naming_rule(PG_FUNCTION_ARGS)
{
	IceNamingRule rule;
	IceTenant     tenant;
	const char   *name;

	(void) ice_caller_begin(fcinfo);
	ice_access_require(ICE_MANAGE, (IceObject){.warehouse_id = NULL}, "the catalog", NULL, NULL);
	rule = rule_args(fcinfo);
	name = ice_arg_text(fcinfo, 0, "tenant");
	if (!ice_tenant_find(name, false, &tenant))
		ice_raise(ICE_ERR_NO_SUCH_TENANT, "Tenant does not exist: %s", name);
	rule.object_id = tenant.id;
	rule.object_kind = "tenant";
	set(&rule, ice_arg_text(fcinfo, 1, "kind"));
	ice_caller_end();
	PG_RETURN_VOID();
}

Datum
sql_ice_name_matches(PG_FUNCTION_ARGS)
{
	const char *pattern = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *problem = ice_name_pattern_problem(pattern);

	if (problem != NULL)
		ice_raise_full(ICE_ERR_BAD_REQUEST, psprintf("Not a pattern for names: %s", pattern),
					   problem, NULL);
	PG_RETURN_BOOL(ice_name_pattern_matches(pattern, text_to_cstring(PG_GETARG_TEXT_PP(1))));
}
