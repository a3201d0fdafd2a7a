/*
 * store_warehouse.c
 *		Rows of icecat_data.warehouse.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "errors.h"
#include "store/store_warehouse.h"

static IceStatement find_by_name = {
	"SELECT warehouse_id, name, location, properties FROM icecat_data.warehouse WHERE name = $1",
	1,
	{TEXTOID},
	NULL};

void
ice_warehouse_get(const char *name, bool read_only, IceWarehouse *out)
{
	Datum values[1] = {ice_cstring_datum(name)};

	if (ice_execute(&find_by_name, values, NULL, read_only) == 0)
		ice_raise(ICE_ERR_NO_SUCH_WAREHOUSE, "Warehouse does not exist: %s", name);
	out->id = ice_field_uuid(0, 1);
	out->name = ice_field_text(0, 2);
	out->location = ice_field_text(0, 3);
	out->properties = ice_field_text(0, 4);
}
