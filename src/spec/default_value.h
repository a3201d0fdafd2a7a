/*
 * default_value.h
 *		Whether a default value's JSON form suits its type.
 *
 * Iceberg spec, "Default values" and "JSON single-value serialization".
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_DEFAULT_VALUE_H
#define ICE_DEFAULT_VALUE_H

#include "spec/type_def.h"

/* A default of the field, whose type and json are read: initial-default or write-default; NULL:
 * none. A whole number as a float gets a point, in the json too. Raises BAD_REQUEST. */
extern IceJson *ice_default_value_read(const IceField *field, const char *key);

/* Is it the JSON form of a value of the type? */
extern bool ice_default_value_suits(const IceType *type, const IceJson *value);

#endif
