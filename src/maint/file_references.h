/*
 * file_references.h
 *		Notes which files of others a snapshot refers to, while its manifests are read.
 *
 * What is noted is kept in memory for one block of a manifest at most, then in rows
 * (store_reference.h). A table of a tenant keeps nothing that lies elsewhere than the tenant's
 * files, and nobody else keeps anything of a tenant's: what another may delete is not for
 * those to say who must not learn of each other.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_FILE_REFERENCES_H
#define ICE_FILE_REFERENCES_H

#include "maint/transactions.h"
#include "store/store_inspection.h"

typedef struct IceReferences
{
	const IceInspection   *inspection;
	const IceTransactions *transactions;
	MemoryContext          context; /* what is noted lies here */
	List                  *paths;   /* canonical C strings */
	List                  *unread;  /* folders around manifests that could not be read: the same */
} IceReferences;

/* An IceRefer (outside.h); arg is an IceReferences. */
extern void ice_file_references_note(void *arg, const char *location, bool unread);
/* Writes what was noted, if that is much, in a transaction. Not in SPI. */
extern void ice_file_references_flush(IceReferences *references);
/* Writes all that was noted. In SPI. */
extern void ice_file_references_write(IceReferences *references);

#endif
