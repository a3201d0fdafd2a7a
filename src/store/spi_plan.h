/*
 * spi_plan.h
 *		A statement that a session keeps prepared, and its plan, which is made again from time to
 *		time. For all but spi.c: through spi.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SPI_PLAN_H
#define ICE_SPI_PLAN_H

#include "postgres.h"

#include "executor/spi.h"
#include "utils/plancache.h"
#include "utils/timestamp.h"

#include "store/key_scan.h"
#include "store/key_write.h"

#define ICE_STATEMENT_ARGS_MAX 24

typedef struct IceKeptPlan
{
	SPIPlanPtr          spi;
	int                 uses;
	TimestampTz         made_at;
	MemoryContext       context;    /* of scan and write */
	const IceKeyScan   *scan;       /* what the plan is; NULL: not looked at, or more than a scan */
	const IceKeyWrite  *write;      /* the same for a write */
	int                 generation; /* of the plan that was looked at; -1: none */
	struct IceKeptPlan *next_old;   /* that nothing uses any more, except what runs */
} IceKeptPlan;

typedef struct IceStatement
{
	const char  *sql;
	int          nargs;
	Oid          argtypes[ICE_STATEMENT_ARGS_MAX];
	IceKeptPlan *plan; /* NULL until first used */
} IceStatement;

/* The plan of a statement, made again when it is used up, old or no longer valid. In the sandbox.
 * The one before it stays until ice_spi_plans_free_old(): code of an owner's trigger may call us
 * again while it runs. */
extern SPIPlanPtr ice_spi_plan_current(IceStatement *statement, int options);

/* The plan of a statement whose scan or write it has found, held, and its table locked, as the
 * executor would have it; NULL where the statement needs the executor. To be released. */
extern CachedPlan *ice_spi_plan_hold(IceStatement *statement);
extern void        ice_spi_plan_release(CachedPlan *plan);

/* No statement runs: the plans that were made again go. */
extern void ice_spi_plans_free_old(void);

#endif
