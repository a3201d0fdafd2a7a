/*
 * sts.c
 *		Session policies and the form of AssumeRole. See sts.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "vend/sts.h"

#include "json/json.h"
#include "vend/vend_uri.h"

#define SESSION_NAME_CHARS_MAX 64
#define SESSION_NAME_CHARS_MIN 2
#define SESSION_ID_CHARS_MAX   36 /* of the request's id: a UUID fits */

static const char *const read_actions[] = {"s3:GetObject"};
static const char *const write_actions[] = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject",
											"s3:AbortMultipartUpload",
											"s3:ListMultipartUploadParts"};

/* A key as text of a pattern. */
static void
append_literal(StringInfo out, const char *key)
{
	for (; *key != '\0'; key++)
	{
		ice_step();
		if (*key == '*' || *key == '?' || *key == '$')
			appendStringInfo(out, "${%c}", *key);
		else
			appendStringInfoChar(out, *key);
	}
}

/* arn:PARTITION:s3:::BUCKET[/KEY/…] */
static char *
resource(const char *partition, const IceVendPlace *place, bool objects)
{
	StringInfoData arn;

	initStringInfo(&arn);
	appendStringInfo(&arn, "arn:%s:s3:::%s", partition, place->bucket);
	if (objects)
	{
		appendStringInfoChar(&arn, '/');
		append_literal(&arn, place->key);
		appendStringInfoString(&arn, "/*");
	}
	return arn.data;
}

static void
begin_statement(IceJsonWriter *w, const char *effect, const char *const *actions, int count)
{
	ice_json_write_begin_object(w);
	ice_json_write_key(w, "Effect");
	ice_json_write_string(w, effect);
	ice_json_write_key(w, "Action");
	ice_json_write_begin_array(w);
	for (int i = 0; i < count; i++)
		ice_json_write_string(w, actions[i]);
	ice_json_write_end_array(w);
	ice_json_write_key(w, "Resource");
}

static void
write_objects(IceJsonWriter *w, const IceVendPlaces *places, IceVendAccess access,
			  const char *partition)
{
	bool write = access == ICE_VEND_WRITE;

	begin_statement(w, "Allow", write ? write_actions : read_actions,
					write ? lengthof(write_actions) : lengthof(read_actions));
	ice_json_write_begin_array(w);
	for (int i = 0; i < places->count; i++)
		ice_json_write_string(w, resource(partition, &places->items[i], true));
	ice_json_write_end_array(w);
	ice_json_write_end_object(w);
}

/* Is the bucket of a place that of an earlier one? */
static bool
is_repeated(const IceVendPlaces *places, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(places->items[i].bucket, places->items[n].bucket) == 0)
			return true;
	return false;
}

/* The prefixes of one bucket that may be listed. */
static void
write_list(IceJsonWriter *w, const IceVendPlaces *places, int n, const char *partition)
{
	static const char *const list[] = {"s3:ListBucket"};
	const char              *bucket = places->items[n].bucket;

	begin_statement(w, "Allow", list, lengthof(list));
	ice_json_write_string(w, resource(partition, &places->items[n], false));
	ice_json_write_key(w, "Condition");
	ice_json_write_begin_object(w);
	ice_json_write_key(w, "StringLike");
	ice_json_write_begin_object(w);
	ice_json_write_key(w, "s3:prefix");
	ice_json_write_begin_array(w);
	for (int i = n; i < places->count; i++)
	{
		StringInfoData prefix;

		if (strcmp(places->items[i].bucket, bucket) != 0)
			continue;
		initStringInfo(&prefix);
		append_literal(&prefix, places->items[i].key);
		appendStringInfoString(&prefix, "/*");
		ice_json_write_string(w, prefix.data);
	}
	ice_json_write_end_array(w);
	ice_json_write_end_object(w);
	ice_json_write_end_object(w);
	ice_json_write_end_object(w);
}

static void
write_key(IceJsonWriter *w, IceVendAccess access, const char *kms_key)
{
	static const char *const actions[] = {"kms:Decrypt", "kms:GenerateDataKey"};

	begin_statement(w, "Allow", actions, access == ICE_VEND_WRITE ? 2 : 1);
	ice_json_write_string(w, kms_key);
	ice_json_write_end_object(w);
}

static void
write_denial(IceJsonWriter *w)
{
	static const char *const all[] = {"*"};

	begin_statement(w, "Deny", all, lengthof(all));
	ice_json_write_string(w, "*");
	ice_json_write_end_object(w);
}

char *
ice_sts_policy(const IceVendPlaces *places, IceVendAccess access, const char *partition,
			   const char *kms_key)
{
	StringInfoData out;
	IceJsonWriter  w;

	initStringInfo(&out);
	ice_json_write_init(&w, &out);
	ice_json_write_begin_object(&w);
	ice_json_write_key(&w, "Version");
	ice_json_write_string(&w, "2012-10-17");
	ice_json_write_key(&w, "Statement");
	ice_json_write_begin_array(&w);
	if (access == ICE_VEND_NOTHING || places->count == 0)
		write_denial(&w);
	else
	{
		write_objects(&w, places, access, partition);
		for (int i = 0; i < places->count; i++)
			if (!is_repeated(places, i))
				write_list(&w, places, i, partition);
		if (kms_key != NULL)
			write_key(&w, access, kms_key);
	}
	ice_json_write_end_array(&w);
	ice_json_write_end_object(&w);
	return out.data;
}

/* Characters, not bytes. */
bool
ice_sts_policy_too_large(const char *policy)
{
	int count = 0;

	for (; *policy != '\0'; policy++)
	{
		ice_step();
		count += ((unsigned char) *policy & 0xC0) != 0x80;
	}
	return count > ICE_STS_POLICY_CHARS_MAX;
}

bool
ice_sts_needs_escapes(const IceVendPlaces *places)
{
	for (int i = 0; i < places->count; i++)
		if (strpbrk(places->items[i].key, "*?$") != NULL)
			return true;
	return false;
}

char *
ice_sts_partition(const char *role_arn)
{
	const char *start = role_arn != NULL ? strchr(role_arn, ':') : NULL;
	const char *end = start != NULL ? strchr(start + 1, ':') : NULL;
	size_t      len = end != NULL ? (size_t) (end - start - 1) : 0;

	if (len == 0 || strncmp(role_arn, "arn:", 4) != 0 ||
		strspn(start + 1, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return pstrdup("aws");
	return pnstrdup(start + 1, len);
}

/* Appends what a session's name may have of a text. */
static void
append_name(StringInfo out, const char *text, int room)
{
	for (; text != NULL && *text != '\0' && room > 0; text++)
	{
		char c = *text;

		if (((unsigned char) c & 0xC0) == 0x80)
			continue;
		appendStringInfoChar(out, strchr("+=,.@-_", c) != NULL || (c >= 'a' && c <= 'z') ||
										  (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
									  ? c
									  : '_');
		room--;
	}
}

char *
ice_sts_session_name(const char *prefix, const char *principal, const char *request_id)
{
	StringInfoData out;
	int id = request_id == NULL ? 0 : Min(SESSION_ID_CHARS_MAX, (int) strlen(request_id));

	initStringInfo(&out);
	append_name(&out, prefix, SESSION_NAME_CHARS_MAX / 4);
	if (principal != NULL && *principal != '\0')
	{
		if (out.len > 0)
			appendStringInfoChar(&out, '-');
		append_name(&out, principal, SESSION_NAME_CHARS_MAX - out.len - (id > 0 ? id + 1 : 0));
	}
	if (id > 0)
	{
		if (out.len > 0)
			appendStringInfoChar(&out, '-');
		append_name(&out, request_id, id);
	}
	while (out.len < SESSION_NAME_CHARS_MIN)
		appendStringInfoChar(&out, '_');
	return out.data;
}

static void
append_field(StringInfo out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	if (out->len > 0)
		appendStringInfoChar(out, '&');
	appendStringInfo(out, "%s=", name);
	ice_vend_uri_encode(out, value);
}

char *
ice_sts_form(const IceStsRequest *request)
{
	StringInfoData out;

	initStringInfo(&out);
	append_field(&out, "Action", "AssumeRole");
	append_field(&out, "Version", "2011-06-15");
	append_field(&out, "RoleArn", request->role_arn);
	append_field(&out, "RoleSessionName", request->session_name);
	append_field(&out, "DurationSeconds", psprintf("%d", request->duration_s));
	append_field(&out, "ExternalId", request->external_id);
	append_field(&out, "Policy", request->policy);
	for (int i = 0; i < request->tag_count; i++)
	{
		append_field(&out, psprintf("Tags.member.%d.Key", i + 1), request->tags[i].key);
		append_field(&out, psprintf("Tags.member.%d.Value", i + 1), request->tags[i].value);
	}
	return out.data;
}
