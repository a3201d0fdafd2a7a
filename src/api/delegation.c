/*
 * delegation.c
 *		What an answer about a table grants of access to its files. See delegation.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"

#include "api/delegation.h"
#include "api/staged.h"
#include "guc.h"
#include "json/json.h"
#include "spec/part.h"
#include "storage/issue.h"
#include "storage/net.h"
#include "storage/storage.h"
#include "store/access.h"
#include "store/audit.h"
#include "store/caller.h"
#include "store/service_rest.h"
#include "store/store_parts.h"
#include "store/store_profile.h"
#include "store/store_vended.h"
#include "vend/vend_uri.h"
#include "vend/wish.h"

/* Where files of a table may lie outside of its location. */
static const char *const path_properties[] = {"write.data.path", "write.metadata.path",
											  "write.object-storage.path",
											  "write.folder-storage.path"};

static bool last_is_secret;

/* The transaction that has written nothing but what vending writes: it locks nothing that others
 * wait for, except those who want the same credentials. */
static TransactionId vending_xid;

bool
ice_delegation_is_secret(void)
{
	return last_is_secret;
}

void
ice_delegation_set_secret(bool secret)
{
	last_is_secret = secret;
}

const IceTableCalled *
ice_delegation_called(const IceWarehouse *warehouse, const IceNamespacePath *path, const char *name)
{
	IceTableCalled *called = palloc(sizeof(IceTableCalled));

	called->warehouse = *warehouse;
	called->path = *path;
	called->name = pstrdup(name);
	return called;
}

/* -- places ----------------------------------------------------------------------------------- */

/* The table's properties; NULL: it has none. */
static const IceJson *
properties_of(const IceTable *table)
{
	IceTable         copy = *table;
	IceTableMetadata metadata = *table->metadata;

	copy.metadata = &metadata;
	if (!metadata.lists[ICE_PART_PROPERTIES].loaded)
		ice_parts_load(&copy, ICE_PART_PROPERTIES, true);
	return ice_table_properties(&metadata);
}

static void
find_places(const IceStorageProfile *profile, const IceTable *table, IceVendPlaces *out)
{
	const IceJson *properties;

	memset(out, 0, sizeof(*out));
	if (!ice_storage_reaches(profile, table->metadata->location) ||
		ice_vend_place_add(out, table->metadata->location) != NULL)
		return;
	properties = properties_of(table);
	for (size_t i = 0; properties != NULL && i < lengthof(path_properties); i++)
	{
		const IceJson *value = ice_json_get(properties, path_properties[i]);

		if (value != NULL && value->kind == ICE_JSON_STRING &&
			ice_storage_reaches(profile, value->string))
			(void) ice_vend_place_add(out, value->string);
	}
}

/* -- what clients are told --------------------------------------------------------------------- */

/* v1/{prefix}/namespaces/{namespace}/tables/{table}/WHAT: relative, so that a client's token goes
 * to this catalog and nowhere else. */
static char *
endpoint_of(const IceTableCalled *called, const char *what)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "v1/");
	ice_vend_uri_encode(&out, ice_tenant_short_name(called->warehouse.name));
	appendStringInfoString(&out, "/namespaces/");
	for (int i = 0; i < called->path.depth; i++)
	{
		appendStringInfoString(&out, i > 0 ? "%1F" : "");
		ice_vend_uri_encode(&out, called->path.levels[i]);
	}
	appendStringInfoString(&out, "/tables/");
	ice_vend_uri_encode(&out, called->name);
	appendStringInfo(&out, "/%s", what);
	return out.data;
}

static IceClientStore
client_store(const IceStorageProfile *profile)
{
	const char *sse = profile->sse;

	return (IceClientStore){.store = profile->kind == ICE_STORE_S3    ? ICE_VEND_S3
									 : profile->kind == ICE_STORE_GCS ? ICE_VEND_GCS
																	  : ICE_VEND_ADLS,
							.region = profile->region,
							.endpoint = profile->endpoint_external ? profile->endpoint_external
																   : profile->endpoint,
							.path_style = profile->path_style,
							.sse = sse != NULL && strcmp(sse, "none") != 0 ? sse : NULL,
							.kms_key = profile->kms_key,
							.project = profile->project,
							.account = profile->account,
							.account_host = profile->account_host};
}

/* -- vending ---------------------------------------------------------------------------------- */

/* Who loads by the rights of a view's definer, or only a part, writes nothing. */
static IceVendAccess
access_of(const IceTable *table, bool staged, const IceRepresentation *representation)
{
	if (representation->restricted || representation->access != NULL)
		return ICE_VEND_READ;
	return staged || representation->made ||
				   ice_access_may_by_id(ICE_WRITE, &table->warehouse_id, &table->id)
			   ? ICE_VEND_WRITE
			   : ICE_VEND_READ;
}

static IceVendedKey
key_of(const pg_uuid_t *warehouse_id, const IceStorageProfile *profile, const IceIssue *issue)
{
	IceVendedKey   key = {.warehouse_id = *warehouse_id};
	StringInfoData text;

	initStringInfo(&text);
	appendBinaryStringInfo(&text, (const char *) profile->id.data, UUID_LEN);
	appendStringInfo(&text, " " INT64_FORMAT " %s", profile->revision,
					 ice_issue_scope(profile, issue));
	ice_net()->sha256(text.data, text.len, key.scope);
	return key;
}

/* Does the transaction hold no lock for a change? A change that follows what vending has written is
 * not seen; who makes it in one transaction holds its locks for as long as they like anyway. */
static bool
has_changed_nothing(void)
{
	TransactionId xid = GetTopTransactionIdIfAny();

	return !TransactionIdIsValid(xid) || TransactionIdEquals(xid, vending_xid);
}

/* What vending wrote is no change. before: was there none until then? */
static void
set_vending(bool before)
{
	if (before)
		vending_xid = GetTopTransactionIdIfAny();
}

/* What is left alone when the service of a profile fails. */
static void
service_key(const IceStorageProfile *profile, uint8 *out)
{
	uint8          hash[ICE_SHA256_BYTES];
	StringInfoData text;

	initStringInfo(&text);
	appendBinaryStringInfo(&text, (const char *) profile->id.data, UUID_LEN);
	appendStringInfo(&text, " " INT64_FORMAT, profile->revision);
	ice_net()->sha256(text.data, text.len, hash);
	memcpy(out, hash, ICE_SERVICE_REST_BYTES);
}

static void
pg_attribute_noreturn() raise_resting(const IceStorageProfile *shape, bool refused, int64 rest_ms)
{
	ice_raise(refused ? ICE_ERR_STORAGE : ICE_ERR_TOKEN_SERVICE,
			  "The token service of storage profile %s %s a moment ago, and is asked again in %d s",
			  shape->name, refused ? "has refused this" : "has failed",
			  (int) ((rest_ms + 999) / 1000));
}

/* Does the service, or what is asked of it, rest? Then those that are kept do, or it is an
 * error. */
static bool
rests(const IceStorageProfile *shape, const uint8 *service, const uint8 *scope,
	  IceVendedFound found)
{
	int64 down_ms = ice_service_rest_ms(service);
	int64 rest_ms = down_ms > 0 ? down_ms : ice_service_rest_ms(scope);

	if (rest_ms > 0 && found == ICE_VENDED_NONE)
		raise_resting(shape, down_ms == 0, rest_ms);
	return rest_ms > 0;
}

/* Asks for new ones; false where it fails and found ones do. */
static bool
ask(const pg_uuid_t *warehouse_id, const IceVendedKey *key, const uint8 *service,
	const IceIssue *issue, IceVendedFound found, IceVended *out)
{
	const IceStorageProfile *profile = ice_profile_of(warehouse_id,
													  issue->places->items[0].location);
	IceVended                fresh;
	char                    *why;
	IceIssueOutcome          outcome = ice_issue(profile, issue, &fresh, &why);
	bool                     before = has_changed_nothing();

	if (outcome == ICE_ISSUED)
	{
		ice_service_rest_end(service);
		*out = fresh;
		ice_vended_keep(key, out);
		set_vending(before);
		return true;
	}
	ice_service_rest_begin(outcome == ICE_ISSUE_DOWN ? service : key->scope);
	if (found == ICE_VENDED_NONE)
		ice_raise(outcome == ICE_ISSUE_DOWN ? ICE_ERR_TOKEN_SERVICE : ICE_ERR_STORAGE, "%s", why);
	ereport(LOG, (errmsg("icecat: %s; credentials that are kept go on", why), errhidestmt(true)));
	return false;
}

/* Out of what is kept, or new ones. made: locks are held. Returns NULL, or why there are none. */
static const char *
obtain(const pg_uuid_t *warehouse_id, const IceStorageProfile *shape, const IceIssue *issue,
	   bool made, IceVended *out)
{
	IceVendedKey   key = key_of(warehouse_id, shape, issue);
	IceVendedFound found = ice_vended_find(&key, out);
	uint8          service[ICE_SERVICE_REST_BYTES];

	service_key(shape, service);
	if (found == ICE_VENDED_FRESH)
		return NULL;
	if (ice_issue_asks(shape))
	{
		if (made || !has_changed_nothing())
			return found != ICE_VENDED_NONE ? NULL
											: "none are kept, and a transaction that has changed "
											  "something asks no token "
											  "service";
		if (rests(shape, service, key.scope, found))
			return NULL;
		if (!ice_guc_access_delegation_wait)
			ice_raise(ICE_ERR_CREDENTIALS_DUE, "A token service has to be asked for credentials");
		if (!ice_vended_take_turn(&key, found == ICE_VENDED_NONE))
			return NULL;
		found = ice_vended_find_latest(&key, out);
		if (found == ICE_VENDED_FRESH || rests(shape, service, key.scope, found))
			return NULL;
	}
	(void) ask(warehouse_id, &key, service, issue, found, out);
	return NULL;
}

static const char *
text_or_null(const char *text)
{
	return text != NULL && *text != '\0' ? text : NULL;
}

/* Who has the credentials, in the name of their session: the principal, or else the role. */
static const char *
session_principal(void)
{
	const char *principal = text_or_null(ice_guc_principal);

	return principal != NULL ? principal : GetUserNameFromId(ice_caller().role, false);
}

/* -- answers ---------------------------------------------------------------------------------- */

/* What the answer grants: its text, and what the tag says of it. */
static void
set_granted(const IceClientConfig *config, const IceVendPlaces *places, const char *access,
			IceRepresentation *representation)
{
	StringInfoData members;
	char          *signing = ice_client_keys_signing(config);

	initStringInfo(&members);
	if (config->vended != NULL)
		appendStringInfo(&members, ",\"storage-credentials\":%s",
						 ice_client_keys_credentials(config, places));
	if (signing != NULL)
		appendStringInfo(&members, ",\"remote-signing-config\":%s", signing);
	representation->granted_config = ice_client_keys_config(config);
	representation->granted = members.data;
	representation->secret = config->vended != NULL;
	representation->access = psprintf("%s %s", representation->access ? representation->access : "",
									  access);
}

static void
refuse_if_strict(const char *why)
{
	if (ice_guc_access_delegation_strict)
		ice_raise(ICE_ERR_BAD_REQUEST, "Access to the table's files cannot be delegated: %s", why);
}

/* Credentials, if there are any to be had. */
static void
vend(const IceTable *table, bool staged, const IceStorageProfile *shape, IceClientConfig *config,
	 IceRepresentation *representation)
{
	IceVendPlaces places;
	IceVended     vended;
	IceIssue      issue = {.places = &places,
						   .access = access_of(table, staged, representation),
						   .principal = session_principal(),
						   .request_id = text_or_null(ice_guc_request_id)};
	const char   *problem;

	find_places(shape, table, &places);
	problem = ice_issue_problem(shape, &issue);
	if (problem == NULL)
		problem = obtain(&representation->called->warehouse.id, shape, &issue, representation->made,
						 &vended);
	if (problem != NULL)
	{
		refuse_if_strict(problem);
		return;
	}
	vended.refresh_endpoint = endpoint_of(representation->called, "credentials");
	config->vended = &vended;
	set_granted(config, &places,
				psprintf("%s until " INT64_FORMAT,
						 issue.access == ICE_VEND_WRITE ? "write" : "read", vended.expires_at_ms),
				representation);
	representation->granted_until_ms = vended.expires_at_ms;
	representation->granted_write = issue.access == ICE_VEND_WRITE;
	config->vended = NULL;
}

static void
sign(const IceTable *table, bool staged, const IceStorageProfile *shape, IceClientConfig *config,
	 IceRepresentation *representation)
{
	const IceTableCalled *called = representation->called;
	IceStagedWay          way = {&called->warehouse, &called->path, called->name};
	IceVendPlaces         none = {NULL, 0, 0};

	if (shape->kind != ICE_STORE_S3)
	{
		refuse_if_strict("requests are signed for S3 only");
		return;
	}
	config->sign_endpoint = endpoint_of(
		called, staged ? psprintf("sign?staged=%s", ice_staged_ticket(&way, table)) : "sign");
	set_granted(config, &none, "sign", representation);
}

void
ice_delegation_grant(const IceTable *table, bool staged, IceRepresentation *representation)
{
	const IceTableCalled *called = representation->called;
	const char           *wished = text_or_null(ice_guc_access_delegation);
	IceWish               wish = representation->asked ? (IceWish){true, false} : ice_wish(wished);
	IceProfileRow         row;
	IceStorageProfile    *shape;
	IceClientStore        store;
	IceClientConfig       config = {.store = &store};
	IceDelegationMode     mode;

	if (called == NULL || !(wish.vended || wish.signing))
		return;
	if (!ice_profile_of_warehouse(&called->warehouse.id, &row) ||
		ice_profile_kind(row.root) == ICE_STORE_FILE)
	{
		refuse_if_strict("the warehouse has no object store");
		return;
	}
	shape = ice_profile_of_texts(&row, NULL);
	store = client_store(shape);
	mode = ice_delegation_mode(called->warehouse.properties);
	if (mode == ICE_DELEGATION_VEND && wish.vended)
		vend(table, staged, shape, &config, representation);
	else if (mode == ICE_DELEGATION_SIGN)
		sign(table, staged, shape, &config, representation);
	else
		refuse_if_strict("the warehouse does not do so");
}

/* -- before a table is made -------------------------------------------------------------------- */

bool
ice_delegation_asks(const IceWarehouse *warehouse)
{
	IceProfileRow row;

	return ice_wish(text_or_null(ice_guc_access_delegation)).vended &&
		   ice_delegation_mode(warehouse->properties) == ICE_DELEGATION_VEND &&
		   ice_profile_of_warehouse(&warehouse->id, &row) &&
		   ice_profile_kind(row.root) != ICE_STORE_FILE &&
		   ice_issue_asks(ice_profile_of_texts(&row, NULL));
}

void
ice_delegation_prepare(const IceWarehouse *warehouse, const IceTable *table)
{
	IceProfileRow      row;
	IceStorageProfile *shape;
	IceVendPlaces      places;
	IceVended          vended;
	IceIssue           issue = {.places = &places,
								.access = ICE_VEND_WRITE,
								.principal = session_principal(),
								.request_id = text_or_null(ice_guc_request_id)};

	if (!ice_profile_of_warehouse(&warehouse->id, &row))
		return;
	shape = ice_profile_of_texts(&row, NULL);
	find_places(shape, table, &places);
	if (ice_issue_problem(shape, &issue) == NULL)
		(void) obtain(&warehouse->id, shape, &issue, false, &vended);
}

/* -- for requests to be signed ----------------------------------------------------------------- */

bool
ice_delegation_store(const IceTable *table, bool staged, const IceRepresentation *representation,
					 IceDelegationStore *out)
{
	IceProfileRow row;

	if (!ice_profile_of_warehouse(&table->warehouse_id, &row) ||
		ice_profile_kind(row.root) == ICE_STORE_FILE)
		return false;
	out->shape = ice_profile_of_texts(&row, NULL);
	find_places(out->shape, table, &out->places);
	out->may_write = access_of(table, staged, representation) == ICE_VEND_WRITE;
	return true;
}

const char *
ice_delegation_signer(const IceDelegationStore *store, const IceTable *table, IceVended *out)
{
	const IceStorageProfile *profile;
	IceIssue                 issue = {.places = &store->places,
									  .access = store->may_write ? ICE_VEND_WRITE : ICE_VEND_READ,
									  .principal = session_principal(),
									  .request_id = text_or_null(ice_guc_request_id)};
	const char              *problem;

	if (store->shape->login != ICE_LOGIN_KEYS)
	{
		problem = ice_issue_problem(store->shape, &issue);
		return problem != NULL ? problem
							   : obtain(&table->warehouse_id, store->shape, &issue, false, out);
	}
	profile = ice_profile_of(&table->warehouse_id, table->metadata->location);
	*out = (IceVended){.access_key = profile->access_key,
					   .secret_key = profile->secret_key,
					   .session_token = profile->session_token};
	return NULL;
}

/* -- on record -------------------------------------------------------------------------------- */

static char *
details_of(const IceTable *table, const IceRepresentation *representation)
{
	IceJson *details = ice_json_make_object();

	ice_json_set(details, "access",
				 ice_json_make_string(representation->granted_write ? "write" : "read"));
	ice_json_set(details, "expires-at-ms", ice_json_make_int(representation->granted_until_ms));
	ice_json_set(details, "location", ice_json_make_string(table->metadata->location));
	return ice_json_text(details);
}

/* A standby writes no rows: its log is the record. */
void
ice_delegation_record(const IceTable *table, const IceRepresentation *representation)
{
	const IceTableCalled *called = representation->called;
	bool                  before = has_changed_nothing();

	last_is_secret = representation->secret;
	if (!representation->secret)
		return;
	if (RecoveryInProgress() || XactReadOnly)
	{
		ereport(LOG,
				(errmsg("icecat: credentials were vended for table %s.%s of warehouse %s to %s: %s",
						called->path.dotted, called->name, called->warehouse.name,
						session_principal(), details_of(table, representation)),
				 errhidestmt(true)));
		return;
	}
	ice_audit_insert(&(IceAuditRow){.action = "vend-credentials",
									.object_kind = "table",
									.warehouse_id = &called->warehouse.id,
									.object_id = table->metadata_location ? &table->id : NULL,
									.warehouse = called->warehouse.name,
									.namespace_levels = called->path.array,
									.name = called->name,
									.details = details_of(table, representation)});
	set_vending(before);
}
