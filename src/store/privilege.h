/*
 * privilege.h
 *		The privileges, and which of them implies which.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PRIVILEGE_H
#define ICE_PRIVILEGE_H

#include "postgres.h"

/* Sets of privileges are sums of these. USAGE: see that it exists, list it; of a namespace and a
 * warehouse, its properties. */
#define ICE_USAGE  0x01
#define ICE_CREATE 0x02 /* make namespaces, tables and views in it */
#define ICE_SELECT 0x04 /* load it */
#define ICE_WRITE  0x08 /* commit to it; change the properties of a namespace */
#define ICE_DROP   0x10 /* drop it, or move it elsewhere */
#define ICE_MANAGE 0x20 /* everything, and grant privileges on it */
#define ICE_ALL    0x3f

#define ICE_PRIVILEGES 6

/* What a role may do that was granted a privilege; 0: there is none of that name. */
extern uint32      ice_privilege_grants(const char *name);
/* The name of one privilege. */
extern const char *ice_privilege_name(uint32 privilege);
/* Names of the privileges that imply this one, and itself; out has room for ICE_PRIVILEGES. Returns
 * their number. */
extern int         ice_privilege_implied_by(uint32 privilege, const char **out);

#endif
