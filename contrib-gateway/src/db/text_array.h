/*
 * text_array.h
 *		A text[] in the binary form that PostgreSQL reads: long texts go in it as they are.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_TEXT_ARRAY_H
#define GW_TEXT_ARRAY_H

#include "base/text.h"

/* An array of so many elements; each is then added, NULL for NULL. */
extern void gw_text_array_begin(GwText *out, int count);
extern void gw_text_array_add(GwText *out, const char *element);

#endif
