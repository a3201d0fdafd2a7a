/*
 * sequence.c
 *		Has committed events numbered: by the worker, or here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "maint/refused_calls.h"
#include "maint/sequence.h"
#include "store/audit.h"
#include "store/store_event.h"
#include "store/store_worker.h"

#define SEQUENCE_WAIT_MS  1000
#define SEQUENCE_RETRY_MS 10

bool
ice_sequence_all(int64 *numbered)
{
	List     *warehouses;
	ListCell *cell;
	bool      all = true;
	int64     moved;

	(void) ice_spi_begin();
	warehouses = ice_events_pending_warehouses();
	foreach (cell, warehouses)
		if (ice_events_sequence(lfirst(cell), numbered) != ICE_SEQUENCE_DONE)
			all = false;
	(void) ice_refused_calls_write(MyBackendType != B_BACKEND);
	moved = ice_audit_move();
	*numbered += moved;
	ice_spi_end();
	return all && moved == 0;
}

void
ice_sequence_wait(const pg_uuid_t *warehouse_id)
{
	TimestampTz start = GetCurrentTimestamp();
	int64       numbered = 0;
	bool        by_worker = IsTransactionBlock();

	if (by_worker && !ice_worker_ensure())
		return;
	if (by_worker && ice_events_pending(warehouse_id))
		ice_worker_wake();
	if (by_worker &&
		(IsolationUsesXactSnapshot() || TransactionIdIsValid(GetTopTransactionIdIfAny())))
		return;
	while (ice_events_pending(warehouse_id))
	{
		IceSequenceResult result = by_worker ? ICE_SEQUENCE_BUSY
											 : ice_events_sequence(warehouse_id, &numbered);

		if (result == ICE_SEQUENCE_DONE)
			return;
		if (result == ICE_SEQUENCE_MORE)
			continue;
		if (TimestampDifferenceExceeds(start, GetCurrentTimestamp(), SEQUENCE_WAIT_MS))
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 SEQUENCE_RETRY_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}
