/*
 * sign_target.h
 *		Which table a request to an object store is about, where it does not say so.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SIGN_TARGET_H
#define ICE_SIGN_TARGET_H

#include "store/store_warehouse.h"

typedef struct IceSignTarget
{
	IceWarehouse warehouse;
	pg_uuid_t    table_id;
} IceSignTarget;

/* The live table that the caller may load and in whose location, or declared folders, the first
 * file lies that the request names; of a warehouse whose requests are signed. Asked over all
 * warehouses. False: there is none. Whether the request may be signed is not said by it. */
extern bool ice_sign_target_find(const char *uri, const char *body, IceSignTarget *out);

#endif
