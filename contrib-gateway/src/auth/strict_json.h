/*
 * strict_json.h
 *		Small JSON documents of strangers, within bounds. Pure.
 *
 * Refused are repeated members, which two programs may read differently, NUL, what is not UTF-8,
 * and what is deeper than a token or a set of keys needs to be: the library underneath recurses.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_STRICT_JSON_H
#define GW_STRICT_JSON_H

#include <jansson.h>

#include "base/text.h"

/* An object, to be freed by json_decref(); NULL when the text is not one. */
extern json_t *gw_strict_json_object(GwSlice text);

/* A member that is a string without NUL; NULL when it is not there or something else. */
extern const char *gw_strict_json_string(const json_t *object, const char *name);

/* A member that is so many bytes in hexadecimal digits. */
extern bool gw_strict_json_hex(const json_t *object, const char *name, unsigned char *out,
							   size_t bytes);

#endif
