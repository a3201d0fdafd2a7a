/*
 * wish.c
 *		What a client asks for in X-Iceberg-Access-Delegation. See wish.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "vend/wish.h"

static bool
is_value(const char *text, size_t len, const char *value)
{
	while (len > 0 && (*text == ' ' || *text == '\t'))
		text++, len--;
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	return len == strlen(value) && pg_strncasecmp(text, value, len) == 0;
}

IceWish
ice_wish(const char *field)
{
	IceWish wish = {false, false};

	while (field != NULL)
	{
		size_t len = strcspn(field, ",");

		ice_step_bytes(len);
		wish.vended |= is_value(field, len, "vended-credentials");
		wish.signing |= is_value(field, len, "remote-signing");
		field = field[len] == ',' ? field + len + 1 : NULL;
	}
	return wish;
}
