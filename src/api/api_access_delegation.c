/*
 * api_access_delegation.c
 *		SQL entries that delegate access to a table's files: loadCredentials and signRequest.
 *
 * A request is signed with the keys of the warehouse's storage profile, so it is judged first
 * (vend/sign.h): its operation, its keys, its headers; and what the caller may do with the table.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <time.h>

#include "api/args.h"
#include "api/delegation.h"
#include "api/represent.h"
#include "api/staged.h"
#include "api/table_answer.h"
#include "json/json.h"
#include "storage/net.h"
#include "storage/profile.h"
#include "store/sign_target.h"
#include "vend/sign.h"

PG_FUNCTION_INFO_V1(sql_ice_load_credentials);
PG_FUNCTION_INFO_V1(sql_ice_sign_request);
PG_FUNCTION_INFO_V1(sql_ice_sign_any_request);
PG_FUNCTION_INFO_V1(sql_ice_answer_is_secret);

Datum
sql_ice_answer_is_secret(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_BOOL(ice_delegation_is_secret());
}

/* -- loadCredentials --------------------------------------------------------------------------- */

Datum
sql_ice_load_credentials(PG_FUNCTION_ARGS)
{
	MemoryContext     caller = ice_caller_begin(fcinfo);
	IceRepresentation representation = {.asked = true};
	IceTable          table;
	StringInfoData    out;

	ice_table_answer_find(fcinfo, 3, &table, &representation);
	ice_represent(&table, &representation);
	ice_delegation_record(&table, &representation);
	ice_arg_result_begin(&out, caller);
	appendStringInfoString(&out, representation.secret ? "{" : "{\"storage-credentials\":[]");
	appendStringInfoString(&out, representation.secret ? representation.granted + 1 : "");
	appendStringInfoChar(&out, '}');
	ice_caller_end();
	return ice_arg_result_end(&out);
}

/* -- signRequest ------------------------------------------------------------------------------- */

static void
pg_attribute_noreturn() refuse(const char *why)
{
	ice_raise(ICE_ERR_FORBIDDEN, "The request is not signed: %s", why);
}

/* What is wrong with the form of a request does not depend on its table. */
static void
check_form(const IceJson *body)
{
	(void) ice_json_string(body, "region");
	(void) ice_json_string(body, "method");
	(void) ice_json_string(body, "uri");
	(void) ice_json_object(body, "headers");
	(void) ice_json_opt_string(body, "provider");
	(void) ice_json_opt_string(body, "body");
}

/* What the request is, as its client sends it. */
static void
read_request(const IceJson *body, const IceStorageProfile *shape, IceSignRequest *out)
{
	IceSignStore store = {{shape->endpoint_external, shape->endpoint}, shape->region};
	const char  *provider = ice_json_opt_string(body, "provider");
	const char  *fault;

	if (provider != NULL && strcmp(provider, "s3") != 0)
		ice_raise(ICE_ERR_UNSUPPORTED, "Requests are signed for s3 only, not for %s", provider);
	fault = ice_sign_read(&store, ice_json_string(body, "method"), ice_json_string(body, "uri"),
						  ice_json_opt_string(body, "body"), out);
	if (fault != NULL)
		refuse(fault);
}

static char *
sha256_of(const char *text)
{
	uint8          hash[ICE_SHA256_BYTES];
	StringInfoData hex;

	if (text == NULL)
		return NULL;
	ice_net()->sha256(text, strlen(text), hash);
	initStringInfo(&hex);
	for (size_t i = 0; i < sizeof(hash); i++)
		appendStringInfo(&hex, "%02x", hash[i]);
	return hex.data;
}

/* The headers that the signature adds. */
static int
add_signature(const IceStorageProfile *shape, const IceVended *keys, const IceSignRequest *request,
			  const IceSignHeaders *headers, IceNetPair *added)
{
	const char     *query = strchr(request->text, '?');
	const char     *path = strchr(strstr(request->text, "://") + 3, '/');
	IceNetPair     *sent = palloc(sizeof(IceNetPair) * (headers->count + 1));
	IceSigv4Key     key = {keys->access_key, keys->secret_key, keys->session_token,
                       shape->signing_region ? shape->signing_region
						   : shape->region       ? shape->region
												 : "us-east-1",
						   "s3"};
	IceSigv4Request given = {.method = request->method,
							 .path = query ? pnstrdup(path, (size_t) (query - path)) : path,
							 .query = query ? query + 1 : NULL,
							 .headers = sent,
							 .header_count = headers->count + 1,
							 .payload_hash = headers->payload,
							 .hash_header = true,
							 .now_s = (int64_t) time(NULL)};

	sent[0] = (IceNetPair){"host", request->uri.authority};
	for (int i = 0; i < headers->count; i++)
		sent[i + 1] = (IceNetPair){headers->items[i].name, headers->items[i].value};
	return ice_net()->sigv4_headers(&key, &given, added);
}

static void
write_field(IceJsonWriter *w, const char *name, const char *value)
{
	ice_json_write_key(w, name);
	ice_json_write_begin_array(w);
	ice_json_write_string(w, value);
	ice_json_write_end_array(w);
}

/* A RemoteSignResult: the URI as it came, and the headers that are signed. */
static void
write_signed(StringInfo out, const IceSignRequest *request, const IceSignHeaders *headers,
			 const IceNetPair *added, int count)
{
	IceJsonWriter w;

	ice_json_write_init(&w, out);
	ice_json_write_begin_object(&w);
	ice_json_write_key(&w, "uri");
	ice_json_write_string(&w, request->text);
	ice_json_write_key(&w, "headers");
	ice_json_write_begin_object(&w);
	for (int i = 0; i < headers->count; i++)
		write_field(&w, headers->items[i].name, headers->items[i].value);
	for (int i = 0; i < count; i++)
		write_field(&w, added[i].name, added[i].value);
	ice_json_write_end_object(&w);
	ice_json_write_end_object(&w);
}

/* Signs a request about a table that the caller may load, or has staged. */
static Datum
sign(MemoryContext caller, const IceWarehouse *warehouse, const IceTable *table, bool staged,
	 const IceRepresentation *representation, const IceJson *body)
{
	const char        *payload = ice_json_opt_string(body, "body");
	IceDelegationStore store;
	IceSignRequest     request;
	IceSignHeaders     headers;
	IceVended          keys;
	IceNetPair         added[ICE_SIGV4_PAIRS];
	const char        *fault;
	int                count;
	StringInfoData     out;

	if (ice_delegation_mode(warehouse->properties) != ICE_DELEGATION_SIGN)
		refuse("the warehouse's " ICE_DELEGATION_PROPERTY " is not sign");
	if (!ice_delegation_store(table, staged, representation, &store) ||
		store.shape->kind != ICE_STORE_S3)
		refuse("the warehouse's tables are not on S3");
	read_request(body, store.shape, &request);
	fault = ice_sign_within(&request, &store.places, store.may_write);
	if (fault == NULL)
		fault = ice_sign_headers(&request, ice_json_object(body, "headers"), sha256_of(payload),
								 &headers);
	if (fault == NULL)
		fault = ice_delegation_signer(&store, table, &keys);
	if (fault != NULL)
		refuse(fault);
	count = add_signature(store.shape, &keys, &request, &headers, added);
	ice_arg_result_begin(&out, caller);
	write_signed(&out, &request, &headers, added, count);
	return ice_arg_result_end(&out);
}

/* Finds what the caller has staged, and says so by a ticket. */
static bool
find_staged(FunctionCallInfo fcinfo, IceWarehouse *warehouse, IceTable *out)
{
	const char      *ticket = ice_arg_opt_text(fcinfo, 4);
	IceNamespacePath path;

	if (ticket == NULL)
		return false;
	ice_arg_warehouse(fcinfo, 0, true, warehouse);
	ice_arg_namespace(fcinfo, 1, &path);
	return ice_staged_find(&(IceStagedWay){warehouse, &path, ice_arg_text(fcinfo, 2, "table")},
						   ticket, out);
}

Datum
sql_ice_sign_request(PG_FUNCTION_ARGS)
{
	MemoryContext     caller = ice_caller_begin(fcinfo);
	IceRepresentation representation = {.represented = false};
	IceWarehouse      warehouse;
	IceTable          table;
	IceJson          *body = ice_arg_json(fcinfo, 3, "request");
	bool              staged;
	Datum             result;

	check_form(body);
	staged = find_staged(fcinfo, &warehouse, &table);
	if (!staged)
	{
		ice_table_answer_find(fcinfo, 5, &table, &representation);
		ice_represent(&table, &representation);
		warehouse = representation.called->warehouse;
	}
	result = sign(caller, &warehouse, &table, staged, &representation, body);
	ice_caller_end();
	return result;
}

/* The table is found by the request's URI: clients of before 1.12 do not name it. What the caller
 * may not load is refused in the words of what is no table's. */
Datum
sql_ice_sign_any_request(PG_FUNCTION_ARGS)
{
	MemoryContext     caller = ice_caller_begin(fcinfo);
	IceJson          *body = ice_arg_json(fcinfo, 0, "request");
	IceRepresentation representation = {.represented = false};
	IceSignTarget     target;
	IceTable          table;
	Datum             result;

	check_form(body);
	if (!ice_sign_target_find(ice_json_string(body, "uri"), ice_json_opt_string(body, "body"),
							  &target) ||
		!ice_table_get_by_id(&target.warehouse.id, &target.table_id, true, &table))
		refuse("it is about a file of no table that is seen");
	ice_represent(&table, &representation);
	result = sign(caller, &target.warehouse, &table, false, &representation, body);
	ice_caller_end();
	return result;
}
