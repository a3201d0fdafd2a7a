/*
 * type.h
 *		Iceberg types, read from their JSON form.
 *
 * Iceberg spec, "Schemas and Data Types" and "Appendix C: JSON serialization". Names of types are
 * taken as the specification spells them: lower case only.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TYPE_H
#define ICE_TYPE_H

#include "spec/type_def.h"

/* Raises BAD_REQUEST. The type points into json. */
extern void ice_type_parse(IceType *type, IceJson *json);

extern bool ice_type_is_primitive(const IceType *type);
extern bool ice_type_is_nested(const IceType *type);
extern bool ice_type_equal(const IceType *a, const IceType *b);

/* The first format version that has the type. */
extern int32 ice_type_min_format_version(const IceType *type);

#endif
