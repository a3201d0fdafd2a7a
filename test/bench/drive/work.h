/*
 * work.h
 *		What one client does: the requests of an operation, and what their answers mean.
 *
 * An operation is over when its effect is there. A commit that was refused (409) is made again upon
 * the state that a load shows, as writers do; one that was turned away (429, 503) waits as long as
 * the answer says, unless operations begin at a rate of their own.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WORK_H
#define WORK_H

#include "link.h"
#include "options.h"

#include <stdint.h>

typedef struct Counts
{
	uint64_t done;        /* within the time that is measured */
	uint64_t landed;      /* changes that were acknowledged, all in all */
	uint64_t loads;       /* between a refusal and the next attempt */
	uint64_t refused;     /* 409 */
	uint64_t turned_away; /* 429 or 503, with Retry-After */
	uint64_t bare;        /* 429 or 503, without */
	uint64_t given_up;    /* operations that were refused when the time was over */
	uint64_t wrong;       /* answers that are none of these, or not what was asked */
	uint64_t broken;      /* connections that broke within a request */
	char     first_wrong[300];
} Counts;

typedef struct Table
{
	bool     known;
	int64_t  snapshot, sequence;
	char    *location;
	unsigned turn; /* counts properties, so that each value is new */
} Table;

typedef struct Client Client;

/* An operation is over; good: as it should be. */
typedef void (*WorkOver)(Client *client, bool good);

struct Client
{
	const Options *options;
	Counts        *counts;
	WorkOver       over;
	Link          *link;
	struct event  *pause;
	int            number;
	uint64_t       began_us;
	uint64_t       random;
	uint64_t       made;     /* operations so far */
	int            prepared; /* tables that were looked at beforehand */
	bool           preparing, loading, stopping;
	Table         *tables; /* of its own */
	Table         *table;  /* that it works on */
	int            table_number;
	int64_t        attempt; /* the snapshot that it tries to add, the number of the property */
};

void work_init(Client *client, struct event_base *base, const struct sockaddr_in *to);
void work_free(Client *client);

/* Looks at the next table that the client will work on; false if it knows them all. over() is
 * called after each. */
bool work_prepare(Client *client);

void work_begin(Client *client);

#endif
