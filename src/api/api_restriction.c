/*
 * api_restriction.c
 *		SQL entries of read restrictions: set, dropped, asked about by the views; and of those who
 *		are trusted to apply them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/syscache.h"

#include "api/args.h"
#include "guc.h"
#include "spec/read_restriction.h"
#include "spec/structure.h"
#include "store/access.h"
#include "store/audit_change.h"
#include "store/store_restriction.h"
#include "store/store_table.h"

PG_FUNCTION_INFO_V1(sql_ice_set_read_restriction);
PG_FUNCTION_INFO_V1(sql_ice_drop_read_restriction);
PG_FUNCTION_INFO_V1(sql_ice_restricted);
PG_FUNCTION_INFO_V1(sql_ice_trust_engine);
PG_FUNCTION_INFO_V1(sql_ice_distrust_engine);

/* Argument 0. A role that is gone can lose what it was given, and get nothing. */
static Oid
role_arg(FunctionCallInfo fcinfo, bool must_exist)
{
	Oid role = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);

	if (!OidIsValid(role))
		ice_raise(ICE_ERR_BAD_REQUEST, "Missing value: role must be a role, not null or PUBLIC");
	if (must_exist && !SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)))
		ice_raise(ICE_ERR_BAD_REQUEST, "No such role: %u", role);
	return role;
}

/* Arguments 1 to 3: the table, which is locked, so that its schema stays and restrictions are set
 * one after the other. */
static void
table_arg(FunctionCallInfo fcinfo, IceTable *out)
{
	IceWarehouse     warehouse;
	IceNamespacePath path;

	ice_arg_warehouse(fcinfo, 1, false, &warehouse);
	ice_arg_namespace(fcinfo, 2, &path);
	ice_table_get_locked(ICE_MANAGE, &warehouse.id, &path, ice_arg_text(fcinfo, 3, "table"), out);
}

static const IceSchema *
load_schema(IceTable *table)
{
	IceCommitNeeds needs = {.lists[ICE_PART_SCHEMA] = true};

	ice_table_load(table, &needs, false);
	return ice_structure_schema(
		ice_table_part_find(table->metadata, ICE_PART_SCHEMA, table->metadata->current_schema_id));
}

static IceJson *
parse(const char *text)
{
	return text != NULL ? ice_json_parse(text, strlen(text), ICE_JSON_DEPTH_STORED) : NULL;
}

/* Rows that can hold for one role together must not mask a column in two ways. */
static void
check_beside(const IceTable *table, Oid role, const IceReadRestriction *given,
			 const IceSchema *schema)
{
	ListCell *cell;

	foreach (cell, ice_restrictions_beside(table, role))
	{
		const IceRestrictionRow *row = lfirst(cell);

		if (!ice_read_restriction_agrees(given, parse(row->masks), schema))
			ice_raise_full(ICE_ERR_RESTRICTIONS_CONTRADICT,
						   psprintf("A column is masked in another way for %s",
									GetUserNameFromId(row->role, false)),
						   "There is a role that both restrictions would hold for.", NULL);
	}
}

/* The owner of the extension, its members and superusers are above restrictions. The current user
 * is the owner. */
static void
check_restrictable(Oid role)
{
	if (has_privs_of_role(role, GetUserId()))
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "%s has the rights of the owner of the extension, whom no restriction holds for",
				  GetUserNameFromId(role, false));
}

/* For the audit log. */
static void
note_change(const IceTable *table, Oid role)
{
	ice_audit_change_begin(ICE_AUDIT_RESTRICTION,
						   &(IceAuditState){.warehouse_id = table->warehouse_id,
											.object_id = table->id,
											.role = role});
}

Datum
sql_ice_set_read_restriction(PG_FUNCTION_ARGS)
{
	IceReadRestriction given;
	IceRestrictionRow  row;
	const IceSchema   *schema;
	IceTable           table;

	(void) ice_caller_begin(fcinfo);
	row.role = role_arg(fcinfo, true);
	check_restrictable(row.role);
	given = (IceReadRestriction){ice_arg_opt_json(fcinfo, 4), ice_arg_opt_json(fcinfo, 5)};
	table_arg(fcinfo, &table);
	schema = load_schema(&table);
	ice_read_restriction_bind(&given, schema, ice_guc_restriction_nodes_max);
	if (ice_read_restriction_is_empty(&given))
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "The restriction restricts nothing: a row filter or column masks are needed");
	if (ice_restrictions_count(&table, row.role) >= ice_guc_restrictions_max)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "The table has %d restrictions, which is the limit",
				  ice_guc_restrictions_max);
	check_beside(&table, row.role, &given, schema);
	row.table_uuid = table.metadata->table_uuid;
	row.row_filter = given.row_filter ? ice_json_text(given.row_filter) : NULL;
	row.masks = given.masks ? ice_json_text(given.masks) : NULL;
	note_change(&table, row.role);
	ice_restriction_put(&table, &row);
	ice_caller_end();
	PG_RETURN_VOID();
}

Datum
sql_ice_drop_read_restriction(PG_FUNCTION_ARGS)
{
	IceTable table;
	Oid      role;
	bool     dropped;

	(void) ice_caller_begin(fcinfo);
	role = role_arg(fcinfo, false);
	table_arg(fcinfo, &table);
	note_change(&table, role);
	dropped = ice_restriction_delete(&table, role);
	ice_caller_end();
	PG_RETURN_BOOL(dropped);
}

/* Ids of tables that the caller may not load; with true also those that it may load as a trusted
 * engine, but not whole. */
Datum
sql_ice_restricted(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	uint64         rows;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	(void) ice_caller_begin(fcinfo);
	rows = ice_restrictions_hide(!PG_ARGISNULL(0) && PG_GETARG_BOOL(0));
	for (uint64 i = 0; i < rows; i++)
	{
		Datum value = ice_spi_field(i, 1);
		bool  null = false;

		tuplestore_putvalues(result->setResult, result->setDesc, &value, &null);
	}
	ice_caller_end();
	return (Datum) 0;
}

/* -- engines ----------------------------------------------------------------------------------- */

static void
require_catalog(void)
{
	ice_access_require(ICE_MANAGE, (IceObject){.warehouse_id = NULL}, "the catalog", NULL, NULL);
}

Datum
sql_ice_trust_engine(PG_FUNCTION_ARGS)
{
	const char *property;
	Oid         role;
	bool        changed;

	(void) ice_caller_begin(fcinfo);
	role = role_arg(fcinfo, true);
	property = ice_arg_opt_text(fcinfo, 1);
	if (property != NULL && (*property == '\0' || strlen(property) > ICE_OWNER_PROPERTY_BYTES_MAX))
		ice_raise(ICE_ERR_BAD_REQUEST, "The name of a property has 1 to %d bytes",
				  ICE_OWNER_PROPERTY_BYTES_MAX);
	require_catalog();
	ice_audit_change_begin(ICE_AUDIT_ENGINE, &(IceAuditState){.role = role});
	changed = ice_restriction_put_engine(role, property);
	ice_caller_end();
	PG_RETURN_BOOL(changed);
}

Datum
sql_ice_distrust_engine(PG_FUNCTION_ARGS)
{
	bool changed;
	Oid  role;

	(void) ice_caller_begin(fcinfo);
	role = role_arg(fcinfo, false);
	require_catalog();
	ice_audit_change_begin(ICE_AUDIT_ENGINE, &(IceAuditState){.role = role});
	changed = ice_restriction_delete_engine(role);
	ice_caller_end();
	PG_RETURN_BOOL(changed);
}
