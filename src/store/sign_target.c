/*
 * sign_target.c
 *		Which table a request to an object store is about. See sign_target.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "storage/storage.h"
#include "store/access.h"
#include "store/delegation_mode.h"
#include "store/sign_target.h"
#include "store/store_hold.h"
#include "vend/sign.h"

/* All warehouses: whose file it is. Look-ups in the index on the path, one for each folder. */
static IceStatement find_holders = {
	"SELECT l.warehouse_id, l.object_id, w.name, w.location, w.properties "
	"FROM icecat_data.location l JOIN icecat_data.relation r ON r.warehouse_id = l.warehouse_id "
	"AND r.relation_id = l.object_id AND r.kind = 'table' AND r.dropped_at IS NULL "
	"JOIN icecat_data.warehouse w ON w.warehouse_id = l.warehouse_id "
	"WHERE l.path = ANY ($1) AND l.kind IN ('location', 'path') "
	"ORDER BY pg_catalog.octet_length(l.path) DESC, l.warehouse_id, l.object_id LIMIT 16",
	1,
	{TEXTARRAYOID},
	NULL};

/* A file and all folders above it. */
static Datum
folders_of(const IceSignPlaces *places)
{
	List     *paths = NIL;
	ListCell *cell;
	Datum    *texts;
	int       count = 0;

	for (int i = 0; i < places->count; i++)
		paths = list_concat(paths, ice_hold_line(ice_storage_spelling(places->locations[i])));
	texts = palloc(sizeof(Datum) * Max(list_length(paths), 1));
	foreach (cell, paths)
		texts[count++] = CStringGetTextDatum(lfirst(cell));
	return PointerGetDatum(construct_array(texts, count, TEXTOID, -1, false, TYPALIGN_INT));
}

bool
ice_sign_target_find(const char *uri, const char *body, IceSignTarget *out)
{
	IceSignPlaces places;
	Datum         values[1];
	uint64        rows;

	if (ice_sign_places(uri, body, &places) != NULL)
		return false;
	values[0] = folders_of(&places);
	rows = ice_spi_execute(&find_holders, values, NULL, true);
	for (uint64 i = 0; i < rows; i++)
	{
		IceResult result = ice_spi_result();

		out->warehouse = (IceWarehouse){.id = ice_spi_field_uuid(i, 1),
										.name = ice_spi_field_text(i, 3),
										.location = ice_spi_field_text(i, 4),
										.properties = ice_spi_field_text(i, 5)};
		out->table_id = ice_spi_field_uuid(i, 2);
		if (ice_delegation_mode(out->warehouse.properties) == ICE_DELEGATION_SIGN &&
			ice_access_may_by_id(ICE_SELECT, &out->warehouse.id, &out->table_id))
			return true;
		ice_spi_result_back(result);
	}
	return false;
}
