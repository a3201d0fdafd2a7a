/*
 * property_set.h
 *		Properties while the updates of one commit change them.
 *
 * Names keep their places; one that is removed and set again comes last. Putting and removing take
 * the same time however many there are.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PROPERTY_SET_H
#define ICE_PROPERTY_SET_H

#include "json/json.h"

typedef struct IcePropertySet IcePropertySet;

/* The set that a commit works on: made of the given properties (NULL: none) when it is first
 * needed. */
extern IcePropertySet *ice_property_set_open(IcePropertySet **set, IceJson *properties);

/* All members of an object, or all names of an array. Names that are not set are passed over. */
extern void ice_property_set_put(IcePropertySet *set, const IceJson *properties);
extern void ice_property_set_remove(IcePropertySet *set, const IceJson *names);

/* The properties as a new object. */
extern IceJson *ice_property_set_json(const IcePropertySet *set);

#endif
