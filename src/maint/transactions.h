/*
 * transactions.h
 *		How work on files begins and ends its transactions.
 *
 * The worker reads and writes files outside of any transaction, and has short ones before and
 * after. A session does all of it in the transaction that it is in: then the pointer is NULL, and
 * nothing is begun or committed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TRANSACTIONS_H
#define ICE_TRANSACTIONS_H

#include "postgres.h"

typedef struct IceTransactions
{
	bool (*begin)(void); /* false, and there is none, if the extension is gone */
	void (*commit)(void);
	void (*abort)(void);
	/* Called in a transaction that notes what was done: if a crash loses it, the work is done
	 * again. */
	void (*forgo_flush)(void);
	/* Is there something more urgent? Work that may stop between two files then does. */
	bool (*is_wanted)(void);
} IceTransactions;

static inline bool
ice_transaction_begin(const IceTransactions *transactions)
{
	return transactions == NULL || transactions->begin();
}

/* The same for one that need not be durable at its end. */
static inline bool
ice_transaction_begin_lazy(const IceTransactions *transactions)
{
	if (!ice_transaction_begin(transactions))
		return false;
	if (transactions != NULL)
		transactions->forgo_flush();
	return true;
}

static inline void
ice_transaction_commit(const IceTransactions *transactions)
{
	if (transactions != NULL)
		transactions->commit();
}

static inline bool
ice_transaction_is_wanted(const IceTransactions *transactions)
{
	return transactions != NULL && transactions->is_wanted();
}

/* Runs work in SPI, in the memory context of the caller, in a transaction: one of its own, or, in a
 * session, a subtransaction of the present one, because the error of a task is kept instead of
 * raised. */
extern void ice_transaction_run(const IceTransactions *transactions, void (*run)(void *arg),
								void                  *arg);

#endif
