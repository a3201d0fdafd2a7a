/*
 * worker.h
 *		The icecat background worker: one process per database.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_WORKER_H
#define ICE_WORKER_H

#include "postgres.h"

/* In shared_preload_libraries: registers a permanent worker for each database of
 * icecat.worker_databases. */
extern void ice_worker_register_static(void);

extern PGDLLEXPORT void ice_worker_main(Datum argument);

#endif
