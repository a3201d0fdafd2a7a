/*
 * deduplicate.h
 *		Content deduplication: of redundant writers that share no key, one lands, and the others get
 *		its answer.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_DEDUPLICATE_H
#define ICE_DEDUPLICATE_H

#include "commit/table_change.h"

#define ICE_DEDUPLICATE_PROPERTY "icecat.deduplicate-commits"

/* Was the same commit made before? True: it was, the tables of the changes are shown as they are
 * now, and a notice of SQLSTATE ICE_DEDUPLICATED_SQLSTATE says so. False: it was not, or nobody
 * asked for deduplication; this one is then the first. The changes are sorted, their tables exist,
 * and their properties are loaded. Waits for the same commit if it is under way; raises
 * IDEMPOTENCY_IN_FLIGHT when that takes longer than icecat.commit_lock_timeout_ms. */
extern bool ice_deduplicate(const IceWarehouse *warehouse, IceTableChange *changes, int count);

#endif
