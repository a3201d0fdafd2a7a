/*
 * store_health.h
 *		Which object stores are failing, as this process has seen it, and how their profiles are
 *		found for a batch.
 *
 * A store that fails costs those of others time: so after a failure of all that was asked of it
 * nothing is asked for a while, which doubles up to a minute. Then one small request, with a short
 * limit, says whether it is up (store_probe.h), and the next task is its trial: it is back when
 * that was done. Until then its tasks fail without being tried.
 *
 * A file that cannot be written, read or deleted is not a store that fails. Which answers speak of
 * what: store_blame.h. Where it is not sure, the same small request says whether it is the store's
 * fault (ice_store_health_suspect(), ice_store_health_doubt()).
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

/* Why nothing is to be asked of a store now; NULL: it may be asked. Asks it when it may be back. */
extern const char *ice_store_health_problem(const IceStorageProfile *profile);

/* The same before work that can wait: a store that was not heard of for some seconds is asked
 * first. So one that hangs holds up for two seconds who else waits for this process, not for
 * as long as its requests may take. */
extern const char *ice_store_health_ask(const IceStorageProfile *profile);
/* It has just done what it was asked for. */
extern void        ice_store_health_heard(const IceStorageProfile *profile);

/* Something that was asked of it failed, for whatever reason: asks it whether it is up. Does the
 * store fail (profile NULL: no)? What it says is noted. */
extern bool ice_store_health_suspect(const IceStorageProfile *profile);

/* Until when nothing is asked of a store that fails; now, for all others. */
extern TimestampTz ice_store_health_until(const IceStorageProfile *profile);

/* Did it fail when it was last asked for something? */
extern bool ice_store_health_fails(const IceStorageProfile *profile);

/* What became of all that was to be written to it together: error NULL: something was; else it
 * fails. */
extern void ice_store_health_note(const IceStorageProfile *profile, const char *error);
/* Nothing of it was written, for a reason that may be its files': asks it by a write. It fails
 * where it does not serve, or where that is refused, too, as all of it was (is_refusal). */
extern void ice_store_health_doubt(const IceStorageProfile *profile, const char *error,
								   bool is_refusal);
/* Is a store back that had failed? True once. */
extern bool ice_store_health_is_back(const IceStorageProfile *profile);

#endif
