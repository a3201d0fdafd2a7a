/*
 * gcs_scope.c
 *		Access boundaries of GCS. See gcs_scope.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "vend/gcs_scope.h"

#include "json/json.h"
#include "vend/vend_uri.h"

/* A text of the condition language: '\' and quotes are escaped. No place has a
 * control character. There are no wildcards in startsWith(). */
static void
append_cel(StringInfo out, const char *text)
{
	appendStringInfoChar(out, '\'');
	for (; *text != '\0'; text++)
	{
		ice_step();
		if (*text == '\'' || *text == '\\' || *text == '"' || *text == '`')
			appendStringInfoChar(out, '\\');
		appendStringInfoChar(out, *text);
	}
	appendStringInfoChar(out, '\'');
}

static char *
condition(const IceVendPlace *place)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "resource.name.startsWith(");
	append_cel(&out, psprintf("projects/_/buckets/%s/objects/%s/", place->bucket, place->key));
	appendStringInfoString(
		&out, ") || api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith(");
	append_cel(&out, psprintf("%s/", place->key));
	appendStringInfoChar(&out, ')');
	return out.data;
}

static void
write_rule(IceJsonWriter *w, const IceVendPlace *place, IceVendAccess access)
{
	ice_json_write_begin_object(w);
	ice_json_write_key(w, "availableResource");
	ice_json_write_string(
		w, psprintf("//storage.googleapis.com/projects/_/buckets/%s", place->bucket));
	ice_json_write_key(w, "availablePermissions");
	ice_json_write_begin_array(w);
	ice_json_write_string(w, access == ICE_VEND_WRITE ? "inRole:roles/storage.objectUser"
													  : "inRole:roles/storage.objectViewer");
	ice_json_write_end_array(w);
	ice_json_write_key(w, "availabilityCondition");
	ice_json_write_begin_object(w);
	ice_json_write_key(w, "expression");
	ice_json_write_string(w, condition(place));
	ice_json_write_end_object(w);
	ice_json_write_end_object(w);
}

char *
ice_gcs_scope_boundary(const IceVendPlaces *places, IceVendAccess access)
{
	StringInfoData out;
	IceJsonWriter  w;

	if (access == ICE_VEND_NOTHING || places->count == 0 || places->count > ICE_GCS_RULES_MAX)
		return NULL;
	initStringInfo(&out);
	ice_json_write_init(&w, &out);
	ice_json_write_begin_object(&w);
	ice_json_write_key(&w, "accessBoundary");
	ice_json_write_begin_object(&w);
	ice_json_write_key(&w, "accessBoundaryRules");
	ice_json_write_begin_array(&w);
	for (int i = 0; i < places->count; i++)
		write_rule(&w, &places->items[i], access);
	ice_json_write_end_array(&w);
	ice_json_write_end_object(&w);
	ice_json_write_end_object(&w);
	return out.data;
}

char *
ice_gcs_scope_exchange_form(const char *token, const char *boundary)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "grant_type=");
	ice_vend_uri_encode(&out, "urn:ietf:params:oauth:grant-type:token-exchange");
	appendStringInfoString(&out, "&requested_token_type=");
	ice_vend_uri_encode(&out, "urn:ietf:params:oauth:token-type:access_token");
	appendStringInfoString(&out, "&subject_token_type=");
	ice_vend_uri_encode(&out, "urn:ietf:params:oauth:token-type:access_token");
	appendStringInfoString(&out, "&subject_token=");
	ice_vend_uri_encode(&out, token);
	appendStringInfoString(&out, "&options=");
	ice_vend_uri_encode(&out, boundary);
	return out.data;
}

#define TOKEN_BYTES_MAX 16384
#define CODE_BYTES_MAX  64
#define ANSWER_DEPTH    16

void
ice_gcs_scope_answer(const char *answer, int64 now_s, int64 source_expires_s, IceVended *out)
{
	IceJson    *object = ice_json_parse(answer, strlen(answer), ANSWER_DEPTH);
	const char *token = ice_json_string(object, "access_token");
	int64       lasts_s = -1;
	int64       expires_s = source_expires_s;
	size_t      len = strlen(token);

	ice_step_bytes(len);
	for (size_t i = 0; i < len; i++)
		if (token[i] < '!' || token[i] > '~')
			len = 0;
	if (len == 0 || len > TOKEN_BYTES_MAX)
		ice_raise(ICE_ERR_BAD_REQUEST, "the answer has no token");
	if (ice_json_opt_int64(object, "expires_in", &lasts_s) && lasts_s >= 0 &&
		lasts_s < expires_s - now_s)
		expires_s = now_s + lasts_s;
	out->token = token;
	out->expires_at_ms = expires_s * 1000;
}

/* {"error": "invalid_grant", ...}: no other words of it are told. */
char *
ice_gcs_scope_error(const char *answer)
{
	static const char before[] = "\"error\":";
	const char       *at = strstr(answer, before);
	size_t            len;

	if (at == NULL)
		return NULL;
	at += strlen(before);
	at += strspn(at, " ");
	if (*at++ != '"')
		return NULL;
	len = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
	return len > 0 && len <= CODE_BYTES_MAX && at[len] == '"' ? pnstrdup(at, len) : NULL;
}
