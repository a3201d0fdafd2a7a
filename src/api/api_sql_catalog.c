/*
 * api_sql_catalog.c
 *		The tables of a SQL catalog (Java's JdbcCatalog, PyIceberg's SqlCatalog), as views that can
 *		be written.
 *
 * INSTEAD OF triggers: what a client does to a row becomes the operation that it means. An UPDATE
 * sees the row as it was when its statement began; a commit in between makes it affect no row, as a
 * table's row lock and second look would, and that is what these clients take for a conflict. A
 * taken name is a unique violation, as of a primary key.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/resowner.h"
#include "utils/uuid.h"

#include "api/namespace.h"
#include "commit/commit_file.h"
#include "commit/commit_view.h"
#include "commit/create_register.h"
#include "store/maintenance.h"
#include "store/access.h"
#include "store/store_restriction.h"

PG_FUNCTION_INFO_V1(sql_ice_iceberg_tables_write);
PG_FUNCTION_INFO_V1(sql_ice_iceberg_namespace_properties_write);
PG_FUNCTION_INFO_V1(sql_ice_commit_metadata_file);
PG_FUNCTION_INFO_V1(sql_ice_metadata_file);

/* The row that stands for a namespace without properties; both clients know it by this key. */
#define EXISTS_KEY "exists"

/* -- rows ------------------------------------------------------------------------------------- */

typedef struct Row
{
	HeapTuple tuple;
	TupleDesc desc;
} Row;

/* A column's value, NULL for NULL. */
static const char *
column(const Row *row, const char *name)
{
	return SPI_getvalue(row->tuple, row->desc, SPI_fnumber(row->desc, name));
}

static const char *
required_column(const Row *row, const char *name)
{
	const char *value = column(row, name);

	if (value == NULL)
		ice_raise(ICE_ERR_BAD_REQUEST, "Missing value: %s must not be null", name);
	return value;
}

static bool
same_column(const Row *a, const Row *b, const char *name)
{
	const char *x = column(a, name);
	const char *y = column(b, name);

	return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

/* Raises unless both rows have the same value there. */
static void
check_unchanged(const Row *old, const Row *new, const char *name)
{
	if (!same_column(old, new, name))
		ice_raise(ICE_ERR_UNSUPPORTED, "Column %s of a row cannot be changed", name);
}

/* A namespace as these catalogs write it: its levels with dots between them. */
static void
read_namespace(const Row *row, const char *name, IceNamespacePath *out)
{
	char        *rest = pstrdup(required_column(row, name));
	const char **levels = palloc(sizeof(char *) * (strlen(rest) + 1));
	int          depth = 0;

	if (*rest == '\0')
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "A table outside of every namespace cannot be in the catalog");
	while (rest != NULL)
	{
		char *dot = strchr(rest, '.');

		if (dot != NULL)
			*dot = '\0';
		levels[depth++] = rest;
		rest = dot != NULL ? dot + 1 : NULL;
	}
	ice_namespace_path_from(levels, depth, out);
}

/* Finds a namespace under a lock; one that is missing is made, with those above it: these catalogs
 * know a namespace by what is in it. */
static void
ensure_namespace(const IceWarehouse *warehouse, const IceNamespacePath *path, IceRowLock lock,
				 IceNamespace *out)
{
	IceWarehouse     locked;
	IceNamespacePath parent_path;
	IceNamespace     parent;

	while (!ice_namespace_find(&warehouse->id, path, lock, false, out))
	{
		CHECK_FOR_INTERRUPTS();
		if (ice_namespace_path_parent(path, &parent_path))
			ensure_namespace(warehouse, &parent_path, ICE_LOCK_KEY_SHARE, &parent);
		ice_warehouse_get_locked(warehouse->name, ICE_LOCK_KEY_SHARE, &locked);
		(void) ice_namespace_create(&locked, path, NULL, out);
	}
}

/* -- iceberg_tables --------------------------------------------------------------------------- */

#define TABLE_TYPE "TABLE"
#define VIEW_TYPE  "VIEW"

/* Is the row one of a view? NULL is what catalogs without views wrote of tables. */
static bool
is_view(const Row *row)
{
	const char *type = column(row, "iceberg_type");

	if (type == NULL || strcmp(type, TABLE_TYPE) == 0)
		return false;
	if (strcmp(type, VIEW_TYPE) != 0)
		ice_raise(ICE_ERR_UNSUPPORTED, "Rows of iceberg_type %s cannot be written", type);
	return true;
}

/* Registers the metadata file, in a namespace that is made if it is not there. */
static bool
insert_relation(const IceWarehouse *warehouse, const Row *row)
{
	const char      *name = required_column(row, "table_name");
	const char      *location = required_column(row, "metadata_location");
	IceNamespacePath path;
	IceNamespace     space;
	IceTable         table;
	IceView          view;
	StringInfoData   document;

	ice_arg_check_table_name(name);
	read_namespace(row, "table_namespace", &path);
	ensure_namespace(warehouse, &path, ICE_LOCK_KEY_SHARE, &space);
	initStringInfo(&document);
	if (is_view(row))
		ice_commit_view_register(warehouse, &path, name, location, &view, &document);
	else
		ice_register_table(warehouse, &path, name, location, false, &table);
	return true;
}

/* Locks the table or view of a name; false if there is none (any more). */
static bool
lock_relation(const IceWarehouse *warehouse, const IceNamespacePath *path, const char *name,
			  bool view)
{
	IceTable table;
	IceView  found;

	return view ? ice_view_find_locked(ICE_DROP, &warehouse->id, path, name, &found)
				: ice_table_find_locked(ICE_DROP, &warehouse->id, path, name, &table);
}

/* Moves a name; false if it no longer exists. */
static bool
move_relation(const IceWarehouse *warehouse, const IceNamespacePath *path, const char *name,
			  bool view, const Row *new)
{
	const char      *new_name = required_column(new, "table_name");
	IceNamespacePath new_path;

	ice_arg_check_table_name(new_name);
	read_namespace(new, "table_namespace", &new_path);
	if (!lock_relation(warehouse, path, name, view))
		return false;
	if (view)
		ice_commit_view_rename(warehouse, path, name, &new_path, new_name);
	else
		ice_rename_table(warehouse, path, name, &new_path, new_name);
	return true;
}

/* Commits a metadata file; previous is NULL or the file that it was made from. False: the table or
 * view has another one by now. */
static bool
commit_file(const IceWarehouse *warehouse, const IceNamespacePath *path, const char *name,
			bool is_view, const char *previous, const char *location)
{
	IceTable table;
	IceView  view;

	return is_view ? ice_commit_file_of_view(warehouse, path, name, previous, location, &view)
				   : ice_commit_file_of_table(warehouse, path, name, previous, location, &table);
}

/* A new metadata location is a commit, a new name a rename. False: no row is affected. */
static bool
update_relation(const IceWarehouse *warehouse, const Row *old, const Row *new)
{
	const char      *name = required_column(old, "table_name");
	bool             view = is_view(old);
	IceNamespacePath path;

	if (is_view(new) != view)
		check_unchanged(old, new, "iceberg_type");
	check_unchanged(old, new, "catalog_name");
	read_namespace(old, "table_namespace", &path);
	if (!same_column(old, new, "metadata_location") &&
		!commit_file(warehouse, &path, name, view, required_column(old, "metadata_location"),
					 required_column(new, "metadata_location")))
		return false;
	if (same_column(old, new, "table_namespace") && same_column(old, new, "table_name"))
		return true;
	return move_relation(warehouse, &path, name, view, new);
}

/* All files stay: a client that wants a purge deletes them itself. */
static bool
delete_relation(const IceWarehouse *warehouse, const Row *row)
{
	const char      *name = required_column(row, "table_name");
	bool             view = is_view(row);
	IceNamespacePath path;

	read_namespace(row, "table_namespace", &path);
	if (!lock_relation(warehouse, &path, name, view))
		return false;
	if (view)
		ice_commit_view_drop(warehouse, &path, name, false);
	else
		ice_drop_table(warehouse, &path, name, (IceDropOptions){.purge = false});
	return true;
}

/* -- iceberg_namespace_properties -------------------------------------------------------------- */

/* Sets (value not NULL) or removes one property of a namespace that is locked. */
static void
change_property(const IceWarehouse *warehouse, const IceNamespacePath *path, IceNamespace *space,
				const char *key, const char *value)
{
	IceJson          *request = ice_json_make_object();
	IceJson          *updates = ice_json_make_object();
	IceJson          *removals = ice_json_make_array();
	IcePropertyChange change;

	if (value != NULL)
		ice_json_set(updates, key, ice_json_make_string(value));
	else
		ice_json_append(removals, ice_json_make_string(key));
	ice_json_set(request, "updates", updates);
	ice_json_set(request, "removals", removals);
	ice_property_change_of_json(request, &change);
	ice_namespace_change(warehouse, path, space, &change);
}

static bool
has_property(const IceNamespace *space, const char *key)
{
	IceJson *properties = ice_json_parse(space->properties, strlen(space->properties),
										 ICE_JSON_DEPTH_MAX_DEFAULT);

	return ice_json_member(properties, key) != NULL;
}

/* The row "exists" makes a namespace, if the rows beside it in the same statement have not made it
 * already. */
static bool
insert_property(const IceWarehouse *warehouse, const Row *row)
{
	const char      *key = required_column(row, "property_key");
	const char      *value = required_column(row, "property_value");
	IceNamespacePath path;
	IceNamespace     space;

	read_namespace(row, "namespace", &path);
	ensure_namespace(warehouse, &path, ICE_LOCK_NO_KEY_UPDATE, &space);
	if (strcmp(key, EXISTS_KEY) == 0)
	{
		if (!ice_namespace_is_own(&warehouse->id, &space.id))
			ice_raise(ICE_ERR_ALREADY_EXISTS, "Namespace already exists: %s", path.dotted);
		return true;
	}
	if (has_property(&space, key))
		ice_raise(ICE_ERR_ALREADY_EXISTS, "Property of namespace %s already exists: %s",
				  path.dotted, key);
	change_property(warehouse, &path, &space, key, value);
	return true;
}

/* Only the value can change, and not that of the row "exists". */
static bool
update_property(const IceWarehouse *warehouse, const Row *old, const Row *new)
{
	const char      *key = required_column(old, "property_key");
	const char      *value = required_column(new, "property_value");
	IceNamespacePath path;
	IceNamespace     space;

	check_unchanged(old, new, "catalog_name");
	check_unchanged(old, new, "namespace");
	check_unchanged(old, new, "property_key");
	read_namespace(old, "namespace", &path);
	if (!ice_namespace_find(&warehouse->id, &path, ICE_LOCK_NO_KEY_UPDATE, false, &space))
		return false;
	if (strcmp(key, EXISTS_KEY) == 0)
	{
		check_unchanged(old, new, "property_value");
		return true;
	}
	if (!has_property(&space, key))
		return false;
	change_property(warehouse, &path, &space, key, value);
	return true;
}

/* Without its row "exists" a namespace is dropped; the rows of its properties go with it. */
static bool
delete_property(const IceWarehouse *warehouse, const Row *row)
{
	const char      *key = required_column(row, "property_key");
	bool             drops = strcmp(key, EXISTS_KEY) == 0;
	IceNamespacePath path;
	IceNamespace     space;

	read_namespace(row, "namespace", &path);
	if (!ice_namespace_find(&warehouse->id, &path, drops ? ICE_LOCK_UPDATE : ICE_LOCK_NO_KEY_UPDATE,
							false, &space))
		return !drops;
	if (drops)
		ice_namespace_drop(warehouse, &path, &space, false);
	else if (has_property(&space, key))
		change_property(warehouse, &path, &space, key, NULL);
	else
		return false;
	return true;
}

/* -- triggers --------------------------------------------------------------------------------- */

/* What a trigger does with the rows of one view; false: no row is affected. */
typedef struct Writer
{
	bool (*insert)(const IceWarehouse *warehouse, const Row *row);
	bool (*update)(const IceWarehouse *warehouse, const Row *old, const Row *new);
	bool (*delete)(const IceWarehouse *warehouse, const Row *row);
} Writer;

static bool
write_row(const TriggerData *trigger, const Writer *writer)
{
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	Row       row = {trigger->tg_trigtuple, desc};
	Row new = {trigger->tg_newtuple, desc};
	IceWarehouse warehouse;

	ice_warehouse_get(required_column(&row, "catalog_name"), false, &warehouse);
	ice_maintenance_require_off(&warehouse);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return writer->insert(&warehouse, &row);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return writer->update(&warehouse, &row, &new);
	return writer->delete (&warehouse, &row);
}

/* Raises the error at hand again, a taken name as what a primary key would have made of it. */
static void
raise_as_table_would(MemoryContext caller)
{
	ErrorData *error;

	MemoryContextSwitchTo(caller);
	error = CopyErrorData();
	FlushErrorState();
	if (ice_error_of_sqlstate(unpack_sql_state(error->sqlerrcode)) == ICE_ERR_ALREADY_EXISTS)
		error->sqlerrcode = ERRCODE_UNIQUE_VIOLATION;
	ReThrowError(error);
}

/* The body of both triggers. */
static Datum
run_trigger(FunctionCallInfo fcinfo, const Writer *writer)
{
	const TriggerData *trigger = (TriggerData *) fcinfo->context;
	MemoryContext      caller = CurrentMemoryContext;
	volatile bool      affected = false;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_INSTEAD(trigger->tg_event))
		elog(ERROR, "called other than by a view's INSTEAD OF trigger");
	PG_TRY();
	{
		(void) ice_caller_begin(fcinfo);
		affected = write_row(trigger, writer);
		ice_caller_end();
	}
	PG_CATCH();
	{
		raise_as_table_would(caller);
	}
	PG_END_TRY();
	if (!affected)
		return PointerGetDatum(NULL);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
																	  : trigger->tg_trigtuple);
}

Datum
sql_ice_iceberg_tables_write(PG_FUNCTION_ARGS)
{
	static const Writer writer = {insert_relation, update_relation, delete_relation};

	return run_trigger(fcinfo, &writer);
}

Datum
sql_ice_iceberg_namespace_properties_write(PG_FUNCTION_ARGS)
{
	static const Writer writer = {insert_property, update_property, delete_property};

	return run_trigger(fcinfo, &writer);
}

/* -- metadata files ---------------------------------------------------------------------------- */

Datum
sql_ice_commit_metadata_file(PG_FUNCTION_ARGS)
{
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceView          view;
	IceTable         table;
	const char      *name;
	bool             committed;

	(void) ice_caller_begin(fcinfo);
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	ice_maintenance_require_off(&warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	name = ice_arg_text(fcinfo, 2, "table");
	if (ice_view_find(&warehouse.id, &path, name, false, &view))
		committed = commit_file(&warehouse, &path, name, true, ice_arg_opt_text(fcinfo, 4),
								ice_arg_text(fcinfo, 3, "metadata_location"));
	else
	{
		ice_table_get(&warehouse.id, &path, name, false, &table);
		committed = commit_file(&warehouse, &path, name, false, ice_arg_opt_text(fcinfo, 4),
								ice_arg_text(fcinfo, 3, "metadata_location"));
	}
	ice_caller_end();
	PG_RETURN_BOOL(committed);
}

/* A table or view, found by its id. */
typedef struct Found
{
	bool     is_view;
	IceTable table;
	IceView  view;
} Found;

static bool
find_relation(const pg_uuid_t *warehouse_id, const pg_uuid_t *id, Found *out)
{
	out->is_view = false;
	if (ice_table_get_by_id(warehouse_id, id, true, &out->table))
		return true;
	out->is_view = true;
	return ice_view_get_by_id(warehouse_id, id, &out->view);
}

/* Makes a warning of the error at hand; a cancellation goes on. */
static void
warn(MemoryContext context)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
		PG_RE_THROW();
	FlushErrorState();
	RollbackAndReleaseCurrentSubTransaction();
	ereport(WARNING, (errcode(error->sqlerrcode), errmsg_internal("%s", error->message)));
}

/* Makes sure of the file, in a subtransaction: a list of a namespace must not fail with the storage
 * of one table. */
static void
ensure_file(Found *relation)
{
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(old);
	PG_TRY();
	{
		if (relation->is_view)
			ice_commit_file_ensure_view(&relation->view);
		else
			ice_commit_file_ensure(&relation->table);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		warn(old);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	CurrentResourceOwner = owner;
}

/* The current metadata location of a table or view (warehouse_id, id), with a file there as far as
 * that can be done. NULL for one that the caller may not load, or not whole: clients of a SQL
 * catalog know no restrictions. */
Datum
sql_ice_metadata_file(PG_FUNCTION_ARGS)
{
	MemoryContext caller = ice_caller_begin(fcinfo);
	Found         relation;
	Datum         result = (Datum) 0;
	bool          found;

	found = !PG_ARGISNULL(0) && !PG_ARGISNULL(1) &&
			ice_access_may_by_id(ICE_SELECT, PG_GETARG_UUID_P(0), PG_GETARG_UUID_P(1)) &&
			!ice_restriction_restricts(PG_GETARG_UUID_P(0), PG_GETARG_UUID_P(1)) &&
			find_relation(PG_GETARG_UUID_P(0), PG_GETARG_UUID_P(1), &relation);
	if (found)
	{
		MemoryContext old;

		ensure_file(&relation);
		old = MemoryContextSwitchTo(caller);
		result = ice_spi_cstring_datum(relation.is_view ? relation.view.metadata_location
														: relation.table.metadata_location);
		MemoryContextSwitchTo(old);
	}
	ice_caller_end();
	if (!found)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}
