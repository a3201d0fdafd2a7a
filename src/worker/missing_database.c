/*
 * missing_database.c
 *		A permanent worker waits for its database; see missing_database.h.
 *
 * To connect to a database that does not exist is FATAL, and the postmaster starts the process
 * again. What the next one must know lies in shared memory: a mark that is set before connecting
 * and taken away afterwards. A process that finds the mark connects to no database, which lets it
 * read pg_database.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

#include "store/shared_memory.h"
#include "worker/missing_database.h"

#define LOOK_EVERY_MS 10000

static bool *marks = NULL;

static void
attach(void)
{
	marks = ice_shared_memory("icecat missing databases", ICE_PERMANENT_WORKERS_MAX * sizeof(bool),
							  NULL);
	if (marks == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of shared memory")));
}

/* Reads all of pg_database: without a database no index of it may be used. */
static bool
database_exists(const char *name)
{
	Relation      relation;
	TableScanDesc scan;
	HeapTuple     tuple;
	bool          found = false;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while (!found && HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
		found = strcmp(NameStr(((Form_pg_database) GETSTRUCT(tuple))->datname), name) == 0;
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	return found;
}

void
ice_missing_database_await(int number, const char *database)
{
	attach();
	if (!marks[number])
	{
		marks[number] = true;
		return;
	}
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	if (!database_exists(database))
		ereport(WARNING, (errmsg("database \"%s\" of icecat.worker_databases does not exist; its "
								 "worker waits for it",
								 database),
						  errhint("Make the database, or take its name out of the setting.")));
	while (!database_exists(database))
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_EVERY_MS,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	marks[number] = false;
	proc_exit(1); /* start again, and connect */
}

void
ice_missing_database_found(int number)
{
	marks[number] = false;
}
