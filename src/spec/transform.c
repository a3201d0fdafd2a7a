/*
 * transform.c
 *		Partition and sort transforms.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/transform.h"

static const struct
{
	const char      *name;
	IceTransformKind kind;
} plain_transforms[] = {
	{"identity", ICE_TRANSFORM_IDENTITY}, {"void", ICE_TRANSFORM_VOID},
	{"year", ICE_TRANSFORM_YEAR},         {"month", ICE_TRANSFORM_MONTH},
	{"day", ICE_TRANSFORM_DAY},           {"hour", ICE_TRANSFORM_HOUR},
};

/* The text with its ASCII letters in lower case, and the two other letters that Java's
 * equalsIgnoreCase() takes for an i: U+0130 and U+0131. */
static char *
folded(const char *text)
{
	char *result = palloc(strlen(text) + 1);
	char *to = result;

	for (; *text != '\0'; text++)
	{
		if (text[0] == '\xC4' && (text[1] == '\xB0' || text[1] == '\xB1'))
		{
			*to++ = 'i';
			text++;
		}
		else
			*to++ = (char) pg_ascii_tolower((unsigned char) *text);
	}
	*to = '\0';
	return result;
}

/* Length of the word before [WIDTH] where the whole text is that, else 0. Java reads the number,
 * whatever the word is: one that does not fit makes the table unreadable. */
static size_t
parse_width(const IceJson *field, const char *text, int32 *width)
{
	size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	int64  value = 0;

	if (word == 0 || text[word] != '[')
		return 0;

	const char *digits = text + word + 1;
	size_t      count = strspn(digits, "0123456789");

	if (count == 0 || strcmp(digits + count, "]") != 0)
		return 0;
	for (size_t i = 0; i < count; i++)
	{
		value = value * 10 + (digits[i] - '0');
		if (value > PG_INT32_MAX)
			ice_json_raise(field, ICE_ERR_BAD_REQUEST, "Invalid width in transform: %s", text);
	}
	*width = (int32) value;
	return word;
}

/* Bucket and truncate; unknown if it is neither. */
static IceTransformKind
kind_with_width(const IceJson *field, const char *text, int32 *width)
{
	size_t word = parse_width(field, text, width);

	if (word == strlen("bucket") && pg_strncasecmp(text, "bucket", word) == 0)
	{
		if (*width == 0)
			ice_json_raise(field, ICE_ERR_BAD_REQUEST,
						   "Invalid number of buckets: 0 (must be > 0)");
		return ICE_TRANSFORM_BUCKET;
	}
	if (word == strlen("truncate") && pg_strncasecmp(text, "truncate", word) == 0)
	{
		if (*width == 0)
			ice_json_raise(field, ICE_ERR_BAD_REQUEST, "Invalid truncate width: 0 (must be > 0)");
		return ICE_TRANSFORM_TRUNCATE;
	}
	return ICE_TRANSFORM_UNKNOWN;
}

IceTransform
ice_transform_parse(IceJson *field)
{
	const char  *text = ice_json_string(field, "transform");
	const char  *lower = folded(text);
	IceTransform transform = {.text = text};

	transform.kind = kind_with_width(field, text, &transform.width);
	if (transform.kind == ICE_TRANSFORM_BUCKET)
		transform.text = psprintf("bucket[%d]", transform.width);
	else if (transform.kind == ICE_TRANSFORM_TRUNCATE)
		transform.text = psprintf("truncate[%d]", transform.width);
	for (int i = 0; i < (int) lengthof(plain_transforms); i++)
		if (strcmp(plain_transforms[i].name, lower) == 0)
		{
			transform.kind = plain_transforms[i].kind;
			transform.text = plain_transforms[i].name;
		}
	if (strcmp(transform.text, text) != 0)
		ice_json_set(field, "transform", ice_json_make_string(transform.text));
	return transform;
}

void
ice_transform_sources_parse(IceSources *sources, IceJson *field, const char *what)
{
	static const char *const optional_members[] = {"source-id", "source-ids"};
	const IceJson           *list = ice_json_opt_array(field, "source-ids");

	ice_json_drop_nulls(field, optional_members, lengthof(optional_members));

	sources->listed = list != NULL && ice_json_get(field, "source-id") == NULL;
	if (!sources->listed)
	{
		sources->count = 1;
		sources->ids = palloc(sizeof(int32));
		sources->ids[0] = ice_json_int32(field, "source-id");
		return;
	}
	if (list->count == 0)
		ice_json_raise(field, ICE_ERR_BAD_REQUEST, "Cannot parse %s field, source-ids is empty: %s",
					   what, ice_json_shown(field));
	sources->count = list->count;
	sources->ids = palloc(sizeof(int32) * list->count);
	for (int i = 0; i < list->count; i++)
		sources->ids[i] = ice_json_to_int32(list->items[i], "source-ids");
}

void
ice_transform_sources_settle(const IceSources *sources, IceJson *field)
{
	if (!sources->listed || sources->count > 1)
		return;
	ice_json_set(field, "source-id", ice_json_make_int(sources->ids[0]));
	ice_json_remove(field, "source-ids");
}

bool
ice_transform_sources_equal(const IceSources *a, const IceSources *b)
{
	return a->count == b->count && memcmp(a->ids, b->ids, sizeof(int32) * a->count) == 0;
}

void
ice_transform_check_new(const IceTransform *transform, const IceSources *sources, const char *what,
						int32 format_version)
{
	bool unknown = transform->kind == ICE_TRANSFORM_UNKNOWN;

	if (format_version < 3 && unknown)
		ice_raise(ICE_ERR_VALIDATION, "Unknown %s transform in format v%d: %s", what,
				  format_version, transform->text);
	if (format_version < 3 && sources->listed)
		ice_raise(ICE_ERR_VALIDATION, "Invalid %s field: source-ids is not supported until v3",
				  what);
	if (!unknown && sources->count > 1)
		ice_raise(ICE_ERR_VALIDATION, "Invalid %s field: %s takes one source column, found %d",
				  what, transform->text, sources->count);
}

static bool
is_timestamp(const IceType *type)
{
	return type->id >= ICE_TYPE_TIMESTAMP && type->id <= ICE_TYPE_TIMESTAMPTZ_NS;
}

static bool
bucket_accepts(const IceType *type)
{
	switch (type->id)
	{
		case ICE_TYPE_INT:
		case ICE_TYPE_LONG:
		case ICE_TYPE_DATE:
		case ICE_TYPE_TIME:
		case ICE_TYPE_STRING:
		case ICE_TYPE_BINARY:
		case ICE_TYPE_FIXED:
		case ICE_TYPE_DECIMAL:
		case ICE_TYPE_UUID:
			return true;
		default:
			return is_timestamp(type);
	}
}

static bool
truncate_accepts(const IceType *type)
{
	switch (type->id)
	{
		case ICE_TYPE_INT:
		case ICE_TYPE_LONG:
		case ICE_TYPE_STRING:
		case ICE_TYPE_BINARY:
		case ICE_TYPE_DECIMAL:
			return true;
		default:
			return false;
	}
}

/* canTransform() of the Java transforms. */
bool
ice_transform_accepts(const IceTransform *transform, const IceType *type)
{
	switch (transform->kind)
	{
		case ICE_TRANSFORM_IDENTITY:
			return ice_type_is_primitive(type) && type->id != ICE_TYPE_GEOMETRY &&
				   type->id != ICE_TYPE_GEOGRAPHY;
		case ICE_TRANSFORM_BUCKET:
			return bucket_accepts(type);
		case ICE_TRANSFORM_TRUNCATE:
			return truncate_accepts(type);
		case ICE_TRANSFORM_YEAR:
		case ICE_TRANSFORM_MONTH:
		case ICE_TRANSFORM_DAY:
			return type->id == ICE_TYPE_DATE || is_timestamp(type);
		case ICE_TRANSFORM_HOUR:
			return is_timestamp(type);
		case ICE_TRANSFORM_VOID:
		case ICE_TRANSFORM_UNKNOWN:
			return true;
	}
	return false;
}

/* Transforms.fromString(Type, String) of Java: it does not look at the type of identity except for
 * these. */
bool
ice_transform_readable(const IceTransform *transform, const IceType *type)
{
	if (transform->kind == ICE_TRANSFORM_IDENTITY)
		return type->id != ICE_TYPE_VARIANT && type->id != ICE_TYPE_GEOMETRY &&
			   type->id != ICE_TYPE_GEOGRAPHY;
	return ice_transform_accepts(transform, type);
}
