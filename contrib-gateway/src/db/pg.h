/*
 * pg.h
 *		One connection to PostgreSQL: pipelined calls and their results. The only user of libpq.
 *
 * A call is up to GW_STEPS_MAX statements and a Sync: one implicit transaction. The last statement
 * is the call proper, those before it are settings local to the transaction. An outcome is handed
 * out only when the server says ReadyForQuery, because until then COMMIT can still fail.
 *
 * Nothing here blocks, except the resolution of host names inside PQconnectStart: use addresses,
 * sockets or a fast resolver.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_PG_H
#define GW_PG_H

#include "base/limits.h"
#include "base/text.h"
#include "db/statement.h"

typedef struct GwPgStep
{
	int         statement;
	int         param_count;
	const char *params[GW_PARAMS_MAX];  /* NUL-terminated, or NULL; owned by the caller */
	int         lengths[GW_PARAMS_MAX]; /* of one in binary form; 0: it is text */
} GwPgStep;

typedef struct GwPg GwPg;

/* What came back. Exactly one of value, is_null or sqlstate tells the outcome. */
typedef struct GwPgResult
{
	void       *handle; /* keeps the memory below; see gw_pg_result_free */
	bool        is_error;
	bool        is_row; /* of a streamed call: more is to come */
	bool        is_null;
	const char *value; /* first column of the first row */
	size_t      value_len;
	const char *etag;      /* of a tagged answer, or NULL */
	bool        is_large;  /* its body is over the limit that was asked for */
	bool        is_secret; /* it carries credentials: nobody may keep it */
	const char *pending;   /* keys of queued files that the answer names, or NULL */
	const char *sqlstate;  /* "" when the error is not the server's */
	const char *message;
	const char *detail;     /* of an error; "" when it has none */
	bool        of_session; /* an error of a setting of the gateway's, not of the request */
} GwPgResult;

typedef enum GwPgConnect
{
	GW_PG_CONNECT_READ, /* wait until the socket is readable */
	GW_PG_CONNECT_WRITE,
	GW_PG_CONNECT_DONE,
	GW_PG_CONNECT_FAILED
} GwPgConnect;

typedef enum GwPgSend
{
	GW_PG_SENT,    /* the server may run it */
	GW_PG_NOT_SENT /* the connection is bad and no Sync went out: it cannot commit */
} GwPgSend;

extern bool gw_pg_dsn_is_valid(const char *dsn);

/* The table of statements must live as long as the connection. */
extern GwPg       *gw_pg_start(const char *dsn, bool prepare, const GwStatements *statements);
extern GwPgConnect gw_pg_poll(GwPg *pg);
extern int         gw_pg_socket(const GwPg *pg);
extern const char *gw_pg_error(const GwPg *pg);
extern int         gw_pg_backend_pid(const GwPg *pg);
extern void        gw_pg_close(GwPg *pg);

/* A connection begins with the new release's statements. */
extern void gw_pg_set_release(GwPg *pg, GwRelease release);

/* streamed: the rows of the last statement are handed out one by one, on a connection that prepares
 * nothing. prelude: at most GW_PRELUDE_MAX steps that go first. */
extern GwPgSend gw_pg_send(GwPg *pg, const GwPgStep *prelude, int prelude_count,
						   const GwPgStep *steps, int step_count, bool streamed);

/* 0: all is on its way; 1: call again when the socket is writable; -1: the connection is lost. */
extern int gw_pg_flush(GwPg *pg);

/* Of a lost connection: did the server say that it ends the session, before the end of the oldest
 * call's last statement? Then the call has certainly not committed: that is the Sync's work, and
 * what the server sends comes in order. */
extern bool gw_pg_has_undone(GwPg *pg);

/* Reads what the socket has. False: the connection is lost (outcomes may still be ready). */
extern bool gw_pg_consume(GwPg *pg);

/* The outcome of the oldest call, when it is complete. */
extern bool gw_pg_next(GwPg *pg, GwPgResult *result);

/* Hands out channels and payloads of all notifications that have come. */
extern void gw_pg_notifications(
	GwPg *pg, void (*notified)(void *owner, const char *channel, const char *payload), void *owner);
extern void gw_pg_result_free(GwPgResult *result);

/* Of an answer that has a row for each of several calls: how many, and what one of them says. It
 * has memory of its own. True: the call is to be made again. */
extern int  gw_pg_result_rows(const GwPgResult *result);
extern bool gw_pg_result_row(const GwPgResult *result, int row, GwPgResult *out);

/* Frees a result's handle; has the shape that evbuffer cleanups want. */
extern void gw_pg_handle_free(const void *data, size_t len, void *handle);

#endif
