/*
 * database.c
 *		The databases that the gateway serves; see database.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/database.h"

#include <stdlib.h>
#include <strings.h>

#include "auth/auth.h"
#include "base/conf.h"
#include "catalog/repeats.h"
#include "catalog/router.h"
#include "catalog/statements.h"
#include "http/forwarded.h"

#define DEFAULT_NAME "default"

GwDatabaseList gw_databases = TAILQ_HEAD_INITIALIZER(gw_databases);

static struct event_base *base;
static GwDatabase        *default_database;
static uint64_t           last_number;
static GwPoolStats        gone_reads; /* what pools did that are gone */
static GwPoolStats        gone_writes;
static void (*told)(void *database, const char *channel, const char *payload);

GwDatabase *
gw_database_default(void)
{
	return default_database;
}

const char *
gw_database_label(const GwDatabase *database)
{
	return database != NULL && database != default_database ? database->conf.name : NULL;
}

int
gw_database_further(void)
{
	const GwDatabase *database;
	int               count = 0;

	TAILQ_FOREACH (database, &gw_databases, link)
		count += database != default_database && !database->leaving;
	return count;
}

void
gw_database_hold(GwDatabase *database)
{
	database->users++;
}

void
gw_database_release(GwDatabase *database)
{
	if (database != NULL)
		database->users--;
}

bool
gw_database_in_maintenance(const GwDatabase *database)
{
	return gw_conf.maintenance || database->conf.maintenance;
}

/* -- coming and going -------------------------------------------------------------------------- */

static GwPool *
make_pool(GwDatabase *database, int which, const char *what, GwPoolKind kind, int64_t connections)
{
	const char *label = gw_database_label(database);
	GwText     *name = &database->names[which];
	GwPoolSpec  spec = {
		 .kind = kind,
		 .connections = (int) connections,
		 .dsn = database->conf.dsn,
		 .statements = &gw_statements,
    };

	if (label != NULL)
		gw_text_printf(name, "database %s: ", label);
	gw_text_puts(name, what);
	spec.name = name->data;
	return gw_pool_create(base, &spec);
}

static void
use_rules(GwDatabase *database)
{
	gw_auth_use_authorities(&database->realm, database->conf.tls_client_ca_file);
	database->realm.audiences = database->conf.auth_audiences;
	database->realm.binding = database->conf.oauth_audience;
}

/* Takes the settings over. */
static GwDatabase *
open_database(GwDatabaseConf *conf, bool is_default)
{
	GwDatabase *database = gw_alloc(sizeof(*database));

	memset(database, 0, sizeof(*database));
	database->conf = *conf;
	*conf = (GwDatabaseConf){.name = ""};
	if (is_default)
		default_database = database;
	gw_auth_open_realm(&database->realm, ++last_number);
	use_rules(database);
	conf = &database->conf;
	database->reads = make_pool(database, 0, "read", GW_POOL_READS, conf->read_connections);
	database->streams = make_pool(database, 1, "stream", GW_POOL_STREAMS, conf->stream_connections);
	database->writes = make_pool(database, 2, "write", GW_POOL_WRITES, conf->write_connections);
	database->listener = make_pool(database, 3, "listening", GW_POOL_LISTENS, 1);
	database->waits = make_pool(database, 4, "credential", GW_POOL_WAITS,
								conf->credential_connections);
	gw_pool_on_notify(database->listener, told, database);
	database->await.files = gw_files_create();
	TAILQ_INSERT_TAIL(&gw_databases, database, link);
	return database;
}

/* Does anybody still wait for it? */
static bool
is_idle(const GwDatabase *database)
{
	return database->users == 0 && database->await.greeting.state == GW_CALL_IDLE &&
		   database->await.question.state == GW_CALL_IDLE &&
		   database->refused.call.state == GW_CALL_IDLE &&
		   database->rates.call.state == GW_CALL_IDLE && database->refused.count == 0 &&
		   (database->refused.repeats == NULL ||
			gw_repeats_waiting(database->refused.repeats) == 0) &&
		   database->keys.call.state == GW_CALL_IDLE && database->keys.since_us == 0 &&
		   database->worker.call.state == GW_CALL_IDLE;
}

static void
add_done(GwPoolStats *sum, GwPoolStats more)
{
	sum->wait_us += more.wait_us;
	sum->connects += more.connects;
	sum->connect_failures += more.connect_failures;
	sum->losses += more.losses;
	sum->recycles += more.recycles;
	sum->repeats += more.repeats;
}

GwPoolStats
gw_database_pool_stats(bool writes)
{
	const GwDatabase *database;
	GwPoolStats       sum = writes ? gone_writes : gone_reads;

	TAILQ_FOREACH (database, &gw_databases, link)
	{
		GwPoolStats stats = gw_pool_stats(writes ? database->writes : database->reads);

		sum.max += stats.max;
		sum.ready += stats.ready;
		sum.in_use += stats.in_use;
		sum.in_flight += stats.in_flight;
		sum.queued += stats.queued;
		add_done(&sum, stats);
	}
	return sum;
}

/* Nobody uses it: gives back all that open_database() made. */
static void
close_database(GwDatabase *database)
{
	add_done(&gone_reads, gw_pool_stats(database->reads));
	add_done(&gone_writes, gw_pool_stats(database->writes));
	TAILQ_REMOVE(&gw_databases, database, link);
	gw_pool_destroy(database->reads);
	gw_pool_destroy(database->streams);
	gw_pool_destroy(database->writes);
	gw_pool_destroy(database->waits);
	gw_pool_destroy(database->listener);
	gw_files_destroy(database->await.files);
	gw_auth_close_realm(&database->realm);
	for (size_t i = 0; i < sizeof(database->names) / sizeof(database->names[0]); i++)
		gw_text_free(&database->names[i]);
	gw_text_free(&database->await.asked);
	gw_text_free(&database->refused.batch);
	gw_text_free(&database->worker.lines);
	gw_text_free(&database->rates.wanted);
	gw_text_free(&database->rates.asked);
	gw_text_free(&database->rates.list);
	free(database->refused.entries);
	if (database->refused.repeats != NULL)
		gw_repeats_destroy(database->refused.repeats);
	gw_conf_database_free(&database->conf);
	free(database);
}

static void
open_default(void)
{
	GwDatabaseConf conf;

	gw_conf_database_defaults(&conf, DEFAULT_NAME);
	free(conf.dsn);
	conf.dsn = gw_strdup(gw_conf.dsn);
	conf.read_connections = gw_conf.read_connections;
	conf.write_connections = gw_conf.write_connections;
	conf.stream_connections = gw_conf.stream_connections;
	conf.credential_connections = gw_conf.credential_connections;
	conf.auth_anonymous = true;
	open_database(&conf, true);
}

void
gw_database_start(struct event_base *event_base, GwDatabaseConfs *confs,
				  void (*announced)(void *database, const char *channel, const char *payload))
{
	told = announced;
	base = event_base;
	if (gw_conf.default_database)
		open_default();
	for (int i = 0; i < confs->count; i++)
		open_database(&confs->list[i], false);
	gw_conf_database_free_all(confs);
}

static GwDatabase *
find_name(const char *name)
{
	GwDatabase *database;

	TAILQ_FOREACH (database, &gw_databases, link)
		if (database != default_database && !database->leaving &&
			strcmp(database->conf.name, name) == 0)
			return database;
	return NULL;
}

static GwDatabaseConf *
find_conf(const GwDatabaseConfs *confs, const char *name)
{
	for (int i = 0; i < confs->count; i++)
		if (strcmp(confs->list[i].name, name) == 0)
			return &confs->list[i];
	return NULL;
}

/* What a file says now of a database that there is, or may be. */
static void
take_conf(GwDatabaseConf *conf, GwText *notes)
{
	GwDatabase *database = find_name(conf->name);

	if (database != NULL && gw_conf_database_connects_alike(&database->conf, conf))
	{
		GwDatabaseConf old = database->conf;

		database->conf = *conf;
		*conf = old;
		use_rules(database);
		return;
	}
	gw_text_printf(notes, "database \"%s\" %s\n", conf->name,
				   database != NULL ? "has other connections" : "was added");
	if (database != NULL)
		database->leaving = true;
	open_database(conf, false);
}

void
gw_database_reload(GwDatabaseConfs *confs, GwText *notes)
{
	GwDatabase *database;

	TAILQ_FOREACH (database, &gw_databases, link)
	{
		if (database == default_database || database->leaving ||
			find_conf(confs, database->conf.name) != NULL)
			continue;
		database->leaving = true;
		gw_text_printf(notes, "database \"%s\" was removed\n", database->conf.name);
	}
	for (int i = 0; i < confs->count; i++)
		take_conf(&confs->list[i], notes);
	gw_conf_database_free_all(confs);
}

void
gw_database_tick(uint64_t now)
{
	GwDatabase *next;

	for (GwDatabase *database = TAILQ_FIRST(&gw_databases); database != NULL; database = next)
	{
		next = TAILQ_NEXT(database, link);
		gw_pool_tick(database->writes, now);
		gw_pool_tick(database->reads, now);
		gw_pool_tick(database->streams, now);
		gw_pool_tick(database->waits, now);
		gw_pool_tick(database->listener, now);
		if (database->leaving && is_idle(database))
			close_database(database);
	}
}

void
gw_database_flush(void)
{
	GwDatabase *database;

	TAILQ_FOREACH (database, &gw_databases, link)
	{
		gw_pool_flush(database->writes);
		gw_pool_flush(database->reads);
		gw_pool_flush(database->streams);
		gw_pool_flush(database->waits);
		gw_pool_flush(database->listener);
	}
}

/* -- which one --------------------------------------------------------------------------------- */

/* The name, without a port and a dot at its end. */
static GwSlice
name_of(GwSlice host)
{
	const char *colon;

	colon = host.len > 0 ? memrchr(host.data, ':', host.len) : NULL;
	if (colon != NULL && memchr(colon, ']', host.len - (size_t) (colon - host.data)) == NULL)
		host.len = (size_t) (colon - host.data);
	if (host.len > 0 && host.data[host.len - 1] == '.')
		host.len--;
	return host;
}

static GwSlice
host_of(const GwExchange *exchange, const GwHttpHead *head)
{
	GwSlice host = exchange->proxied ? gw_forwarded_host(head) : (GwSlice){0};

	return name_of(host.len > 0 ? host : head->host);
}

static GwDatabase *
find_host(GwSlice host)
{
	GwDatabase *database;
	GwSlice     item;

	TAILQ_FOREACH (database, &gw_databases, link)
	{
		const char *list = database->leaving || host.len == 0 ? "" : database->conf.hosts;

		while (gw_conf_database_item(&list, &item))
			if (item.len == host.len && strncasecmp(item.data, host.data, host.len) == 0)
				return database;
	}
	return NULL;
}

/* The longest path of a database that this one is below; of one database, if that is not NULL. */
static GwDatabase *
find_path(GwDatabase *only, GwSlice path, GwSlice *rest)
{
	GwDatabase *database;
	GwDatabase *found = NULL;
	GwSlice     item;

	*rest = path;
	TAILQ_FOREACH (database, &gw_databases, link)
	{
		const char *list = database->leaving ? "" : database->conf.paths;

		while ((only == NULL || only == database) && gw_conf_database_item(&list, &item))
		{
			GwSlice below = path;

			if (!gw_router_strip_base(&below, item) || (found != NULL && below.len >= rest->len))
				continue;
			found = database;
			*rest = below;
		}
	}
	return found;
}

/* Was the handshake for the host of another database, or for that of none? Then who checked one
 * name, such as a proxy between, let through another one. A trusted proxy says itself which host
 * was meant. */
static bool
is_misdirected(const GwExchange *exchange, const GwDatabase *by_host)
{
	const char *name = exchange->server_name;

	return name != NULL && !exchange->proxied &&
		   find_host(name_of((GwSlice){name, strlen(name)})) != by_host;
}

GwDatabase *
gw_database_choose(GwExchange *exchange, const GwHttpHead *head, GwSlice *path)
{
	GwDatabase *by_host = find_host(host_of(exchange, head));
	GwSlice     rest;
	GwDatabase *by_path = find_path(by_host, *path, &rest);

	if (is_misdirected(exchange, by_host))
	{
		gw_exchange_fault(exchange, 421, "The host is another one than that of the handshake");
		return NULL;
	}
	if (by_path != NULL)
		*path = rest;
	if (by_path != NULL || by_host != NULL)
		return by_path != NULL ? by_path : by_host;
	return default_database;
}

GwDatabase *
gw_database_of_warehouse(GwDatabase *chosen, const char **name, GwSlice *word)
{
	GwDatabase *database;
	GwSlice     item;
	size_t      len = *name != NULL ? strcspn(*name, "/") : 0;

	if (chosen != default_database || len == 0)
		return chosen;
	TAILQ_FOREACH (database, &gw_databases, link)
	{
		const char *list = database->leaving ? "" : database->conf.warehouses;

		while (gw_conf_database_item(&list, &item))
		{
			if (item.len != len || memcmp(item.data, *name, len) != 0)
				continue;
			*word = (GwSlice){*name, len};
			*name += len + ((*name)[len] == '/');
			return database;
		}
	}
	return chosen;
}
