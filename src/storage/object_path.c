/*
 * object_path.c
 *		Locations in object stores. See object_path.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "errors.h"
#include "storage/object_path.h"
#include "pg_compat.h"

#define BUCKET_BYTES_MAX 63
#define BUCKET_MAX_DOTS  222 /* of GCS, where the name is that of a domain */
#define HOST_BYTES_MAX   253

/* Two stores name things in the same way: bucket/key, or container@host/path. */
typedef struct Scheme
{
	const char *name;
	const char *canonical;
	bool        has_host;
} Scheme;

static const Scheme schemes[] = {
	{"s3", "s3", false},      {"s3a", "s3", false},     {"s3n", "s3", false},
	{"gs", "gs", false},      {"abfss", "abfss", true}, {"abfs", "abfss", true},
	{"wasbs", "abfss", true}, {"wasb", "abfss", true},
};

/* A location taken apart. None of the parts ends with a NUL but key. */
typedef struct Parts
{
	const Scheme *scheme;
	const char   *bucket; /* or container */
	size_t        bucket_len;
	const char   *host; /* NULL where it is missing */
	size_t        host_len;
	const char   *key; /* after the slash; "" for none */
} Parts;

static const Scheme *
scheme_of(const char *location)
{
	for (size_t i = 0; i < lengthof(schemes); i++)
	{
		size_t n = strlen(schemes[i].name);

		if (pg_strncasecmp(location, schemes[i].name, n) == 0 &&
			strncmp(location + n, "://", 3) == 0)
			return &schemes[i];
	}
	return NULL;
}

bool
ice_object_path_is(const char *location)
{
	return scheme_of(location) != NULL;
}

static void
take_apart(const char *location, Parts *out)
{
	const char *rest;
	const char *at;
	size_t      len;

	*out = (Parts){.scheme = scheme_of(location)};
	rest = strstr(location, "://") + 3;
	len = strcspn(rest, "/");
	out->bucket = rest;
	out->bucket_len = len;
	out->key = rest[len] == '/' ? rest + len + 1 : rest + len;
	at = out->scheme->has_host ? memchr(rest, '@', len) : NULL;
	if (at == NULL)
		return;
	out->bucket_len = (size_t) (at - rest);
	out->host = at + 1;
	out->host_len = len - out->bucket_len - 1;
}

/* The host in small letters: that of the file system, where it is that of the blobs. */
static char *
file_system_host(const char *host, size_t len)
{
	static const char blob[] = ".blob.";
	char             *lower = pnstrdup(host, len);
	char             *dot;

	for (char *p = lower; *p != '\0'; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	dot = strchr(lower, '.');
	if (dot == NULL || strncmp(dot, blob, strlen(blob)) != 0)
		return lower;
	return psprintf("%.*s.dfs.%s", (int) (dot - lower), lower, dot + strlen(blob));
}

char *
ice_object_path_spelling(const char *location)
{
	StringInfoData out;
	Parts          parts;

	take_apart(location, &parts);
	initStringInfo(&out);
	appendStringInfo(&out, "%s://%.*s", parts.scheme->canonical, (int) parts.bucket_len,
					 parts.bucket);
	if (parts.host != NULL)
		appendStringInfo(&out, "@%s", file_system_host(parts.host, parts.host_len));
	appendStringInfo(&out, "/%s", parts.key);
	while (out.len > 0 && out.data[out.len - 1] == '/')
		out.data[--out.len] = '\0';
	return out.data;
}

static void
pg_attribute_noreturn() refuse(const char *location, const char *why)
{
	ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Invalid location, %s: %s", why, location);
}

/* Letters, digits, and some more; it begins and ends with a letter or digit. */
static bool
is_name(const char *name, size_t len, const char *more)
{
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) name[i];
		bool          plain = c < 0x80 && isalnum(c);

		if (!plain && (i == 0 || i == len - 1 || c == '\0' || strchr(more, c) == NULL))
			return false;
	}
	return len > 0;
}

static void
check_bucket(const char *location, const Parts *parts)
{
	bool has_dot = memchr(parts->bucket, '.', parts->bucket_len) != NULL;

	if (parts->scheme->has_host)
	{
		if (parts->bucket_len > BUCKET_BYTES_MAX || !is_name(parts->bucket, parts->bucket_len, "-"))
			refuse(location, "which names no container");
		if (parts->host == NULL || parts->host_len > HOST_BYTES_MAX ||
			!is_name(parts->host, parts->host_len, "-."))
			refuse(location, "which names no storage account");
		return;
	}
	if (parts->bucket_len > (has_dot ? BUCKET_MAX_DOTS : BUCKET_BYTES_MAX) ||
		!is_name(parts->bucket, parts->bucket_len, "-._"))
		refuse(location, "which names no bucket");
}

/* Stores take any key. But clients, proxies and stores change empty segments and those of dots
 * before they ask for an object, each in its own way; and a backslash is a slash for ADLS. */
static void
check_key(const char *location, const Parts *parts)
{
	const char *p = parts->key;

	if (parts->scheme->has_host && strchr(p, '\\') != NULL)
		refuse(location, "which holds a backslash");
	while (*p != '\0')
	{
		size_t n = strcspn(p, "/");

		if (n == 0 && p[1] != '\0')
			refuse(location, "which has an empty segment");
		if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			refuse(location, "which has a segment of dots");
		p += n + (p[n] == '/');
	}
}

void
ice_object_path_check(const char *location)
{
	Parts parts;

	take_apart(location, &parts);
	check_bucket(location, &parts);
	check_key(location, &parts);
}
