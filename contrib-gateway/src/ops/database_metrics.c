/*
 * database_metrics.c
 *		Metrics of each further database; see database_metrics.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "ops/database_metrics.h"

#include "catalog/database.h"

typedef uint64_t (*Value)(const GwDatabase *database);

static uint64_t
ready_reads(const GwDatabase *database)
{
	return (uint64_t) gw_pool_stats(database->reads).ready;
}

static uint64_t
ready_writes(const GwDatabase *database)
{
	return (uint64_t) gw_pool_stats(database->writes).ready;
}

static uint64_t
queued(const GwDatabase *database)
{
	return (uint64_t) (gw_pool_stats(database->reads).queued +
					   gw_pool_stats(database->writes).queued);
}

static uint64_t
losses(const GwDatabase *database)
{
	return gw_pool_stats(database->reads).losses + gw_pool_stats(database->writes).losses;
}

static uint64_t
under_way(const GwDatabase *database)
{
	return (uint64_t) database->users;
}

static uint64_t
answered(const GwDatabase *database)
{
	return database->requests;
}

static uint64_t
held_off(const GwDatabase *database)
{
	return database->held_off;
}

static uint64_t
maintenance(const GwDatabase *database)
{
	return gw_database_in_maintenance(database);
}

static const struct Column
{
	const char *name;
	const char *type;
	const char *help;
	Value       value;
} columns[] = {
	{"icecat_database_connections_ready_read", "gauge", "Connections for reads that take calls.",
	 ready_reads},
	{"icecat_database_connections_ready_write", "gauge", "Connections for writes that take calls.",
	 ready_writes},
	{"icecat_database_queue_length", "gauge", "Calls waiting for a connection.", queued},
	{"icecat_database_losses_total", "counter", "Connections lost.", losses},
	{"icecat_database_requests_in_flight", "gauge", "Requests under way.", under_way},
	{"icecat_database_requests_total", "counter", "Requests answered.", answered},
	{"icecat_database_held_off_total", "counter", "Changes answered 503 in maintenance mode.",
	 held_off},
	{"icecat_database_maintenance", "gauge", "1 in maintenance mode.", maintenance},
};

/* One line for each database that takes requests. */
static void
put_column(GwText *out, const struct Column *column)
{
	const GwDatabase *database;

	gw_text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", column->name, column->help, column->name,
				   column->type);
	TAILQ_FOREACH (database, &gw_databases, link)
		if (gw_database_label(database) != NULL && !database->leaving)
			gw_text_printf(out, "%s{database=\"%s\"} %llu\n", column->name, database->conf.name,
						   (unsigned long long) column->value(database));
}

void
gw_database_metrics_render(GwText *out)
{
	if (gw_database_further() == 0)
		return;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		put_column(out, &columns[i]);
}
