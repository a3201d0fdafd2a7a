/*
 * task_work.c
 *		Begin and end of work that lasts for more than one call. See task_work.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "maint/task_work.h"
#include "store/spi.h"

void *
ice_task_work_begin(const IceTaskWork *work, Size size, bool (*choose)(void *turn, TimestampTz due))
{
	MemoryContext context;
	IceTurn      *turn;
	volatile bool found = false;

	if (!ice_transaction_begin(work->transactions))
		return NULL;
	context = AllocSetContextCreate(work->lasting, "icecat turn", ALLOCSET_DEFAULT_SIZES);
	turn = MemoryContextAllocZero(context, size);
	turn->context = context;
	turn->transactions = work->transactions;
	PG_TRY();
	{
		(void) ice_spi_begin();
		MemoryContextSwitchTo(context);
		found = choose(turn, work->due);
		ice_spi_end();
		ice_transaction_commit(work->transactions);
	}
	PG_CATCH();
	{
		MemoryContextDelete(context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (found)
		return turn;
	MemoryContextDelete(context);
	return NULL;
}

void
ice_task_work_end(void *turn)
{
	if (turn != NULL)
		MemoryContextDelete(((IceTurn *) turn)->context);
}
