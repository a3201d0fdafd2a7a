/*
 * spec_text.h
 *		Small texts inside of metadata: numbers, locations and UUIDs.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SPEC_TEXT_H
#define ICE_SPEC_TEXT_H

#include "json/json.h"

/* A whole text that is a 32-bit integer; false if it is none. */
extern bool ice_text_to_int32(const char *text, int32 *value);

/* The text without slashes at the end, as Java keeps locations; a lone scheme stays. */
extern const char *ice_text_strip_slash(const char *location);

/* Raises BAD_REQUEST unless the text has the form of a UUID. */
extern void ice_text_check_uuid(const char *text);

#endif
