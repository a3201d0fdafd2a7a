/*
 * options.h
 *		What the load generator is told.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

typedef enum WorkKind
{
	WORK_GET,
	WORK_CREATE,
	WORK_APPEND,
	WORK_PROPERTY,
	WORK_KINDS
} WorkKind;

typedef struct Options
{
	WorkKind    kind;
	int         port;
	const char *warehouse, *name_space;
	const char *path;   /* of WORK_GET: {} is the number of a table */
	const char *expect; /* an answer to it has this in its beginning */
	const char *tag;    /* of what it creates, to tell two runs apart */
	const char *shared; /* the one table that all commit to */
	int         tables; /* t0, t1, ... */
	int         rotate; /* tables of one client */
	int         clients;
	double      seconds;
	double      rate; /* operations that begin in a second, whatever the answers; 0: each client
					   * begins its next when it has its answer */
} Options;

void options_read(Options *options, int argc, char **argv);

#endif
