/*
 * type_text.h
 *		The names of types, and types and fields as text.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TYPE_TEXT_H
#define ICE_TYPE_TEXT_H

#include "spec/type_def.h"

/* Is it the name of a type without parameters? */
extern bool ice_type_text_is_simple(const char *name, IceTypeId *id);

/* As the Java classes print them, for messages. */
extern const char *ice_type_text(const IceType *type);
extern const char *ice_type_text_field(const IceField *field);

#endif
