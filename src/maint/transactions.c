/*
 * transactions.c
 *		How work on files begins and ends its transactions.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/resowner.h"

#include "maint/transactions.h"
#include "store/spi.h"

static void
begin(const IceTransactions *transactions)
{
	if (transactions == NULL)
		BeginInternalSubTransaction(NULL);
	else if (!ice_transaction_begin(transactions))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("extension icecat is not installed")));
}

static void
commit(const IceTransactions *transactions)
{
	if (transactions == NULL)
		ReleaseCurrentSubTransaction();
	ice_transaction_commit(transactions);
}

static void
roll_back(const IceTransactions *transactions)
{
	if (transactions == NULL)
		RollbackAndReleaseCurrentSubTransaction();
	else
		transactions->abort();
}

void
ice_transaction_run(const IceTransactions *transactions, void (*run)(void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner resources = CurrentResourceOwner;

	begin(transactions);
	PG_TRY();
	{
		(void) ice_spi_begin();
		MemoryContextSwitchTo(context);
		run(arg);
		ice_spi_end();
		commit(transactions);
	}
	PG_CATCH();
	{
		roll_back(transactions);
		CurrentResourceOwner = resources;
		MemoryContextSwitchTo(context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	CurrentResourceOwner = resources;
	MemoryContextSwitchTo(context);
}
