/*
 * vend_place.c
 *		Locations on object stores, taken apart. See vend_place.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "vend/vend_place.h"

#define PLACES_AT_FIRST 4

static const struct
{
	const char  *scheme;
	IceVendStore store;
} schemes[] = {
	{"s3://", ICE_VEND_S3},      {"s3a://", ICE_VEND_S3},     {"s3n://", ICE_VEND_S3},
	{"gs://", ICE_VEND_GCS},     {"abfss://", ICE_VEND_ADLS}, {"abfs://", ICE_VEND_ADLS},
	{"wasbs://", ICE_VEND_ADLS}, {"wasb://", ICE_VEND_ADLS},
};

static bool
is_plain(const char *text, size_t len, const char *more)
{
	for (size_t i = 0; i < len; i++)
	{
		char c = text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			  strchr(more, c) != NULL) ||
			c == '\0')
			return false;
	}
	return len > 0;
}

/* What is wrong with a key; NULL: nothing. */
static const char *
key_fault(const char *key)
{
	const char *segment = key;

	for (const char *c = key;; c++)
	{
		ice_step();
		if (*c == '/' || *c == '\0')
		{
			size_t len = (size_t) (c - segment);

			if (len == 0)
				return *key == '\0' ? "it is a whole bucket" : "it has an empty segment";
			if ((len == 1 && segment[0] == '.') ||
				(len == 2 && segment[0] == '.' && segment[1] == '.'))
				return "it has a segment of dots";
			segment = c + 1;
		}
		else if ((unsigned char) *c < 0x20 || *c == 0x7F)
			return "it has a control character";
		if (*c == '\0')
			return NULL;
	}
}

/* Splits bucket[@host]. */
static const char *
read_authority(const char *start, size_t len, IceVendPlace *place)
{
	const char *at = memchr(start, '@', len);

	if (place->store != ICE_VEND_ADLS)
	{
		place->bucket = pnstrdup(start, len);
		return is_plain(start, len, ".-_") ? NULL : "its bucket has no usual name";
	}
	if (at == NULL)
		return "it names no account";
	place->bucket = pnstrdup(start, (size_t) (at - start));
	place->host = pnstrdup(at + 1, len - (size_t) (at + 1 - start));
	if (!is_plain(start, (size_t) (at - start), "-$"))
		return "its container has no usual name";
	return is_plain(at + 1, strlen(place->host), ".-") ? NULL : "its host has no usual name";
}

const char *
ice_vend_place_parse(const char *location, IceVendPlace *place)
{
	const char *rest = NULL;
	const char *slash;
	const char *fault;
	size_t      len = strlen(location);

	memset(place, 0, sizeof(*place));
	ice_step_bytes(len);
	for (size_t i = 0; i < lengthof(schemes) && rest == NULL; i++)
		if (pg_strncasecmp(location, schemes[i].scheme, strlen(schemes[i].scheme)) == 0)
		{
			place->store = schemes[i].store;
			rest = location + strlen(schemes[i].scheme);
		}
	if (rest == NULL)
		return "it is on no object store";
	slash = strchr(rest, '/');
	fault = read_authority(rest, slash ? (size_t) (slash - rest) : strlen(rest), place);
	if (fault != NULL)
		return fault;
	while (len > 0 && location[len - 1] == '/' && location + len - 1 > slash)
		len--;
	place->location = pnstrdup(location, len);
	place->key = slash == NULL ? "" : place->location + (slash + 1 - location);
	return key_fault(place->key);
}

/* Is a key the other one, or below it? */
static bool
is_below(const char *key, const char *above)
{
	size_t len = strlen(above);

	return strncmp(key, above, len) == 0 && (key[len] == '/' || key[len] == '\0');
}

static bool
same_root(const IceVendPlace *a, const IceVendPlace *b)
{
	return strcmp(a->bucket, b->bucket) == 0 &&
		   pg_strcasecmp(a->host ? a->host : "", b->host ? b->host : "") == 0;
}

const char *
ice_vend_place_add(IceVendPlaces *places, const char *location)
{
	IceVendPlace place;
	const char  *fault = ice_vend_place_parse(location, &place);
	int          kept = 0;

	if (fault != NULL)
		return fault;
	if (places->count > 0 && places->items[0].store != place.store)
		return "the table lies in stores of several kinds";
	for (int i = 0; i < places->count; i++)
		if (same_root(&places->items[i], &place) && is_below(place.key, places->items[i].key))
			return NULL;
	for (int i = 0; i < places->count; i++)
		if (!same_root(&places->items[i], &place) || !is_below(places->items[i].key, place.key))
			places->items[kept++] = places->items[i];
	places->count = kept;
	if (places->items == NULL)
		places->items = palloc(sizeof(IceVendPlace) * (places->capacity = PLACES_AT_FIRST));
	else if (places->count == places->capacity)
		places->items = repalloc(places->items, sizeof(IceVendPlace) * (places->capacity *= 2));
	places->items[places->count++] = place;
	return NULL;
}

bool
ice_vend_place_holds(const IceVendPlace *place, const char *bucket, const char *key)
{
	size_t len = strlen(place->key);

	return strcmp(place->bucket, bucket) == 0 && strncmp(key, place->key, len) == 0 &&
		   key[len] == '/' && key[len + 1] != '\0';
}

const char *
ice_vend_place_prefix(const IceVendPlaces *places, int n)
{
	const char *location = places->items[n].location;

	for (int i = 0; i < places->count; i++)
		if (i != n && strncmp(places->items[i].location, location, strlen(location)) == 0)
			return psprintf("%s/", location);
	return location;
}
