/*
 * case_mode.c
 *		Whether case matters in the names of a warehouse; see case_mode.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"

#include "errors.h"
#include "guc.h"
#include "json/json.h"
#include "spec/case_fold.h"
#include "store/case_mode.h"

static IceStatement find_mode = {
	"SELECT properties FROM icecat_data.warehouse WHERE warehouse_id = $1", 1, {UUIDOID}, NULL};

static IceStatement find_spelling = {
	"SELECT r.name FROM icecat_data.relation r WHERE r.warehouse_id = $1 AND r.namespace_id = "
	"(SELECT n.namespace_id FROM icecat_data.namespace n "
	"WHERE n.warehouse_id = $1 AND n.path_hash = $2) "
	"AND r.name_key = $3 AND r.name_key IS NOT NULL AND r.dropped_at IS NULL",
	3,
	{UUIDOID, BYTEAOID, TEXTOID},
	NULL};

static IceStatement find_levels = {
	"SELECT levels FROM icecat_data.namespace WHERE warehouse_id = $1 AND namespace_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement lock_namespaces = {
	"SELECT namespace_id FROM icecat_data.namespace WHERE warehouse_id = $1 "
	"ORDER BY namespace_id FOR UPDATE",
	1,
	{UUIDOID},
	NULL};

static IceStatement same_namespaces = {
	"SELECT pg_catalog.min(d.path), pg_catalog.max(d.path) FROM icecat_data.namespace AS n, "
	"LATERAL (SELECT pg_catalog.array_to_string(n.levels, '.') COLLATE \"C\" AS path) AS d "
	"WHERE n.warehouse_id = $1 GROUP BY icecat.case_key(n.levels::pg_catalog.text) "
	"HAVING pg_catalog.count(*) > 1 ORDER BY 1 LIMIT 1",
	1,
	{UUIDOID},
	NULL};

static IceStatement same_relations = {
	"SELECT pg_catalog.min(d.path), pg_catalog.max(d.path) FROM icecat_data.relation AS r "
	"JOIN icecat_data.namespace AS n ON n.warehouse_id = r.warehouse_id "
	"AND n.namespace_id = r.namespace_id, LATERAL (SELECT pg_catalog.array_to_string("
	"n.levels || r.name, '.') COLLATE \"C\" AS path) AS d "
	"WHERE r.warehouse_id = $1 AND r.dropped_at IS NULL "
	"GROUP BY r.namespace_id, icecat.case_key(r.name) "
	"HAVING pg_catalog.count(*) > 1 ORDER BY 1 LIMIT 1",
	1,
	{UUIDOID},
	NULL};

static IceStatement set_keys = {
	"UPDATE icecat_data.relation SET name_key = CASE WHEN $2 THEN icecat.case_key(name) END "
	"WHERE warehouse_id = $1 AND dropped_at IS NULL",
	2,
	{UUIDOID, BOOLOID},
	NULL};

static IceStatement set_hashes = {
	"UPDATE icecat_data.namespace SET path_hash = pg_catalog.sha256((SELECT pg_catalog.string_agg("
	"pg_catalog.convert_to(CASE WHEN $2 THEN icecat.case_key(l.level) ELSE l.level END, 'UTF8') "
	"|| '\\x00'::pg_catalog.bytea, ''::pg_catalog.bytea ORDER BY l.place) "
	"FROM pg_catalog.unnest(levels) WITH ORDINALITY AS l (level, place))) WHERE warehouse_id = $1",
	2,
	{UUIDOID, BOOLOID},
	NULL};

/* The warehouse that this session has read last, and its mode: a call begins by reading its
 * warehouse. */
static pg_uuid_t remembered_id;
static bool      remembered_folds;

bool
ice_case_mode_folds(const char *properties)
{
	const char *mode;

	if (strstr(properties, "case") == NULL)
		return false;
	mode =
		ice_json_opt_string(ice_json_parse(properties, strlen(properties), ice_guc_json_depth_max),
							ICE_CASE_MODE_PROPERTY);
	return mode != NULL && strcmp(mode, "insensitive") == 0;
}

void
ice_case_mode_remember(const pg_uuid_t *warehouse_id, const char *properties)
{
	remembered_id = *warehouse_id;
	remembered_folds = ice_case_mode_folds(properties);
}

bool
ice_case_mode_folds_of(const pg_uuid_t *warehouse_id)
{
	Datum values[1] = {UUIDPGetDatum(warehouse_id)};

	if (memcmp(warehouse_id, &remembered_id, UUID_LEN) != 0)
	{
		if (ice_spi_read(&find_mode, values, true) == 0)
			return false;
		ice_case_mode_remember(warehouse_id, ice_spi_field_text(0, 1));
	}
	return remembered_folds;
}

bool
ice_case_mode_folds_now(const pg_uuid_t *warehouse_id)
{
	Datum values[1] = {UUIDPGetDatum(warehouse_id)};

	return ice_spi_read_latest(&find_mode, values) > 0 &&
		   ice_case_mode_folds(ice_spi_field_text(0, 1));
}

bool
ice_case_mode_same(const pg_uuid_t *warehouse_id, const char *a, const char *b)
{
	return strcmp(a, b) == 0 || (ice_case_mode_folds_of(warehouse_id) &&
								 strcmp(ice_case_fold(a), ice_case_fold(b)) == 0);
}

bool
ice_case_mode_respell(const pg_uuid_t *warehouse_id, const IceNamespacePath *path, const char *name,
					  bool read_only, Datum *values)
{
	if (!ice_case_mode_folds_of(warehouse_id))
		return false;
	values[0] = UUIDPGetDatum(warehouse_id);
	values[1] = PointerGetDatum(ice_namespace_path_folded_hash(path));
	values[2] = ice_spi_cstring_datum(ice_case_fold(name));
	if (ice_spi_execute(&find_spelling, values, NULL, read_only) == 0)
		return false;
	values[2] = ice_spi_cstring_datum(ice_spi_field_text(0, 1));
	return true;
}

void
ice_case_mode_respell_path(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
						   bool read_only, IceNamespacePath *path)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(namespace_id)};

	if (ice_case_mode_folds_of(warehouse_id) &&
		ice_spi_execute(&find_levels, values, NULL, read_only) > 0)
		ice_namespace_path(DatumGetArrayTypeP(ice_spi_field(0, 1)), path);
}

/* Raises if the statement finds two that would be one. */
static void
check_distinct(IceStatement *statement, const char *what, const pg_uuid_t *warehouse_id,
			   const char *warehouse_name)
{
	Datum values[1] = {UUIDPGetDatum(warehouse_id)};

	if (ice_spi_execute_latest(statement, values) > 0)
		ice_raise(ICE_ERR_ALREADY_EXISTS,
				  "Warehouse %s cannot become case-insensitive: %s %s and %s differ only by case",
				  warehouse_name, what, ice_spi_field_text(0, 1), ice_spi_field_text(0, 2));
}

void
ice_case_mode_convert(const pg_uuid_t *warehouse_id, const char *warehouse_name, bool folds)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), BoolGetDatum(folds)};

	/* An older snapshot would leave out names that were made since. */
	if (IsolationUsesXactSnapshot())
		ice_raise(ICE_ERR_BAD_REQUEST, "%s can be changed at isolation level READ COMMITTED only",
				  ICE_CASE_MODE_PROPERTY);
	(void) ice_spi_execute_waiting(&lock_namespaces, values, NULL);
	if (folds)
	{
		check_distinct(&same_namespaces, "namespaces", warehouse_id, warehouse_name);
		check_distinct(&same_relations, "tables or views", warehouse_id, warehouse_name);
	}
	(void) ice_spi_execute(&set_keys, values, NULL, false);
	(void) ice_spi_execute(&set_hashes, values, NULL, false);
}
