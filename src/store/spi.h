/*
 * spi.h
 *		Statements that are prepared once per session and kept.
 *
 * A statement is a static struct beside the function that runs it. Its plan is generic (every hot
 * statement is a key look-up) and kept for many calls, but not without end: a plan from when the
 * catalog was tiny may read an index from end to end. All names in a statement are
 * schema-qualified; the API functions pin search_path, so operators resolve in pg_catalog.
 *
 * An API entry brackets its work with ice_spi_begin() and ice_spi_end(). In between, memory is
 * SPI's: rows, and all that is palloc'd, live until ice_spi_end(). What is returned to the caller
 * is allocated in the context that ice_spi_begin() returned.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SPI_H
#define ICE_SPI_H

#include "postgres.h"

#include "executor/spi.h"
#include "utils/uuid.h"

#include "store/spi_plan.h"
#include "store/spi_sandbox.h"

/* A result of a statement: the one or the other. */
typedef struct IceResult
{
	const struct IceRows *rows;
	SPITupleTable        *table;
} IceResult;

extern MemoryContext ice_spi_begin(void);
extern void          ice_spi_end(void);

/* Runs a statement, returns its number of rows. nulls may be NULL. Read-only statements see the
 * snapshot of the calling query, others a fresh one under READ COMMITTED. Keeps the current memory
 * context. */
extern uint64 ice_spi_execute(IceStatement *statement, Datum *values, const char *nulls,
							  bool read_only);

/* The same for a SELECT that reads rows of one table by key: without the executor where its plan is
 * that and no more (key_scan.h). No value is NULL. */
extern uint64 ice_spi_read(IceStatement *statement, Datum *values, bool read_only);
/* The same, as ice_spi_execute_latest() does. */
extern uint64 ice_spi_read_latest(IceStatement *statement, Datum *values);
/* Is it read without the executor? For a join that can be made in steps, each cheaper by key. */
extern bool   ice_spi_reads_by_key(IceStatement *statement);
/* Makes active the snapshot that a statement would see; false: it is already. Reads that follow,
 * read_only, see the rows of one moment. To be popped. */
extern bool   ice_spi_push_snapshot(bool read_only);

/* An INSERT of one row of values. Without the executor where its plan is that and no more
 * (key_write.h). */
extern uint64 ice_spi_insert(IceStatement *statement, Datum *values, const char *nulls);
/* The same for many rows, of which each has as many values as the statement. False: nothing was
 * done, and the rows are to be inserted in another way. */
extern bool   ice_spi_insert_rows(IceStatement *statement, const Datum *values, const bool *nulls,
								  int rows);
/* An UPDATE or DELETE of one row by its key, in the same way. No value is NULL. */
extern uint64 ice_spi_change(IceStatement *statement, Datum *values);
/* A SELECT … FOR UPDATE of one row by its key, in the same way; it waits as
 * ice_spi_execute_waiting() does. */
extern uint64 ice_spi_lock_waiting(IceStatement *statement, Datum *values);

/* Runs a statement by a plan made for these values, which costs more than most statements do: for
 * long arrays. A statement is always run so, or never. */
extern uint64 ice_spi_execute_planned(IceStatement *statement, Datum *values);

/* How often a statement has changed rows. To go back to an earlier count says that what was changed
 * since is bookkeeping, and no change of the catalog. */
extern uint64 ice_spi_changes(void);
extern void   ice_spi_changes_back(uint64 earlier);

/* How many statements the executor has run. */
extern uint64 ice_spi_executions(void);

/* Until it is turned off, which must happen on every way out: each statement sees the newest
 * committed rows, whatever the isolation level, and changes them. For work that belongs to no
 * transaction of the user's. */
extern void ice_spi_by_latest(bool on);

/* Opens a cursor that sees the snapshot of the calling query and lives, beyond ice_spi_end(), until
 * it has no more rows or the transaction ends. Returns its name. */
extern char  *ice_spi_cursor_open(IceStatement *statement, Datum *values);
/* Fetches the next rows, as if they were the result of ice_spi_execute(). */
extern uint64 ice_spi_cursor_fetch(const char *name, int rows);

/* Runs a read-only statement that sees the newest committed rows, and the transaction's own,
 * whatever the isolation level: for checks that a lock on another row is meant to protect. */
extern uint64 ice_spi_execute_latest(IceStatement *statement, Datum *values);

/* Runs a statement that may wait for rows of other transactions, no longer than
 * icecat.commit_lock_timeout_ms for each; then it raises 55P03. */
extern uint64 ice_spi_execute_waiting(IceStatement *statement, Datum *values, const char *nulls);

/* The same limit for what waits otherwise, until AtEOXact_GUC(true, level) with the level that it
 * returns. */
extern int ice_spi_limit_waits(void);

/* Raises 40001: the snapshot of the transaction, which is of REPEATABLE READ or SERIALIZABLE, hides
 * rows that a change would have to change, too. */
extern void ice_spi_raise_outdated(void) __attribute__((noreturn));

/* Is there a table (or index) of that name in icecat_data? Between an update of the library and
 * ALTER EXTENSION UPDATE those that are new are missing; what must work before the update asks
 * first. */
extern bool ice_spi_state_has(const char *table);

/* Fields of the last result: row from 0, column from 1. */
extern bool        ice_spi_field_is_null(uint64 row, int column);
extern Datum       ice_spi_field(uint64 row, int column);
/* text or json as C string; NULL for NULL */
extern char       *ice_spi_field_text(uint64 row, int column);
extern int64       ice_spi_field_int64(uint64 row, int column);
extern int32       ice_spi_field_int32(uint64 row, int column);
extern pg_uuid_t   ice_spi_field_uuid(uint64 row, int column);
/* The bytes of a text or json field in place (detoasted if need be). */
extern const char *ice_spi_field_bytes(uint64 row, int column, size_t *len);

/* Where the rows of reads by key are, until ice_spi_end(); no part of a request's memory
 * (budget.h). */
extern MemoryContext ice_spi_rows_context(void);

/* Frees the memory of the last result before ice_spi_end(), where it can be large. */
extern void      ice_spi_free_rows(void);
/* The last result, to come back to after other statements. */
extern IceResult ice_spi_result(void);
extern void      ice_spi_result_back(IceResult result);

/* A text or json datum over bytes; json is not checked again. */
extern Datum ice_spi_text_datum(const char *text, size_t len);
/* An int8[] of ids or ordinals. */
extern Datum ice_spi_int64_array_datum(const int64 *numbers, int count);
extern Datum ice_spi_cstring_datum(const char *text);

#endif
