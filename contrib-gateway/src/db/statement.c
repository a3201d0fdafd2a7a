/*
 * statement.c
 *		Statements, and those that every connection needs; see statement.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "db/statement.h"

#include <assert.h>
#include <stddef.h>

/* PostgreSQL 17 added it: an unknown name would be an error. */
#define NO_TRANSACTION_TIMEOUT(local)                                                       \
	", CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL THEN " \
	"pg_catalog.set_config('transaction_timeout', '0', " local ") END"

static const char settings_sql[] = "SELECT 1"
#define GW_SESSION_SETTING(name, value) ", pg_catalog.set_config('" name "', " value ", false)"
#define GW_SESSION_DEFAULT(name, value) ", pg_catalog.set_config('" name "', " value ", false)"
#include "db/session_settings.def"
	NO_TRANSACTION_TIMEOUT("false");

static const char local_settings_sql[] = "SELECT 1"
#define GW_SESSION_SETTING(name, value) ", pg_catalog.set_config('" name "', " value ", true)"
#include "db/session_settings.def"
	NO_TRANSACTION_TIMEOUT("true");

/* Lines that session.c reads. $1 the role, or '' for the login role; $2 names of functions. Nothing
 * here needs the extension, or a right. */
static const char probe_sql[] =
	"WITH role AS (SELECT CASE WHEN $1 = '' THEN current_user::pg_catalog.text ELSE $1 END AS "
	"name), "
	"known AS (SELECT r.rolname, pg_catalog.pg_has_role(r.oid, 'MEMBER') AS mine FROM "
	"pg_catalog.pg_roles AS r "
	"WHERE r.rolname = (SELECT name FROM role)), "
	"found AS (SELECT p.proname AS name, "
	"pg_catalog.bool_or(pg_catalog.has_function_privilege(k.rolname, p.oid, "
	"'EXECUTE')) AS granted FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_proc AS p ON "
	"p.pronamespace = n.oid "
	"LEFT JOIN known AS k ON true WHERE n.nspname = 'icecat' AND p.proname = ANY "
	"($2::pg_catalog.text[]) GROUP BY 1) "
	"SELECT pg_catalog.concat_ws(pg_catalog.chr(10), pg_catalog.pg_backend_pid(), "
	"pg_catalog.pg_is_in_recovery(), "
	"coalesce((SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'icecat'), ''), "
	"(SELECT name FROM role), EXISTS (SELECT FROM known), coalesce((SELECT mine FROM known), "
	"false), "
	"coalesce((SELECT pg_catalog.has_schema_privilege(k.rolname, n.oid, 'USAGE') FROM "
	"pg_catalog.pg_namespace AS n, known AS k "
	"WHERE n.nspname = 'icecat'), false), "
	"(SELECT ',' || pg_catalog.string_agg(name, ',') || ',' FROM found), "
	"coalesce((SELECT ',' || pg_catalog.string_agg(name, ',') || ',' FROM found WHERE granted), "
	"''))";

static const GwStatement own[GW_STATEMENT_FIRST] = {
	[GW_STATEMENT_ROLE] = {.name = "icecat_role",
						   .sql = "SELECT pg_catalog.set_config('role', $1, true)"},
	[GW_STATEMENT_IDENTITY] = {.name = "icecat_identity",
							   .sql = "SELECT pg_catalog.set_config('icecat.principal', $2, true), "
									  "pg_catalog.set_config('role', $1, true)"},
	[GW_STATEMENT_START_WORKER] = {.name = "icecat_start_worker",
								   .sql = "SELECT icecat.start_worker()"},
	[GW_STATEMENT_ANSWER_MAX] =
		{.name = "icecat_answer_max",
		 .sql = "SELECT pg_catalog.set_config('icecat.answer_bytes_max', $1, false)"},
	[GW_STATEMENT_PROBE] = {.name = "icecat_probe", .sql = probe_sql},
	[GW_STATEMENT_SETTINGS] = {.name = "icecat_settings", .sql = settings_sql},
	/* The only form that neither needs a snapshot, which would fix the level, nor warns outside of
	 * BEGIN. It holds for this transaction alone, as any. */
	[GW_STATEMENT_ISOLATION] = {.name = "icecat_isolation",
								.sql = "SET transaction_isolation = 'read committed'"},
	[GW_STATEMENT_READ_WRITE] = {.name = "icecat_read_write",
								 .sql = "SET transaction_read_only = off"},
	[GW_STATEMENT_LOCAL_SETTINGS] = {.name = "icecat_local_settings", .sql = local_settings_sql},
};

/* The owner's statement of that number, or one of ours. */
const GwStatement *
gw_statement_at(const GwStatements *statements, int number)
{
	assert(number >= 0 && number < gw_statement_count(statements));
	return number < GW_STATEMENT_FIRST ? &own[number]
									   : &statements->list[number - GW_STATEMENT_FIRST];
}

int
gw_statement_count(const GwStatements *statements)
{
	return GW_STATEMENT_FIRST + statements->count;
}

const char *
gw_statement_sql(const GwStatement *statement, GwRelease release)
{
	return release == GW_RELEASE_OLD ? statement->old_sql : statement->sql;
}
