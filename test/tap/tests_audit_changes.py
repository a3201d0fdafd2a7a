"""Every function that changes something leaves a row in the audit log that says of which object, and from what to what.

The functions come from the catalog of functions: one that is new is in one of the tables below, or fails the test. Then: whose tenant a row is
of, who sees it, and that no secret is in it.
"""
# SPDX-License-Identifier: PostgreSQL
import json

from expectations import expect, expect_equal

SCHEMA = json.dumps({"type": "struct", "fields": [{"id": 1, "name": "x", "type": "long", "required": False}]})
VERSION = json.dumps({"version-id": 1, "timestamp-ms": 1, "schema-id": 0, "summary": {}, "default-namespace": [],
                      "representations": [{"type": "sql", "sql": "SELECT 1", "dialect": "x"}]})
SET = '[{"action":"set-properties","updates":{"%s":"v"}}]'

# A call of a function, in this order, and the rows that it leaves: action, object_kind, name, keys of the details. b: before and after, which
# differ. One that leaves the row of an event has the details of the event.
CALLS = [
    ("create_tenant('acme', 's3://acme/root')", "create-tenant|tenant|acme|b"),
    ("alter_tenant('acme', p_location => 's3://acme/other')", "alter-tenant|tenant|acme|b"),
    ("assign_role('acme', 'boss')", "assign-role|tenant|acme|b role"),
    ("grant_tenant('boss', 'manage', 'acme')", "grant-tenant|tenant|acme|b privilege role"),
    ("revoke_tenant('boss', 'manage', 'acme')", "revoke-tenant|tenant|acme|b privilege role"),
    ("set_tenant_quota('acme', 'tables', 10)", "set-tenant-quota|tenant|acme|b quota"),
    ("set_tenant_quota(NULL, 'tables', 20)", "set-tenant-quota|catalog||b quota"),
    ("set_tenant_naming_rule('acme', 'table', '[a-z]+')", "set-tenant-naming-rule|tenant|acme|b names-of"),
    ("set_tenant_maintenance('acme', true, 'why')", "set-tenant-maintenance|tenant|acme|b"),
    ("unassign_role('acme', 'boss')", "unassign-role|tenant|acme|b role"),
    ("drop_tenant('acme')", "drop-tenant|tenant|acme|b"),
    ("create_warehouse('v', NULL)", "create-warehouse|warehouse|v|name properties"),
    ("alter_warehouse('v', p_updates => '{\"k\":\"v\"}')", "alter-warehouse|warehouse|v|before name properties"),
    ("set_maintenance('v', true, 'why')", "alter-warehouse|warehouse|v|before name properties"),
    ("set_maintenance('v', false)", "alter-warehouse|warehouse|v|before name properties"),
    ("set_quota('v', 'views', 3)", "set-quota|warehouse|v|b quota"),
    ("set_quota(NULL, 'views', 3)", "set-quota|catalog||b quota"),
    ("drop_warehouse('v')", "drop-warehouse|warehouse|v|b"),
    ("create_client('etl', 'someone')", "create-client|client|etl|b"),
    ("rotate_client_secret('etl')", "rotate-client-secret|client|etl|b"),
    ("alter_client('etl', p_disabled => true)", "alter-client|client|etl|b"),
    ("drop_client('etl')", "drop-client|client|etl|b"),
    ("create_api_key('cron', 'someone')", "create-api-key|api-key|PREFIX|b"),
    ("rotate_api_key((SELECT prefix FROM icecat.api_keys))", "rotate-api-key|api-key|PREFIX|b\nrotate-api-key|api-key|PREFIX|b"),
    ("revoke_api_key((SELECT max(prefix) FROM icecat.api_keys))", "revoke-api-key|api-key|PREFIX|b"),
    ("_make_signing_key()", "make-signing-key|signing-keys||b"),
    ("rotate_signing_key()", "rotate-signing-key|signing-keys||b"),
    ("map_principal('corp', 'sub', 'zoe', 'someone')", "map-principal|principal-mapping|corp sub=zoe|b"),
    ("unmap_principal('corp', 'sub', 'zoe')", "unmap-principal|principal-mapping|corp sub=zoe|b"),
    ("set_labels('{\"pii\":\"yes\"}', 'w', '{a}', 't')", "set-labels|table|t|b"),
    ("set_labels('{\"pii\":\"yes\"}', 'w', '{a}', 't', 'x')", "set-labels|table|t|b field-id"),
    ("set_labels('{\"of\":\"team\"}', 'w', '{a}')", "set-labels|namespace||b"),
    ("set_protection('w')", "set-protection|warehouse|w|b"),
    ("set_protection('w', '{a}')", "set-protection|namespace||b"),
    ("set_protection('w', '{a}', 't')", "set-protection|table|t|b"),
    ("set_protection('w', '{a}', 't', false)", "set-protection|table|t|b"),
    ("set_read_restriction('someone', 'w', '{a}', 't', 'false')", "set-read-restriction|table|t|b role"),
    ("drop_read_restriction('someone', 'w', '{a}', 't')", "drop-read-restriction|table|t|b role"),
    ("trust_engine('someone')", "trust-engine|engine|someone|b"),
    ("distrust_engine('someone')", "distrust-engine|engine|someone|b"),
    ("set_naming_rule('w', 'table', '[a-z]+')", "set-naming-rule|warehouse|w|b names-of"),
    ("set_naming_rule('w', 'table', NULL)", "set-naming-rule|warehouse|w|b names-of"),
    ("set_naming_rule('w', 'view', '[a-z]+', '{a}')", "set-naming-rule|namespace||b names-of"),
    ("create_commit_policy('w', 'p', 'public.policy(json)', '{a}')", "create-commit-policy|namespace||b policy"),
    ("drop_commit_policy('w', 'p')", "drop-commit-policy|namespace||b policy"),
    ("grant('someone', 'select', 'w', '{a}', 't')", "grant|table|t|b privilege role"),
    ("revoke('someone', 'select', 'w', '{a}', 't')", "revoke|table|t|b privilege role"),
    ("apply_grants('[{\"action\":\"grant\",\"role\":\"someone\",\"privilege\":\"usage\"},"
     "{\"action\":\"grant\",\"role\":\"someone\",\"privilege\":\"create\",\"warehouse\":\"w\"}]')",
     "grant|catalog||b privilege role\ngrant|warehouse|w|b privilege role"),
    ("grant_user('someone')", "give-rights|role|someone|b"),
    ("revoke_user('someone')", "take-rights|role|someone|b"),
    ("grant_gateway('someone')", "give-rights|role|someone|b"),
    ("revoke_gateway('someone')", "take-rights|role|someone|b"),
    ("grant_reader('someone')", "grant|catalog||b privilege role\ngive-rights|role|someone|b"),
    ("revoke_reader('someone')", "revoke|catalog||b privilege role\ntake-rights|role|someone|b"),
    ("grant_writer('someone')", None), ("revoke_writer('someone')", None), ("grant_admin('someone')", None), ("revoke_admin('someone')", None),
    ("create_namespace('w', '{b}', '{\"k\":\"v\"}')", "create-namespace|namespace||properties"),
    ("update_namespace_properties('w', '{b}', '{\"k\":\"w\"}')", "update-namespace-properties|namespace||missing removed updated"),
    ("create_table('w', '{a}', 'u', '%s')" % SCHEMA, "create-table|table|u|last-sequence-number metadata-location table-uuid"),
    ("commit_table('w', '{a}', 'u', '[]', '%s')" % SET % "one", "commit-table|table|u|last-sequence-number metadata-location table-uuid updates"),
    ("commit_transaction('w', '[{\"identifier\":{\"namespace\":[\"a\"],\"name\":\"u\"},\"updates\":%s}]')" % SET % "two",
     "commit-table|table|u|last-sequence-number metadata-location table-uuid updates"),
    ("rename_table('w', '{a}', 'u', '{b}', 'u')", "rename-table|table|u|source-name source-namespace table-uuid"),
    ("create_view('w', '{a}', 's', '%s', '%s')" % (SCHEMA, VERSION), "create-view|view|s|current-version-id metadata-location view-uuid"),
    ("replace_view('w', '{a}', 's', '[]', '%s')" % SET % "one", "replace-view|view|s|current-version-id metadata-location view-uuid"),
    ("rename_view('w', '{a}', 's', '{b}', 's')", "rename-view|view|s|source-name source-namespace view-uuid"),
    ("drop_view('w', '{b}', 's')", "drop-view|view|s|current-version-id metadata-location view-uuid"),
    ("unregister_table('w', '{b}', 'u')", "unregister-table|table|u|last-sequence-number metadata-location table-uuid"),
    ("register_table('w', '{b}', 'u', (SELECT details ->> 'metadata-location' FROM icecat.audit_log WHERE action = 'unregister-table'))",
     "register-table|table|u|last-sequence-number metadata-location table-uuid"),
    ("drop_table('w', '{b}', 'u')", "drop-table|table|u|purge table-uuid undroppable"),
    ("undrop_table('w', '{b}', 'u')", "undrop-table|table|u|dropped-as table-uuid"),
    ("drop_table('w', '{b}', 'u')", "drop-table|table|u|purge table-uuid undroppable"),
    ("create_view('w', '{b}', 's', '%s', '%s')" % (SCHEMA, VERSION), "create-view|view|s|current-version-id metadata-location view-uuid"),
    ("drop_view('w', '{b}', 's')", "drop-view|view|s|current-version-id metadata-location view-uuid"),
    ("undrop_view('w', '{b}', 's')", "undrop-view|view|s|dropped-as view-uuid"),
    ("drop_view('w', '{b}', 's')", "drop-view|view|s|current-version-id metadata-location view-uuid"),
    ("expire_dropped('w')", "expire-dropped|warehouse|w|b"),
    ("drop_namespace('w', '{b}')", "drop-namespace|namespace||"),
    ("adopt_storage()", "adopt-storage|catalog||"),
]
# Those that change no object: why.
NO_CHANGE = {
    "they look": "_claim_values _restricted _signing_keys _queued_files _pending_files _file_is_missing _worker_state _store_counters _set_privileges worker_status storage_status health "
                 "missing_metadata_files read_events _event_feed rest_query_events wait_for_metadata _listen_files check_integrity check_integrity_slice load_table rest_load_table "
                 "rest_load_table_pieces load_view list_namespaces list_tables list_views version",
    "access that is delegated (tests_delegation.py)": "load_credentials sign_request sign_any_request _answer_is_secret",
    "files and the worker": "export_metadata _export_metadata run_worker_once start_worker",
    "what clients report": "report_metrics rest_report_metrics",
    "bookmarks of readers (tests_subscriptions.py)": "create_subscription drop_subscription next_events ack",
    "housekeeping, by time alone": "trim_audit trim_events trim_idempotency trim_metrics_reports",
    "with rows of their own (tests_storage_profiles.py)": "create_storage_profile alter_storage_profile drop_storage_profile rotate_storage_secrets "
                                                         "validate_storage_profile",
    "parts of those above": "_audit _audit_refused _give _take adopt_tasks regrant",
    "the same by another name (audit.py, test/security/audited.py)":
        "rest_commit_table rest_commit_table_group rest_commit_transaction rest_create_namespace rest_create_table rest_create_view rest_register_table rest_register_view "
        "rest_rename_table rest_rename_view rest_replace_view rest_update_namespace_properties register_view commit_metadata_file import_sql_catalog "
        "_iceberg_tables_write _iceberg_namespace_properties_write",
}
ROWS = ("SELECT action, object_kind, CASE WHEN object_kind = 'api-key' THEN 'PREFIX' ELSE name END, "
        "(SELECT replace(string_agg(k, ' ' ORDER BY k), 'after before', 'b') FROM json_object_keys(details) AS k) "
        "FROM icecat.audit_log WHERE request_id = 'r-%d' ORDER BY occurred_at")


def prepare(c):
    c.make_warehouse()
    c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.undrop-retention-s\":\"3600\"}')")
    c.sql("CREATE ROLE someone; CREATE ROLE boss; SELECT icecat.create_namespace('w', '{a}'); "
          "SELECT icecat.create_table('w', '{a}', 't', '%s');"
          "CREATE ROLE steward; GRANT CREATE ON SCHEMA public TO steward; SET ROLE steward;"
          "CREATE FUNCTION public.policy(p_change json) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp "
          "AS 'SELECT NULL'" % SCHEMA)


def test_every_function_that_may_change_something_is_known(c):
    called = {call.split("(")[0] for call, _ in CALLS}
    known = called.union(*(names.split() for names in NO_CHANGE.values()))
    found = c.sql("SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'icecat'::regnamespace AND provolatile = 'v' ORDER BY 1").split("\n")
    expect_equal([name for name in found if name not in known], [], "write down what its row of the audit log says")
    expect_equal([name for name in called if name not in found], [])


def test_each_says_of_what_and_from_what_to_what(c):
    wrong = []
    for number, (call, rows) in enumerate(CALLS):
        c.sql("SET icecat.request_id = 'r-%d'; SELECT FROM (SELECT icecat.%s) AS x" % (number, call))
        found = c.sql(ROWS % number)
        if found == "" or rows is not None and sorted(found.split("\n")) != sorted(rows.split("\n")):
            wrong.append((call, found))
    expect_equal(wrong, [], "the row of each")
    expect_equal(c.sql("SELECT string_agg(a::text, ' ') FROM icecat.audit_log AS a WHERE request_id LIKE 'r-%' AND "
                       "(object_kind IS NULL OR details ->> 'before' = details ->> 'after' OR coalesce(details ->> 'before', details ->> 'after') "
                       "IS NULL AND details::jsonb ? 'after' OR (object_kind <> 'catalog' AND object_kind <> 'signing-keys' AND name IS NULL "
                       "AND namespace IS NULL) OR (warehouse IS NULL AND object_kind IN ('table', 'view', 'namespace', 'warehouse')))"), "",
                 "each has an object, and a difference")


def test_what_changes_nothing_leaves_no_row(c):
    c.sql("SELECT icecat.set_labels('{\"k\":\"v\"}', 'w', '{a}', 't'), icecat.set_quota('w', 'tables', 5), icecat.create_client('idle', 'someone')")
    before = c.sql("SELECT count(*) FROM icecat.audit_log")
    for call in ("set_labels('{\"k\":\"v\"}', 'w', '{a}', 't')", "set_labels('{\"none\":null}', 'w', '{a}', 't')", "drop_client('nobody')",
                 "revoke_api_key('0')", "drop_commit_policy('w', 'none')", "distrust_engine('someone')", "revoke('someone', 'drop', 'w')"):
        c.sql("SELECT icecat." + call)
        expect_equal(c.sql("SELECT count(*) FROM icecat.audit_log"), before, call)
    c.sql("BEGIN; SELECT icecat.drop_client('idle'); ROLLBACK")
    expect_equal(c.sql("SELECT count(*) FROM icecat.audit_log"), before, "rolled back")


def test_before_and_after_are_what_was_and_is(c):
    c.sql("SELECT icecat.set_labels('{\"k\":\"w\"}', 'w', '{a}', 't'); SELECT icecat.alter_client('idle', 'boss')")
    expect_equal(c.sql("SELECT details -> 'before' ->> 'k', details -> 'after' ->> 'k' FROM icecat.audit_log WHERE action = 'set-labels' "
                       "ORDER BY occurred_at DESC LIMIT 1"), "v|w")
    expect_equal(c.sql("SELECT details -> 'before' ->> 'role', details -> 'after' ->> 'role' FROM icecat.audit_log WHERE action = 'alter-client' "
                       "ORDER BY occurred_at DESC LIMIT 1"), "someone|boss")


def test_no_secret_is_in_a_row(c):
    shown = c.sql("SELECT client_secret FROM icecat.create_client('quiet', 'someone'); SELECT api_key FROM icecat.create_api_key('quiet', 'someone')")
    text = c.sql("SELECT string_agg(a::text, ' ') FROM icecat.audit_log AS a")
    hidden = [line.split("_")[-1] for line in shown.split("\n")]
    hidden += c.sql("SELECT encode(secret_hash, 'hex') || E'\\n' || encode(secret_salt, 'hex') FROM icecat_data.client UNION ALL "
                    "SELECT encode(hash, 'hex') || E'\\n' || encode(salt, 'hex') FROM icecat_data.api_key UNION ALL "
                    "SELECT encode(seed, 'hex') FROM icecat_data.signing_key").split("\n")
    expect(len(hidden) >= 6 and all(len(secret) >= 32 for secret in hidden), str(len(hidden)))
    expect_equal([secret for secret in hidden if secret in text], [])


def test_rows_are_of_the_tenant_of_the_object_or_of_the_role_and_its_administrators_see_them(c):
    c.sql("SELECT icecat.create_tenant('acme', 's3://acme/root'), icecat.create_tenant('other', 's3://other/root');"
          "CREATE ROLE users; SELECT icecat.grant_user('users'); CREATE ROLE theirs IN ROLE users; CREATE ROLE ours IN ROLE users;"
          "CREATE ROLE member IN ROLE users;"
          "SELECT icecat.assign_role('acme', 'ours'), icecat.assign_role('acme', 'member'), icecat.assign_role('other', 'theirs');"
          "SELECT icecat.grant_tenant('ours', 'manage', 'acme'), icecat.grant_tenant('theirs', 'manage', 'other');"
          "SELECT icecat.create_warehouse('acme/lake', NULL, '{\"icecat.metadata-write-mode\":\"none\"}');"
          "SET ROLE theirs; SELECT icecat.create_warehouse('lake', NULL, '{\"icecat.metadata-write-mode\":\"none\"}');"
          "SET ROLE ours; SELECT icecat.create_namespace('lake', '{ours}'); SELECT icecat.set_labels('{\"k\":\"v\"}', 'lake', '{ours}');"
          "RESET ROLE; CREATE ROLE gate LOGIN; SELECT icecat.grant_gateway('gate'); SET SESSION AUTHORIZATION gate;"
          "SELECT icecat._audit_refused('[{\"action\":\"list-warehouses\",\"status\":403,\"role\":\"member\",\"outcome\":\"IC401\"},"
          "{\"action\":\"load-namespace\",\"status\":403,\"role\":\"member\",\"warehouse\":\"none\",\"outcome\":\"IC401\"},"
          "{\"action\":\"drop-namespace\",\"status\":403,\"role\":\"theirs\",\"warehouse\":\"lake\",\"outcome\":\"IC401\"}]')")
    ours = c.sql("SET ROLE ours; SELECT DISTINCT action, tenant FROM icecat.audit_log ORDER BY 1")
    expect_equal(ours, "\n".join(action + "|acme" for action in (
        "assign-role", "create-namespace", "create-tenant", "create-warehouse", "grant-tenant", "list-warehouses", "load-namespace", "set-labels")))
    expect_equal(c.sql("SET ROLE theirs; SELECT DISTINCT tenant FROM icecat.audit_log"), "other")
    expect_equal(c.sql("SET ROLE member; SELECT count(*) FROM icecat.audit_log"), "0", "who administrates nothing sees nothing")
    c.sql("SELECT icecat.run_worker_once()")
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.event_pending", "0"), "rows of events are moved")
    expect_equal(c.sql("SET ROLE ours; SELECT DISTINCT action, tenant FROM icecat.audit_log ORDER BY 1"), ours, "they are of the tenant, too")
    c.sql("SELECT icecat.drop_warehouse('other/lake'), icecat.drop_tenant('other'), icecat.create_tenant('other', 's3://other/next'), "
          "icecat.assign_role('other', 'theirs'), icecat.grant_tenant('theirs', 'manage', 'other')")
    expect_equal(c.sql("SET ROLE theirs; SELECT DISTINCT action FROM icecat.audit_log ORDER BY 1"), "assign-role\ncreate-tenant\ngrant-tenant",
                 "the rows of a tenant of the same name, before, are not theirs")
