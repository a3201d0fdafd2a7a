/*
 * audit_change.c
 *		What an administrative call changes. See audit_change.h.
 *
 * States are short, except labels and read restrictions, which have limits of their own; a row
 * leaves out what is longer than icecat.audit_details_bytes_max.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

#include "json/json.h"
#include "store/audit.h"
#include "store/audit_change.h"
#include "store/caller.h"
#include "store/policy.h"
#include "store/spi.h"

/* Functions that change rows of the catalog's own housekeeping, or only what a client reports. */
static const char *const housekeeping[] = {
	"read_events",     "report_metrics",   "rest_report_metrics", "wait_for_metadata",
	"export_metadata", "_export_metadata", "trim_idempotency",    "start_worker",
};

typedef struct Kind
{
	const char  *object_kind; /* NULL: state.object_id is the object */
	/* the member of the details that has state.text; NULL: it is the name */
	const char  *of_text;
	IceStatement find; /* $1 warehouse, $2 object, $3 role, $4 text: the state, as JSON */
} Kind;

#define FIND(what, where)                                                \
	{                                                                    \
		"SELECT (pg_catalog." what ")::text FROM icecat_data." where, 4, \
			{UUIDOID, UUIDOID, REGROLEOID, TEXTOID}, NULL                \
	}
#define OF_OBJECT "warehouse_id = $1 AND object_id = $2 "

static Kind kinds[ICE_AUDIT_KINDS] = {
	[ICE_AUDIT_TENANT] = {NULL, NULL,
						  FIND("json_build_object('name', name, 'location', location, "
							   "'maintenance', maintenance)",
							   "tenant WHERE warehouse_id = $1 AND tenant_id = $2")},
	[ICE_AUDIT_TENANT_ROLE] = {NULL, NULL,
							   FIND("json_build_object('assigned-at', assigned_at)",
									"tenant_role WHERE warehouse_id = $1 AND tenant_id = $2 "
									"AND role = $3")},
	[ICE_AUDIT_GRANT] = {NULL, "privilege",
						 FIND("json_build_object('granted-by', grantor)",
							  "access_grant WHERE " OF_OBJECT "AND role = $3 AND privilege = $4")},
	[ICE_AUDIT_QUOTA] = {NULL, "quota",
						 FIND("json_build_object('limit', most, 'inherited', inherited)",
							  "quota WHERE " OF_OBJECT "AND object_kind || '/' || resource = $4")},
	[ICE_AUDIT_CLIENT] = {"client", NULL,
						  FIND("json_build_object('role', role::text, 'disabled', disabled, "
							   "'secret-expires-at', secret_expires_at, "
							   "'previous-secret-expires-at', previous_expires_at, "
							   "'changed-at', changed_at)",
							   "client WHERE warehouse_id = $1 AND client_id = $4")},
	[ICE_AUDIT_API_KEY] = {"api-key", NULL,
						   FIND("json_build_object('name', name, 'role', role::text, "
								"'expires-at', expires_at, 'revoked-at', revoked_at)",
								"api_key WHERE warehouse_id = $1 AND prefix = $4")},
	[ICE_AUDIT_SIGNING_KEYS] = {"signing-keys", NULL,
								FIND("json_agg(pg_catalog.json_build_object('key-id', key_id, "
									 "'signs-from-at', signs_from_at, 'verifies-until-at', "
									 "verifies_until_at) ORDER BY signs_from_at, key_id)",
									 "signing_key WHERE warehouse_id = $1")},
	[ICE_AUDIT_LABELS] = {NULL, "field-id",
						  FIND("json_object_agg(name, value ORDER BY name)",
							   "label WHERE " OF_OBJECT
							   "AND field_id = coalesce($4::integer, -1)")},
	[ICE_AUDIT_RESTRICTION] = {NULL, NULL,
							   FIND("json_build_object('row-filter', row_filter, "
									"'column-masks', column_masks)",
									"read_restriction WHERE " OF_OBJECT "AND role = $3")},
	[ICE_AUDIT_ENGINE] = {"engine", NULL,
						  FIND("json_build_object('owner-property', owner_property)",
							   "trusted_engine WHERE warehouse_id = $1 AND role = $3")},
	[ICE_AUDIT_POLICY] = {NULL, "policy",
						  FIND("json_build_object('function', function::text, 'timing', timing)",
							   "commit_policy WHERE warehouse_id = $1 AND name = $4")},
	/* The revision counts changes of secrets, of which there are only the names. */
	[ICE_AUDIT_PROFILE] = {"storage-profile", NULL,
						   FIND("json_build_object('name', name, 'root', root, "
								"'options', options, 'secrets', (SELECT coalesce("
								"pg_catalog.json_agg(s.name ORDER BY s.name), '[]') "
								"FROM icecat_data.storage_secret AS s "
								"WHERE s.warehouse_id = $1 AND s.profile_id = $2), "
								"'revision', revision)",
								"storage_profile WHERE warehouse_id = $1 AND profile_id = $2")},
	[ICE_AUDIT_NAMING] = {NULL, "names-of",
						  FIND("json_build_object('pattern', pattern)",
							   "naming_rule WHERE " OF_OBJECT "AND kind = $4")},
	[ICE_AUDIT_PROTECTION] = {NULL, NULL,
							  FIND("json_build_object('set-by', set_by, 'set-at', set_at)",
								   "protection WHERE warehouse_id = $1 AND object_id = $2")},
};

/* By the ids of an object: what it is, and what it is called now. */
static IceStatement find_object = {
	"SELECT CASE WHEN r.kind IS NOT NULL THEN r.kind WHEN n.namespace_id IS NOT NULL "
	"THEN 'namespace' WHEN t.tenant_id IS NOT NULL THEN 'tenant' "
	"WHEN w.warehouse_id IS NOT NULL THEN 'warehouse' ELSE 'catalog' END, w.name, n.levels, "
	"coalesce(r.name, t.name, CASE WHEN n.namespace_id IS NULL THEN w.name END) "
	"FROM (VALUES (1)) AS o (n) "
	"LEFT JOIN icecat_data.warehouse AS w ON w.warehouse_id = $1 "
	"LEFT JOIN icecat_data.tenant AS t ON t.warehouse_id = $1 AND t.tenant_id = $2 "
	"LEFT JOIN icecat_data.relation AS r ON r.warehouse_id = $1 AND r.relation_id = $2 "
	"LEFT JOIN icecat_data.namespace AS n ON n.warehouse_id = $1 "
	"AND n.namespace_id = coalesce(r.namespace_id, $2)",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* A state that the call changes. Lives as long as the call's memory. */
typedef struct Change
{
	IceAuditKind  kind;
	IceAuditState state;
	const char   *before; /* NULL: nothing */
	IceAuditRow   row;    /* the object, as it is called before the change, if it was there */
} Change;

static const char *
find_state(const Change *change)
{
	const IceAuditState *state = &change->state;
	Datum values[4] = {UUIDPGetDatum(&state->warehouse_id), UUIDPGetDatum(&state->object_id),
					   ObjectIdGetDatum(state->role), (Datum) 0};
	char  nulls[] = "   n";

	if (state->text != NULL)
	{
		values[3] = ice_spi_cstring_datum(state->text);
		nulls[3] = ' ';
	}
	if (ice_spi_execute(&kinds[change->kind].find, values, nulls, false) == 0)
		return NULL;
	return ice_spi_field_text(0, 1);
}

static const char *
role_name(Oid role)
{
	const char *name = GetUserNameFromId(role, true);

	return name != NULL ? name : psprintf("%u", role);
}

/* What the row says of the object. */
static void
name_object(Change *change)
{
	const IceAuditState *state = &change->state;
	IceAuditRow         *row = &change->row;
	Datum values[2] = {UUIDPGetDatum(&state->warehouse_id), UUIDPGetDatum(&state->object_id)};

	row->action = state->action;
	row->warehouse_id = &state->warehouse_id;
	row->object_kind = kinds[change->kind].object_kind;
	if (row->object_kind != NULL)
	{
		row->name = OidIsValid(state->role) ? role_name(state->role) : state->text;
		row->object_id = change->kind == ICE_AUDIT_PROFILE ? &state->object_id : NULL;
		return;
	}
	row->object_id = &state->object_id;
	(void) ice_spi_execute(&find_object, values, NULL, false);
	row->object_kind = ice_spi_field_text(0, 1);
	row->warehouse = ice_spi_field_text(0, 2);
	if (!ice_spi_field_is_null(0, 3))
		row->namespace_levels = SPI_datumTransfer(ice_spi_field(0, 3), false, -1);
	row->name = ice_spi_field_text(0, 4);
}

static Change *
note(IceAuditKind kind, const IceAuditState *state)
{
	Change *change = palloc0(sizeof(Change));

	change->kind = kind;
	change->state = *state;
	*ice_caller_changed() = lappend(*ice_caller_changed(), change);
	return change;
}

void
ice_audit_change_begin(IceAuditKind kind, const IceAuditState *state)
{
	Change *change;

	if (!ice_audit_is_on())
		return;
	change = note(kind, state);
	change->before = find_state(change);
	name_object(change);
}

void
ice_audit_change_made(IceAuditKind kind, const IceAuditState *state)
{
	if (ice_audit_is_on())
		name_object(note(kind, state));
}

/* Which of the object's states it is. */
static const char *
about(const Change *change)
{
	const Kind    *kind = &kinds[change->kind];
	StringInfoData out;

	initStringInfo(&out);
	if (OidIsValid(change->state.role) && kind->object_kind == NULL)
	{
		appendStringInfoString(&out, "\"role\":");
		ice_json_escape(&out, role_name(change->state.role));
		appendStringInfoChar(&out, ',');
	}
	if (kind->of_text != NULL && change->state.text != NULL)
	{
		appendStringInfo(&out, "\"%s\":", kind->of_text);
		ice_json_escape(&out, change->state.text);
		appendStringInfoChar(&out, ',');
	}
	return out.data;
}

const char *
ice_audit_change_details(const char *about, const char *before, const char *after)
{
	return psprintf("{%s\"before\":%s,\"after\":%s}", about, before != NULL ? before : "null",
					after != NULL ? after : "null");
}

static bool
same(const char *a, const char *b)
{
	return (a == NULL || b == NULL) ? a == b : strcmp(a, b) == 0;
}

/* Writes a row for each state that has changed. */
static void
write_changes(void)
{
	List           *changes = *ice_caller_changed();
	const ListCell *cell;

	*ice_caller_changed() = NIL;
	foreach (cell, changes)
	{
		Change     *change = lfirst(cell);
		const char *after;

		CHECK_FOR_INTERRUPTS();
		after = find_state(change);
		if (same(change->before, after))
			continue;
		change->row.details = ice_audit_change_details(about(change), change->before, after);
		ice_audit_insert(&change->row);
	}
}

/* A call has changed rows. If neither it nor an event has said what, its name is written. */
static void
end_of_call(void)
{
	const char *name = get_func_name(ice_caller_function());

	ice_policy_require_none();
	write_changes();
	if (ice_caller_is_recorded())
		return;
	for (size_t i = 0; name != NULL && i < lengthof(housekeeping); i++)
		if (strcmp(name, housekeeping[i]) == 0)
			return;
	ice_audit_insert(&(IceAuditRow){.action = NULL});
}

void
ice_audit_change_init(void)
{
	ice_caller_on_end(end_of_call);
}
