/*
 * session.h
 *		What a database session must be like: its settings, and whether it fits this gateway.
 *
 * Settings that change what a transaction means are the gateway's own, whatever database, role and
 * connection string say. On a connection to PostgreSQL they are set once. Behind a pooler that
 * hands each transaction to another session they go in front of every call, local to it; a pooler
 * is recognised by the number of the session, which is not the one it tells.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_SESSION_H
#define GW_SESSION_H

#include "db/pg.h"

#define GW_PROBLEM_BYTES 512

/* What the probe found. */
typedef struct GwFitness
{
	bool      fit;
	bool      pooled; /* a pooler is in between */
	/* the role may execute at least one function that changes something */
	bool      may_write;
	GwRelease release;     /* whose statements are sent */
	char      version[32]; /* of the extension; "" when there is none */
	/* "" when it is fit; else what is wrong, and what to do */
	char      problem[GW_PROBLEM_BYTES];
} GwFitness;

/* '{a,b}': the functions that the operations call, of both releases. Some come twice, which does no
 * harm. */
extern void gw_session_functions(const GwStatements *statements, GwText *out);

/* Asks what gw_session_judge() needs, with a list of functions as above. */
extern GwPgStep gw_session_probe(const char *functions);
extern void gw_session_judge(const GwPgResult *result, const GwStatements *statements, bool writes,
							 int backend_pid, GwFitness *out);

/* Sets a session up, or a call behind a pooler: the steps go before the call's own. The parameters
 * live until the next call of this. */
extern GwPgStep gw_session_settings(void);
extern int      gw_session_prelude(GwPgStep *steps, bool writes);

#endif
