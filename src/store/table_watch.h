/*
 * table_watch.h
 *		What a session keeps of a table's rows, until an invalidation of the table comes.
 *
 * Who changes rows, or deletes some, calls ice_table_watch_changed(), which sends the invalidation
 * when the transaction commits, and to this session also when it is rolled back. There is one
 * callback for all watches: PostgreSQL has room for ten in a process, for all extensions.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TABLE_WATCH_H
#define ICE_TABLE_WATCH_H

#include "storage/lockdefs.h"

#include "store/spi.h"

/* A static variable with the two first members set; the others belong to table_watch.c. */
typedef struct IceTableWatch
{
	const char *table;    /* its name in icecat_data */
	void (*forget)(void); /* of what else is kept of it; NULL: nothing is. It runs at any time */

	bool                  started;
	Oid                   oid;   /* InvalidOid: not looked up */
	bool                  known; /* since nothing has changed */
	bool                  any;
	uint64                generation; /* how often it was forgotten */
	struct IceTableWatch *next;
} IceTableWatch;

/* InvalidOid before the update that makes the table. */
extern Oid ice_table_watch_oid(IceTableWatch *watch);

/* Are there rows that the statement finds? Asks by the newest ones, once until they change. With an
 * older snapshot, none could be kept after the first one was made. */
extern bool ice_table_watch_any(IceTableWatch *watch, IceStatement *statement, Datum *values);

/* Locks the table, if it is there, until the end of the transaction. Waits for others no longer
 * than icecat.commit_lock_timeout_ms. What was kept is forgotten where they have changed it. */
extern void ice_table_watch_lock(IceTableWatch *watch, LOCKMODE mode);

extern void ice_table_watch_changed(IceTableWatch *watch);

#endif
