/*
 * api_table.c
 *		SQL entries for tables: create, register, load, list, exists, drop, unregister, rename.
 *
 * Each function reads its arguments, calls the commit layer or the store, and builds its answer. The
 * rest_ forms take the REST request body as it came.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "nodes/pg_list.h"

#include "api/args.h"
#include "commit/create_table.h"
#include "commit/publish.h"

PG_FUNCTION_INFO_V1(sql_ice_create_table);
PG_FUNCTION_INFO_V1(sql_ice_rest_create_table);
PG_FUNCTION_INFO_V1(sql_ice_register_table);
PG_FUNCTION_INFO_V1(sql_ice_rest_register_table);
PG_FUNCTION_INFO_V1(sql_ice_load_table);
PG_FUNCTION_INFO_V1(sql_ice_list_tables);
PG_FUNCTION_INFO_V1(sql_ice_table_exists);
PG_FUNCTION_INFO_V1(sql_ice_drop_table);
PG_FUNCTION_INFO_V1(sql_ice_unregister_table);
PG_FUNCTION_INFO_V1(sql_ice_rename_table);
PG_FUNCTION_INFO_V1(sql_ice_rest_rename_table);

/* Appends a LoadTableResult. A staged table has no metadata location. */
static void
write_load_result(StringInfo out, const IceTable *table, bool read_only)
{
	IceJsonWriter w;

	ice_jw_init(&w, out);
	ice_jw_begin_object(&w);
	if (table->metadata_location != NULL)
	{
		ice_jw_key(&w, "metadata-location");
		ice_jw_string(&w, table->metadata_location);
	}
	ice_jw_key(&w, "metadata");
	if (table->metadata_location != NULL)
		ice_render_current(out, table, read_only);
	else
		ice_table_metadata_write(out, table->metadata);
	appendStringInfoString(out, ",\"config\":{}}");
}

/* Creates a table and returns its LoadTableResult. */
static Datum
create_table(MemoryContext caller, const IceWarehouse *warehouse, const IceNamespacePath *path,
			 IceCreateTable *request)
{
	StringInfoData out;
	IceTable       table;

	ice_check_table_name(request->name);
	ice_create_table(warehouse, path, request, &table);
	ice_result_begin(&out, caller);
	write_load_result(&out, &table, false);
	return ice_result_end(&out);
}

Datum
sql_ice_create_table(PG_FUNCTION_ARGS)
{
	MemoryContext    caller = ice_spi_begin();
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceJson         *request = ice_json_make_object();
	const char      *location = ice_arg_opt_text(fcinfo, 6);
	static const char *const fields[] = {
		NULL, NULL, NULL, "schema", "partition-spec", "write-order", NULL, "properties"};
	Datum result;

	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	ice_json_set(request, "name", ice_json_make_string(ice_arg_text(fcinfo, 2, "name")));
	for (size_t i = 0; i < lengthof(fields); i++)
	{
		IceJson *value = fields[i] != NULL ? ice_arg_opt_json(fcinfo, (int) i) : NULL;

		if (value != NULL)
			ice_json_set(request, fields[i], value);
	}
	if (location != NULL)
		ice_json_set(request, "location", ice_json_make_string(location));
	ice_json_set(request, "stage-create",
				 ice_json_make_bool(ice_arg_bool(fcinfo, 8, "stage_create")));
	result = create_table(caller, &warehouse, &path, ice_create_table_parse(request));
	ice_spi_end();
	return result;
}

Datum
sql_ice_rest_create_table(PG_FUNCTION_ARGS)
{
	MemoryContext    caller = ice_spi_begin();
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceJson         *request;
	Datum            result;

	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	request = ice_arg_json(fcinfo, 2, "request");
	result = create_table(caller, &warehouse, &path, ice_create_table_parse(request));
	ice_spi_end();
	return result;
}

/* Registers a table and returns its LoadTableResult. */
static Datum
register_table(MemoryContext caller, const IceWarehouse *warehouse, const IceNamespacePath *path,
			   const char *name, const char *metadata_location, bool overwrite)
{
	StringInfoData out;
	IceTable       table;

	ice_check_table_name(name);
	ice_register_table(warehouse, path, name, metadata_location, overwrite, &table);
	ice_result_begin(&out, caller);
	write_load_result(&out, &table, false);
	return ice_result_end(&out);
}

Datum
sql_ice_register_table(PG_FUNCTION_ARGS)
{
	MemoryContext    caller = ice_spi_begin();
	IceWarehouse     warehouse;
	IceNamespacePath path;
	Datum            result;

	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	result = register_table(caller, &warehouse, &path, ice_arg_text(fcinfo, 2, "name"),
							ice_arg_text(fcinfo, 3, "metadata_location"),
							ice_arg_bool(fcinfo, 4, "overwrite"));
	ice_spi_end();
	return result;
}

Datum
sql_ice_rest_register_table(PG_FUNCTION_ARGS)
{
	MemoryContext    caller = ice_spi_begin();
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceJson         *request;
	Datum            result;

	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	request = ice_arg_json(fcinfo, 2, "request");
	result = register_table(caller, &warehouse, &path, ice_json_string(request, "name"),
							ice_json_string(request, "metadata-location"),
							ice_json_opt_bool(request, "overwrite", false));
	ice_spi_end();
	return result;
}

Datum
sql_ice_load_table(PG_FUNCTION_ARGS)
{
	MemoryContext    caller = ice_spi_begin();
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceTable         table;
	StringInfoData   out;

	ice_arg_warehouse(fcinfo, 0, true, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	ice_table_get(&warehouse.id, &path, ice_arg_text(fcinfo, 2, "table"), true, &table);
	ice_check_metadata_file(&table);
	ice_result_begin(&out, caller);
	write_load_result(&out, &table, true);
	ice_spi_end();
	PG_RETURN_DATUM(ice_result_end(&out));
}

Datum
sql_ice_list_tables(PG_FUNCTION_ARGS)
{
	MemoryContext    caller = ice_spi_begin();
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceNamespace     space;
	StringInfoData   out;
	StringInfoData   levels;
	IceJsonWriter    w;
	List            *names;
	ListCell        *cell;

	ice_arg_warehouse(fcinfo, 0, true, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	ice_namespace_get(&warehouse.id, &path, ICE_LOCK_NONE, true, &space);
	names = ice_relation_names(&warehouse.id, &space.id, ICE_RELATION_TABLE);
	initStringInfo(&levels);
	ice_jw_init(&w, &levels);
	ice_jw_begin_array(&w);
	for (int i = 0; i < path.depth; i++)
		ice_jw_string(&w, path.levels[i]);
	ice_jw_end_array(&w);

	ice_result_begin(&out, caller);
	ice_jw_init(&w, &out);
	ice_jw_begin_object(&w);
	ice_jw_key(&w, "identifiers");
	ice_jw_begin_array(&w);
	foreach (cell, names)
	{
		ice_jw_begin_object(&w);
		ice_jw_key(&w, "namespace");
		ice_jw_raw(&w, levels.data, levels.len);
		ice_jw_key(&w, "name");
		ice_jw_string(&w, lfirst(cell));
		ice_jw_end_object(&w);
	}
	ice_jw_end_array(&w);
	ice_jw_end_object(&w);
	ice_spi_end();
	PG_RETURN_DATUM(ice_result_end(&out));
}

Datum
sql_ice_table_exists(PG_FUNCTION_ARGS)
{
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceTable         table;
	bool             exists;

	ice_spi_begin();
	ice_arg_warehouse(fcinfo, 0, true, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	exists = ice_table_find(&warehouse.id, &path, ice_arg_text(fcinfo, 2, "table"), true, &table);
	ice_spi_end();
	PG_RETURN_BOOL(exists);
}

Datum
sql_ice_drop_table(PG_FUNCTION_ARGS)
{
	IceWarehouse     warehouse;
	IceNamespacePath path;

	ice_spi_begin();
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	ice_drop_table(&warehouse, &path, ice_arg_text(fcinfo, 2, "table"),
				   ice_arg_bool(fcinfo, 3, "purge"));
	ice_spi_end();
	PG_RETURN_VOID();
}

Datum
sql_ice_unregister_table(PG_FUNCTION_ARGS)
{
	MemoryContext    caller = ice_spi_begin();
	IceWarehouse     warehouse;
	IceNamespacePath path;
	IceTable         table;
	StringInfoData   document;
	StringInfoData   out;
	IceJsonWriter    w;

	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	initStringInfo(&document);
	ice_unregister_table(&warehouse, &path, ice_arg_text(fcinfo, 2, "table"), &table, &document);
	ice_result_begin(&out, caller);
	ice_jw_init(&w, &out);
	ice_jw_begin_object(&w);
	ice_jw_key(&w, "metadata-location");
	ice_jw_string(&w, table.metadata_location);
	ice_jw_key(&w, "metadata");
	ice_jw_raw(&w, document.data, document.len);
	ice_jw_end_object(&w);
	ice_spi_end();
	PG_RETURN_DATUM(ice_result_end(&out));
}

Datum
sql_ice_rename_table(PG_FUNCTION_ARGS)
{
	IceWarehouse     warehouse;
	IceNamespacePath source_path;
	IceNamespacePath destination_path;
	const char      *destination;

	ice_spi_begin();
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	ice_arg_namespace(fcinfo, 1, &source_path);
	ice_arg_namespace(fcinfo, 3, &destination_path);
	destination = ice_arg_text(fcinfo, 4, "destination");
	ice_check_table_name(destination);
	ice_rename_table(&warehouse, &source_path, ice_arg_text(fcinfo, 2, "source"), &destination_path,
					 destination);
	ice_spi_end();
	PG_RETURN_VOID();
}

Datum
sql_ice_rest_rename_table(PG_FUNCTION_ARGS)
{
	IceWarehouse     warehouse;
	IceNamespacePath source_path;
	IceNamespacePath destination_path;
	IceJson         *request;
	IceJson         *source;
	IceJson         *destination;

	ice_spi_begin();
	ice_arg_warehouse(fcinfo, 0, false, &warehouse);
	request = ice_arg_json(fcinfo, 1, "request");
	source = ice_json_object(request, "source");
	destination = ice_json_object(request, "destination");
	ice_namespace_of_json(ice_json_array(source, "namespace"), &source_path);
	ice_namespace_of_json(ice_json_array(destination, "namespace"), &destination_path);
	ice_check_table_name(ice_json_string(destination, "name"));
	ice_rename_table(&warehouse, &source_path, ice_json_string(source, "name"), &destination_path,
					 ice_json_string(destination, "name"));
	ice_spi_end();
	PG_RETURN_VOID();
}
