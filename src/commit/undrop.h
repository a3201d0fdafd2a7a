/*
 * undrop.h
 *		Tables and views that were dropped get a name again.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_UNDROP_H
#define ICE_UNDROP_H

#include "store/store_namespace.h"
#include "store/store_relation.h"
#include "store/store_warehouse.h"

typedef struct IceUndrop
{
	const IceNamespacePath *path;     /* where it was; with a uuid, where it is to be */
	const char             *name;     /* that it had */
	const char             *uuid;     /* of the metadata; NULL: the latest of that name */
	const char             *new_name; /* NULL: the same */
	IceRelationKind         kind;
} IceUndrop;

/* Raises NO_SUCH_TABLE, NO_SUCH_VIEW, ALREADY_EXISTS, FORBIDDEN, QUOTA_EXCEEDED, POLICY_REFUSED. */
extern void ice_undrop(const IceWarehouse *warehouse, const IceUndrop *undrop);

/* If the warehouse keeps what is dropped, notes that this table or view, which the transaction has
 * dropped, can be undropped. False: the drop is final. */
extern bool ice_undrop_keep(const IceWarehouse *warehouse, const pg_uuid_t *relation_id,
							bool purge);

#endif
