/*
 * store_restriction.h
 *		Rows of icecat_data.read_restriction and trusted_engine: who may read which part of a table,
 *		and who is trusted to see to it.
 *
 * A restriction holds for its role and all members of it, also for those that do not inherit its
 * rights: a membership never frees from it. The owner of the extension, its members and superusers
 * are above it. Who is restricted only reads, and only where it is a trusted engine.
 *
 * As long as there is no restriction in the whole catalog, each question costs a comparison.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_RESTRICTION_H
#define ICE_STORE_RESTRICTION_H

#include "nodes/pg_list.h"

#include "store/spi.h"
#include "store/table_def.h"

typedef struct IceRestrictionRow
{
	Oid         role;
	const char *table_uuid;
	const char *row_filter; /* NULL: none */
	const char *masks;      /* NULL: none */
} IceRestrictionRow;

/* Is the caller restricted on a table? */
extern bool  ice_restriction_restricts(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id);
/* The same in two steps, for many callers: Oids of the roles that are restricted on it; is the
 * caller one of them, or a member? */
extern List *ice_restriction_roles(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id);
extern bool  ice_restriction_binds(const List *roles);
/* What restricts it: a List of IceRestrictionRow *. */
extern List *ice_restrictions_of_caller(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id);
/* Is there no restriction at all? */
extern bool  ice_restrictions_none(void);
#define ICE_OWNER_PROPERTY_BYTES_MAX 255

/* Is the caller a trusted engine? */
extern bool   ice_restriction_trusts_engine(void);
/* Of a caller that is restricted on the table. Raises FORBIDDEN for everything but a trusted engine
 * that only reads. */
extern void   ice_restriction_require(uint32 wanted, const IceTable *table, const char *path,
									  const char *name);
/* The tables that the caller may not load because it is restricted on them and not trusted; or all
 * on which it is restricted. The number of rows; field 1 is the id. */
extern uint64 ice_restrictions_hide(bool trusted_too);

/* All rows of a table that hold for some role which one for this role holds for, too, that one
 * excepted. */
extern List *ice_restrictions_beside(const IceTable *table, Oid role);
/* How many rows a table has, that of this role not counted. */
extern int64 ice_restrictions_count(const IceTable *table, Oid role);
extern void  ice_restriction_put(const IceTable *table, const IceRestrictionRow *row);
extern bool  ice_restriction_delete(const IceTable *table, Oid role);

extern bool ice_restriction_put_engine(Oid role, const char *owner_property);
extern bool ice_restriction_delete_engine(Oid role);

/* Deletes what is said of a table or view that is gone: restrictions and definer. */
extern void ice_restrictions_forget(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id);

#endif
