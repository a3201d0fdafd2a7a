/*
 * statements.c
 *		The statements of the catalog; see statements.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/statements.h"

#include <stddef.h>

#define AT(number)   ((number) -GW_STATEMENT_FIRST)
#define WRITES_READ  false
#define WRITES_WRITE true

#define STORES_SHOWN "200"
/* As a label of Prometheus is written. */
#define LABEL(text)                                                                           \
	"pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(" text ", pg_catalog.chr(92), " \
	"pg_catalog.repeat(pg_catalog.chr(92), 2)), '\"', pg_catalog.chr(92) || '\"'), "          \
	"pg_catalog.chr(10), pg_catalog.chr(92) || 'n')"
#define WORKER_LINES                                                                \
	"SELECT c.key AS name, '' AS profile, CASE WHEN c.key = 'pid' THEN 'running ' " \
	"|| (c.value IS NOT NULL)::integer "                                            \
	"WHEN c.key IN ('last_error', 'storage_problems', 'worker_error') "             \
	"THEN c.key || ' ' || (c.value IS NOT NULL)::integer "                          \
	"ELSE c.key || ' ' || coalesce(c.value, '0') END AS line "                      \
	"FROM icecat.worker_status() AS w, "                                            \
	"pg_catalog.json_each_text(pg_catalog.row_to_json(w)) AS c WHERE c.key <> 'state'"

/* clang-format off */
static const GwStatement list[AT(GW_STATEMENT_END)] = {
#define GW_ROUTE(method, template, operation_id, access, answer, flags, text, ...)                \
	[GW_ROUTE_##operation_id].name = "icecat_" #operation_id,                                     \
	[GW_ROUTE_##operation_id].sql = text,                                                         \
	[GW_ROUTE_##operation_id].operation = true,                                                   \
	[GW_ROUTE_##operation_id].writes = WRITES_##access,
#include "routes.def"
#define GW_PIECES(operation_id, text, ...)                                                        \
	[AT(GW_STATEMENT_PIECES_OF(GW_ROUTE_##operation_id))] = {                                     \
		.name = "icecat_pieces_" #operation_id, .sql = text},
#include "routes.def"
#define GW_GROUP(operation_id, text)                                                              \
	[AT(GW_STATEMENT_GROUP_OF(GW_ROUTE_##operation_id))] = {                                      \
		.name = "icecat_group_" #operation_id, .sql = text, .operation = true, .writes = true},
#include "routes.def"
#define GW_OLD_ROUTE(operation_id, text)                                                          \
	[GW_ROUTE_##operation_id].old_name = "icecat_old_" #operation_id,                             \
	[GW_ROUTE_##operation_id].old_sql = text,
#include "catalog/routes_old.def"
	[AT(GW_STATEMENT_REQUEST_ID)] = {.name = "icecat_request_id",
		.sql = "SELECT CASE WHEN $1::pg_catalog.text IS NOT NULL THEN "
			   "pg_catalog.set_config('application_name', $1, true) END, "
			   "pg_catalog.set_config('icecat.request_id', $2, true), "
			   "pg_catalog.set_config('icecat.client_address', $3, true)",
		.old_name = "icecat_old_request_id",
		.old_sql = "SELECT CASE WHEN $1::pg_catalog.text IS NOT NULL THEN "
				   "pg_catalog.set_config('application_name', $1, true) END, "
				   "$2::pg_catalog.text, $3::pg_catalog.text"},
	[AT(GW_STATEMENT_KEY)] = {.name = "icecat_key",
		.sql = "SELECT pg_catalog.set_config('icecat.idempotency_key', $1, true)"},
	[AT(GW_STATEMENT_KEY_ERROR)] = {.name = "icecat_key_error",
		.sql = "SELECT pg_catalog.set_config('icecat.idempotency_error', $1, true)"},
	[AT(GW_STATEMENT_DEDUPLICATE)] = {.name = "icecat_deduplicate",
		.sql = "SELECT pg_catalog.set_config('icecat.deduplicate', 'on', true)"},
	[AT(GW_STATEMENT_CONFIG_PREFIX)] = {.name = "icecat_config_prefix",
		.sql = "SELECT pg_catalog.set_config('icecat.config_prefix', $1, true)"},
	[AT(GW_STATEMENT_DELEGATION)] = {.name = "icecat_delegation",
		.sql = "SELECT pg_catalog.set_config('icecat.access_delegation', coalesce($1, ''), true), "
			   "pg_catalog.set_config('icecat.access_delegation_wait', $2, true)",
		.old_name = "icecat_old_delegation",
		.old_sql = "SELECT $1::pg_catalog.text, $2::pg_catalog.text"},
	[AT(GW_STATEMENT_MAINTENANCE)] = {.name = "icecat_maintenance",
		.sql = "SELECT pg_catalog.set_config('icecat.maintenance', 'on', true)"},
	[AT(GW_STATEMENT_WORKER)] = {.name = "icecat_worker",
		.sql = "SELECT pg_catalog.string_agg(l.line, pg_catalog.chr(10) ORDER BY l.name, "
			   "l.profile) FROM (" WORKER_LINES " UNION ALL SELECT c.key, s.storage_profile, "
			   "'store ' || c.key || ' ' || coalesce(c.value, '0') || ' ' || "
			   LABEL("s.storage_profile") " FROM (SELECT * FROM icecat.storage_status() "
			   "LIMIT " STORES_SHOWN ") AS s, "
			   "pg_catalog.json_each_text(pg_catalog.row_to_json(s)) AS c "
			   "WHERE c.key NOT IN ('storage_profile', 'last_error')) AS l",
		.old_name = "icecat_old_worker",
		.old_sql = "SELECT pg_catalog.string_agg(l.line, pg_catalog.chr(10)) "
				   "FROM (" WORKER_LINES ") AS l"},
	[AT(GW_STATEMENT_LOCAL_TIMEOUT)] = {.name = "icecat_local_timeout",
		.sql = "SELECT pg_catalog.set_config('statement_timeout', $1, true)"},
	[AT(GW_STATEMENT_LISTEN_FILES)] = {.name = "icecat_listen_files",
		.sql = "SELECT icecat._listen_files()"},
	[AT(GW_STATEMENT_QUEUED_FILES)] = {.name = "icecat_queued_files",
		.sql = "SELECT icecat._queued_files($1)"},
	[AT(GW_STATEMENT_AUDIT)] = {.name = "icecat_audit",
		.sql = "SELECT icecat._audit_refused($1::pg_catalog.json)"},
	[AT(GW_STATEMENT_PRINCIPAL_ROLE)] = {.name = "icecat_principal_role",
		.sql = "SELECT icecat._principal_role($1, $2::pg_catalog.json)",
		.operation = true},
	[AT(GW_STATEMENT_CREDENTIAL)] = {.name = "icecat_credential",
		.sql = "SELECT icecat._credential($1, $2, $3)",
		.operation = true},
	[AT(GW_STATEMENT_SIGNING_KEYS)] = {.name = "icecat_signing_keys",
		.sql = "SELECT icecat._signing_keys()",
		.operation = true},
	[AT(GW_STATEMENT_MAKE_SIGNING_KEY)] = {.name = "icecat_make_signing_key",
		.sql = "SELECT icecat._make_signing_key()"},
	[AT(GW_STATEMENT_RATES)] = {.name = "icecat_rates",
		.sql = "SELECT icecat._rates(ARRAY(SELECT r.value FROM "
			   "pg_catalog.json_array_elements_text($1::pg_catalog.json) "
			   "WITH ORDINALITY AS r (value, place) ORDER BY r.place))",
		.operation = true},
	[AT(GW_STATEMENT_EVENT_FEED)] = {.name = "icecat_event_feed",
		.sql = "SELECT icecat._event_feed($1::pg_catalog.uuid, $2::pg_catalog.int8, "
			   "$3::pg_catalog.int4, "
			   "ARRAY(SELECT r.value FROM pg_catalog.json_array_elements_text($4::pg_catalog.json) "
			   "WITH ORDINALITY AS r (value, place) ORDER BY r.place))",
		.operation = true},
};
/* clang-format on */

const GwStatements gw_statements = {list, AT(GW_STATEMENT_END)};
