/*
 * database.h
 *		The databases that the gateway serves, and which one a request is for.
 *
 * One is the default: that of the setting dsn. Each file of databases_dir is a further one. A
 * database has its own connections, its own keys and principals (its realm), and a number that goes
 * into the key of all that is kept for several: answers, gates, rates. Numbers are never used
 * again, so nothing that one database said ever answers for another one, nor for one that was
 * removed and came back.
 *
 * A database that was removed, or whose connections are to be other ones, leaves: it gets no new
 * request, and goes when the last one is over. Who uses it holds it, by gw_database_hold().
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_DATABASE_H
#define GW_DATABASE_H

#include "auth/realm.h"
#include "base/conf_database.h"
#include "catalog/files.h"
#include "db/pool.h"
#include "http/exchange.h"

typedef struct GwDatabase
{
	TAILQ_ENTRY(GwDatabase) link;
	GwRealm        realm;    /* its number is the database's */
	GwDatabaseConf conf;     /* of the default one: taken from the settings of the gateway */
	bool           leaving;  /* gets no new requests */
	int64_t        users;    /* requests */
	uint64_t       requests; /* so far */
	uint64_t       held_off; /* of these, changes in maintenance mode */
	GwPool        *reads;
	GwPool        *writes;
	GwPool        *streams;  /* answers too large to be held */
	GwPool        *waits;    /* calls that wait for a token service */
	GwPool        *listener; /* hears which files were written, and that there are events */
	GwText         names[5]; /* of the pools */

	uint64_t grouped_us; /* group.c: from when on commits may go together */

	/* await.c */
	struct
	{
		GwFiles *files;
		/* repeats LISTEN now and then: finds a dead connection, and whether a worker runs */
		GwCall   greeting;
		uint64_t greeted_us;
		bool     worker_runs;
		GwCall   question; /* which of these are still queued? */
		GwText   asked;    /* its parameter */
	} await;

	/* refused.c: refused calls, for the audit log */
	struct
	{
		struct GwRefusedEntry *entries; /* room for GW_REFUSED_MAX */
		struct GwRepeats      *repeats; /* NULL: nothing was repeated */
		int                    count;
		int                    sending; /* of the call that is under way; 0: none is */
		GwCall                 call;
		GwText                 batch; /* its parameter */
		uint64_t               next_us;
	} refused;

	/* role_rates.c */
	struct
	{
		GwCall call;
		GwText wanted; /* roles to be asked for, each with its NUL */
		GwText asked;  /* those of the call that is under way */
		GwText list;   /* its parameter */
	} rates;

	/* oauth/key_watch.c */
	struct
	{
		GwCall   call;
		uint64_t since_us; /* asked for, and not sent yet; 0: nothing is asked for */
	} keys;

	/* ops/worker_watch.c */
	struct
	{
		GwCall   call;
		bool     wanted;
		uint64_t next_us;
		uint64_t known_us; /* when the lines were true; 0: never */
		GwText   lines;    /* "name value", one line for each column */
	} worker;
} GwDatabase;

/* All of them: the default first, if there is one. */
typedef TAILQ_HEAD(GwDatabaseList, GwDatabase) GwDatabaseList;
extern GwDatabaseList gw_databases;

/* NULL: there is none. */
extern GwDatabase *gw_database_default(void);

/* Takes over what the files say; the list is emptied. Connections are made by the first ticks.
 * announced() is told of what the database notifies the gateway of. */
extern void gw_database_start(struct event_base *base, GwDatabaseConfs *confs,
							  void (*announced)(void *database, const char *channel,
												const char *payload));

/* While the gateway runs. Appends a line to notes for each that comes, goes or changes. */
extern void gw_database_reload(GwDatabaseConfs *confs, GwText *notes);

/* How many there are that take requests, without the default. */
extern int gw_database_further(void);

/*
 * Which database a request is for, by its host and the path that is below the base path; a path of
 * the database is taken off the front. The default where no rule says another; NULL: there is none,
 * or the handshake of TLS was for another host (which is then the fault).
 */
extern GwDatabase *gw_database_choose(GwExchange *exchange, const GwHttpHead *head, GwSlice *path);

/*
 * Leads from the name of a warehouse to a database whose word it begins with, when no other rule
 * has said one: *name is then what follows the word, "" for nothing, and *word the word. Otherwise
 * nothing changes.
 */
extern GwDatabase *gw_database_of_warehouse(GwDatabase *chosen, const char **name, GwSlice *word);

extern void gw_database_hold(GwDatabase *database);
extern void gw_database_release(GwDatabase *database); /* NULL: nothing */

/* Is the gateway in maintenance mode, or this database? */
extern bool gw_database_in_maintenance(const GwDatabase *database);

/* Of all pools for writes, or for reads, also of databases that went. */
extern GwPoolStats gw_database_pool_stats(bool writes);

/* For the log: NULL of the default one, or of none. */
extern const char *gw_database_label(const GwDatabase *database);

/* Once per tick: timeouts, reconnects; those that may go. Once per turn: sends what was queued. */
extern void gw_database_tick(uint64_t now_us);
extern void gw_database_flush(void);

#endif
