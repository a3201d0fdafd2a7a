/*
 * guc.c
 *		All settings of the extension, in one alphabetical table.
 *
 * docs/reference/settings.md is printed from what stands here. A unit is part of the name.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <limits.h>

#include "miscadmin.h"
#include "utils/guc.h"

#include "guc.h"
#include "json/json_depth.h"

char *ice_guc_access_delegation;
bool  ice_guc_access_delegation_strict;
bool  ice_guc_access_delegation_wait;
int   ice_guc_answer_bytes_max;
bool  ice_guc_audit;
bool  ice_guc_audit_archive;
int   ice_guc_audit_details_bytes_max;
int   ice_guc_audit_retention_days;
bool  ice_guc_check_metadata_file;
char *ice_guc_client_address;
int   ice_guc_commit_group_max;
int   ice_guc_commit_lock_timeout_ms;
int   ice_guc_commit_policy_timeout_ms;
char *ice_guc_config_prefix;
char *ice_guc_default_warehouse;
bool  ice_guc_deduplicate;
int   ice_guc_deduplicate_window_s;
int   ice_guc_directory_mode;
int   ice_guc_dropped_retention_s;
int   ice_guc_file_mode;
char *ice_guc_file_roots;
char *ice_guc_idempotency_error;
char *ice_guc_idempotency_key;
int   ice_guc_idempotency_lifetime_s;
int   ice_guc_json_depth_max;
bool  ice_guc_log_refusals;
bool  ice_guc_maintenance;
int   ice_guc_inspected_manifests_max;
int   ice_guc_outside_files_max;
int   ice_guc_label_bytes_max;
int   ice_guc_labels_max;
int   ice_guc_metadata_file_bytes_max;
int   ice_guc_metadata_queue_max;
int   ice_guc_metadata_queue_wait_ms;
int   ice_guc_key_bytes_max;
bool  ice_guc_key_scans;
bool  ice_guc_key_scans_required;
bool  ice_guc_key_writes;
bool  ice_guc_key_writes_required;
int   ice_guc_multipart_bytes;
int   ice_guc_name_bytes_max;
int   ice_guc_namespace_depth_max;
int   ice_guc_page_size_default;
int   ice_guc_page_size_max;
char *ice_guc_principal;
int   ice_guc_properties_max;
int   ice_guc_purge_slice_files;
int   ice_guc_purge_slice_ms;
int   ice_guc_purge_turn_s;
int   ice_guc_report_retention_s;
int   ice_guc_referenced_by_max;
int   ice_guc_remembered_bytes_max;
char *ice_guc_request_id;
int   ice_guc_request_memory_max;
int   ice_guc_restriction_nodes_max;
int   ice_guc_restrictions_max;
char *ice_guc_secret_key_file;
char *ice_guc_store_endpoints_allowed;
int   ice_guc_store_requests_max;
int   ice_guc_store_turn_ms;
int   ice_guc_sts_pause_ms;
int   ice_guc_sts_timeout_ms;
int   ice_guc_transaction_changes_max;
int   ice_guc_updates_max;
int   ice_guc_vended_lifetime_s;
char *ice_guc_worker_databases;
int   ice_guc_worker_idle_exit_s;
int   ice_guc_worker_turn_s;

/* Permission bits as people write them: octal. */
static const char *
show_mode(int mode)
{
	static char text[16];

	snprintf(text, sizeof(text), "%04o", mode);
	return text;
}

static const char *
show_directory_mode(void)
{
	return show_mode(ice_guc_directory_mode);
}

static const char *
show_file_mode(void)
{
	return show_mode(ice_guc_file_mode);
}

typedef struct Setting
{
	const char *name;
	const char *doc;
	GucContext  context;
	int         flags;
	bool       *bool_value; /* exactly one of the three kinds of value is set */
	bool        bool_default;
	int        *int_value;
	int         int_default;
	int         int_min;
	int         int_max;
	char      **string_value;
	const char *string_default;
	const char *(*show)(void);
} Setting;

#define INT_SETTING(name, context, flags, variable, value, min, max, doc)                   \
	{                                                                                       \
		name, doc, context, flags, NULL, false, variable, value, min, max, NULL, NULL, NULL \
	}
#define STRING_SETTING(name, context, flags, variable, value, doc)                   \
	{                                                                                \
		name, doc, context, flags, NULL, false, NULL, 0, 0, 0, variable, value, NULL \
	}

#define MODE_SETTING(name, variable, value, min, max, show, doc)                          \
	{                                                                                     \
		name, doc, PGC_SUSET, 0, NULL, false, variable, value, min, max, NULL, NULL, show \
	}

#define BOOL_SETTING(name, context, flags, variable, value, doc)                    \
	{                                                                               \
		name, doc, context, flags, variable, value, NULL, 0, 0, 0, NULL, NULL, NULL \
	}

static const Setting settings[] = {
	STRING_SETTING(
		"icecat.access_delegation", PGC_USERSET, 0, &ice_guc_access_delegation, "",
		"X-Iceberg-Access-Delegation: how the client wishes to get at the files of tables that are "
		"created, registered or loaded: vended-credentials, remote-signing, or both, separated by "
		"commas. It gives no right, and the warehouse's property icecat.access-delegation decides. "
		"The gateway sets it. Empty: with keys of its own."),
	BOOL_SETTING("icecat.access_delegation_strict", PGC_SUSET, 0, &ice_guc_access_delegation_strict,
				 false,
				 "Whether a wish for access (icecat.access_delegation) that cannot be fulfilled is "
				 "refused (400). Off: the answer has no credentials."),
	BOOL_SETTING("icecat.access_delegation_wait", PGC_USERSET, 0, &ice_guc_access_delegation_wait,
				 true,
				 "Whether a call may wait for the token service of a store. Off: a call that would "
				 "have to fails at once (IC507), before it has done anything. The gateway turns it "
				 "off, and sends such a call again on connections of their own."),
	INT_SETTING("icecat.answer_bytes_max", PGC_USERSET, GUC_UNIT_BYTE, &ice_guc_answer_bytes_max, 0,
				0, INT_MAX,
				"Largest metadata that a rest_ function returns in one value; a larger one is left "
				"out and announced (large). 0: no limit. The gateway sets it."),
	BOOL_SETTING("icecat.audit", PGC_SUSET, 0, &ice_guc_audit, true,
				 "Whether changes and refused calls are recorded in icecat.audit_log."),
	BOOL_SETTING(
		"icecat.audit_archive", PGC_SUSET, 0, &ice_guc_audit_archive, false,
		"What becomes of a month of the audit log after icecat.audit_retention_days: on puts "
		"it aside as table icecat_data.audit_archive_YYYY_MM, which the owner may move or "
		"drop; off drops it."),
	INT_SETTING(
		"icecat.audit_details_bytes_max", PGC_SUSET, GUC_UNIT_BYTE,
		&ice_guc_audit_details_bytes_max, 8192, 64, 1024 * 1024,
		"Longest details of a row of the audit log that is not of an event; of longer ones only "
		"their length is kept."),
	INT_SETTING(
		"icecat.audit_retention_days", PGC_SUSET, 0, &ice_guc_audit_retention_days, 90, -1, 36500,
		"How many days the audit log goes back: the worker drops whole months (UTC) that ended "
		"longer ago, or puts them aside. -1 keeps them."),
	BOOL_SETTING("icecat.check_metadata_file", PGC_USERSET, 0, &ice_guc_check_metadata_file, true,
				 "Whether load_table() reports a metadata file that was removed from file storage "
				 "(404 NotFoundException). Off: the metadata is answered from the database."),
	STRING_SETTING(
		"icecat.client_address", PGC_USERSET, 0, &ice_guc_client_address, "",
		"Where the client of a call is, recorded in the audit log. It gives no right. The "
		"gateway sets it."),
	INT_SETTING(
		"icecat.commit_group_max", PGC_USERSET, 0, &ice_guc_commit_group_max, 32, 1, 60,
		"Most commits in one call of rest_commit_table_group. Each takes a subtransaction, of "
		"which a session has room for 64 before others must look for them on disk."),
	INT_SETTING("icecat.commit_lock_timeout_ms", PGC_USERSET, GUC_UNIT_MS,
				&ice_guc_commit_lock_timeout_ms, 10000, 0, INT_MAX,
				"How long a change waits for each row that another holds before it fails with a "
				"retryable conflict (409). 0 waits without limit."),
	INT_SETTING("icecat.commit_policy_timeout_ms", PGC_SUSET, GUC_UNIT_MS,
				&ice_guc_commit_policy_timeout_ms, 1000, 0, 600000,
				"How long one commit policy may take; then the change is refused. 0 is no limit."),
	STRING_SETTING("icecat.config_prefix", PGC_USERSET, 0, &ice_guc_config_prefix, "",
				   "A word that get_config() puts before the warehouse in the prefix that it tells "
				   "clients, with a slash. A gateway of several databases sets it, so that the "
				   "client comes back to this one."),
	BOOL_SETTING("icecat.deduplicate", PGC_USERSET, 0, &ice_guc_deduplicate, false,
				 "Whether commits to existing tables are deduplicated by their content: one that "
				 "equals an earlier one of the last icecat.deduplicate_window_s is not made again "
				 "and gets its answer. The gateway sets it for the header Icecat-Deduplicate; the "
				 "table property icecat.deduplicate-commits does the same for a table."),
	INT_SETTING("icecat.deduplicate_window_s", PGC_USERSET, GUC_UNIT_S,
				&ice_guc_deduplicate_window_s, 3600, 1, 366 * 24 * 3600,
				"How long after a deduplicated commit the same commit is taken for a duplicate."),
	STRING_SETTING("icecat.default_warehouse", PGC_USERSET, 0, &ice_guc_default_warehouse, "",
				   "Warehouse that get_config() answers for when the client names none and there "
				   "are several."),
	MODE_SETTING("icecat.directory_mode", &ice_guc_directory_mode, 0755, 0700, 07777,
				 show_directory_mode,
				 "Permission bits of directories that the server makes in file storage."),
	INT_SETTING("icecat.dropped_retention_s", PGC_SUSET, GUC_UNIT_S, &ice_guc_dropped_retention_s,
				7 * 24 * 3600, 0, INT_MAX,
				"How long the rows of a dropped table are kept before the worker deletes them."),
	MODE_SETTING("icecat.file_mode", &ice_guc_file_mode, 0644, 0600, 0777, show_file_mode,
				 "Permission bits of files that the server writes to file storage."),
	STRING_SETTING("icecat.file_roots", PGC_SUSET, 0, &ice_guc_file_roots, "",
				   "Absolute directories, separated by commas, that may contain file:// locations "
				   "of tables, and nothing else. A directory that contains PostgreSQL's data "
				   "directory or a tablespace, or is inside one, is not used. Empty: no file "
				   "storage."),
	STRING_SETTING("icecat.idempotency_error", PGC_USERSET,
				   GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, &ice_guc_idempotency_error, "",
				   "Internal, of the gateway, together with icecat.idempotency_key: SQLSTATE, a "
				   "space and the message "
				   "of an error of icecat's own that is stored as the key's outcome instead of "
				   "running the call. "
				   "At most 2,000 bytes are kept."),
	STRING_SETTING(
		"icecat.idempotency_key", PGC_USERSET, 0, &ice_guc_idempotency_key, "",
		"Idempotency-Key of the next change, a UUID of version 7: a repeat of the same call with "
		"the same key does not run again. The gateway sets it; in SQL use SET LOCAL. Empty: "
		"none."),
	INT_SETTING(
		"icecat.idempotency_lifetime_s", PGC_SIGHUP, GUC_UNIT_S, &ice_guc_idempotency_lifetime_s,
		3600, 0, 366 * 24 * 3600,
		"How long an idempotency key is kept; announced to clients as idempotency-key-lifetime. 0: "
		"keys are not offered, and ignored."),
	INT_SETTING(
		"icecat.inspected_manifests_max", PGC_SUSET, 0, &ice_guc_inspected_manifests_max, 10000, 1,
		1000000,
		"Most new manifests that are read before a commit of a table, or for a document that is "
		"registered, to see where files lie: of all its snapshots together."),
	INT_SETTING(
		"icecat.json_depth_max", PGC_USERSET, 0, &ice_guc_json_depth_max,
		ICE_JSON_DEPTH_MAX_DEFAULT, 8, ICE_JSON_DEPTH_STORED,
		"Deepest nesting of arrays and objects accepted in a request or metadata document."),
	INT_SETTING("icecat.key_bytes_max", PGC_USERSET, GUC_UNIT_BYTE, &ice_guc_key_bytes_max, 1024, 1,
				2500,
				"Longest name of a branch or tag, and id of an encryption key, in bytes of UTF-8."),
	BOOL_SETTING("icecat.key_scans", PGC_USERSET, 0, &ice_guc_key_scans, true,
				 "Whether rows are read by their key without the executor, where the plan of the "
				 "statement is one scan of an index of a plain local table. Off: always by the "
				 "executor. Both read the same rows."),
	BOOL_SETTING("icecat.key_scans_required", PGC_USERSET, GUC_NOT_IN_SAMPLE,
				 &ice_guc_key_scans_required, false,
				 "For tests: whether a read by key that the executor would have to do fails."),
	BOOL_SETTING("icecat.key_writes", PGC_USERSET, 0, &ice_guc_key_writes, true,
				 "Whether rows are written and locked by their key without the executor, where the "
				 "table is a plain local one without triggers, CHECKs and generated columns. Off: "
				 "always by the executor. Both write the same rows."),
	BOOL_SETTING("icecat.key_writes_required", PGC_USERSET, GUC_NOT_IN_SAMPLE,
				 &ice_guc_key_writes_required, false,
				 "For tests: whether a write by key that the executor would have to do fails."),
	INT_SETTING("icecat.label_bytes_max", PGC_SUSET, GUC_UNIT_BYTE, &ice_guc_label_bytes_max, 1024,
				1, 65536, "Longest name, and longest value, of a label, in bytes of UTF-8."),
	INT_SETTING("icecat.labels_max", PGC_SUSET, 0, &ice_guc_labels_max, 1000, 1, 100000,
				"Most labels of one namespace, table or view, those of its columns counted."),
	BOOL_SETTING(
		"icecat.log_refusals", PGC_SUSET, 0, &ice_guc_log_refusals, false,
		"Whether the server's log shows requests that the catalog refused (errors of class "
		"IC with a status below 500), with their statement. Other errors are always there."),
	BOOL_SETTING(
		"icecat.maintenance", PGC_USERSET, 0, &ice_guc_maintenance, false,
		"Whether this session changes nothing (maintenance mode, IC505), except that a repeat "
		"of a change with an idempotency key is answered. A gateway in maintenance mode sets it."),
	INT_SETTING("icecat.metadata_file_bytes_max", PGC_USERSET, GUC_UNIT_BYTE,
				&ice_guc_metadata_file_bytes_max, 512 * 1024 * 1024, 1024,
				1024 * 1024 * 1024 - 65536,
				"Largest metadata file (uncompressed) that the server reads."),
	INT_SETTING(
		"icecat.metadata_queue_max", PGC_USERSET, 0, &ice_guc_metadata_queue_max, 10000, 0, INT_MAX,
		"Metadata files that may be queued before commits wait for the worker, each at most "
		"icecat.metadata_queue_wait_ms, so that what commits faster than files can be written "
		"is slowed. 0 is no limit."),
	INT_SETTING(
		"icecat.metadata_queue_wait_ms", PGC_USERSET, GUC_UNIT_MS, &ice_guc_metadata_queue_wait_ms,
		1000, 1, 60000,
		"How long a commit waits, before it takes any lock, while the queue of metadata files "
		"is longer than icecat.metadata_queue_max. One in a transaction that has changed "
		"something already does not wait."),
	INT_SETTING("icecat.multipart_bytes", PGC_SUSET, GUC_UNIT_BYTE, &ice_guc_multipart_bytes,
				16 * 1024 * 1024, 5 * 1024 * 1024, 1024 * 1024 * 1024,
				"A larger file is written to an object store in parts of this size."),
	INT_SETTING("icecat.name_bytes_max", PGC_USERSET, GUC_UNIT_BYTE, &ice_guc_name_bytes_max, 255,
				1, 255, "Longest name of a table or of one namespace level, in bytes of UTF-8."),
	INT_SETTING("icecat.namespace_depth_max", PGC_USERSET, 0, &ice_guc_namespace_depth_max, 32, 1,
				256, "Most levels of a namespace."),
	INT_SETTING("icecat.outside_files_max", PGC_SUSET, 0, &ice_guc_outside_files_max, 100, 1,
				100000,
				"Most files outside of their table's locations that are kept of a snapshot."),
	INT_SETTING("icecat.page_size_default", PGC_USERSET, 0, &ice_guc_page_size_default, 1000, 1,
				1000000, "Names on a page of a list whose client gives no page size."),
	INT_SETTING("icecat.page_size_max", PGC_USERSET, 0, &ice_guc_page_size_max, 10000, 1, 1000000,
				"Most names on one page of a list; a larger page size means this one."),
	STRING_SETTING(
		"icecat.principal", PGC_USERSET, 0, &ice_guc_principal, "",
		"Who a call is made for, as the gateway found out: the issuer's alias, ~ and the "
		"token's subject. It gives no right. Idempotency keys of one principal and role "
		"mean nothing to others. The gateway sets it."),
	INT_SETTING("icecat.properties_max", PGC_USERSET, 0, &ice_guc_properties_max, 10000, 1, 1000000,
				"Most properties of one namespace, table or warehouse."),
	INT_SETTING("icecat.purge_slice_files", PGC_SIGHUP, 0, &ice_guc_purge_slice_files, 200, 1,
				10000,
				"Most files that a purge deletes before the worker looks for metadata files to "
				"write, which go first."),
	INT_SETTING("icecat.purge_slice_ms", PGC_SIGHUP, GUC_UNIT_MS, &ice_guc_purge_slice_ms, 20, 1,
				1000,
				"How long a purge reads and deletes before the worker looks for metadata files to "
				"write. A single read, of one manifest, may take longer."),
	INT_SETTING("icecat.purge_turn_s", PGC_SIGHUP, GUC_UNIT_S, &ice_guc_purge_turn_s, 5, 1, 3600,
				"How long a purge goes on while other purges wait; then it is their turn."),
	INT_SETTING("icecat.referenced_by_max", PGC_SUSET, 0, &ice_guc_referenced_by_max, 10, 1, 1000,
				"Most views that a load may say it comes by (referenced-by)."),
	INT_SETTING("icecat.remembered_bytes_max", PGC_SUSET, GUC_UNIT_BYTE,
				&ice_guc_remembered_bytes_max, 1024 * 1024, 0, 256 * 1024 * 1024,
				"Most bytes in which a session remembers the parts of the tables that it has "
				"committed to last, so that its next commit need not read them again. 0: none."),
	INT_SETTING("icecat.report_retention_s", PGC_SUSET, GUC_UNIT_S, &ice_guc_report_retention_s,
				90 * 24 * 3600, -1, INT_MAX,
				"How long metrics reports are kept: the worker drops whole months (UTC) that ended "
				"longer ago. -1 keeps them."),
	STRING_SETTING("icecat.request_id", PGC_USERSET, 0, &ice_guc_request_id, "",
				   "Identifier of the request, recorded with the events of the transaction; the "
				   "gateway sets it."),
	INT_SETTING("icecat.request_memory_max", PGC_SUSET, GUC_UNIT_MB, &ice_guc_request_memory_max,
				512, 16, 1024 * 1024,
				"Most memory that the values of one request may take in a server process: a larger "
				"request, or a metadata file or manifest that unpacks to more, is refused (400)."),
	INT_SETTING("icecat.restriction_nodes_max", PGC_SUSET, 0, &ice_guc_restriction_nodes_max, 1000,
				1, 100000,
				"Most predicates and literals of the row filter of one read restriction, and most "
				"columns that it masks."),
	INT_SETTING("icecat.restrictions_max", PGC_SUSET, 0, &ice_guc_restrictions_max, 100, 1, 10000,
				"Most read restrictions of one table, one for each role."),
	STRING_SETTING(
		"icecat.secret_key_file", PGC_SIGHUP, GUC_SUPERUSER_ONLY, &ice_guc_secret_key_file, "",
		"File with the keys that secrets of storage profiles are encrypted with: lines of an "
		"id, a blank and 64 hexadecimal digits. The first encrypts, the others still open what "
		"they have encrypted. It must be the server's, with mode 0600, or root's, with mode 0640 "
		"at most. Empty: no secrets can be kept."),
	STRING_SETTING(
		"icecat.store_endpoints_allowed", PGC_SUSET, 0, &ice_guc_store_endpoints_allowed, "",
		"Hosts, separated by commas, that endpoints of storage profiles may name: HOST or "
		"HOST:PORT, where *. stands for any names before a domain. The owner of the extension "
		"may name others, too. Empty: nobody else may set an endpoint."),
	INT_SETTING("icecat.store_requests_max", PGC_SUSET, 0, &ice_guc_store_requests_max, 100, 1,
				1000, "Most requests to an object store that one process has under way."),
	INT_SETTING(
		"icecat.store_turn_ms", PGC_SUSET, GUC_UNIT_MS, &ice_guc_store_turn_ms, 10000, 100, 600000,
		"How long the metadata files of one object store are written at a time, while those "
		"of others wait. One that was not written in that is tried again, with twice the "
		"time for each try up to the sixth."),
	INT_SETTING("icecat.sts_pause_ms", PGC_SUSET, GUC_UNIT_MS, &ice_guc_sts_pause_ms, 5000, 0,
				600000,
				"How long a token service that has failed is not asked again. Credentials that are "
				"kept go on until their end; other calls fail at once (503)."),
	INT_SETTING("icecat.sts_timeout_ms", PGC_USERSET, GUC_UNIT_MS, &ice_guc_sts_timeout_ms, 5000,
				100, 60000,
				"How long the token service of a store is waited for when credentials are vended. "
				"Then the call fails (503)."),
	INT_SETTING("icecat.transaction_changes_max", PGC_USERSET, 0, &ice_guc_transaction_changes_max,
				1000, 1, 100000, "Most table changes in one commit_transaction."),
	INT_SETTING("icecat.updates_max", PGC_USERSET, 0, &ice_guc_updates_max, 100000, 1, 1000000,
				"Most updates in the commit of one table."),
	INT_SETTING("icecat.vended_lifetime_s", PGC_SUSET, GUC_UNIT_S, &ice_guc_vended_lifetime_s, 3600,
				900, 43200,
				"How long vended credentials are good. Until half of it is over others who may "
				"have the same get the same, and until all of it is while the token service "
				"fails."),
	STRING_SETTING("icecat.worker_databases", PGC_POSTMASTER, 0, &ice_guc_worker_databases, "",
				   "Databases, separated by commas, for which a permanent worker starts with the "
				   "server when icecat is in shared_preload_libraries."),
	INT_SETTING("icecat.worker_idle_exit_s", PGC_SIGHUP, GUC_UNIT_S, &ice_guc_worker_idle_exit_s,
				60, 1, 86400, "A worker that a session started ends after this idle time."),
	INT_SETTING(
		"icecat.worker_turn_s", PGC_SIGHUP, GUC_UNIT_S, &ice_guc_worker_turn_s, 5, 1, 3600,
		"How long a worker with work to do goes on while other databases wait for one of too "
		"few background processes (max_worker_processes)."),
};

/* Defines every setting. PGC_POSTMASTER ones can only be set where the library is preloaded. */
void
ice_guc_define(void)
{
	for (size_t i = 0; i < lengthof(settings); i++)
	{
		const Setting *s = &settings[i];
		GucContext     context = s->context;

		if (context == PGC_POSTMASTER && !process_shared_preload_libraries_in_progress)
			context = PGC_SIGHUP;
		if (s->bool_value != NULL)
			DefineCustomBoolVariable(s->name, s->doc, NULL, s->bool_value, s->bool_default, context,
									 s->flags, NULL, NULL, NULL);
		else if (s->int_value != NULL)
			DefineCustomIntVariable(s->name, s->doc, NULL, s->int_value, s->int_default, s->int_min,
									s->int_max, context, s->flags, NULL, NULL, s->show);
		else
			DefineCustomStringVariable(s->name, s->doc, NULL, s->string_value, s->string_default,
									   context, s->flags, NULL, NULL, NULL);
	}
	MarkGUCPrefixReserved("icecat");
}
