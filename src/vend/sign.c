/*
 * sign.c
 *		What a request to S3 is, and whether a table's places allow it. See sign.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "vend/sign.h"

#include "vend/delete_keys.h"

typedef enum Target
{
	ON_OBJECT,
	ON_BUCKET
} Target;

typedef enum Access
{
	READS,
	WRITES
} Access;

/* Each parameter is needed (!name), needed with this value (!name=value), or may be there. A blank
 * separates them. */
static const struct
{
	const char *method;
	Target      target;
	Access      access;
	const char *operation;
	const char *parameters;
} operations[] = {
	{"GET", ON_OBJECT, READS, "GetObject", "x-id partNumber"},
	{"HEAD", ON_OBJECT, READS, "HeadObject", "x-id partNumber"},
	{"PUT", ON_OBJECT, WRITES, "PutObject", "x-id"},
	{"PUT", ON_OBJECT, WRITES, "UploadPart", "x-id !partNumber !uploadId"},
	{"POST", ON_OBJECT, WRITES, "CreateMultipartUpload", "x-id !uploads="},
	{"POST", ON_OBJECT, WRITES, "CompleteMultipartUpload", "x-id !uploadId"},
	{"DELETE", ON_OBJECT, WRITES, "DeleteObject", "x-id"},
	{"DELETE", ON_OBJECT, WRITES, "AbortMultipartUpload", "x-id !uploadId"},
	{"POST", ON_BUCKET, WRITES, "DeleteObjects", "x-id !delete="},
	{"GET", ON_BUCKET, READS, "ListObjectsV2",
	 "x-id !list-type=2 !prefix delimiter max-keys continuation-token start-after encoding-type "
	 "fetch-owner"},
};

/* Does a word of a list of parameters stand for the one that came? */
static bool
word_fits(const char *word, size_t len, const IceVendParameter *parameter)
{
	const char *equals;
	size_t      name_len;

	if (*word == '!')
		word++, len--;
	equals = memchr(word, '=', len);
	name_len = equals != NULL ? (size_t) (equals - word) : len;
	if (strlen(parameter->name) != name_len || strncmp(word, parameter->name, name_len) != 0)
		return false;
	return equals == NULL || (strlen(parameter->value) == len - name_len - 1 &&
							  strncmp(equals + 1, parameter->value, len - name_len - 1) == 0);
}

/* Has the URI exactly parameters of the list, and all that are needed? */
static bool
parameters_fit(const char *list, const IceVendUri *uri)
{
	int known = 0;

	while (*list != '\0')
	{
		size_t len = strcspn(list, " ");
		bool   found = false;

		for (int i = 0; i < uri->parameter_count; i++)
			found |= word_fits(list, len, &uri->parameters[i]);
		if (*list == '!' && !found)
			return false;
		known += found;
		list += len + (list[len] == ' ');
	}
	return known == uri->parameter_count;
}

/* The authority of an endpoint; NULL where it is none, or lies in a path. */
static const char *
authority_of(const char *endpoint)
{
	IceVendUri uri;
	size_t     len = endpoint != NULL ? strlen(endpoint) : 0;

	if (len == 0)
		return NULL;
	if (ice_vend_uri_parse(endpoint[len - 1] == '/' ? endpoint : psprintf("%s/", endpoint), &uri) !=
			NULL ||
		strcmp(uri.path, "/") != 0)
		return NULL;
	return uri.authority;
}

/* Path style: the host is the store's, and the bucket is the first segment. Host style: the bucket
 * stands before the store's host. Sets *key to what follows. */
static bool
split_by(const char *host, IceSignRequest *request, const char **key)
{
	size_t      host_len = strlen(host);
	size_t      len = strlen(request->uri.authority);
	const char *path = request->uri.path + 1;
	size_t      bucket_len;

	if (strcmp(host, request->uri.authority) == 0)
	{
		bucket_len = strcspn(path, "/");
		request->bucket = pnstrdup(path, bucket_len);
		*key = path + bucket_len + (path[bucket_len] == '/');
		return true;
	}
	if (len <= host_len + 1 || strcmp(request->uri.authority + len - host_len, host) != 0 ||
		request->uri.authority[len - host_len - 1] != '.')
		return false;
	request->bucket = pnstrdup(request->uri.authority, len - host_len - 1);
	*key = path;
	return true;
}

static const char *
split(const IceSignStore *store, IceSignRequest *request, const char **key)
{
	const char *region = store->region ? store->region : "us-east-1";
	const char *domain = strncmp(region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
	const char *hosts[] = {authority_of(store->endpoints[0]), authority_of(store->endpoints[1]),
						   NULL, NULL, NULL};

	if (store->endpoints[0] == NULL && store->endpoints[1] == NULL)
	{
		hosts[0] = psprintf("s3.%s.%s", region, domain);
		hosts[1] = psprintf("s3.dualstack.%s.%s", region, domain);
		hosts[2] = psprintf("s3-%s.%s", region, domain);
		hosts[3] = "s3.amazonaws.com";
	}
	for (size_t i = 0; i < lengthof(hosts); i++)
		if (hosts[i] != NULL && split_by(hosts[i], request, key))
			return *request->bucket != '\0' ? NULL : "it names no bucket";
	return "it goes to another host than the warehouse's store";
}

static const char *
read_body(const char *body, IceSignRequest *out)
{
	IceDeleteKeys keys;
	const char   *fault;

	if (body == NULL)
		return "DeleteObjects is signed with its body only";
	fault = ice_delete_keys_read(body, &keys);
	out->has_body = true;
	out->keys = keys.keys;
	out->key_count = keys.count;
	return fault;
}

static const char *
read_keys(const char *key, const char *body, IceSignRequest *out)
{
	if (strcmp(out->operation, "DeleteObjects") == 0)
		return read_body(body, out);
	if (body != NULL && *body != '\0')
		return "only DeleteObjects is signed with a body";
	out->lists = strcmp(out->operation, "ListObjectsV2") == 0;
	out->keys = palloc(sizeof(char *));
	out->keys[0] = out->lists ? ice_vend_uri_parameter(&out->uri, "prefix") : key;
	out->key_count = 1;
	return NULL;
}

const char *
ice_sign_read(const IceSignStore *store, const char *method, const char *uri, const char *body,
			  IceSignRequest *out)
{
	const char *key = "";
	const char *fault;

	memset(out, 0, sizeof(*out));
	out->method = method;
	out->text = uri;
	fault = ice_vend_uri_parse(uri, &out->uri);
	if (fault == NULL)
		fault = split(store, out, &key);
	for (size_t i = 0; i < lengthof(operations) && fault == NULL; i++)
		if (strcmp(operations[i].method, method) == 0 &&
			operations[i].target == (*key == '\0' ? ON_BUCKET : ON_OBJECT) &&
			parameters_fit(operations[i].parameters, &out->uri))
		{
			out->operation = operations[i].operation;
			out->writes = operations[i].access == WRITES;
			return read_keys(key, body, out);
		}
	return fault != NULL ? fault : "it is no operation that is signed";
}

/* Segments that a store or a proxy may resolve. */
static bool
has_dots(const char *key)
{
	for (const char *segment = key; segment != NULL;)
	{
		size_t len = strcspn(segment, "/");

		ice_step();
		if ((len == 1 && segment[0] == '.') || (len == 2 && strncmp(segment, "..", 2) == 0) ||
			(len == 0 && segment[0] == '/'))
			return true;
		segment = segment[len] == '/' ? segment + len + 1 : NULL;
	}
	return false;
}

/* A list's prefix reaches past the closing slash of a place: "t" would list "t2", too. */
static bool
is_held(const IceSignRequest *request, const IceVendPlace *place, const char *key)
{
	size_t len = strlen(place->key);

	if (ice_vend_place_holds(place, request->bucket, key))
		return true;
	return request->lists && strcmp(place->bucket, request->bucket) == 0 &&
		   strncmp(key, place->key, len) == 0 && strcmp(key + len, "/") == 0;
}

const char *
ice_sign_within(const IceSignRequest *request, const IceVendPlaces *places, bool may_write)
{
	if (request->writes && !may_write)
		return "it writes, and the caller may only read the table";
	for (int i = 0; i < request->key_count; i++)
	{
		bool held = false;

		for (int j = 0; j < places->count && !held; j++)
			held = places->items[j].store == ICE_VEND_S3 &&
				   is_held(request, &places->items[j], request->keys[i]);
		if (!held)
			return request->lists ? "it lists more than the table's files"
								  : "it is about a file that is not the table's";
		if (has_dots(request->keys[i]))
			return "it has a segment of dots, or an empty one";
	}
	return NULL;
}

const char *
ice_sign_places(const char *uri, const char *body, IceSignPlaces *out)
{
	IceVendUri    parsed;
	IceDeleteKeys keys = {NULL, 0};
	const char   *fault = ice_vend_uri_parse(uri, &parsed);
	const char   *file;
	const char   *bucket;
	size_t        len;

	out->count = 0;
	if (fault == NULL && body != NULL)
		fault = ice_delete_keys_read(body, &keys);
	if (fault != NULL)
		return fault;
	file = keys.count > 0 ? keys.keys[0] : ice_vend_uri_parameter(&parsed, "prefix");
	bucket = parsed.path + 1;
	len = strcspn(bucket, "/");
	if (len > 0)
		out->locations[out->count++] = file ? psprintf("s3://%.*s/%s", (int) len, bucket, file)
											: psprintf("s3://%s", bucket);
	out->locations[out->count++] = psprintf("s3://%.*s/%s", (int) strcspn(parsed.authority, ".:"),
											parsed.authority, file ? file : bucket);
	return NULL;
}
