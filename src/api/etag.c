/*
 * etag.c
 *		Entity tags of tables, and If-None-Match. See etag.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "api/etag.h"
#include "store/warehouse_rules.h"

/* Mixes bytes, and where they end, into a hash. */
static uint64
mix(uint64 hash, const void *data, size_t len)
{
	return hash_bytes_extended(data, (int) len, hash ^ len);
}

static uint64
mix_string(uint64 hash, const char *text)
{
	return mix(hash, text ? text : "", text ? strlen(text) : 0);
}

char *
ice_etag(const IceTable *table, const IceRepresentation *representation)
{
	uint64 hash = ICE_RENDERING;

	hash = mix(hash, table->id.data, UUID_LEN);
	hash = mix_string(hash, table->metadata_location);
	hash = mix_string(hash, representation->access);
	if (ice_warehouse_rules_steering(&table->warehouse_id))
		hash = mix_string(hash, ICE_STEERING_PROPERTY);
	if (representation->policy != NULL)
		hash = mix_string(hash, representation->policy);
	return psprintf("W/\"%s-" INT64_FORMAT "-%016llx\"", representation->refs_only ? "refs" : "all",
					table->version, (unsigned long long) hash);
}

static const char *
skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* Reads one entity tag: *opaque and *len get what is quoted, quotes included. NULL: it is none. */
static const char *
read_tag(const char *p, const char **opaque, size_t *len)
{
	if (p[0] == 'W' && p[1] == '/')
		p += 2;
	if (*p != '"')
		return NULL;
	*opaque = p++;
	for (; *p != '"'; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (c <= 0x20 || c == 0x7F)
			return NULL;
	}
	*len = (size_t) (++p - *opaque);
	return p;
}

/* A list of tags, empty members allowed. What follows a match must be sound, too. */
bool
ice_etag_matches(const char *if_none_match, const char *etag)
{
	const char *p = if_none_match != NULL ? skip_blanks(if_none_match) : "";
	const char *wanted = strchr(etag, '"');
	bool        found = false;

	if (p[0] == '*' && *skip_blanks(p + 1) == '\0')
		return true;
	while (*p != '\0')
	{
		const char *opaque;
		size_t      len;

		if (*p != ',')
		{
			p = read_tag(p, &opaque, &len);
			if (p == NULL)
				return false;
			found |= len == strlen(wanted) && memcmp(opaque, wanted, len) == 0;
			p = skip_blanks(p);
			if (*p != ',' && *p != '\0')
				return false;
		}
		p = skip_blanks(*p == ',' ? p + 1 : p);
	}
	return found;
}
