/*
 * spec_text.c
 *		Small texts inside of metadata: numbers, locations and UUIDs.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/spec_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

bool
ice_text_to_int32(const char *text, int32 *value)
{
	char *end;
	long  number;

	if (*text == '\0' || *text == ' ')
		return false;
	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || number < PG_INT32_MIN || number > PG_INT32_MAX)
		return false;
	*value = (int32) number;
	return true;
}

const char *
ice_text_strip_slash(const char *location)
{
	size_t len = strlen(location);

	while (len > 0 && location[len - 1] == '/' &&
		   !(len >= 3 && strncmp(location + len - 3, "://", 3) == 0))
		len--;
	return location[len] == '\0' ? location : pnstrdup(location, len);
}

void
ice_text_check_uuid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) == sizeof(form) - 1)
	{
		int i = 0;

		while (form[i] != '\0' &&
			   (form[i] == '-' ? text[i] == '-' : isxdigit((unsigned char) text[i]) != 0))
			i++;
		if (form[i] == '\0')
			return;
	}
	ice_raise(ICE_ERR_BAD_REQUEST, "Invalid UUID: %s", text);
}
