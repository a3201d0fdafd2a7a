/*
 * property_set.c
 *		Properties while the updates of one commit change them; see property_set.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/property_set.h"

#include "spec/map.h"

/* One property. A removed one stays in the list, without a value. */
typedef struct Property
{
	const char      *name;
	const IceJson   *value;
	struct Property *next;
} Property;

struct IcePropertySet
{
	IceMap   *by_name;
	Property *first;
	Property *last;
};

static void
put(IcePropertySet *set, const char *name, const IceJson *value)
{
	void    **place = ice_map_at(set->by_name, name, strlen(name));
	Property *property = *place;

	ice_step();
	if (property == NULL || property->value == NULL)
	{
		property = palloc0(sizeof(Property));
		property->name = name;
		if (set->last == NULL)
			set->first = property;
		else
			set->last->next = property;
		set->last = property;
		*place = property;
	}
	property->value = value;
}

IcePropertySet *
ice_property_set_open(IcePropertySet **set, IceJson *properties)
{
	if (*set == NULL)
	{
		*set = palloc0(sizeof(IcePropertySet));
		(*set)->by_name = ice_map_make();
		if (properties != NULL)
			ice_property_set_put(*set, properties);
	}
	return *set;
}

void
ice_property_set_put(IcePropertySet *set, const IceJson *properties)
{
	for (int i = 0; i < properties->count; i++)
		put(set, properties->members[i].key, properties->members[i].value);
}

void
ice_property_set_remove(IcePropertySet *set, const IceJson *names)
{
	for (int i = 0; i < names->count; i++)
	{
		const char *name = names->items[i]->string;
		Property   *property = ice_map_get(set->by_name, name, strlen(name));

		ice_step();
		if (property != NULL)
			property->value = NULL;
	}
}

IceJson *
ice_property_set_json(const IcePropertySet *set)
{
	IceJson *object = ice_json_make_object();

	for (const Property *property = set->first; property != NULL; property = property->next)
	{
		ice_step();
		if (property->value != NULL)
			ice_json_set(object, property->name, ice_json_copy(property->value));
	}
	return object;
}
