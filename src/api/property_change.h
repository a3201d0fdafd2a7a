/*
 * property_change.h
 *		Property maps of namespaces and warehouses: checking, and changing one.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_API_PROPERTY_CHANGE_H
#define ICE_API_PROPERTY_CHANGE_H

#include "api/args.h"

/* A change of a property map. */
typedef struct IcePropertyChange
{
	IceJson *updates;  /* object of strings */
	IceJson *removals; /* object whose keys are to be removed: a set */
	IceJson *removed;  /* result: array of the removals that were there */
	IceJson *missing;  /* result: array of the others */
} IcePropertyChange;

/* Checks a map as given; NULL or JSON null: an empty one. Raises BAD_REQUEST, or LIMIT_EXCEEDED
 * over icecat.properties_max. */
extern IceJson *ice_property_change_check(IceJson *value, const char *name);

/* A change out of SQL arguments: updates (json) at n, removals (text[]) at n + 1. Raises
 * BAD_REQUEST, and UNPROCESSABLE for a key on both sides, where what (namespace, warehouse) is
 * named. */
extern void ice_property_change_of_args(FunctionCallInfo fcinfo, int n, const char *what,
										IcePropertyChange *out);
/* A change of a namespace out of a request body; raises the same. */
extern void ice_property_change_of_json(IceJson *request, IcePropertyChange *out);

/* Applies a checked change to a map given as text; the text of the result, or NULL if nothing is
 * set or removed. Raises LIMIT_EXCEEDED. */
extern const char *ice_property_change_apply(IcePropertyChange *change, const char *properties);

#endif
