/*
 * main.c
 *		The process: command line, signals, the event loop, starting and draining.
 *
 * The loop runs one turn at a time; after each turn connections that were answered go on, and what
 * was collected is sent: calls to the database, then log lines. A timer ticks for all timeouts.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/issuer.h"
#include "auth/issuer_options.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/conf_database.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/process.h"
#include "catalog/await.h"
#include "catalog/catalog.h"
#include "catalog/database.h"
#include "catalog/handler.h"
#include "catalog/refused.h"
#include "catalog/request.h"
#include "catalog/role_rates.h"
#include "events/event_feed.h"
#include "events/events.h"
#include "http/clients.h"
#include "http/cors.h"
#include "http/forwarded.h"
#include "http/listener.h"
#include "http/tls_context.h"
#include "oauth/endpoint.h"
#include "oauth/key_watch.h"
#include "ops/admin.h"
#include "ops/notify.h"
#include "ops/worker_watch.h"

#define SPARE_DESCRIPTORS 64
#define EVENT_CHANNEL     "icecat_events" /* as the extension calls it */

extern char **environ;

static struct event_base *base;
static const char        *conf_path;
static bool               stopped;
static bool               listening;
static uint64_t           drain_since_us;
static uint64_t           drained_us; /* clients are gone, or not waited for; 0: not yet */

/* Settings whose form is known to the room that uses them. */
static const GwConfCheck checks[] = {
	{"trusted_proxies", gw_forwarded_proxies_valid},
	{"cors_origins", gw_cors_valid},
	{"oauth_audience", gw_conf_database_audience_valid},
	{"auth_issuers", gw_issuers_valid},
	{"auth_issuer_keys_urls", gw_issuers_keys_valid},
	{"auth_issuer_ca_files", gw_issuer_options_valid},
	{"auth_issuer_token_files", gw_issuer_options_valid},
};

/* Who answers requests: the first one that takes the path; the last one takes all others. */
static const GwHandler *const handlers[] = {&gw_admin_handler, &gw_endpoint_handler,
											&gw_catalog_handler, NULL};

typedef struct Options
{
	bool         check;
	bool         print;
	GwConfFormat format;
} Options;

static void
print_settings(GwConfFormat format)
{
	gw_conf_print(stdout, format);
	gw_conf_database_print(stdout, format);
}

static void
print_help(void)
{
	puts("icecat-gateway serves the Iceberg REST catalog of a PostgreSQL database with icecat.\n\n"
		 "Usage: icecat-gateway [OPTION]...\n\n"
		 "  -c, --config FILE          read settings from FILE\n"
		 "      --check-config         check the settings and exit\n"
		 "      --print-settings[=AS]  print every setting with its default and exit;\n"
		 "                             AS is file (default), markdown or man\n"
		 "  -V, --version              print the version and exit\n"
		 "  -h, --help                 print this and exit\n\n"
		 "Variables ICECAT_<SETTING> override the file. The most needed ones:\n\n"
		 "  ICECAT_DSN='host=/run/postgresql dbname=lake user=icecat'\n"
		 "  ICECAT_LISTEN=127.0.0.1  ICECAT_PORT=8181\n\n"
		 "SIGHUP reads the settings again and reopens log files. SIGTERM finishes what is\n"
		 "under way and exits; a second one exits at once.\n\n"
		 "Settings:\n");
	print_settings(GW_CONF_FILE);
}

static bool
parse_format(const char *name, GwConfFormat *format)
{
	if (name == NULL || strcmp(name, "file") == 0)
		*format = GW_CONF_FILE;
	else if (strcmp(name, "markdown") == 0)
		*format = GW_CONF_MARKDOWN;
	else if (strcmp(name, "man") == 0)
		*format = GW_CONF_MAN;
	else
		return false;
	return true;
}

/* Exits for options that only print; otherwise fills options. */
static void
parse_options(int argc, char **argv, Options *options)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"check-config", no_argument, NULL, 'C'},
		{"print-settings", optional_argument, NULL, 'P'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:Vh", longs, NULL)) != -1)
	{
		if (c == 'c')
			conf_path = optarg;
		else if (c == 'C')
			options->check = true;
		else if (c == 'P' && parse_format(optarg, &options->format))
			options->print = true;
		else if (c == 'V')
		{
			puts("icecat-gateway " GW_VERSION);
			exit(0);
		}
		else if (c == 'h')
		{
			print_help();
			exit(0);
		}
		else
			exit(2);
	}
	if (optind < argc)
	{
		fprintf(stderr, "icecat-gateway: unexpected argument \"%s\"\n", argv[optind]);
		exit(2);
	}
}

/* What is wrong with the settings of TLS as a whole; NULL: nothing. */
static const char *
tls_problem(const GwConf *conf)
{
	bool clients = conf->tls_client_auth != GW_CLIENT_AUTH_OFF;

	if (clients && !gw_listener_uses_tls(conf->listen))
		return "setting \"tls_client_auth\" needs an address in listen that begins with https://";
	if (clients && conf->tls_client_ca_file[0] == '\0')
		return "setting \"tls_client_ca_file\" is needed with tls_client_auth";
	if (gw_listener_uses_tls(conf->listen) &&
		(conf->tls_cert_file[0] == '\0' || conf->tls_key_file[0] == '\0'))
		return "settings \"tls_cert_file\" and \"tls_key_file\" are needed with https:// in listen";
	return NULL;
}

static void
check_database(const GwDatabaseConf *conf, GwText *error)
{
	const char *authorities = conf->tls_client_ca_file;

	if (!gw_pg_dsn_is_valid(conf->dsn))
		gw_text_printf(error, "database \"%s\": dsn is not a connection string\n", conf->name);
	if (*authorities != '\0' && !gw_auth_authorities_usable(authorities))
		gw_text_printf(error, "database \"%s\": tls_client_ca_file \"%s\" has no certificate\n",
					   conf->name, authorities);
}

/* Reads file and environment over the defaults, and the files of further databases. */
static bool
load_settings(GwConf *conf, GwDatabaseConfs *databases, GwText *error)
{
	*databases = (GwDatabaseConfs){0};
	gw_conf_defaults(conf);
	if (!gw_conf_load(conf, conf_path, environ, error))
		return false;
	if (!gw_pg_dsn_is_valid(conf->dsn))
		gw_text_puts(error, "setting \"dsn\" is not a connection string\n");
	if (!gw_listener_is_valid(conf->listen))
		gw_text_puts(error, "setting \"listen\" is not a list of addresses\n");
	if (gw_auth_problem(conf) != NULL)
		gw_text_printf(error, "%s\n", gw_auth_problem(conf));
	if (tls_problem(conf) != NULL)
		gw_text_printf(error, "%s\n", tls_problem(conf));
	(void) gw_conf_database_load(conf->databases_dir, conf->databases_max, databases, error);
	for (int i = 0; i < databases->count; i++)
		check_database(&databases->list[i], error);
	if (!conf->default_database && databases->count == 0)
		gw_text_puts(error, "without default_database, databases_dir must have a database\n");
	return error->len == 0;
}

/* Can the files of TLS be used? While the gateway runs, the ones before stay in force if not. */
static bool
tls_is_usable(const GwConf *conf, GwText *error)
{
	return !gw_listener_uses_tls(conf->listen) || gw_tls_context_check(conf, error);
}

/* A database notifies the gateway: of numbered events, on a channel that everybody may use, so it
 * is only a reason to look; of written files. */
static void
on_announced(void *database, const char *channel, const char *payload)
{
	if (strcmp(channel, EVENT_CHANNEL) == 0)
		gw_event_feed_notified(database, payload);
	else
		gw_await_announced(database, payload);
}

static void
on_terminate(evutil_socket_t fd, short what, void *arg)
{
	(void) fd;
	(void) what;
	(void) arg;
	if (gw_process.draining)
	{
		gw_log(GW_WARNING, "second signal: leaving at once");
		stopped = true;
		return;
	}
	gw_log(GW_INFO, "draining: %d client connections, %lld requests under way", gw_clients_count(),
		   (long long) gw_counters.in_flight);
	gw_notify_stopping();
	gw_process.draining = true;
	drain_since_us = gw_clock_us();
}

/* Logs text line by line. */
static void
log_lines(GwLogLevel level, const char *prefix, char *text)
{
	char *line;

	while (text != NULL && (line = strsep(&text, "\n")) != NULL)
		if (*line != '\0')
			gw_log(level, "%s%s", prefix, line);
}

static void
warn_of_shown_secret(const GwDatabaseConfs *databases)
{
	GwText shown = {0};

	if (gw_conf_shows_secret(&gw_conf, conf_path))
		gw_log(GW_WARNING,
			   "%s holds a password, and others than its owner may read or change it: chmod 600",
			   conf_path);
	gw_conf_database_shown(gw_conf.databases_dir, databases, &shown);
	log_lines(GW_WARNING, "holds a password that others may read: chmod 600 ", shown.data);
	gw_text_free(&shown);
}

/* Behind a proxy, TLS is the proxy's. */
static void
warn_of_shown_tokens(void)
{
	if (gw_auth_is_on() && gw_listener_is_open() && gw_conf.trusted_proxies[0] == '\0')
		gw_log(GW_WARNING,
			   "tokens can be read on the network: an address beyond this machine does not speak "
			   "TLS (https:// in the setting listen), and no proxy is named in trusted_proxies");
}

/* SIGHUP: settings that do not read well change nothing, of no database. */
static void
on_reload(evutil_socket_t fd, short what, void *arg)
{
	GwConf          fresh;
	GwDatabaseConfs databases;
	GwText          text = {0};

	(void) fd;
	(void) what;
	(void) arg;
	gw_notify_reloading();
	if (load_settings(&fresh, &databases, &text))
	{
		gw_conf_reload(&gw_conf, &fresh, &text);
		warn_of_shown_secret(&databases);
		gw_database_reload(&databases, &text);
		log_lines(GW_INFO, "reload: ", text.data);
		gw_log_open();
		gw_tls_context_reload();
		gw_cache_trim(gw_catalog.cache, (uint64_t) gw_conf.cache_bytes);
		gw_counters.reloads++;
		gw_log(GW_INFO, "settings reloaded");
	}
	else
	{
		log_lines(GW_ERROR, "reload: ", text.data);
		gw_log(GW_ERROR, "settings kept as they were");
		gw_conf_free(&fresh);
		gw_conf_database_free_all(&databases);
	}
	gw_text_free(&text);
	gw_notify_ready();
}

/* Nobody is waited for any more, but the audit log, for a while. */
static void
leave(uint64_t now)
{
	if (drained_us == 0)
		drained_us = now;
	stopped = gw_refused_finish();
	if (stopped || gw_clock_since(now, drained_us) < (uint64_t) gw_conf.audit_stop_wait_ms * 1000)
		return;
	gw_log(GW_WARNING, "audit_stop_wait_ms is over: %llu refused calls are not in the audit log",
		   (unsigned long long) gw_refused_waiting());
	stopped = true;
}

/* Draining, step by step: not ready; new connections are held off, so that all that were made are
 * accepted; no new clients; nobody left, or out of patience; nothing left for the audit log. */
static void
drain_tick(uint64_t now)
{
	uint64_t delay = (uint64_t) gw_conf.drain_delay_ms * 1000;
	uint64_t patience = delay + (uint64_t) gw_conf.drain_timeout_ms * 1000;

	if (gw_clock_since(now, drain_since_us) < delay)
		return;
	gw_process.closing = true;
	if (listening && !gw_listener_hold_off())
		return; /* until the next tick: handshakes under way end by then */
	if (listening)
		gw_listener_close();
	listening = false;
	gw_clients_close_idle(now);
	if (drained_us != 0 || gw_clients_count() == 0)
		leave(now);
	else if (gw_clock_since(now, drain_since_us) >= patience)
	{
		gw_log(GW_WARNING, "drain_timeout_ms is over: closing %d client connections",
			   gw_clients_count());
		leave(now);
	}
}

/* All timeouts, and what is done now and then. */
static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	uint64_t now = gw_clock_us();

	(void) fd;
	(void) what;
	(void) arg;
	gw_database_tick(now);
	gw_auth_tick(now);
	gw_key_watch_tick(now);
	gw_await_tick(now);
	gw_event_feed_tick(now);
	gw_request_tick(now);
	gw_clients_tick(now);
	gw_listener_tick();
	gw_tls_context_tick(now);
	gw_refused_tick(now);
	gw_role_rates_tick();
	gw_worker_watch_tick(now);
	gw_notify_tick(now);
	gw_log_tick(now, false);
	if (gw_process.draining)
		drain_tick(now);
}

/* Allows as many descriptors as the settings can need, as far as the system lets us. */
static void
raise_descriptor_limit(const GwDatabaseConfs *databases)
{
	struct rlimit limit;
	rlim_t        need = (rlim_t) (gw_conf.connections_max + gw_conf.read_connections +
                            gw_conf.write_connections + gw_conf.stream_connections +
                            gw_conf.credential_connections + SPARE_DESCRIPTORS);

	for (int i = 0; i < databases->count; i++)
		need += (rlim_t) (databases->list[i].read_connections +
						  databases->list[i].write_connections +
						  databases->list[i].stream_connections +
						  databases->list[i].credential_connections + 1);
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
		return;
	limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < need)
		gw_log(GW_WARNING, "only %llu descriptors: connections_max cannot be reached",
			   (unsigned long long) limit.rlim_cur);
}

static void
watch_signal(int number, event_callback_fn callback)
{
	struct event *event = evsignal_new(base, number, callback, NULL);

	event_add(event, NULL);
}

/* Makes everything there is one of, listens, and starts to connect. */
static bool
start(GwDatabaseConfs *databases)
{
	struct timeval tick = {0, GW_TICK_MS * 1000};
	GwService      service;
	struct event  *timer;

	signal(SIGPIPE, SIG_IGN);
	warn_of_shown_secret(databases);
	raise_descriptor_limit(databases);
	base = event_base_new();
	gw_catalog_start();
	gw_streamer = &gw_events_streamer;
	gw_database_start(base, databases, on_announced);
	gw_admin_start();
	gw_endpoint_start();
	if (!gw_auth_start(base, gw_key_watch_ask))
		return false;
	if (gw_listener_uses_tls(gw_conf.listen) && !gw_tls_context_start())
		return false;
	service = (GwService){.base = base, .handlers = handlers};
	if (!gw_listener_open(&service))
		return false;
	listening = true;
	warn_of_shown_tokens();
	watch_signal(SIGTERM, on_terminate);
	watch_signal(SIGINT, on_terminate);
	watch_signal(SIGHUP, on_reload);
	timer = event_new(base, -1, EV_PERSIST, on_tick, NULL);
	event_add(timer, &tick);
	on_tick(-1, 0, NULL); /* connects */
	return true;
}

/* Goes on with what was answered, then sends calls. One that cannot be sent is answered at once. */
static void
end_turn(void)
{
	do
	{
		gw_clients_settle();
		gw_database_flush();
	} while (!gw_clients_is_settled());
}

/* Reads options and settings, then turns the loop until a signal has been obeyed. */
int
main(int argc, char **argv)
{
	Options         options = {0};
	GwText          error = {0};
	GwDatabaseConfs databases;

	gw_conf_set_checks(checks, sizeof(checks) / sizeof(checks[0]));
	parse_options(argc, argv, &options);
	if (options.print)
	{
		print_settings(options.format);
		return 0;
	}
	if (!load_settings(&gw_conf, &databases, &error) || !tls_is_usable(&gw_conf, &error))
	{
		fprintf(stderr, "%s", error.data);
		return 1;
	}
	if (options.check)
	{
		puts("the settings are good");
		return 0;
	}
	if (!gw_log_open() || !start(&databases))
	{
		gw_log_flush();
		return 1;
	}
	gw_log(GW_INFO, "icecat-gateway %s started, pid %d", GW_VERSION, (int) getpid());
	if (!gw_auth_is_on() && !gw_listener_is_local())
		gw_log(GW_WARNING,
			   "every client that reaches this gateway may do what its database role may: nothing "
			   "is authenticated (settings auth_issuers, oauth_tokens), and it listens beyond this "
			   "machine");
	gw_notify_ready();
	while (!stopped)
	{
		gw_log_flush();
		event_base_loop(base, EVLOOP_ONCE);
		end_turn();
	}
	gw_clients_close_all();
	gw_log_tick(gw_clock_us(), true);
	gw_log(GW_INFO, "stopped");
	gw_log_flush();
	return 0;
}
