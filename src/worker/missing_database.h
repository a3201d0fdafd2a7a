/*
 * missing_database.h
 *		A permanent worker whose database does not exist waits for it, instead of failing every ten
 *		seconds.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_MISSING_DATABASE_H
#define ICE_MISSING_DATABASE_H

#define ICE_PERMANENT_WORKERS_MAX 64

/*
 * Before a permanent worker connects: returns where there is no reason to think that it will fail.
 * Where the last attempt failed and the database does not exist, says so, waits until it does, and
 * ends the process, which is then started again. number: its place in icecat.worker_databases.
 */
extern void ice_missing_database_await(int number, const char *database);

/* It is connected. */
extern void ice_missing_database_found(int number);

#endif
