/*
 * delegation_mode.c
 *		How clients get at the files of a warehouse's tables. See delegation_mode.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "store/delegation_mode.h"

static const char *const modes[] = {
	[ICE_DELEGATION_NONE] = "none",
	[ICE_DELEGATION_VEND] = "vend",
	[ICE_DELEGATION_SIGN] = "sign",
};

/* -1: no mode. */
static int
find_mode(const char *value)
{
	for (int i = 0; i < (int) lengthof(modes); i++)
		if (strcmp(modes[i], value) == 0)
			return i;
	return -1;
}

/* Most warehouses have no such property, and are not parsed. */
IceDelegationMode
ice_delegation_mode(const char *properties)
{
	const IceJson *map;
	const char    *value;

	if (strstr(properties, ICE_DELEGATION_PROPERTY) == NULL)
		return ICE_DELEGATION_NONE;
	map = ice_json_parse(properties, strlen(properties), ICE_JSON_DEPTH_STORED);
	value = ice_json_opt_string(map, ICE_DELEGATION_PROPERTY);
	return value != NULL && find_mode(value) > 0 ? (IceDelegationMode) find_mode(value)
												 : ICE_DELEGATION_NONE;
}

void
ice_delegation_mode_check(const IceJson *properties)
{
	const char *value = ice_json_opt_string(properties, ICE_DELEGATION_PROPERTY);

	if (value != NULL && find_mode(value) < 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "Invalid %s: %s (expected none, vend or sign)",
				  ICE_DELEGATION_PROPERTY, value);
}
