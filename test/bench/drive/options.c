/*
 * options.c
 *		The command line; see options.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "options.h"

#include <err.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[WORK_KINDS] = {"get", "create", "append", "property"};

static const struct option known[] = {
	{"kind", required_argument, NULL, 'k'},      {"port", required_argument, NULL, 'p'},
	{"warehouse", required_argument, NULL, 'w'}, {"namespace", required_argument, NULL, 'n'},
	{"path", required_argument, NULL, 'P'},      {"expect", required_argument, NULL, 'e'},
	{"tag", required_argument, NULL, 'T'},       {"shared", required_argument, NULL, 's'},
	{"tables", required_argument, NULL, 't'},    {"rotate", required_argument, NULL, 'r'},
	{"clients", required_argument, NULL, 'c'},   {"seconds", required_argument, NULL, 'S'},
	{"rate", required_argument, NULL, 'R'},      {NULL, 0, NULL, 0}};

static WorkKind
kind_of(const char *name)
{
	for (int i = 0; i < WORK_KINDS; i++)
		if (strcmp(name, kind_names[i]) == 0)
			return (WorkKind) i;
	errx(2, "no kind %s", name);
}

static void
take(Options *options, int option, const char *value)
{
	switch (option)
	{
		case 'k':
			options->kind = kind_of(value);
			break;
		case 'p':
			options->port = atoi(value);
			break;
		case 'w':
			options->warehouse = value;
			break;
		case 'n':
			options->name_space = value;
			break;
		case 'P':
			options->path = value;
			break;
		case 'e':
			options->expect = value;
			break;
		case 'T':
			options->tag = value;
			break;
		case 's':
			options->shared = value;
			break;
		case 't':
			options->tables = atoi(value);
			break;
		case 'r':
			options->rotate = atoi(value);
			break;
		case 'c':
			options->clients = atoi(value);
			break;
		case 'S':
			options->seconds = atof(value);
			break;
		case 'R':
			options->rate = atof(value);
			break;
		default:
			exit(2);
	}
}

void
options_read(Options *options, int argc, char **argv)
{
	int option;

	*options = (Options){.warehouse = "demo",
						 .name_space = "bench",
						 .tag = "a",
						 .tables = 1,
						 .rotate = 1,
						 .clients = 16,
						 .seconds = 2};
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
		take(options, option, optarg);
	if (options->port <= 0 || options->clients <= 0 || options->tables <= 0 || options->rotate <= 0)
		errx(2, "--port, and numbers over 0, are needed");
	if (options->kind == WORK_GET && options->path == NULL)
		errx(2, "--kind get needs --path");
}
