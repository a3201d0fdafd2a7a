/*
 * store_subscription.h
 *		Rows of icecat_data.subscription: how far consumers have come in the events of a warehouse.
 *
 * Who reads by a subscription holds its row until the end of the transaction: a second consumer
 * waits, and goes on where the first one ended.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_SUBSCRIPTION_H
#define ICE_STORE_SUBSCRIPTION_H

#include "postgres.h"

#include "utils/array.h"
#include "utils/uuid.h"

typedef struct IceSubscription
{
	Oid        role;   /* who owns it */
	ArrayType *levels; /* these four: NULL for all */
	ArrayType *kinds;
	ArrayType *types;
	pg_uuid_t *object_id;
	int64      acked;
} IceSubscription;

/* False: the name is taken. */
extern bool ice_subscription_insert(const pg_uuid_t *warehouse_id, const char *name,
									const IceSubscription *subscription);
/* Waits for others that use it. False: there is none of the name that the caller may use. */
extern bool ice_subscription_lock(const pg_uuid_t *warehouse_id, const char *name,
								  IceSubscription *out);
/* Of one that is locked; by_consumer: it said that it is done with these. */
extern void ice_subscription_move(const pg_uuid_t *warehouse_id, const char *name, int64 acked,
								  bool by_consumer);
extern void ice_subscription_delete(const pg_uuid_t *warehouse_id, const char *name);

#endif
