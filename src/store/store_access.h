/*
 * store_access.h
 *		Rows of icecat_data.access_grant: granted, taken, listed. What they allow: access.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_ACCESS_H
#define ICE_STORE_ACCESS_H

#include "store/spi.h"

/* One privilege of one role. */
typedef struct IceGrant
{
	const char *object_kind; /* catalog, tenant, warehouse, namespace, table or view */
	pg_uuid_t   warehouse_id;
	pg_uuid_t   object_id;
	Oid         role;
	const char *privilege;
} IceGrant;

/* False: it was there, or not there, before. Both make all sessions ask again when the transaction
 * commits. */
extern bool ice_store_access_insert_grant(const IceGrant *grant);
extern bool ice_store_access_delete_grant(const IceGrant *grant);

/* Who makes an object may do everything with it: one row, unless the caller owns the extension. The
 * caller's own later questions are about an id that is new, so nobody has to ask again. */
extern void ice_access_own(const char *object_kind, const pg_uuid_t *warehouse_id,
						   const pg_uuid_t *object_id);
/* Deletes the rows of an object that is gone. */
extern void ice_access_forget(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id);

/* Ids of tenants (with their warehouses), warehouses, namespaces (with those below), tables and
 * views on which the caller was granted a privilege, or one that implies it; what is in them is not
 * listed. The number of rows; field 1 is the id. */
extern uint64 ice_access_objects(uint32 privilege);
/* The same of the warehouses and namespaces in which the caller was granted anything. */
extern uint64 ice_access_above(void);

#endif
