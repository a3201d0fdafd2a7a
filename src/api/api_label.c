/*
 * api_label.c
 *		SQL entry of labels: icecat.set_labels().
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "api/args.h"
#include "guc.h"
#include "spec/structure.h"
#include "store/audit_change.h"
#include "store/store_label.h"
#include "store/store_table.h"
#include "store/store_view.h"

PG_FUNCTION_INFO_V1(sql_ice_set_labels);

/* -- what is labelled -------------------------------------------------------------------------- */

/* The id of the column of a schema; a NULL schema has none. */
static int32
column_id(IcePart *schema, const char *column)
{
	const IceField *field =
		schema != NULL ? ice_schema_field_by_name(ice_structure_schema(schema), column) : NULL;

	if (field == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot find field '%s' in the schema", column);
	return field->id;
}

static void
label_table(IceTable *table, const char *column, IceLabelled *out)
{
	IceCommitNeeds needs = {.lists[ICE_PART_SCHEMA] = true};

	out->object_kind = "table";
	out->object_id = table->id;
	if (column == NULL)
		return;
	ice_table_load(table, &needs, false);
	out->field_id = column_id(
		ice_table_part_find(table->metadata, ICE_PART_SCHEMA, table->metadata->current_schema_id),
		column);
}

static void
label_view(IceView *view, const char *column, IceLabelled *out)
{
	IcePart *version;

	out->object_kind = "view";
	out->object_id = view->id;
	if (column == NULL)
		return;
	ice_view_load(view, false);
	version = ice_view_part_find(view->metadata, ICE_VIEW_PART_VERSION,
								 view->metadata->current_version_id);
	if (version == NULL)
		ice_raise(ICE_ERR_CORRUPT, "The view has no current version");
	out->field_id =
		column_id(ice_view_part_find(view->metadata, ICE_VIEW_PART_SCHEMA,
									 ice_json_int32(ice_part_json(version), "schema-id")),
				  column);
}

/* Finds the table or view of a name, and locks it. Raises NO_SUCH_TABLE, FORBIDDEN. */
static void
label_relation(const pg_uuid_t *warehouse_id, const IceNamespacePath *path, const char *name,
			   const char *column, IceLabelled *out)
{
	IceTable table;
	IceView  view;

	if (ice_table_find_locked(ICE_MANAGE, warehouse_id, path, name, &table))
		label_table(&table, column, out);
	else if (ice_view_find_locked(ICE_MANAGE, warehouse_id, path, name, &view))
		label_view(&view, column, out);
	else
		ice_raise(ICE_ERR_NO_SUCH_TABLE, "Table or view does not exist: %s.%s", path->dotted, name);
}

/* Arguments 1 to 4. The namespace is locked as by a creation in it, so that no row is left of one
 * that is being dropped; what is labelled, so that labels are counted by one at a time. */
static void
object_arg(FunctionCallInfo fcinfo, IceLabelled *out)
{
	const char      *name = ice_arg_opt_text(fcinfo, 3);
	const char      *column = ice_arg_opt_text(fcinfo, 4);
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceNamespace     space;

	if (name == NULL && column != NULL)
		ice_raise(ICE_ERR_BAD_REQUEST, "A column needs its table or view");
	ice_arg_warehouse(fcinfo, 1, false, &warehouse);
	ice_arg_namespace(fcinfo, 2, &path);
	*out = (IceLabelled){.warehouse_id = warehouse.id, .field_id = ICE_LABEL_OBJECT};
	ice_namespace_get(&warehouse.id, &path,
					  name != NULL ? ICE_LOCK_KEY_SHARE : ICE_LOCK_NO_KEY_UPDATE, false, &space);
	if (name != NULL)
	{
		label_relation(&warehouse.id, &path, name, column, out);
		return;
	}
	ice_namespace_require(ICE_MANAGE, &warehouse.id, &space, &path);
	out->object_kind = "namespace";
	out->object_id = space.id;
}

/* -- labels ------------------------------------------------------------------------------------ */

static void
check_length(const char *text, const char *what)
{
	if (strlen(text) > (size_t) ice_guc_label_bytes_max)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "The %s of a label is longer than %d bytes", what,
				  ice_guc_label_bytes_max);
}

/* Sets one label, or removes it where the value is null. */
static bool
set_label(const IceLabelled *of, const IceJsonMember *member)
{
	const char *value;

	if (member->value->kind == ICE_JSON_NULL)
		return ice_label_delete(of, member->key);
	value = ice_json_to_string(member->value, member->key);
	if (*member->key == '\0')
		ice_raise(ICE_ERR_BAD_REQUEST, "The name of a label must not be empty");
	check_length(member->key, "name");
	check_length(value, "value");
	return ice_label_put(of, member->key, value);
}

Datum
sql_ice_set_labels(PG_FUNCTION_ARGS)
{
	IceLabelled of;
	IceJson    *labels;
	int32       changed = 0;

	(void) ice_caller_begin(fcinfo);
	labels = ice_arg_json(fcinfo, 0, "labels");
	if (labels->kind != ICE_JSON_OBJECT)
		ice_json_raise(labels, ICE_ERR_BAD_REQUEST, "Labels must be a JSON object");
	if (labels->count > ice_guc_labels_max)
		ice_json_raise(labels, ICE_ERR_LIMIT_EXCEEDED,
					   "There are %d labels, more than the limit of %d", labels->count,
					   ice_guc_labels_max);
	object_arg(fcinfo, &of);
	ice_audit_change_begin(ICE_AUDIT_LABELS,
						   &(IceAuditState){.warehouse_id = of.warehouse_id,
											.object_id = of.object_id,
											.text = of.field_id == ICE_LABEL_OBJECT
														? NULL
														: psprintf("%d", of.field_id)});
	for (int i = 0; i < labels->count; i++)
		changed += set_label(&of, &labels->members[i]);
	if (ice_labels_count(&of) > ice_guc_labels_max)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "There would be more labels than the limit of %d",
				  ice_guc_labels_max);
	ice_caller_end();
	PG_RETURN_INT32(changed);
}
