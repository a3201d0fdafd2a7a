#!/usr/bin/env python3
"""ALTER EXTENSION icecat UPDATE: an upgraded database is like a fresh one, object by object, and keeps its data.

From every released version, as "make install" puts their scripts there.
"""
# SPDX-License-Identifier: PostgreSQL
import glob
import os
import re
import subprocess

import cluster
import contents

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


KEYS_OFFERED_SQL = "SELECT icecat.get_config('w')::jsonb ? 'idempotency-key-lifetime'"
EVENTS_SQL = ("SELECT md5(string_agg((number, event_id, occurred_at, event_type, object_kind, object_id, namespace, name, version, actor, "
              "request_id, details)::text, E'\\n' ORDER BY number)) FROM icecat_data.event WHERE number <= %s")
REPORTS_SQL = ("SELECT string_agg(format('%s %s %s %s', report_id, table_id, received_at, report), E'\\n' ORDER BY report_id) "
               "FROM icecat_data.metrics_report")


def present_version():
    with open(os.path.join(ROOT, "icecat.control")) as file:
        return re.search(r"default_version = '(.*)'", file.read()).group(1)


def released_versions():
    """The versions to start from."""
    now = present_version()
    paths = sorted(glob.glob(os.path.join(ROOT, "sql", "released", "icecat--*.sql")))
    versions = [os.path.basename(path)[len("icecat--"):-len(".sql")] for path in paths]
    return [version for version in versions if "--" not in version and version != now]


def test_version(c, t, version, owner, updater):
    """Installed by owner, filled, updated by updater."""
    now = present_version()
    name = "of_%s_from_%s_by_%s" % (owner, version.replace(".", "_"), updater)
    fresh = "fresh_" + owner
    c.sql("CREATE DATABASE %s OWNER %s" % (name, owner))
    c.sql("SET ROLE %s; CREATE EXTENSION icecat VERSION '%s'" % (owner, version), name)
    c.sql("SET ROLE %s;\n%s" % (owner, contents.fill_sql(c, name, views=False)), name)
    c.sql("UPDATE icecat_data.metrics_report SET received_at = '2024-02-29 23:59:59.999+00' WHERE report_id = "
          "(SELECT report_id FROM icecat_data.metrics_report LIMIT 1)", name)
    c.sql("INSERT INTO icecat_data.metrics_report SELECT warehouse_id, gen_random_uuid(), table_id, '2024-03-01 00:00:00+00', "
          "'scan-report', '{\"report-type\":\"scan-report\",\"snapshot-id\":1,\"metrics\":{\"result-data-files\":{\"value\":\"much\"}}}' "
          "FROM icecat_data.metrics_report LIMIT 1", name)
    t.equal(c.sql(KEYS_OFFERED_SQL, name), "f", "%s: the new library offers no keys before the update" % name)
    reports = c.sql(REPORTS_SQL, name)
    last = c.sql("SELECT max(number) FROM icecat_data.event", name)
    events = c.sql(EVENTS_SQL % last, name)
    before = contents.fingerprint(c, name, owner)
    kept = c.spawn("SET ROLE %s; %s SELECT pg_sleep(3); %s SELECT icecat.version();" % (
        owner, contents.DOCUMENTS_SQL + ";", c.property_commit_sql("t2", "later", "x")), name)
    c.sql("SELECT pg_sleep(1)")
    if owner != updater:    # grants would be a difference to the fresh one
        c.sql("SET ROLE %s; GRANT EXECUTE ON FUNCTION icecat.version TO etl" % owner, name)
    result = c.sql("SET ROLE %s; ALTER EXTENSION icecat UPDATE" % updater, name, check=False)
    t.equal(result, "", "%s: updated" % name)
    t.equal(c.sql(KEYS_OFFERED_SQL, name), "t", "%s: afterwards it does" % name)
    t.equal(c.sql("SELECT extversion FROM pg_extension WHERE extname = 'icecat'", name), now, "to the newest")
    if owner != updater:
        dump = c.run("pg_dump", "-h", c.dir, "-p", "5432", "-U", "postgres", "--schema-only", name).stdout
        t.ok("GRANT ALL ON FUNCTION icecat.version() TO etl" in dump, "what was granted is kept, and dumped",
             [line for line in dump.splitlines() if "GRANT" in line])
        c.sql("SET ROLE %s; REVOKE EXECUTE ON FUNCTION icecat.version FROM etl" % owner, name)
    t.equal(contents.difference(contents.objects(c, fresh), contents.objects(c, name)), "",
            "%s: every object is as in a fresh database" % name)
    out, error = kept.communicate(timeout=60)
    t.equal((kept.returncode, out.splitlines()[-1:] == [now]), (0, True),
            "%s: a session with plans of before goes on%s" % (name, " " + error if error else ""))
    after = contents.fingerprint(c, name, owner)
    t.equal(c.sql(REPORTS_SQL, name), reports, "%s: metrics reports are kept" % name)
    t.equal(c.sql(EVENTS_SQL % last, name), events, "%s: events are kept" % name)
    t.equal(c.sql("SELECT string_agg(replace(tableoid::regclass::text, 'icecat_data.metrics_report_', '') || ' ' || report_type, ', ' "
                  "ORDER BY received_at) FROM icecat_data.metrics_report WHERE received_at < '2025-01-01'", name),
            "2024_02 scan-report, 2024_03 unchecked scan-report", "%s: in the months that they came in" % name)
    t.equal(c.sql("SELECT count(*) FROM icecat.scan_reports", name), "2", "%s: and read" % name)
    t.equal(c.sql("SELECT count(*), count(l.path), count(r.path) FROM icecat_data.table_head h LEFT JOIN icecat_data.location l "
                  "ON l.object_id = h.table_id AND l.kind = 'location' AND l.path = h.location LEFT JOIN icecat_data.location r "
                  "ON r.object_id = h.table_id AND r.kind = 'registered' AND r.path ~ '^file:///.*metadata.json'", name).split("|"),
            [c.sql("SELECT count(*) FROM icecat_data.table_head", name)] * 3,
            "%s: every table holds its location, and counts as registered" % name)
    changed = ("icecat_data.metrics_report", "icecat_data.relation", "icecat_data.table_head", "icecat_data.table_part",
               "icecat_data.metadata_task", "icecat_data.event_pending", "icecat_data.event", "documents", "icecat_data.warehouse")
    t.equal([key for key in before if before[key] != after.get(key) and key not in changed], [],
            "%s: every other row is the same" % name)
    t.equal(len(set(before["documents"].splitlines()) - set(after["documents"].splitlines())), 1,
            "%s: every document but that of the commit in between, too" % name)
    c.sql("SET ROLE %s; SELECT icecat.report_metrics('w', '{ns}', 't1', '%s'); SELECT icecat.run_worker_once()"
          % (owner, contents.REPORT), name)
    c.sql("SET ROLE %s; SELECT icecat.adopt_storage(); SELECT icecat.run_worker_once()" % owner, name)
    t.ok(c.queue_is_empty(name), "%s: the queue is done, deletions too once the storage is adopted" % name)
    t.equal(c.sql("SELECT * FROM icecat.check_integrity()", name), "", "%s: check_integrity() finds nothing" % name)


def test(c, t, versions):
    c.sql("CREATE ROLE bob NOSUPERUSER; CREATE ROLE etl")
    for owner in ("postgres", "bob"):
        c.sql("CREATE DATABASE fresh_%s OWNER %s" % (owner, owner))
        c.sql("SET ROLE %s; CREATE EXTENSION icecat" % owner, "fresh_" + owner)
    frozen = subprocess.run([os.path.join(ROOT, "test", "upgrade", "freeze"), "--check"], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, env=dict(os.environ))
    t.equal((frozen.returncode, frozen.stdout), (0, ""), "what is frozen has not changed")
    for version in versions:
        test_version(c, t, version, "postgres", "postgres")
        test_version(c, t, version, "bob", "bob")
    test_version(c, t, versions[-1], "bob", "postgres")


def main():
    tap = cluster.Tap()
    running = None
    try:
        running = cluster.Cluster(["max_worker_processes = 1"], ())
        test(running, tap, released_versions())
    except Exception as error:  # a test that broke is a failed test
        tap.ok(False, "runs to its end", "%s: %s" % (type(error).__name__, error))
    finally:
        if running is not None:
            if tap.failed:
                print("# " + "\n# ".join(running.log_text().splitlines()[-40:]))
            running.close()
    tap.finish()


if __name__ == "__main__":
    main()
