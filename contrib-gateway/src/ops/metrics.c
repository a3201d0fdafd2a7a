/*
 * metrics.c
 *		The Prometheus text of all counters. See metrics.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "ops/metrics.h"

#include <stdio.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/issuer.h"
#include "auth/known.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/process.h"
#include "catalog/await.h"
#include "catalog/catalog.h"
#include "catalog/database.h"
#include "catalog/refused.h"
#include "catalog/share.h"
#include "events/event_feed.h"
#include "http/parse.h"
#include "http/tls_context.h"
#include "ops/database_metrics.h"
#include "ops/worker_watch.h"

static void
put_help(GwText *out, const char *name, const char *type, const char *help)
{
	gw_text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
put_value(GwText *out, const char *name, const char *type, const char *help, uint64_t value)
{
	put_help(out, name, type, help);
	gw_text_printf(out, "%s %llu\n", name, (unsigned long long) value);
}

static void
put_seconds(GwText *out, const char *name, const char *type, const char *help, uint64_t us)
{
	put_help(out, name, type, help);
	gw_text_printf(out, "%s %.6f\n", name, (double) us / 1e6);
}

/* Only combinations that occurred, so that the text stays short. */
static void
put_requests(GwText *out)
{
	const char *name = "iceberg_catalog_http_requests_total";

	put_help(out, name, "counter", "Requests answered.");
	for (int op = 0; op < gw_counters_operations(); op++)
	{
		for (int m = 0; m < GW_METHOD_COUNT; m++)
		{
			for (int s = 0; s < GW_STATUS_SLOTS; s++)
			{
				uint64_t n = gw_counters.requests[op][m][s];

				if (n > 0)
					gw_text_printf(out, "%s{operation=\"%s\",method=\"%s\",status=\"%d\"} %llu\n",
								   name, gw_counters_operation(op),
								   gw_parse_method_name((GwMethod) m), gw_status_at(s),
								   (unsigned long long) n);
			}
		}
	}
}

/* One histogram; nothing for what never occurred. */
static void
put_duration(GwText *out, const char *name, int op, int class)
{
	const GwDuration  *duration = &gw_counters.durations[op][class];
	unsigned long long total = 0;
	char               labels[128];

	snprintf(labels, sizeof(labels), "operation=\"%s\",class=\"%dxx\"", gw_counters_operation(op),
			 class + 1);
	for (int b = 0; b <= GW_DURATION_BUCKETS; b++)
		total += duration->buckets[b];
	if (total == 0)
		return;
	total = 0;
	for (int b = 0; b < GW_DURATION_BUCKETS; b++)
	{
		total += duration->buckets[b];
		gw_text_printf(out, "%s_bucket{%s,le=\"%g\"} %llu\n", name, labels,
					   (double) gw_counters_bounds[b] / 1e6, total);
	}
	total += duration->buckets[GW_DURATION_BUCKETS];
	gw_text_printf(out, "%s_bucket{%s,le=\"+Inf\"} %llu\n", name, labels, total);
	gw_text_printf(out, "%s_sum{%s} %.6f\n", name, labels, (double) duration->sum_us / 1e6);
	gw_text_printf(out, "%s_count{%s} %llu\n", name, labels, total);
}

/* What clients did. */
static void
put_http(GwText *out)
{
	const char *name = "icecat_http_request_duration_seconds";

	put_requests(out);
	put_value(out, "iceberg_catalog_http_requests_in_flight", "gauge", "Requests under way.",
			  (uint64_t) gw_counters.in_flight);
	put_help(out, name, "histogram", "From the first byte of a request to its answer.");
	for (int op = 0; op < gw_counters_operations(); op++)
		for (int class = 0; class < GW_STATUS_CLASSES; class ++)
			put_duration(out, name, op, class);
	put_value(out, "icecat_http_request_bytes_total", "counter", "Bytes of request bodies.",
			  gw_counters.bytes_in);
	put_value(out, "icecat_http_response_bytes_total", "counter", "Bytes of answer bodies.",
			  gw_counters.bytes_out);
	put_help(out, "icecat_http_rejects_total", "counter",
			 "Requests refused by the parser or a limit, by status.");
	for (int s = 0; s < GW_STATUS_SLOTS; s++)
		if (gw_counters.rejects[s] > 0)
			gw_text_printf(out, "icecat_http_rejects_total{status=\"%d\"} %llu\n", gw_status_at(s),
						   (unsigned long long) gw_counters.rejects[s]);
	put_help(out, "icecat_http_timeouts_total", "counter", "Clients that were too slow, by phase.");
	gw_text_printf(out,
				   "icecat_http_timeouts_total{phase=\"head\"} %llu\n"
				   "icecat_http_timeouts_total{phase=\"body\"} %llu\n"
				   "icecat_http_timeouts_total{phase=\"write\"} %llu\n",
				   (unsigned long long) gw_counters.timeouts_head,
				   (unsigned long long) gw_counters.timeouts_body,
				   (unsigned long long) gw_counters.timeouts_write);
}

static void
put_clients(GwText *out)
{
	put_value(out, "icecat_client_connections", "gauge", "Client connections open.",
			  (uint64_t) gw_counters.clients);
	put_value(out, "icecat_client_connections_total", "counter", "Client connections accepted.",
			  gw_counters.clients_accepted);
	put_value(out, "icecat_client_connections_refused_total", "counter",
			  "Client connections over connections_max.", gw_counters.clients_refused);
	put_value(out, "icecat_buffered_bytes", "gauge", "Bodies and unsent answers in memory.",
			  gw_process.buffered_bytes);
}

typedef struct PoolColumn
{
	const char *name;
	const char *type;
	const char *help;
	uint64_t    reads;
	uint64_t    writes;
} PoolColumn;

/* What the connections to the database did. */
static void
put_pools(GwText *out)
{
	GwPoolStats      r = gw_database_pool_stats(false);
	GwPoolStats      w = gw_database_pool_stats(true);
	const PoolColumn columns[] = {
		{"icecat_pool_connections_ready", "gauge", "Connections that take calls.",
		 (uint64_t) r.ready, (uint64_t) w.ready},
		{"icecat_pool_calls_in_flight", "gauge", "Calls in the database.", (uint64_t) r.in_flight,
		 (uint64_t) w.in_flight},
		{"icecat_pool_queue_length", "gauge", "Calls waiting for a connection.",
		 (uint64_t) r.queued, (uint64_t) w.queued},
		{"icecat_pool_connects_total", "counter", "Connections made.", r.connects, w.connects},
		{"icecat_pool_connect_failures_total", "counter", "Attempts to connect that failed.",
		 r.connect_failures, w.connect_failures},
		{"icecat_pool_losses_total", "counter", "Connections lost.", r.losses, w.losses},
		{"icecat_pool_recycles_total", "counter", "Connections replaced on purpose.", r.recycles,
		 w.recycles},
		{"icecat_pool_repeats_total", "counter", "Calls that were sent again.", r.repeats,
		 w.repeats},
	};

	put_value(out, "iceberg_db_connections_in_use", "gauge", "Connections with a call in flight.",
			  (uint64_t) (r.in_use + w.in_use));
	put_value(out, "iceberg_db_connections_max", "gauge", "Connections configured.",
			  (uint64_t) (r.max + w.max));
	put_seconds(out, "iceberg_db_wait_duration_seconds_total", "counter",
				"Time that calls waited for a connection.", r.wait_us + w.wait_us);
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
	{
		const PoolColumn *c = &columns[i];

		put_help(out, c->name, c->type, c->help);
		gw_text_printf(out, "%s{pool=\"read\"} %llu\n%s{pool=\"write\"} %llu\n", c->name,
					   (unsigned long long) c->reads, c->name, (unsigned long long) c->writes);
	}
}

/* What waited at gates, and what was refused there or in the queues. */
static void
put_gates(GwText *out)
{
	put_value(out, "icecat_gate_tables", "gauge", "Tables that are being committed to.",
			  gw_gate_count(gw_catalog.gates));
	put_value(out, "icecat_gate_waiting", "gauge", "Commits waiting at the gate of their table.",
			  gw_gate_waiting(gw_catalog.gates));
	put_seconds(out, "icecat_gate_wait_seconds_total", "counter",
				"Time that commits waited at a gate.", gw_counters.gate_wait_us);
	put_help(out, "icecat_refused_total", "counter",
			 "Requests answered 503 without reaching the database, by reason.");
	gw_text_printf(out,
				   "icecat_refused_total{reason=\"gate_full\"} %llu\n"
				   "icecat_refused_total{reason=\"gate_timeout\"} %llu\n"
				   "icecat_refused_total{reason=\"queue_full\"} %llu\n"
				   "icecat_refused_total{reason=\"queue_timeout\"} %llu\n"
				   "icecat_refused_total{reason=\"maintenance\"} %llu\n",
				   (unsigned long long) gw_counters.gate_refused,
				   (unsigned long long) gw_counters.gate_expired,
				   (unsigned long long) gw_counters.queue_refused,
				   (unsigned long long) gw_counters.queue_expired,
				   (unsigned long long) gw_counters.held_off);
	put_value(out, "icecat_streamed_answers_total", "counter", "Answers too large to be held.",
			  gw_counters.streams);
	put_value(out, "icecat_credential_calls_total", "counter",
			  "Calls that were sent again where they may wait for a token service.",
			  gw_counters.credential_calls);
	put_value(out, "icecat_commit_groups_total", "counter",
			  "Calls that made several commits of one table.", gw_counters.commit_groups);
	put_value(out, "icecat_commits_grouped_total", "counter", "Commits in these calls.",
			  gw_counters.commits_grouped);
	put_value(out, "icecat_commits_ungrouped_total", "counter",
			  "Of these, commits that were not made there, and were sent again alone.",
			  gw_counters.commits_ungrouped);
	put_value(out, "icecat_commits_unknown_total", "counter",
			  "Commits whose connection was lost: CommitStateUnknownException.",
			  gw_counters.commits_unknown);
	put_value(out, "icecat_commits_deduplicated_total", "counter",
			  "Commits that equalled an earlier one and got its answer.",
			  gw_counters.commits_deduplicated);
	put_value(out, "icecat_keyed_repeats_total", "counter",
			  "Calls with an Idempotency-Key that were sent again after a lost connection.",
			  gw_counters.keyed_repeats);
	put_value(out, "icecat_keyed_errors_stored_total", "counter",
			  "Final errors that were stored under their Idempotency-Key.",
			  gw_counters.keyed_errors_stored);
}

/* Answers that are kept, and reads that others answer. */
static void
put_cache(GwText *out)
{
	const GwCacheStats *stats = gw_cache_stats(gw_catalog.cache);

	put_value(out, "icecat_cache_bytes", "gauge", "Answers that are kept.", stats->bytes);
	put_value(out, "icecat_cache_entries", "gauge", "How many they are.", stats->entries);
	put_help(out, "icecat_cache_loads_total", "counter",
			 "Loads that could be kept: unchanged (hit), changed (stale), not kept before (miss).");
	gw_text_printf(out,
				   "icecat_cache_loads_total{found=\"hit\"} %llu\n"
				   "icecat_cache_loads_total{found=\"stale\"} %llu\n"
				   "icecat_cache_loads_total{found=\"miss\"} %llu\n",
				   (unsigned long long) stats->hits, (unsigned long long) stats->stale,
				   (unsigned long long) stats->misses);
	put_value(out, "icecat_reads_shared_total", "counter",
			  "Reads that were answered by the call of another one, which asked the same.",
			  gw_counters.reads_shared);
	put_value(out, "icecat_reads_waiting", "gauge", "Reads that wait for such a call.",
			  gw_share_waiting());
	put_value(out, "icecat_cache_evictions_total", "counter", "Answers that others made room for.",
			  stats->evictions);
}

static void
put_files(GwText *out)
{
	put_value(out, "icecat_metadata_waiting", "gauge",
			  "Answers that wait for the metadata file that they name.", gw_await_waiting());
	put_value(out, "icecat_metadata_waits_total", "counter", "Answers that had to wait so.",
			  gw_counters.file_waits);
	put_value(out, "icecat_metadata_waits_given_up_total", "counter",
			  "Of these, answers sent before their file could be read.",
			  gw_counters.file_waits_given_up);
	put_seconds(out, "icecat_metadata_wait_seconds_total", "counter",
				"Time that answers waited for files.", gw_counters.file_wait_us);
	put_value(out, "icecat_metadata_listening", "gauge",
			  "1 while the worker's announcements of files are heard; else files are asked for.",
			  gw_await_listens_all());
}

/* Streams of events. */
static void
put_events(GwText *out)
{
	put_value(out, "icecat_event_streams", "gauge", "Streams of events that are open.",
			  (uint64_t) gw_counters.event_streams);
	put_value(out, "icecat_event_streams_refused_total", "counter",
			  "Streams of events that were too many.", gw_counters.event_streams_refused);
	put_help(out, "icecat_event_streams_ended_total", "counter",
			 "Streams of events that ended, by reason.");
	for (int i = 0; i < GW_EVENT_ENDS; i++)
		gw_text_printf(out, "icecat_event_streams_ended_total{reason=\"%s\"} %llu\n",
					   gw_event_stream_reason(i),
					   (unsigned long long) gw_counters.event_streams_ended[i]);
	put_value(out, "icecat_events_sent_total", "counter",
			  "Events that were sent, over all streams.", gw_counters.events_sent);
	put_value(out, "icecat_event_polls_total", "counter",
			  "How often the databases were asked for events.", gw_counters.event_polls);
	put_value(out, "icecat_event_stream_lag_max", "gauge",
			  "By how many events the stream that is furthest behind is so.",
			  (uint64_t) gw_event_feed_lag());
}

/* Refused calls, for the audit log. */
static void
put_audit(GwText *out)
{
	put_value(out, "icecat_audit_waiting", "gauge",
			  "Refused calls that wait to be written to the audit log.", gw_refused_waiting());
	put_value(out, "icecat_audit_written_total", "counter",
			  "Refused calls that were written to the audit log.", gw_counters.audit_written);
	put_value(out, "icecat_audit_repeated_total", "counter",
			  "Refused tokens and log-ins that a row of the audit log counts.",
			  gw_counters.audit_repeated);
	put_value(
		out, "icecat_audit_dropped_total", "counter",
		"Refused calls that are not in the audit log: too many at once, or not to be written.",
		gw_counters.audit_dropped);
}

/* Tokens, and the keys that they are checked with. */
static void
put_auth(GwText *out)
{
	put_help(out, "icecat_auth_refusals_total", "counter", "Requests answered 401, by reason.");
	for (int why = 1; why < GW_REFUSAL_COUNT; why++)
		if (gw_counters.auth_refusals[why] > 0)
			gw_text_printf(out, "icecat_auth_refusals_total{reason=\"%s\"} %llu\n",
						   gw_refusal_name((GwRefusal) why),
						   (unsigned long long) gw_counters.auth_refusals[why]);
	put_value(out, "icecat_auth_no_role_total", "counter",
			  "Principals of good tokens that no role was found for (403).",
			  gw_counters.auth_no_role);
	put_value(out, "icecat_rate_refused_total", "counter",
			  "Requests answered 429: over the rate of their principal or role.",
			  gw_counters.rate_refused);
	put_value(out, "icecat_auth_unavailable_total", "counter",
			  "Requests answered 503 because keys of an issuer were not there.",
			  gw_counters.auth_unavailable);
	put_value(out, "icecat_auth_waiting", "gauge", "Requests that wait for keys of an issuer.",
			  (uint64_t) gw_auth_waiting());
	put_value(out, "icecat_auth_cache_entries", "gauge", "Tokens that are known.",
			  (uint64_t) gw_auth_kept());
	put_value(out, "icecat_auth_cache_hits_total", "counter",
			  "Requests with a token that was known.", gw_counters.auth_hits);
	put_value(out, "icecat_auth_throttled_total", "counter",
			  "Secrets and keys that came while too many wrong ones did.",
			  gw_counters.auth_throttled);
	put_value(out, "icecat_auth_failures_entries", "gauge",
			  "Clients and addresses whose wrong secrets are counted.",
			  (uint64_t) gw_known_tallies());
	put_value(out, "icecat_auth_issuers", "gauge",
			  "Issuers in the settings, and the gateways themselves where they issue tokens.",
			  (uint64_t) gw_issuers_count());
	put_value(out, "icecat_auth_issuers_usable", "gauge", "Of these, issuers whose keys are there.",
			  (uint64_t) gw_issuers_usable(gw_clock_us()));
	put_value(out, "icecat_auth_fetches_total", "counter", "Fetches of an issuer's keys.",
			  gw_counters.auth_fetches);
	put_value(out, "icecat_auth_fetch_failures_total", "counter", "Of these, fetches that failed.",
			  gw_counters.auth_fetch_failures);
}

/* Handshakes, and the certificate. */
static void
put_tls(GwText *out)
{
	static const char *const failures[GW_TLS_FAILURES] = {
		[GW_TLS_BAD_CERTIFICATE] = "certificate",
		[GW_TLS_BAD_HANDSHAKE] = "protocol",
		[GW_TLS_LEFT] = "left",
		[GW_TLS_LATE] = "timeout",
		[GW_TLS_CROWD] = "too_many",
	};

	put_value(out, "icecat_tls_handshakes_total", "counter", "TLS handshakes that came to an end.",
			  gw_counters.tls_handshakes);
	put_value(out, "icecat_tls_resumptions_total", "counter",
			  "Of these, those that resumed a session.", gw_counters.tls_resumptions);
	put_help(out, "icecat_tls_handshake_failures_total", "counter",
			 "TLS handshakes that came to nothing, by reason.");
	for (int i = 0; i < GW_TLS_FAILURES; i++)
		gw_text_printf(out, "icecat_tls_handshake_failures_total{reason=\"%s\"} %llu\n",
					   failures[i], (unsigned long long) gw_counters.tls_failures[i]);
	put_value(out, "icecat_tls_handshakes_in_progress", "gauge", "TLS handshakes under way.",
			  (uint64_t) gw_counters.tls_handshaking);
	put_value(out, "icecat_tls_certificate_expiry_timestamp_seconds", "gauge",
			  "When the certificate of the gateway expires, in seconds since 1970.",
			  (uint64_t) gw_tls_context_expires_s());
	put_value(out, "icecat_tls_reloads_total", "counter",
			  "How often certificate and keys were read again.", gw_counters.tls_reloads);
	put_value(out, "icecat_tls_reload_failures_total", "counter",
			  "How often they could not be used, and the ones before stayed.",
			  gw_counters.tls_reload_failures);
}

/* Tokens of the gateway's own. */
static void
put_logins(GwText *out)
{
	static const char *const grants[] = {"client_credentials", "token_exchange", "refresh_token"};

	put_help(out, "icecat_oauth_tokens_total", "counter", "Tokens that were given, by grant.");
	for (int i = 0; i < 3; i++)
		gw_text_printf(out, "icecat_oauth_tokens_total{grant=\"%s\"} %llu\n", grants[i],
					   (unsigned long long) gw_counters.oauth_issued[i]);
	put_value(out, "icecat_oauth_refusals_total", "counter", "Requests for a token that got none.",
			  gw_counters.oauth_refused);
}

/* Resident pages of this process; 0 where /proc is not to be had. */
static uint64_t
resident_bytes(void)
{
	FILE              *file = fopen("/proc/self/statm", "r");
	unsigned long long size = 0;
	unsigned long long resident = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * (uint64_t) sysconf(_SC_PAGESIZE);
}

/* All of it; what is about the process stands here. */
void
gw_metrics_render(GwText *out)
{
	put_http(out);
	put_clients(out);
	put_pools(out);
	put_gates(out);
	put_cache(out);
	put_files(out);
	put_events(out);
	put_audit(out);
	if (gw_auth_is_on())
		put_auth(out);
	if (gw_tls_context_is_on())
		put_tls(out);
	if (gw_conf.oauth_tokens)
		put_logins(out);
	gw_worker_watch_render(out);
	gw_database_metrics_render(out);
	put_value(out, "icecat_log_lines_lost_total", "counter", "Log lines that could not be written.",
			  gw_log_lost());
	put_value(out, "icecat_reloads_total", "counter", "Reloads of the configuration.",
			  gw_counters.reloads);
	put_value(out, "icecat_maintenance", "gauge", "1 in maintenance mode.",
			  (uint64_t) gw_conf.maintenance);
	put_value(out, "icecat_draining", "gauge", "1 after SIGTERM.", gw_process.draining);
	put_value(out, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
	put_help(out, "icecat_gateway_info", "gauge", "The version of the gateway.");
	gw_text_printf(out, "icecat_gateway_info{version=\"%s\"} 1\n", GW_VERSION);
}
