/*
 * sequence.h
 *		Has committed events numbered: by the worker, or here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SEQUENCE_H
#define ICE_SEQUENCE_H

#include "postgres.h"

#include "utils/uuid.h"

/* Numbers what is visible, of every warehouse, in the current transaction. False if more is
 * left. */
extern bool ice_sequence_all(int64 *numbered);
/* Has one warehouse's visible events numbered; waits shortly for another session that is doing so.
 * In a transaction block it is left to the worker, because the numbers given here would be locked
 * until the end of the block; where no worker can run, nothing is done. */
extern void ice_sequence_wait(const pg_uuid_t *warehouse_id);

#endif
