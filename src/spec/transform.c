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

/* Reads NAME[WIDTH]; false if the text has another form. */
static bool
parse_width(const IceJson *field, const char *name, int32 *width)
{
	const char *text = ice_json_get(field, "transform")->string;
	size_t name_len = strlen(name);
	int64  value = 0;

	if (strncmp(text, name, name_len) != 0 || text[name_len] != '[')
		return false;

	const char *digits = text + name_len + 1;
	size_t      count = strspn(digits, "0123456789");

	if (count == 0 || strcmp(digits + count, "]") != 0)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		value = value * 10 + (digits[i] - '0');
		if (value > PG_INT32_MAX)
			ice_json_raise(field, ICE_ERR_BAD_REQUEST, "Invalid width in transform: %s", text);
	}
	*width = (int32) value;
	return true;
}

IceTransform
ice_transform_parse(const IceJson *field)
{
	const char  *text = ice_json_string(field, "transform");
	IceTransform transform = {.kind = ICE_TRANSFORM_UNKNOWN, .text = text};

	for (int i = 0; i < (int) lengthof(plain_transforms); i++)
		if (strcmp(plain_transforms[i].name, text) == 0)
			transform.kind = plain_transforms[i].kind;
	if (parse_width(field, "bucket", &transform.width))
	{
		transform.kind = ICE_TRANSFORM_BUCKET;
		if (transform.width == 0)
			ice_json_raise(field, ICE_ERR_BAD_REQUEST,
						   "Invalid number of buckets: 0 (must be > 0)");
	}
	else if (parse_width(field, "truncate", &transform.width))
	{
		transform.kind = ICE_TRANSFORM_TRUNCATE;
		if (transform.width == 0)
			ice_json_raise(field, ICE_ERR_BAD_REQUEST, "Invalid truncate width: 0 (must be > 0)");
	}
	return transform;
}

void
ice_sources_parse(IceSources *sources, const IceJson *field, const char *what)
{
	const IceJson *list = ice_json_opt_array(field, "source-ids");

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

bool
ice_sources_equal(const IceSources *a, const IceSources *b)
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
