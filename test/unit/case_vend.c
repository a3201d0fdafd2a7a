/*
 * case_vend.c
 *		Cases of what clients get for object stores: by the member that a case has, a session policy
 *		and its form, an access boundary, a shared access signature, the keys of a client, or a
 *		request to be signed.
 *
 * A refusal is a result, too: {"refused": why}.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "case.h"

#include "vend/client_keys.h"
#include "vend/sign.h"
#include "vend/gcs_scope.h"
#include "vend/sas.h"

#define CASE_TAGS_MAX 8

static void
set_text(IceJson *object, const char *key, const char *value)
{
	ice_json_set(object, key, value != NULL ? ice_json_make_string(value) : ice_json_make_null());
}

static void
set_json(IceJson *object, const char *key, const char *text)
{
	ice_json_set(object, key,
				 text != NULL
					 ? ice_json_copy(ice_json_parse(text, strlen(text), ICE_JSON_DEPTH_MAX_DEFAULT))
					 : ice_json_make_null());
}

/* The places of "locations"; false, with the reason in the result, if one is refused. */
static bool
read_places(const IceJson *file, IceVendPlaces *places, IceJson *result)
{
	IceJson *locations = ice_json_array(file, "locations");

	memset(places, 0, sizeof(*places));
	for (int i = 0; i < locations->count; i++)
	{
		const char *fault = ice_vend_place_add(places, locations->items[i]->string);

		if (fault == NULL)
			continue;
		set_text(result, "refused", fault);
		return false;
	}
	return true;
}

static IceVendAccess
read_access(const IceJson *object)
{
	const char *access = ice_json_string(object, "access");

	return strcmp(access, "write") == 0  ? ICE_VEND_WRITE
		   : strcmp(access, "read") == 0 ? ICE_VEND_READ
										 : ICE_VEND_NOTHING;
}

/* -- tokens ------------------------------------------------------------------------------------ */

static void
run_sts(const IceJson *sts, const IceVendPlaces *places, IceJson *result)
{
	IceStsTag     tags[CASE_TAGS_MAX];
	IceJson      *given = ice_json_opt_object(sts, "tags");
	const char   *role = ice_json_opt_string(sts, "role");
	char         *policy = ice_sts_policy(places, read_access(sts), ice_sts_partition(role),
										  ice_json_opt_string(sts, "kms-key"));
	IceStsRequest request = {
		.role_arn = role,
		.external_id = ice_json_opt_string(sts, "external-id"),
		.session_name = ice_sts_session_name("icecat", ice_json_opt_string(sts, "principal"),
											 ice_json_opt_string(sts, "request-id")),
		.policy = policy,
		.duration_s = 3600,
		.tags = tags,
		.tag_count = given != NULL ? given->count : 0};

	for (int i = 0; i < request.tag_count; i++)
		tags[i] = (IceStsTag){given->members[i].key, given->members[i].value->string};
	set_json(result, "policy", policy);
	set_text(result, "form", ice_sts_form(&request));
	set_text(result, "session-name", request.session_name);
	ice_json_set(result, "too-large", ice_json_make_bool(ice_sts_policy_too_large(policy)));
}

static void
run_gcs(const IceJson *gcs, const IceVendPlaces *places, IceJson *result)
{
	char *boundary = ice_gcs_scope_boundary(places, read_access(gcs));

	set_json(result, "boundary", boundary);
	if (boundary != NULL)
		set_text(result, "form", ice_gcs_scope_exchange_form("subject", boundary));
}

static void
run_sas(const IceJson *given, const IceVendPlaces *places, IceJson *result)
{
	IceSas sas = {.account = ice_json_string(given, "account"),
				  .place = &places->items[0],
				  .access = read_access(given),
				  .starts_at = "2026-01-31T00:00:00Z",
				  .expires_at = "2026-01-31T01:00:00Z",
				  .object_id = ice_json_opt_string(given, "object-id"),
				  .tenant_id = "tenant",
				  .key_starts_at = "2026-01-30T00:00:00Z",
				  .key_expires_at = "2026-02-01T00:00:00Z",
				  .key_service = "b",
				  .key_version = "2021-12-02"};

	if (sas.object_id == NULL)
		sas.tenant_id = sas.key_starts_at = sas.key_expires_at = sas.key_service = sas.key_version =
			NULL;
	set_text(result, "text", ice_sas_text(&sas));
	set_text(result, "query", ice_sas_query(&sas, "a+b="));
}

/* -- clients ----------------------------------------------------------------------------------- */

static IceVendStore
read_kind(const IceJson *store)
{
	const char *kind = ice_json_string(store, "kind");

	return strcmp(kind, "s3") == 0 ? ICE_VEND_S3 : *kind == 'g' ? ICE_VEND_GCS : ICE_VEND_ADLS;
}

static void
run_config(const IceJson *given, const IceVendPlaces *places, IceJson *result)
{
	const IceJson  *at = ice_json_object(given, "store");
	const IceJson  *keys = ice_json_opt_object(given, "vended");
	IceClientStore  store = {.store = read_kind(at),
							 .region = ice_json_opt_string(at, "region"),
							 .endpoint = ice_json_opt_string(at, "endpoint"),
							 .path_style = ice_json_opt_bool(at, "path-style", false),
							 .sse = ice_json_opt_string(at, "sse"),
							 .kms_key = ice_json_opt_string(at, "kms-key"),
							 .project = ice_json_opt_string(at, "project"),
							 .account = ice_json_opt_string(at, "account"),
							 .account_host = ice_json_opt_string(at, "account-host")};
	IceVended       vended = {.expires_at_ms = CASE_NOW_MS};
	IceClientConfig config = {&store, keys != NULL ? &vended : NULL,
							  ice_json_opt_string(given, "sign-endpoint")};

	if (keys != NULL)
	{
		vended.access_key = ice_json_opt_string(keys, "access-key");
		vended.secret_key = ice_json_opt_string(keys, "secret-key");
		vended.session_token = ice_json_opt_string(keys, "session-token");
		vended.token = ice_json_opt_string(keys, "token");
		vended.refresh_endpoint = ice_json_opt_string(keys, "refresh-endpoint");
	}
	set_json(result, "config", ice_client_keys_config(&config));
	set_json(result, "storage-credentials", ice_client_keys_credentials(&config, places));
	set_json(result, "remote-signing-config", ice_client_keys_signing(&config));
}

/* -- signing ----------------------------------------------------------------------------------- */

static const char *
judge(const IceJson *sign, const IceVendPlaces *places, IceSignRequest *request,
	  IceSignHeaders *headers)
{
	IceJson     *endpoints = ice_json_opt_array(sign, "endpoints");
	IceJson     *given = ice_json_opt_object(sign, "headers");
	IceSignStore store = {.region = ice_json_opt_string(sign, "region")};
	const char  *fault;

	for (int i = 0; endpoints != NULL && i < endpoints->count; i++)
		store.endpoints[i] = endpoints->items[i]->string;
	fault = ice_sign_read(&store, ice_json_string(sign, "method"), ice_json_string(sign, "uri"),
						  ice_json_opt_string(sign, "body"), request);
	if (fault == NULL)
		fault = ice_sign_within(request, places, ice_json_opt_bool(sign, "may-write", true));
	if (fault == NULL)
		fault = ice_sign_headers(request, given != NULL ? given : ice_json_make_object(),
								 ice_json_opt_string(sign, "body-sha256"), headers);
	return fault;
}

static void
run_sign(const IceJson *sign, const IceVendPlaces *places, IceJson *result)
{
	IceSignRequest request;
	IceSignHeaders headers;
	const char    *fault = judge(sign, places, &request, &headers);
	IceJson       *keys = ice_json_make_array();
	IceJson       *fields = ice_json_make_object();

	set_text(result, "refused", fault);
	if (fault != NULL)
		return;
	for (int i = 0; i < request.key_count; i++)
		ice_json_append(keys, ice_json_make_string(request.keys[i]));
	for (int i = 0; i < headers.count; i++)
		set_text(fields, headers.items[i].name, headers.items[i].value);
	set_text(result, "operation", request.operation);
	set_text(result, "bucket", request.bucket);
	ice_json_set(result, "keys", keys);
	ice_json_set(result, "headers", fields);
	set_text(result, "payload", headers.payload);
}

static void
run_vend(const IceJson *file, CaseOutcome *outcome)
{
	static const struct
	{
		const char *member;
		void (*run)(const IceJson *given, const IceVendPlaces *places, IceJson *result);
	} kinds[] = {{"sts", run_sts},
				 {"gcs", run_gcs},
				 {"sas", run_sas},
				 {"config", run_config},
				 {"sign", run_sign}};
	IceVendPlaces places;

	outcome->document = ice_json_make_object();
	if (!read_places(file, &places, outcome->document))
		return;
	for (size_t i = 0; i < lengthof(kinds); i++)
		if (ice_json_get(file, kinds[i].member) != NULL)
		{
			kinds[i].run(ice_json_object(file, kinds[i].member), &places, outcome->document);
			return;
		}
	case_fail("nothing is asked");
}

void
case_vend(const IceJson *file)
{
	case_judge_run(run_vend, file);
}
