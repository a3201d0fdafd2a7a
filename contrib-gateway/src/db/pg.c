/*
 * pg.c
 *		Pipelined calls over libpq; see pg.h.
 *
 * libpq answers a pipeline in this order, per call: for each Prepare and each query its results and
 * a NULL, then PGRES_PIPELINE_SYNC. An error makes all until the Sync PGRES_PIPELINE_ABORTED.
 * Prepare is recognised by PGRES_COMMAND_OK without a command tag: our statements return rows, or
 * are a SET.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "db/pg.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libpq-fe.h>

#include "ice_errors.def"
#include "base/log.h"
#include "base/counters.h"

#define COLUMN_ETAG      1
#define COLUMN_LARGE     2
#define COLUMN_PENDING   3 /* as the second of two */
#define COLUMN_SECRET    4
#define TAGGED_COLUMNS   5
#define COLUMN_SQLSTATE  5 /* of a row that stands for a call */
#define COLUMN_MESSAGE   6
#define COLUMN_DETAIL    7
#define COLUMN_AGAIN     8
#define CALL_COLUMNS     9
#define UNTAGGED_COLUMNS 2

typedef enum Prepared
{
	PREPARED_NO,
	PREPARED_SENT, /* on its way; calls behind it may already rely on it */
	PREPARED_YES
} Prepared;

#define STEPS_MAX (GW_PRELUDE_MAX + GW_STEPS_MAX)

/* What is still to be learnt about one call in flight. */
typedef struct Expect
{
	int       prepare_count; /* Prepare messages that belong to it */
	int       prepared_done;
	int       prepares[STEPS_MAX];
	int       command_count;           /* Prepares and statements */
	int       commands[2 * STEPS_MAX]; /* the statement of each */
	int       ended;                   /* commands whose results are all there */
	/* statement of the first error; -1: none, or it came after the last one's end */
	int       failed;
	PGresult *answer;         /* the last rows, or the first error */
	int       streamed_after; /* statements before the one that is streamed; 0: none is */
} Expect;

struct GwPg
{
	PGconn             *conn;
	bool                prepare;
	bool                pipelined;
	GwRelease           release;
	const GwStatements *statements;
	Expect             *expects; /* ring of calls in flight */
	size_t              cap;
	size_t              first;
	size_t              count;
	Prepared            prepared[]; /* one for each statement */
};

/* What the old release has no statement for gets the new one, so that the server says what is
 * missing. */
static bool
is_old(const GwPg *pg, const GwStatement *statement)
{
	return pg->release == GW_RELEASE_OLD && statement->old_sql != NULL;
}

void
gw_pg_set_release(GwPg *pg, GwRelease release)
{
	pg->release = release;
}

/* Never shows what libpq says about a bad string: it may quote the password. */
bool
gw_pg_dsn_is_valid(const char *dsn)
{
	char             *error = NULL;
	PQconninfoOption *options = PQconninfoParse(dsn, &error);
	bool              valid = options != NULL;

	PQconninfoFree(options);
	PQfreemem(error);
	return valid;
}

/* Counts the commits that were made before, of which a notice tells; others are logged. */
static void
take_notice(void *unused, const PGresult *notice)
{
	const char *sqlstate = PQresultErrorField(notice, PG_DIAG_SQLSTATE);

	(void) unused;
	if (sqlstate != NULL && strcmp(sqlstate, ICE_DEDUPLICATED_SQLSTATE) == 0)
		gw_counters.commits_deduplicated++;
	else
		gw_log(GW_DEBUG, "database: %s", PQresultErrorMessage(notice));
}

GwPg *
gw_pg_start(const char *dsn, bool prepare, const GwStatements *statements)
{
	const char *keys[] = {"dbname", "fallback_application_name", "client_encoding", NULL};
	const char *values[] = {dsn, "icecat-gateway", "UTF8", NULL};
	size_t      count = (size_t) gw_statement_count(statements);
	GwPg       *pg = gw_alloc(sizeof(*pg) + count * sizeof(pg->prepared[0]));

	pg->statements = statements;
	pg->prepare = prepare;
	pg->conn = PQconnectStartParams(keys, values, 1);
	if (pg->conn != NULL)
		PQsetNoticeReceiver(pg->conn, take_notice, NULL);
	return pg;
}

GwPgConnect
gw_pg_poll(GwPg *pg)
{
	if (pg->conn == NULL || PQstatus(pg->conn) == CONNECTION_BAD)
		return GW_PG_CONNECT_FAILED;
	switch (PQconnectPoll(pg->conn))
	{
		case PGRES_POLLING_READING:
			return GW_PG_CONNECT_READ;
		case PGRES_POLLING_WRITING:
			return GW_PG_CONNECT_WRITE;
		case PGRES_POLLING_OK:
			pg->pipelined = PQsetnonblocking(pg->conn, 1) == 0 && PQenterPipelineMode(pg->conn);
			return pg->pipelined ? GW_PG_CONNECT_DONE : GW_PG_CONNECT_FAILED;
		default:
			return GW_PG_CONNECT_FAILED;
	}
}

int
gw_pg_socket(const GwPg *pg)
{
	return pg->conn ? PQsocket(pg->conn) : -1;
}

const char *
gw_pg_error(const GwPg *pg)
{
	return pg->conn ? PQerrorMessage(pg->conn) : "out of memory";
}

int
gw_pg_backend_pid(const GwPg *pg)
{
	return PQbackendPID(pg->conn);
}

static Expect *
expect_at(GwPg *pg, size_t i)
{
	return &pg->expects[(pg->first + i) % pg->cap];
}

void
gw_pg_close(GwPg *pg)
{
	for (size_t i = 0; i < pg->count; i++)
		PQclear(expect_at(pg, i)->answer);
	PQfinish(pg->conn);
	free(pg->expects);
	free(pg);
}

/* Adds an empty expectation at the end of the ring. */
static Expect *
add_expect(GwPg *pg)
{
	if (pg->count == pg->cap)
	{
		size_t  cap = pg->cap ? pg->cap * 2 : 8;
		Expect *ring = gw_alloc(cap * sizeof(*ring));

		for (size_t i = 0; i < pg->count; i++)
			ring[i] = *expect_at(pg, i);
		free(pg->expects);
		pg->expects = ring;
		pg->cap = cap;
		pg->first = 0;
	}
	pg->count++;
	*expect_at(pg, pg->count - 1) = (Expect){.failed = -1};
	return expect_at(pg, pg->count - 1);
}

/* Queues one statement, and its Prepare when the session has none yet. */
static bool
send_step(GwPg *pg, Expect *expect, const GwPgStep *step)
{
	const GwStatement *statement = gw_statement_at(pg->statements, step->statement);
	const char        *name = is_old(pg, statement) ? statement->old_name : statement->name;
	const char        *sql = is_old(pg, statement) ? statement->old_sql : statement->sql;
	int                binary[GW_PARAMS_MAX];

	for (int i = 0; i < GW_PARAMS_MAX; i++)
		binary[i] = step->lengths[i] > 0;
	if (!pg->prepare)
		expect->commands[expect->command_count++] = step->statement;
	if (!pg->prepare)
		return PQsendQueryParams(pg->conn, sql, step->param_count, NULL, step->params,
								 step->lengths, binary, 0);
	if (pg->prepared[step->statement] == PREPARED_NO)
	{
		if (!PQsendPrepare(pg->conn, name, sql, 0, NULL))
			return false;
		pg->prepared[step->statement] = PREPARED_SENT;
		expect->prepares[expect->prepare_count++] = step->statement;
		expect->commands[expect->command_count++] = step->statement;
	}
	expect->commands[expect->command_count++] = step->statement;
	return PQsendQueryPrepared(pg->conn, name, step->param_count, step->params, step->lengths,
							   binary, 0);
}

/* Queues the statements of one call and its Sync. */
GwPgSend
gw_pg_send(GwPg *pg, const GwPgStep *prelude, int prelude_count, const GwPgStep *steps,
		   int step_count, bool streamed)
{
	Expect *expect = add_expect(pg);

	assert(step_count > 0 && step_count <= GW_STEPS_MAX && prelude_count <= GW_PRELUDE_MAX);
	expect->streamed_after = streamed ? prelude_count + step_count - 1 : 0;

	for (int i = 0; i < prelude_count + step_count; i++)
	{
		if (send_step(pg, expect, i < prelude_count ? &prelude[i] : &steps[i - prelude_count]))
			continue;
		pg->count--; /* was the last of the ring */
		return GW_PG_NOT_SENT;
	}

	/*
	 * From here on the Sync may be on its way, even when this says that it failed; the caller
	 * then learns of the loss from gw_pg_flush.
	 */
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
	(void) PQsendPipelineSync(pg->conn);
#else
	(void) PQpipelineSync(pg->conn);
#endif
	return GW_PG_SENT;
}

int
gw_pg_flush(GwPg *pg)
{
	if (PQstatus(pg->conn) == CONNECTION_BAD)
		return -1;
	return PQflush(pg->conn);
}

bool
gw_pg_consume(GwPg *pg)
{
	return PQconsumeInput(pg->conn) && PQstatus(pg->conn) != CONNECTION_BAD;
}

/* Keeps the first error, else the last rows. */
static void
keep_answer(Expect *expect, PGresult *result)
{
	if (expect->answer != NULL && PQresultStatus(expect->answer) == PGRES_FATAL_ERROR)
	{
		PQclear(result);
		return;
	}
	if (PQresultStatus(result) == PGRES_FATAL_ERROR && expect->ended < expect->command_count)
		expect->failed = expect->commands[expect->ended];
	PQclear(expect->answer);
	expect->answer = result;
}

/* The settings of the gateway's own; a key or the like is the request's. */
static bool
is_of_session(int statement)
{
	return statement == GW_STATEMENT_ROLE || statement == GW_STATEMENT_IDENTITY ||
		   statement == GW_STATEMENT_ISOLATION || statement == GW_STATEMENT_READ_WRITE ||
		   statement == GW_STATEMENT_LOCAL_SETTINGS;
}

/* A Prepare succeeded: they are answered in the order in which they were sent. */
static void
note_prepared(GwPg *pg, Expect *expect)
{
	if (expect->prepared_done < expect->prepare_count)
		pg->prepared[expect->prepares[expect->prepared_done++]] = PREPARED_YES;
}

/* Statements whose Prepare never succeeded are to be prepared again. */
static void
unprepare_failed(GwPg *pg, const Expect *expect)
{
	for (int i = expect->prepared_done; i < expect->prepare_count; i++)
		pg->prepared[expect->prepares[i]] = PREPARED_NO;
}

bool
gw_pg_has_undone(GwPg *pg)
{
	const Expect *expect = pg->count > 0 ? expect_at(pg, 0) : NULL;
	const char   *severity;

	if (expect == NULL || expect->answer == NULL || expect->failed < 0)
		return false;
	severity = PQresultErrorField(expect->answer, PG_DIAG_SEVERITY_NONLOCALIZED);
	return severity != NULL && strcmp(severity, "FATAL") == 0;
}

static void
read_error(const PGresult *answer, GwPgResult *result)
{
	const char *sqlstate = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(answer, PG_DIAG_MESSAGE_DETAIL);

	result->is_error = true;
	result->sqlstate = sqlstate ? sqlstate : "";
	result->message = message ? message : PQresultErrorMessage(answer);
	result->detail = detail ? detail : "";
}

/* The further columns of a tagged answer. */
static void
read_tag(const PGresult *answer, GwPgResult *result)
{
	if (!PQgetisnull(answer, 0, COLUMN_ETAG))
		result->etag = PQgetvalue(answer, 0, COLUMN_ETAG);
	result->is_large = PQgetvalue(answer, 0, COLUMN_LARGE)[0] == 't';
	result->is_secret = PQnfields(answer) > COLUMN_SECRET &&
						PQgetvalue(answer, 0, COLUMN_SECRET)[0] == 't';
}

/* The second column of two, or the fourth of all that tagged answers have. */
static const char *
read_pending(const PGresult *answer)
{
	int count = PQnfields(answer);
	int column = count == UNTAGGED_COLUMNS ? count - 1 : COLUMN_PENDING;

	if ((count != TAGGED_COLUMNS && count != UNTAGGED_COLUMNS) || PQgetisnull(answer, 0, column))
		return NULL;
	return PQgetvalue(answer, 0, column);
}

/* The Sync of the oldest call has arrived: hands out what was kept for it. */
static void
finish_call(GwPg *pg, GwPgResult *result)
{
	Expect   *expect = expect_at(pg, 0);
	PGresult *answer = expect->answer;

	unprepare_failed(pg, expect);
	expect->answer = NULL;
	pg->first = (pg->first + 1) % pg->cap;
	pg->count--;
	*result = (GwPgResult){.handle = answer};
	if (answer == NULL || PQresultStatus(answer) != PGRES_TUPLES_OK)
	{
		read_error(answer, result);
		result->of_session = is_of_session(expect->failed);
	}
	else if (PQntuples(answer) < 1 || PQnfields(answer) < 1 || PQgetisnull(answer, 0, 0))
		result->is_null = true;
	else
	{
		result->value = PQgetvalue(answer, 0, 0);
		result->value_len = (size_t) PQgetlength(answer, 0, 0);
	}
	if (!result->is_error && PQntuples(answer) > 0 && PQnfields(answer) > COLUMN_LARGE)
		read_tag(answer, result);
	if (!result->is_error && PQntuples(answer) > 0)
		result->pending = read_pending(answer);
}

void
gw_pg_notifications(GwPg *pg,
					void (*notified)(void *owner, const char *channel, const char *payload),
					void *owner)
{
	PGnotify *notification;

	while ((notification = PQnotifies(pg->conn)) != NULL)
	{
		notified(owner, notification->relname, notification->extra);
		PQfreemem(notification);
	}
}

/* After the NULL that ends a statement's results: is the next statement the one that is streamed?
 * libpq must hear of it before it reads any of its rows. */
static void
end_command(GwPg *pg)
{
	Expect *expect = expect_at(pg, 0);

	expect->ended++;
	if (expect->streamed_after > 0 && --expect->streamed_after == 0 &&
		!PQsetSingleRowMode(pg->conn))
		gw_log(GW_WARNING, "libpq does not stream: the answer is held in memory");
}

bool
gw_pg_next(GwPg *pg, GwPgResult *result)
{
	int nulls = 0; /* two in a row: libpq has no more for now */

	while (pg->count > 0 && nulls < 2 && !PQisBusy(pg->conn))
	{
		PGresult *got = PQgetResult(pg->conn);

		if (got == NULL)
		{
			nulls++;
			end_command(pg);
			continue;
		}
		nulls = 0;
		switch (PQresultStatus(got))
		{
			case PGRES_PIPELINE_SYNC:
				PQclear(got);
				finish_call(pg, result);
				return true;
			case PGRES_SINGLE_TUPLE:
				*result = (GwPgResult){.handle = got,
									   .is_row = true,
									   .value = PQgetvalue(got, 0, 0),
									   .value_len = (size_t) PQgetlength(got, 0, 0)};
				return true;
			case PGRES_COMMAND_OK:
				if (PQcmdStatus(got)[0] == '\0')
					note_prepared(pg, expect_at(pg, 0));
				PQclear(got);
				break;
			case PGRES_TUPLES_OK:
			case PGRES_FATAL_ERROR:
				keep_answer(expect_at(pg, 0), got);
				break;
			default:
				PQclear(got);
		}
	}
	return false;
}

int
gw_pg_result_rows(const GwPgResult *result)
{
	return PQnfields(result->handle) == CALL_COLUMNS ? PQntuples(result->handle) : 0;
}

/* A result of one row, with a copy of that row. */
static PGresult *
copy_row(const PGresult *all, int row)
{
	PGresult *copy = PQcopyResult(all, PG_COPYRES_ATTRS);

	for (int column = 0; copy != NULL && column < CALL_COLUMNS; column++)
	{
		bool  null = PQgetisnull(all, row, column);
		char *value = null ? NULL : PQgetvalue(all, row, column);

		if (!PQsetvalue(copy, 0, column, value, null ? -1 : PQgetlength(all, row, column)))
		{
			PQclear(copy);
			copy = NULL;
		}
	}
	return copy;
}

/* NULL for NULL. */
static const char *
field_of(const PGresult *answer, int column)
{
	return PQgetisnull(answer, 0, column) ? NULL : PQgetvalue(answer, 0, column);
}

bool
gw_pg_result_row(const GwPgResult *result, int row, GwPgResult *out)
{
	PGresult *copy = copy_row(result->handle, row);

	if (copy == NULL)
		gw_text_no_memory(0);
	*out = (GwPgResult){.handle = copy, .sqlstate = field_of(copy, COLUMN_SQLSTATE)};
	out->is_error = out->sqlstate != NULL;
	if (out->is_error)
	{
		out->message = PQgetvalue(copy, 0, COLUMN_MESSAGE);
		out->detail = PQgetvalue(copy, 0, COLUMN_DETAIL);
	}
	else
	{
		out->value = field_of(copy, 0);
		out->value_len = (size_t) PQgetlength(copy, 0, 0);
		out->is_null = out->value == NULL;
		out->pending = field_of(copy, COLUMN_PENDING);
		read_tag(copy, out);
	}
	return PQgetvalue(copy, 0, COLUMN_AGAIN)[0] == 't';
}

void
gw_pg_result_free(GwPgResult *result)
{
	PQclear(result->handle);
	*result = (GwPgResult){0};
}

void
gw_pg_handle_free(const void *data, size_t len, void *handle)
{
	(void) data;
	(void) len;
	PQclear(handle);
}
