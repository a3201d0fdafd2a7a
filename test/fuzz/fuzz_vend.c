/*
 * fuzz_vend.c
 *		Any bytes as a location, as the URI of a request to be signed, and as the body of a
 *		DeleteObjects request: refused, or what is allowed lies in the table.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"

#include "vend/delete_keys.h"
#include "vend/sign.h"
#include "vend/gcs_scope.h"

static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE"};

static void
demand_inside(const IceSignRequest *request, const IceVendPlaces *places)
{
	for (int i = 0; i < request->key_count; i++)
	{
		const char *key = request->keys[i];

		FUZZ_DEMAND(strcmp(request->bucket, "b") == 0, "bucket %s", request->bucket);
		FUZZ_DEMAND(strncmp(key, "w/t/", 4) == 0, "key %s", key);
		FUZZ_DEMAND(strstr(key, "/../") == NULL, "key %s", key);
	}
	FUZZ_DEMAND(places->count == 1, "%d", places->count);
}

static void
sign(const char *method, const char *uri, const char *body)
{
	IceSignStore   store = {{"http://h", NULL}, NULL};
	IceVendPlaces  places = {NULL, 0, 0};
	IceSignRequest request;

	ice_vend_place_add(&places, "s3://b/w/t");
	if (ice_sign_read(&store, method, uri, body, &request) == NULL &&
		ice_sign_within(&request, &places, true) == NULL)
		demand_inside(&request, &places);
}

/* A policy is JSON whatever the key is, and none of its stars is the key's. */
static void
vend(const char *location)
{
	IceVendPlaces places = {NULL, 0, 0};
	char         *policy;
	char         *boundary;

	if (ice_vend_place_add(&places, location) != NULL)
		return;
	policy = ice_sts_policy(&places, ICE_VEND_WRITE, "aws", NULL);
	ice_json_parse(policy, strlen(policy), ICE_JSON_DEPTH_MAX_DEFAULT);
	boundary = ice_gcs_scope_boundary(&places, ICE_VEND_READ);
	ice_json_parse(boundary, strlen(boundary), ICE_JSON_DEPTH_MAX_DEFAULT);
}

void
fuzz_one(const char *text, size_t len)
{
	char *copy = pnstrdup(text, len);

	for (size_t i = 0; i < lengthof(methods); i++)
		sign(methods[i], psprintf("http://h/b%s", copy), NULL);
	sign("GET", copy, NULL);
	sign("POST", "http://h/b?delete", copy);
	vend(psprintf("s3://b/%s", copy));
	vend(copy);
}
