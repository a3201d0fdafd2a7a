/*
 * api_profile.c
 *		SQL entries of storage profiles: made, changed, dropped.
 *
 * A profile of a tenant is managed by those who manage the tenant, one of none by those who manage
 * the catalog. The server goes where a profile says, with what the server has: so only the owner
 * of the extension may choose a login as what the server runs on, a file, a private address, or an
 * endpoint that icecat.store_endpoints_allowed does not have.
 *
 * Secrets are in no message, and are encrypted before they are a parameter of a statement. The
 * statement that brought them is not shown any more, from here on, to those who look at sessions.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "api/args.h"
#include "api/validate_profile.h"
#include "commit/tenant_root.h"
#include "errors.h"
#include "guc.h"
#include "storage/storage.h"
#include "store/audit_change.h"
#include "store/store_profile.h"

PG_FUNCTION_INFO_V1(sql_ice_create_storage_profile);
PG_FUNCTION_INFO_V1(sql_ice_alter_storage_profile);
PG_FUNCTION_INFO_V1(sql_ice_drop_storage_profile);
PG_FUNCTION_INFO_V1(sql_ice_rotate_storage_secrets);
PG_FUNCTION_INFO_V1(sql_ice_validate_storage_profile);

/* Takes the text of the statement out of pg_stat_activity, and out of what the log says of an
 * error. What log_statement has written is written. */
static void
hide_statement(void)
{
	static const char *const hidden = "<a storage profile is being written>";

	debug_query_string = hidden;
	pgstat_report_activity(STATE_RUNNING, hidden);
}

static bool
is_nil(const pg_uuid_t *id)
{
	static const pg_uuid_t nil = {{0}};

	return memcmp(id, &nil, UUID_LEN) == 0;
}

static void
require_manage(const IceProfileRow *row)
{
	IceTenant tenant;

	if (is_nil(&row->tenant_id))
		ice_access_require(ICE_MANAGE, (IceObject){.warehouse_id = NULL}, "the catalog", NULL,
						   NULL);
	else
		ice_access_require_tenant(ICE_MANAGE, &row->tenant_id,
								  ice_tenant_by_id(&row->tenant_id, &tenant) ? tenant.name : "");
}

static void
get_profile(FunctionCallInfo fcinfo, bool for_update, IceProfileRow *out)
{
	const char *name = ice_arg_text(fcinfo, 0, "name");

	if (!ice_profile_find(name, for_update, out))
		ice_raise(ICE_ERR_NO_SUCH_PROFILE, "Storage profile does not exist: %s", name);
}

/* -- what options may say ---------------------------------------------------------------------- */

/* Addresses at which clouds tell their machines of credentials. (The names that lead to them are
 * caught when the server connects.) */
static bool
is_metadata_host(const char *host)
{
	static const char *const hosts[] = {
		"metadata.google.internal", "metadata.goog",  "metadata", "instance-data",
		"100.100.100.200",          "[fd00:ec2::254]"};

	for (size_t i = 0; i < lengthof(hosts); i++)
		if (strcmp(host, hosts[i]) == 0)
			return true;
	return strncmp(host, "169.254.", 8) == 0 || strncmp(host, "[fe80:", 6) == 0;
}

/* Does an entry of icecat.store_endpoints_allowed mean a host and port? "*." stands for any
 * names before a domain. */
static bool
allows(const char *entry, const char *place)
{
	size_t rest = strlen(entry) - 1;
	size_t len = strlen(place);

	if (strncmp(entry, "*.", 2) != 0)
		return pg_strcasecmp(entry, place) == 0;
	return len > rest && pg_strcasecmp(place + len - rest, entry + 1) == 0;
}

static bool
is_allowed_host(const char *host, int port)
{
	const char *place = port > 0 ? psprintf("%s:%d", host, port) : host;
	List       *entries;
	ListCell   *cell;

	if (!SplitGUCList(pstrdup(ice_guc_store_endpoints_allowed), ',', &entries))
		return false;
	foreach (cell, entries)
		if (*(char *) lfirst(cell) != '\0' && allows(lfirst(cell), place))
			return true;
	return false;
}

static void
check_host(const char *host, int port)
{
	if (is_metadata_host(host))
		ice_raise(ICE_ERR_FORBIDDEN, "Not an endpoint of a store: %s", host);
	if (!ice_caller().owns && !is_allowed_host(host, port))
		ice_raise_full(ICE_ERR_FORBIDDEN, psprintf("Endpoint is not allowed: %s", host),
					   "icecat.store_endpoints_allowed does not have its host, and port.", NULL);
}

/* A storage account's host comes with the root. Microsoft's own need not be allowed. */
static void
check_account_host(const char *host)
{
	static const char *const domains[] = {"*.dfs.core.windows.net", "*.blob.core.windows.net",
										  "*.dfs.fabric.microsoft.com",
										  "*.blob.fabric.microsoft.com"};

	for (size_t i = 0; i < lengthof(domains); i++)
		if (allows(domains[i], host))
			return;
	check_host(host, 0);
}

static void
check_hosts(const IceStorageProfile *profile)
{
	const char *endpoints[] = {profile->endpoint, profile->endpoint_external, profile->endpoint_sts,
							   profile->token_uri, profile->authority};
	const char *at = strchr(profile->root, '@');
	char       *host;
	int         port;

	for (size_t i = 0; i < lengthof(endpoints); i++)
		if (endpoints[i] != NULL && ice_profile_endpoint(endpoints[i], &host, &port))
			check_host(host, port);
	if (profile->kind != ICE_STORE_ADLS)
		return;
	if (at != NULL)
		check_account_host(pnstrdup(at + 1, strcspn(at + 1, "/")));
	if (profile->account_host != NULL)
		check_account_host(profile->account_host);
}

/* Raises BAD_REQUEST for names that the kind of store does not have, and values that are no texts,
 * and FORBIDDEN for what only the owner may set. */
static void
check_names(const IceJson *object, IceStoreKind kind, bool secret)
{
	for (int i = 0; object != NULL && i < object->count; i++)
	{
		const IceJsonMember    *member = &object->members[i];
		const IceProfileOption *option = ice_profile_option(kind, member->key);
		IceJsonKind             value = member->value->kind;

		if (option == NULL || (option->type == ICE_PROFILE_SECRET) != secret)
			ice_raise_full(ICE_ERR_BAD_REQUEST,
						   psprintf("No such %s of a storage profile of this kind: %s",
									secret ? "secret" : "option", member->key),
						   option == NULL ? NULL
						   : secret       ? "It is an option."
										  : "It is a secret.",
						   NULL);
		if (value == ICE_JSON_ARRAY || value == ICE_JSON_OBJECT ||
			(secret && value != ICE_JSON_STRING && value != ICE_JSON_NULL))
			ice_raise(ICE_ERR_BAD_REQUEST, "Not a text: option %s of a storage profile",
					  member->key);
		if (option->guarded && !ice_caller().owns)
			ice_raise(ICE_ERR_FORBIDDEN,
					  "Only the owner of extension icecat sets option %s of a storage profile",
					  member->key);
	}
}

/* Raises unless the caller may have a profile with these options, and all of its secrets. */
static void
check_profile(const IceProfileRow *row, const IceJson *secrets)
{
	IceStorageProfile *profile = ice_profile_of_texts(row, secrets);
	const char        *problem = ice_profile_problem(profile);

	if (problem != NULL)
		ice_raise_full(ICE_ERR_BAD_REQUEST, "The storage profile is not complete", problem, NULL);
	if (ice_profile_is_ambient(profile) && !ice_caller().owns)
		ice_raise(ICE_ERR_FORBIDDEN, "Only the owner of extension icecat makes storage profiles "
									 "that log in as what the server runs on");
	check_hosts(profile);
	ice_profile_forget(profile);
}

static IceJson *
arg_object(FunctionCallInfo fcinfo, int n, const char *name)
{
	IceJson *value = ice_arg_opt_json(fcinfo, n);

	if (value == NULL || value->kind == ICE_JSON_NULL)
		return NULL;
	if (value->kind != ICE_JSON_OBJECT)
		ice_raise(ICE_ERR_BAD_REQUEST, "Not a JSON object: %s", name);
	return value;
}

/* -- audit ------------------------------------------------------------------------------------- */

/* What is changed, for the audit log. */
static IceAuditState
state_of(const IceProfileRow *row)
{
	return (IceAuditState){.object_id = row->id, .text = row->name};
}

/* -- functions --------------------------------------------------------------------------------- */

/* The canonical root that a new profile may have. */
static const char *
arg_root(FunctionCallInfo fcinfo, const IceProfileRow *row)
{
	const char *root = ice_storage_spelling(ice_arg_text(fcinfo, 1, "root"));
	IceTenant   tenant;
	bool        of_tenant = !is_nil(&row->tenant_id);

	ice_profile_check_root(root);
	if (ice_profile_kind(root) == ICE_STORE_FILE)
		(void) ice_storage_checked(root, NULL);
	if (of_tenant && !ice_tenant_by_id(&row->tenant_id, &tenant))
		ice_raise(ICE_ERR_FORBIDDEN, "Not allowed: the tenant is being dropped");
	ice_tenant_root_check_tenant(of_tenant ? &tenant : NULL, root);
	return root;
}

Datum
sql_ice_create_storage_profile(PG_FUNCTION_ARGS)
{
	IceProfileRow row;
	IceAuditState state;
	IceJson      *options;
	IceJson      *secrets;
	IceStoreKind  kind;

	hide_statement();
	(void) ice_caller_begin(fcinfo);
	ice_profile_of_new(ice_arg_text(fcinfo, 0, "name"), &row);
	require_manage(&row);
	row.root = arg_root(fcinfo, &row);
	kind = (IceStoreKind) ice_profile_kind(row.root);
	options = arg_object(fcinfo, 2, "options");
	secrets = arg_object(fcinfo, 3, "secrets");
	check_names(options, kind, false);
	check_names(secrets, kind, true);
	row.options = options != NULL ? ice_json_text(options) : "{}";
	row.id = (pg_uuid_t){{0}};
	row.revision = 1;
	check_profile(&row, secrets);
	if (!ice_profile_insert(&row))
		ice_raise(ICE_ERR_ALREADY_EXISTS, "Storage profile already exists: %s", row.name);
	if (secrets != NULL)
		ice_profile_put_secrets(&row.id, secrets);
	state = state_of(&row);
	ice_audit_change_made(ICE_AUDIT_PROFILE, &state);
	ice_caller_end();
	PG_RETURN_VOID();
}

/* An object with the members of another one over its own; those that are null there go. */
static IceJson *
merge(IceJson *object, const IceJson *over)
{
	if (object == NULL)
		object = ice_json_make_object();
	for (int i = 0; over != NULL && i < over->count; i++)
	{
		const IceJsonMember *member = &over->members[i];

		if (member->value->kind == ICE_JSON_NULL)
			(void) ice_json_remove(object, member->key);
		else
			ice_json_set(object, member->key, ice_json_copy(member->value));
	}
	return object;
}

/* A secret that is sent as it is goes only where it was given for. */
static void
check_authority(const IceJson *options, const IceJson *kept, const IceJson *given)
{
	if (options == NULL || ice_json_member(options, "authority") == NULL || kept == NULL ||
		ice_json_get(kept, "client-secret") == NULL ||
		(given != NULL && ice_json_member(given, "client-secret") != NULL))
		return;
	ice_raise_full(ICE_ERR_BAD_REQUEST,
				   "The authority of a storage profile is changed together "
				   "with its client-secret",
				   "The secret is sent to the authority: give it once more.", NULL);
}

Datum
sql_ice_alter_storage_profile(PG_FUNCTION_ARGS)
{
	IceProfileRow row;
	IceProfileRow renamed;
	IceAuditState state;
	const char   *new_name;
	IceJson      *options;
	IceJson      *secrets;
	IceJson      *kept;
	IceStoreKind  kind;

	hide_statement();
	(void) ice_caller_begin(fcinfo);
	get_profile(fcinfo, true, &row);
	require_manage(&row);
	kind = (IceStoreKind) ice_profile_kind(row.root);
	new_name = ice_arg_opt_text(fcinfo, 1);
	options = arg_object(fcinfo, 2, "options");
	secrets = arg_object(fcinfo, 3, "secrets");
	check_names(options, kind, false);
	check_names(secrets, kind, true);
	state = state_of(&row);
	ice_audit_change_begin(ICE_AUDIT_PROFILE, &state);
	if (new_name != NULL)
	{
		ice_profile_of_new(new_name, &renamed);
		if (memcmp(&renamed.tenant_id, &row.tenant_id, UUID_LEN) != 0)
			ice_raise(ICE_ERR_BAD_REQUEST, "A storage profile stays with its tenant, or with none");
		row.name = renamed.name;
	}
	row.options = ice_json_text(
		merge(ice_json_parse(row.options, strlen(row.options), ICE_JSON_DEPTH_STORED), options));
	kept = ice_profile_secrets(&row.id);
	check_authority(options, kept, secrets);
	check_profile(&row, merge(kept, secrets));
	if (!ice_profile_update(&row))
		ice_raise(ICE_ERR_ALREADY_EXISTS, "Storage profile already exists: %s", row.name);
	if (secrets != NULL)
		ice_profile_put_secrets(&row.id, secrets);
	ice_caller_end();
	PG_RETURN_VOID();
}

Datum
sql_ice_drop_storage_profile(PG_FUNCTION_ARGS)
{
	IceProfileRow row;
	IceAuditState state;
	int64         count;

	(void) ice_caller_begin(fcinfo);
	get_profile(fcinfo, true, &row);
	require_manage(&row);
	count = ice_profile_count_warehouses(&row.id);
	if (count > 0)
		ice_raise(ICE_ERR_PROFILE_IN_USE,
				  "Storage profile %s is in use by " INT64_FORMAT " warehouse(s).", row.name,
				  count);
	state = state_of(&row);
	ice_audit_change_begin(ICE_AUDIT_PROFILE, &state);
	ice_profile_delete(&row.id);
	ice_caller_end();
	PG_RETURN_VOID();
}

Datum
sql_ice_rotate_storage_secrets(PG_FUNCTION_ARGS)
{
	int64 count;

	(void) ice_caller_begin(fcinfo);
	if (!ice_caller().owns)
		ice_raise(ICE_ERR_FORBIDDEN, "Only the owner of extension icecat, or a superuser, encrypts "
									 "secrets again");
	count = ice_profile_rotate_secrets();
	ice_caller_end();
	PG_RETURN_INT64(count);
}

/* One row for each step. */
Datum
sql_ice_validate_storage_profile(PG_FUNCTION_ARGS)
{
	ReturnSetInfo           *result = (ReturnSetInfo *) fcinfo->resultinfo;
	IceProfileStep           steps[ICE_VALIDATE_PROFILE_STEPS];
	IceProfileRow            row;
	int                      count;
	const IceStorageProfile *profile;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	(void) ice_caller_begin(fcinfo);
	get_profile(fcinfo, false, &row);
	require_manage(&row);
	profile = ice_profile_open(&row);
	count = ice_validate_profile_run(
		profile, profile->role_arn != NULL || ice_profile_is_vended_from(&row.id), steps);
	for (int i = 0; i < count; i++)
	{
		bool  failed = steps[i].error != NULL;
		Datum values[4] = {CStringGetTextDatum(steps[i].name), BoolGetDatum(!failed),
						   failed ? CStringGetTextDatum(steps[i].error) : (Datum) 0,
						   Float8GetDatum((double) steps[i].took_us / 1000)};
		bool  nulls[4] = {false, !steps[i].was_tried, !failed, !steps[i].was_tried};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	ice_caller_end();
	return (Datum) 0;
}
