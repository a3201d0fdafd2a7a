/*
 * api_config.c
 *		SQL entries of getConfig, with the list of REST endpoints that icecat answers, and
 *		version().
 *
 * REST, getConfig: a client takes overrides.prefix for the {prefix} of all further paths. Clients
 * put it into the path as it is, so it is percent-encoded here. The namespace separator is chosen
 * by the caller that takes the paths apart, the gateway, and only handed on.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "api/once.h"
#include "guc.h"
#include "store/store_tenant.h"

PG_FUNCTION_INFO_V1(sql_ice_get_config);
PG_FUNCTION_INFO_V1(sql_ice_version);

/* What the gateway serves, as far as this extension has functions for it. */
static const char *const endpoints[] = {
#define GW_ROUTE(method, template, ...) #method " " template,
#define GW_OWN_ROUTE(...)
#include "routes.def"
};

/* The warehouse of a client that names none. */
static void
find_default(IceWarehouse *out)
{
	int count = ice_warehouse_first(out);

	if (count == 0)
		ice_raise_full(ICE_ERR_NO_SUCH_WAREHOUSE, "There is no warehouse", NULL,
					   "Create one with icecat.create_warehouse(name, location).");
	if (count == 1)
		return;
	if (*ice_guc_default_warehouse == '\0')
		ice_raise_full(ICE_ERR_BAD_REQUEST, "There are several warehouses: name a warehouse", NULL,
					   "Set the client's warehouse, or icecat.default_warehouse on the server.");
	ice_warehouse_get(ice_guc_default_warehouse, true, out);
}

/* Finds a warehouse by its name or by its location. */
static void
find_warehouse(char *wanted, IceWarehouse *out)
{
	size_t len;

	if (wanted == NULL || *wanted == '\0')
	{
		find_default(out);
		return;
	}
	if (ice_warehouse_find(wanted, ICE_LOCK_NONE, true, out))
		return;

	char *location = pstrdup(wanted);

	len = strlen(location);
	while (len > 0 && location[len - 1] == '/')
		location[--len] = '\0';
	if (!ice_warehouse_find_by_location(location, out))
		ice_raise(ICE_ERR_NO_SUCH_WAREHOUSE, "Warehouse does not exist: %s", wanted);
}

/* RFC 3986: all but unreserved characters as %XX. */
static char *
percent_encode(const char *text)
{
	StringInfoData out;

	initStringInfo(&out);
	for (const char *p = text; *p != '\0'; p++)
	{
		unsigned char byte = (unsigned char) *p;

		if (byte < 0x80 && (isalnum(byte) || strchr("-._~", byte) != NULL))
			appendStringInfoChar(&out, (char) byte);
		else
			appendStringInfo(&out, "%%%02X", byte);
	}
	return out.data;
}

/* ISO 8601: a duration of seconds in hours, minutes and seconds. */
static char *
duration_text(int seconds)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "PT");
	if (seconds >= 3600)
		appendStringInfo(&out, "%dH", seconds / 3600);
	if (seconds % 3600 >= 60)
		appendStringInfo(&out, "%dM", seconds % 3600 / 60);
	if (seconds % 60 > 0)
		appendStringInfo(&out, "%dS", seconds % 60);
	return out.data;
}

/* Those of a warehouse: without a prefix there is only getConfig, which the client has found
 * already. */
static void
write_endpoints(IceJsonWriter *writer)
{
	for (size_t i = 0; i < lengthof(endpoints); i++)
	{
		if (strstr(endpoints[i], "/{prefix}/") != NULL)
			ice_json_write_string(writer, endpoints[i]);
	}
}

/* The name, behind the word by which a gateway finds this database. */
static const char *
prefix_of(const IceWarehouse *warehouse)
{
	const char *name = ice_tenant_short_name(warehouse->name);

	return *ice_guc_config_prefix == '\0' ? name : psprintf("%s/%s", ice_guc_config_prefix, name);
}

/* REST, CatalogConfig. */
static void
write_config(StringInfo out, const IceWarehouse *warehouse, const char *separator)
{
	IceJsonWriter writer;

	ice_json_write_init(&writer, out);
	ice_json_write_begin_object(&writer);
	ice_json_write_key(&writer, "defaults");
	ice_json_write_begin_object(&writer);
	ice_json_write_end_object(&writer);
	ice_json_write_key(&writer, "overrides");
	ice_json_write_begin_object(&writer);
	ice_json_write_key(&writer, "prefix");
	ice_json_write_string(&writer, percent_encode(prefix_of(warehouse)));
	if (separator != NULL)
	{
		ice_json_write_key(&writer, "namespace-separator");
		ice_json_write_string(&writer, separator);
	}
	ice_json_write_end_object(&writer);
	ice_json_write_key(&writer, "endpoints");
	ice_json_write_begin_array(&writer);
	write_endpoints(&writer);
	ice_json_write_end_array(&writer);
	if (ice_once_offered())
	{
		ice_json_write_key(&writer, "idempotency-key-lifetime");
		ice_json_write_string(&writer, duration_text(ice_guc_idempotency_lifetime_s));
	}
	ice_json_write_end_object(&writer);
}

Datum
sql_ice_get_config(PG_FUNCTION_ARGS)
{
	MemoryContext  caller = ice_caller_begin(fcinfo);
	IceWarehouse   warehouse;
	StringInfoData result;

	find_warehouse(ice_arg_opt_text(fcinfo, 0), &warehouse);
	ice_arg_result_begin(&result, caller);
	write_config(&result, &warehouse, PG_NARGS() > 1 ? ice_arg_opt_text(fcinfo, 1) : NULL);
	ice_caller_end();
	return ice_arg_result_end(&result);
}

Datum
sql_ice_version(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_TEXT_P(cstring_to_text(ICE_VERSION));
}
