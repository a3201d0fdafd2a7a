/*
 * store_health.h
 *		Which object stores are failing, as this process has seen it, and how their profiles are
 *		found for a batch.
 *
 * A store that fails costs those of others time: so after a failure of all that was asked of it
 * nothing is asked for a while, which doubles up to a minute. Then one small request, with a short
 * limit, says whether it is back. Until then its tasks fail without being tried.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_HEALTH_H
#define ICE_STORE_HEALTH_H

#include "nodes/pg_list.h"
#include "utils/uuid.h"

#include "storage/profile.h"

/* The profile of a warehouse, NULL for none; in a transaction. known, at first NIL, keeps those of
 * a batch, so that two warehouses with one profile get one struct. Lives in the current context. */
extern const IceStorageProfile *ice_store_health_profile(List           **known,
														 const pg_uuid_t *warehouse_id);

/* Why nothing is to be asked of a store now; NULL: it may be asked. Asks it for a mark when it may
 * be back. */
extern const char *ice_store_health_problem(const IceStorageProfile *profile);

/* What became of all that was asked of it together: error NULL: something went well. */
extern void ice_store_health_note(const IceStorageProfile *profile, const char *error);
/* Is a store back that had failed? True once. */
extern bool ice_store_health_is_back(const IceStorageProfile *profile);

#endif
