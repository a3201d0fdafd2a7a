/*
 * privilege.c
 *		The privileges, and which of them implies which: the one table of it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "store/privilege.h"

typedef struct Privilege
{
	const char *name;
	uint32      privilege;
	uint32      grants; /* itself, and what it implies */
} Privilege;

static const Privilege privileges[ICE_PRIVILEGES] = {
	{"usage", ICE_USAGE, ICE_USAGE},
	{"create", ICE_CREATE, ICE_CREATE | ICE_USAGE},
	{"select", ICE_SELECT, ICE_SELECT | ICE_USAGE},
	{"write", ICE_WRITE, ICE_WRITE | ICE_SELECT | ICE_USAGE},
	{"drop", ICE_DROP, ICE_DROP | ICE_USAGE},
	{"manage", ICE_MANAGE, ICE_ALL},
};

uint32
ice_privilege_grants(const char *name)
{
	for (int i = 0; i < ICE_PRIVILEGES; i++)
		if (strcmp(privileges[i].name, name) == 0)
			return privileges[i].grants;
	return 0;
}

const char *
ice_privilege_name(uint32 privilege)
{
	for (int i = 0; i < ICE_PRIVILEGES; i++)
		if (privileges[i].privilege == privilege)
			return privileges[i].name;
	return NULL;
}

int
ice_privilege_implied_by(uint32 privilege, const char **out)
{
	int count = 0;

	for (int i = 0; i < ICE_PRIVILEGES; i++)
		if (privileges[i].grants & privilege)
			out[count++] = privileges[i].name;
	return count;
}
