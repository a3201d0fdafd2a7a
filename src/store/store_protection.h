/*
 * store_protection.h
 *		Rows of icecat_data.protection: what is not dropped without force.
 *
 * Who sets a protection, and who drops, has the lock of the object: that of the head, or of the row
 * of the namespace or warehouse. So a drop sees what was set before it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_PROTECTION_H
#define ICE_STORE_PROTECTION_H

#include "postgres.h"

#include "utils/uuid.h"

typedef struct IceProtected
{
	const pg_uuid_t *warehouse_id;
	const pg_uuid_t *object_id;
	const char      *object_kind; /* warehouse, namespace, table or view */
} IceProtected;

extern void ice_protection_set(const IceProtected *object, bool on);
/* Raises PROTECTED for an object that is about to be dropped, unless by force; true: it was
 * protected. display is what it is called. */
extern bool ice_protection_pass(const IceProtected *object, bool force, const char *display);
extern void ice_protection_forget(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id);

#endif
