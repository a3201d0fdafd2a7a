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

#include "spec/type.h"

/* value NULL: nothing to check. Raises BAD_REQUEST. */
extern void ice_default_check(const IceField *field, const IceJson *value);

#endif
