/*
 * grant_check.h
 *		What is checked before a privilege is granted: its name, and that the role may have it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_GRANT_CHECK_H
#define ICE_GRANT_CHECK_H

#include "store/store_access.h"

/* Raises BAD_REQUEST unless there is a privilege of the name. */
extern void ice_grant_check_privilege(const char *name);

/* Raises BAD_REQUEST for a role that is not there, and for one that is not to have anything on the
 * object: a tenant's role has nothing on the whole catalog or on what belongs to another tenant,
 * and a tenant's administrator grants to the tenant's own roles. */
extern void ice_grant_check_role(const IceGrant *grant);

#endif
