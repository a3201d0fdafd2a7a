/*
 * delegation_mode.h
 *		How clients get at the files of a warehouse's tables: the property icecat.access-delegation.
 *
 * It is set by SQL alone (create_warehouse, alter_warehouse): neither a client of REST nor a file
 * in storage can change it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_DELEGATION_MODE_H
#define ICE_DELEGATION_MODE_H

#include "json/json.h"

#define ICE_DELEGATION_PROPERTY "icecat.access-delegation"

typedef enum IceDelegationMode
{
	ICE_DELEGATION_NONE, /* by keys of their own */
	ICE_DELEGATION_VEND, /* by credentials that the catalog vends */
	ICE_DELEGATION_SIGN  /* by requests that the catalog signs */
} IceDelegationMode;

/* By the properties of a warehouse, a JSON object. */
extern IceDelegationMode ice_delegation_mode(const char *properties);

/* Checks new properties of a warehouse. Raises BAD_REQUEST. */
extern void ice_delegation_mode_check(const IceJson *properties);

#endif
