/*
 * text_array.c
 *		Arrays of texts for the server; see text_array.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "db/text_array.h"

#include <string.h>

#define TYPE_TEXT 25 /* the oid of type text, which never changes */

/* As the protocol has numbers: big-endian. */
static void
add_int32(GwText *out, int32_t value)
{
	uint32_t      bits = (uint32_t) value;
	unsigned char bytes[4] = {(unsigned char) (bits >> 24), (unsigned char) (bits >> 16),
							  (unsigned char) (bits >> 8), (unsigned char) bits};

	gw_text_add(out, bytes, sizeof(bytes));
}

/* One dimension, from 1 on. That there may be NULLs is not counted by the server. */
void
gw_text_array_begin(GwText *out, int count)
{
	add_int32(out, 1);
	add_int32(out, 1);
	add_int32(out, TYPE_TEXT);
	add_int32(out, count);
	add_int32(out, 1);
}

void
gw_text_array_add(GwText *out, const char *element)
{
	size_t len = element != NULL ? strlen(element) : 0;

	add_int32(out, element != NULL ? (int32_t) len : -1);
	if (element != NULL)
		gw_text_add(out, element, len);
}
