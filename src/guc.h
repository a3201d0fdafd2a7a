/*
 * guc.h
 *		The settings of the extension; guc.c has the one table that defines them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_GUC_H
#define ICE_GUC_H

#include "postgres.h"

extern char *ice_guc_access_delegation;
extern bool  ice_guc_access_delegation_strict;
extern bool  ice_guc_access_delegation_wait;
extern int   ice_guc_answer_bytes_max;
extern bool  ice_guc_audit;
extern bool  ice_guc_audit_archive;
extern int   ice_guc_audit_details_bytes_max;
extern int   ice_guc_audit_retention_days;
extern bool  ice_guc_check_metadata_file;
extern char *ice_guc_client_address;
extern char *ice_guc_config_prefix;
extern int   ice_guc_commit_group_max;
extern int   ice_guc_commit_lock_timeout_ms;
extern int   ice_guc_commit_policy_timeout_ms;
extern char *ice_guc_default_warehouse;
extern bool  ice_guc_deduplicate;
extern int   ice_guc_deduplicate_window_s;
extern int   ice_guc_directory_mode;
extern int   ice_guc_dropped_retention_s;
extern int   ice_guc_report_retention_s;
extern int   ice_guc_file_mode;
extern char *ice_guc_file_roots;
extern char *ice_guc_idempotency_error;
extern char *ice_guc_idempotency_key;
extern int   ice_guc_idempotency_lifetime_s;
extern int   ice_guc_json_depth_max;
extern int   ice_guc_key_bytes_max;
extern bool  ice_guc_key_scans;
extern bool  ice_guc_key_scans_required;
extern bool  ice_guc_key_writes;
extern bool  ice_guc_key_writes_required;
extern bool  ice_guc_log_refusals;
extern bool  ice_guc_maintenance;
extern int   ice_guc_inspected_manifests_max;
extern int   ice_guc_outside_files_max;
extern int   ice_guc_label_bytes_max;
extern int   ice_guc_labels_max;
extern int   ice_guc_metadata_file_bytes_max;
extern int   ice_guc_metadata_queue_max;
extern int   ice_guc_metadata_queue_wait_ms;
extern int   ice_guc_multipart_bytes;
extern int   ice_guc_name_bytes_max;
extern int   ice_guc_namespace_depth_max;
extern int   ice_guc_page_size_default;
extern int   ice_guc_page_size_max;
extern char *ice_guc_principal;
extern int   ice_guc_properties_max;
extern int   ice_guc_purge_slice_files;
extern int   ice_guc_purge_slice_ms;
extern int   ice_guc_purge_turn_s;
extern int   ice_guc_referenced_by_max;
extern int   ice_guc_remembered_bytes_max;
extern char *ice_guc_request_id;
extern int   ice_guc_request_memory_max;
extern int   ice_guc_restriction_nodes_max;
extern int   ice_guc_restrictions_max;
extern char *ice_guc_secret_key_file;
extern char *ice_guc_store_endpoints_allowed;
extern int   ice_guc_store_requests_max;
extern int   ice_guc_store_turn_ms;
extern int   ice_guc_sts_pause_ms;
extern int   ice_guc_sts_timeout_ms;
extern int   ice_guc_transaction_changes_max;
extern int   ice_guc_updates_max;
extern int   ice_guc_vended_lifetime_s;
extern char *ice_guc_worker_databases;
extern int   ice_guc_worker_idle_exit_s;
extern int   ice_guc_worker_turn_s;

extern void ice_guc_define(void);

#endif
