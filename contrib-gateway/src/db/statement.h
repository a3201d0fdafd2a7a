/*
 * statement.h
 *		The statements of a connection: those that every one needs, and those of its owner.
 *
 * Who makes a pool gives it a table of statements; a statement is known by its number. What the
 * statements of the owner are for is not known here, except whether one is an operation: a database
 * is fit if it has the functions of all operations.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_STATEMENT_H
#define GW_STATEMENT_H

#include <stdbool.h>

/* Whose statements are sent: the extension may still be of the release before this gateway's. */
typedef enum GwRelease
{
	GW_RELEASE_NEW,
	GW_RELEASE_OLD,
	GW_RELEASES
} GwRelease;

typedef struct GwStatement
{
	const char *name; /* when it is prepared */
	const char *sql;
	const char *old_name; /* of an operation, in the release before; NULL: it had none */
	const char *old_sql;
	bool        operation;
	bool        writes; /* the operation changes something */
} GwStatement;

typedef struct GwStatements
{
	const GwStatement *list; /* the first one has the number GW_STATEMENT_FIRST */
	int                count;
} GwStatements;

/* Those that every connection needs. */
enum
{
	GW_STATEMENT_ROLE,
	GW_STATEMENT_IDENTITY,
	GW_STATEMENT_START_WORKER,
	GW_STATEMENT_ANSWER_MAX,
	GW_STATEMENT_PROBE,
	GW_STATEMENT_SETTINGS,
	GW_STATEMENT_ISOLATION,
	GW_STATEMENT_READ_WRITE,
	GW_STATEMENT_LOCAL_SETTINGS,
	GW_STATEMENT_FIRST /* of the owner's */
};

extern int                gw_statement_count(const GwStatements *statements);
extern const GwStatement *gw_statement_at(const GwStatements *statements, int number);

/* The text of an operation; NULL when the release has none. */
extern const char *gw_statement_sql(const GwStatement *statement, GwRelease release);

#endif
