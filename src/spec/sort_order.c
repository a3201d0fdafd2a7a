/*
 * sort_order.c
 *		Sort orders: reading and checking.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/sort_order.h"

#include "spec/type_text.h"

/* The two spellings of a choice, in any case, and kept in lower case; raises with the given message
 * otherwise. */
static bool
parse_choice(IceJson *field, const char *key, const char *no, const char *yes, const char *message)
{
	const char *text = ice_json_string(field, key);

	bool is_yes = pg_strcasecmp(text, yes) == 0;

	if (!is_yes && pg_strcasecmp(text, no) != 0)
		ice_json_raise(ice_json_get(field, key), ICE_ERR_BAD_REQUEST, "%s: %s", message, text);
	if (strcmp(text, is_yes ? yes : no) != 0)
		ice_json_set(field, key, ice_json_make_string(is_yes ? yes : no));
	return is_yes;
}

static void
parse_field(IceSortField *field, IceJson *json)
{
	if (json->kind != ICE_JSON_OBJECT)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot parse sort field, not an object: %s",
					   ice_json_shown(json));
	field->json = json;
	field->transform = ice_transform_parse(json);
	ice_transform_sources_parse(&field->sources, json, "sort");
	field->descending = parse_choice(json, "direction", "asc", "desc", "Invalid sort direction");
	field->nulls_last = parse_choice(json, "null-order", "nulls-first", "nulls-last",
									 "Unexpected null order");
}

IceSortOrder *
ice_sort_order_parse(IceJson *json)
{
	static const char *const optional_members[] = {"order-id"};
	IceSortOrder            *order = palloc0(sizeof(IceSortOrder));

	if (json->kind != ICE_JSON_OBJECT)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot parse sort order from non-object: %s",
					   ice_json_shown(json));
	order->json = json;
	order->has_order_id = ice_json_opt_int32(json, "order-id", &order->order_id);
	ice_json_drop_nulls(json, optional_members, lengthof(optional_members));

	IceJson *fields = ice_json_get(json, "fields");

	if (fields == NULL)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot parse missing field: fields");
	if (fields->kind != ICE_JSON_ARRAY)
		ice_json_raise(fields, ICE_ERR_BAD_REQUEST,
					   "Cannot parse sort order fields, not an array: %s", ice_json_shown(fields));
	ice_budget_reserve(sizeof(IceSortField) * fields->count);
	order->field_count = fields->count;
	order->fields = palloc0(sizeof(IceSortField) * Max(fields->count, 1));
	for (int i = 0; i < fields->count; i++)
	{
		ice_step();
		parse_field(&order->fields[i], fields->items[i]);
	}
	if (order->has_order_id && fields->count == 0 && order->order_id != ICE_UNSORTED_ORDER_ID)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Unsorted order ID must be 0");
	if (order->has_order_id && fields->count > 0 && order->order_id == ICE_UNSORTED_ORDER_ID)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Sort order ID 0 is reserved for unsorted order");
	return order;
}

static const char *
field_text(const IceSortField *field)
{
	return psprintf("%s(%d) %s %s", field->transform.text, field->sources.ids[0],
					field->descending ? "DESC" : "ASC",
					field->nulls_last ? "NULLS LAST" : "NULLS FIRST");
}

static void
check_type(const IceSortField *field, int32 source_id, const IceSchema *schema)
{
	const IceField *source = ice_schema_field(schema, source_id);

	ice_step();
	if (source == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot find source column for sort field: %s",
				  field_text(field));
	if (!ice_type_is_primitive(&source->type))
		ice_raise(ICE_ERR_VALIDATION, "Cannot sort by non-primitive source field: %s",
				  ice_type_text(&source->type));
	if (!ice_transform_accepts(&field->transform, &source->type))
		ice_raise(ICE_ERR_VALIDATION, "Invalid source type %s for transform: %s",
				  ice_type_text(&source->type), field->transform.text);
}

void
ice_sort_order_check_types(const IceSortOrder *order, const IceSchema *schema)
{
	for (int i = 0; i < order->field_count; i++)
		for (int j = 0; j < order->fields[i].sources.count; j++)
			check_type(&order->fields[i], order->fields[i].sources.ids[j], schema);
}

void
ice_sort_order_check_new(const IceSortOrder *order, int32 format_version)
{
	for (int i = 0; i < order->field_count; i++)
		ice_transform_check_new(&order->fields[i].transform, &order->fields[i].sources, "sort",
								format_version);
	ice_sort_order_settle(order);
}

void
ice_sort_order_settle(const IceSortOrder *order)
{
	for (int i = 0; i < order->field_count; i++)
		ice_transform_sources_settle(&order->fields[i].sources, order->fields[i].json);
}

bool
ice_sort_order_same(const IceSortOrder *a, const IceSortOrder *b)
{
	if (a->field_count != b->field_count)
		return false;
	for (int i = 0; i < a->field_count; i++)
	{
		const IceSortField *left = &a->fields[i];
		const IceSortField *right = &b->fields[i];

		if (!ice_transform_sources_equal(&left->sources, &right->sources) ||
			left->descending != right->descending || left->nulls_last != right->nulls_last ||
			strcmp(left->transform.text, right->transform.text) != 0)
			return false;
	}
	return true;
}

IceJson *
ice_sort_order_unsorted_json(void)
{
	IceJson *json = ice_json_make_object();

	ice_json_set(json, "order-id", ice_json_make_int(ICE_UNSORTED_ORDER_ID));
	ice_json_set(json, "fields", ice_json_make_array());
	return json;
}
