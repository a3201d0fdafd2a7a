"""A streaming standby: everything that reads works there, nothing else does, and it can take over."""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import cluster
import contents
import pytest
from expectations import expect, expect_equal

SETTINGS = ["max_worker_processes = 1"]

WHAT = "'w', '{ns}', 't1'"
READS = (
    "SELECT icecat.load_table(%s)" % WHAT,
    "SELECT icecat.table_exists(%s)" % WHAT,
    "SELECT icecat.list_tables('w', '{ns}')",
    "SELECT icecat.load_view('w', '{ns}', 'v1')",
    "SELECT icecat.view_exists('w', '{ns}', 'v1')",
    "SELECT icecat.list_views('w', '{ns}')",
    "SELECT icecat.list_namespaces('w')",
    "SELECT icecat.load_namespace('w', '{ns}')",
    "SELECT icecat.namespace_exists('w', '{ns}')",
    "SELECT icecat.list_warehouses()",
    "SELECT icecat.load_warehouse('w')",
    "SELECT icecat.get_config('w')",
    "SELECT icecat.version()",
    "SELECT * FROM icecat.check_integrity()",
)
WRITES = {
    "create_warehouse": "'x', 's3://b/x'",
    "alter_warehouse": "'w', p_updates => '{\"a\":\"b\"}'",
    "drop_warehouse": "'v'",
    "create_namespace": "'w', '{other}'",
    "update_namespace_properties": "'w', '{ns}', '{\"a\":\"b\"}'",
    "drop_namespace": "'w', '{ns}'",
    "drop_table": WHAT,
    "rename_table": WHAT + ", '{ns}', 'u'",
    "unregister_table": WHAT,
    "drop_view": "'w', '{ns}', 'v1'",
    "rename_view": "'w', '{ns}', 'v1', '{ns}', 'v2'",
    "replace_view": "'w', '{ns}', 'v1', NULL, '[{\"action\":\"set-properties\",\"updates\":{\"a\":\"b\"}}]'",
    "register_view": "'w', '{ns}', 'u', 'file:///nowhere/x.json'",
    "register_table": "'w', '{ns}', 'u', 'file:///nowhere/x.json'",
    "report_metrics": WHAT + ", '{\"report-type\":\"r\"}'",
    "commit_transaction": "'w', '[{\"identifier\":{\"namespace\":[\"ns\"],\"name\":\"t1\"},\"requirements\":[],"
                          "\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"a\":\"b\"}}]}]'",
    "run_worker_once": "",
    "adopt_tasks": "",
    "adopt_storage": "",
    "trim_events": "'1 year'",
}


class Standby(cluster.Cluster):
    """A copy that follows; made of another cluster by pg_basebackup."""

    def __init__(self, primary):
        self.bin, self.user, self.files = primary.bin, primary.user, primary.files
        self.dir = os.path.join(primary.dir, "standby")
        self.data = os.path.join(self.dir, "data")
        self.dsn = "host=%s port=5432 user=postgres dbname=postgres" % self.dir
        os.mkdir(self.dir)
        if self.user:
            shutil.chown(self.dir, self.user)
        self.run("pg_basebackup", "-h", primary.dir, "-p", "5432", "-U", "postgres", "-D", self.data, "-R", "-X",
                 "stream", "-c", "fast", "--no-sync")
        with open(os.path.join(self.data, "postgresql.conf"), "a") as conf:
            conf.write("unix_socket_directories = '%s'\nhot_standby = on\n" % self.dir)
        self.start()


def caught_up(primary, standby):
    lsn = primary.sql("SELECT pg_current_wal_insert_lsn()")
    return standby.wait_sql("SELECT pg_last_wal_replay_lsn() >= '%s'" % lsn, "t")


def prepare(c):
    c.sql(contents.fill_sql(c))
    c.sql("LOAD 'icecat'; ALTER SYSTEM SET max_worker_processes = 8; "
          "ALTER SYSTEM SET shared_preload_libraries = 'icecat'; "
          "ALTER SYSTEM SET icecat.worker_databases = 'postgres'")


@pytest.fixture(scope="module", name="s")
def following(c):
    standby = Standby(c)
    try:
        expect(caught_up(c, standby), "the standby follows")
        yield standby
    finally:
        standby.run("pg_ctl", "-D", standby.data, "-m", "immediate", "-w", "stop", check=False)


def test_reads(c, s):
    for read in READS:
        expect_equal(s.sql(read, check=False), c.sql(read, check=False), "the same there: " + read[:60])
    expect_equal(s.sql("SELECT count(*), max(number) FROM icecat.read_events('w')", check=False),
                 c.sql("SELECT count(*), max(number) FROM icecat_data.event "
                       "JOIN icecat_data.warehouse USING (warehouse_id) WHERE warehouse.name = 'w'"), "read_events() reads what is numbered")
    views = c.sql("SELECT oid::regclass FROM pg_class WHERE relkind = 'v' AND "
                  "relnamespace = 'icecat'::regnamespace ORDER BY 1").splitlines()
    expect(len(views) >= 13, "there are views", views)
    for view in views:
        rows = "SELECT md5(string_agg(v::text, '|' ORDER BY v::text)), count(*) FROM %s AS v" % view
        expect_equal(s.sql(rows, check=False), c.sql(rows, check=False), "view %s is the same" % view)
    expect_equal(s.sql("SELECT pid IS NULL, pending_writes > 0 FROM icecat.worker_status()", check=False), "t|t",
                 "worker_status() answers")
    expect_equal(s.sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT icecat.table_exists(%s); COMMIT" % WHAT,
                       check=False), "t", "and in REPEATABLE READ")
    expect_equal(s.sql("SELECT icecat.start_worker()", check=False), "f", "start_worker() says that none can run")
    expect_equal(s.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 't1', 0)", check=False), "f",
                 "wait_for_metadata() looks")


def test_writes(c, s):
    for function, arguments in WRITES.items():
        found = s.sql("\\set VERBOSITY sqlstate\nSELECT icecat.%s(%s)" % (function, arguments), check=False)
        expect("25006" in found, "refused: %s()" % function, found)
    for statement in (c.create_table_sql("u"), c.property_commit_sql("t1", "a", "b")):
        found = s.sql("\\set VERBOSITY sqlstate\n" + statement, check=False)
        expect("25006" in found, "refused: " + statement[:30], found)


def request(port, method, path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    call = urllib.request.Request("http://127.0.0.1:%d%s" % (port, path), data, method=method,
                                  headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(call, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_gateway(c, s, program):
    """A gateway in front of the standby serves reads, and 503 for the rest."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    conf = os.path.join(s.dir, "gateway.conf")
    with open(conf, "w") as file:
        file.write("listen = 127.0.0.1\nport = %d\ndsn = host=%s port=5432 dbname=postgres user=postgres\n"
                   % (port, s.dir))
    os.chmod(conf, 0o644)
    log = open(os.path.join(s.dir, "gateway.log"), "w")
    gateway = subprocess.Popen([program, "--config", conf], stdout=log, stderr=log)
    try:
        ready = {}
        for _ in range(100):
            try:
                status, body = request(port, "GET", "/ready")
                ready = json.loads(body)
                if ready["reads"] and "standby" in (ready["reason"] or ""):
                    break
            except OSError:
                pass
            time.sleep(0.1)
        expect_equal((status, ready.get("reads"), ready.get("writes")), (503, True, False), "gateway: it is ready for reads only, and says so")
        expect("is a standby" in ready["reason"] and "target_session_attrs" in ready["reason"], "and what to do", ready)
        status, _ = request(port, "GET", "/v1/w/namespaces/ns/tables/t1")
        expect_equal(status, 200, "gateway: loadTable is 200")
        status, body = request(port, "POST", "/v1/w/namespaces", {"namespace": ["z"]})
        expect_equal(status, 503, "gateway: createNamespace is 503")
        expect_equal(json.loads(body)["error"]["type"], "SlowDownException", "with the type that says so")
        expect("is a standby" in json.loads(body)["error"]["message"], "and why", body)
        status, _ = request(port, "POST", "/v1/w/namespaces/ns/tables/t1",
                            {"requirements": [], "updates": [{"action": "set-properties", "updates": {"a": "b"}}]})
        expect_equal(status, 503, "gateway: a commit is 503")
    finally:
        gateway.terminate()
        gateway.wait(20)
        log.close()
    expect(caught_up(c, s), "it still follows")


def test_promotion(c, s):
    noise = [line for line in s.log_text().splitlines()
             if "icecat" in line and re.search("worker|WARNING|FATAL|PANIC", line) and "STATEMENT" not in line]
    expect_equal(noise[:3], [], "no noise of the worker in the standby's log")
    before = contents.fingerprint(c, "postgres")
    c.stop()
    s.run("pg_ctl", "-D", s.data, "-w", "promote")
    expect(s.wait_sql("SELECT pg_is_in_recovery()", "f"), "promoted")
    expect_equal([k for k, v in contents.fingerprint(s, "postgres").items() if before.get(k) != v and
                  k not in ("icecat_data.metadata_task", "icecat_data.event", "icecat_data.event_pending", "icecat_data.event_counter",
                            "icecat_data.table_head", "icecat_data.relation", "icecat_data.table_part")
                  and "event_" not in k], [], "with every row and document")
    expect(s.wait_sql("SELECT pid IS NOT NULL FROM icecat.worker_status()", "t"), "the permanent worker starts")
    expect(s.wait_sql("SELECT pending_writes = 0 AND storage_problems LIKE '%adopt_storage%' FROM icecat.worker_status()", "t"),
           "and writes what was queued", s.sql("SELECT * FROM icecat.worker_status()"))
    s.sql("SELECT icecat.adopt_storage()")
    expect(s.queue_is_empty(), "it deletes files when it has adopted the storage", s.sql("SELECT * FROM icecat.worker_status()"))
    s.sql(s.property_commit_sql("t1", "after", "promotion"))
    expect_equal(s.sql("SELECT icecat.wait_for_metadata(%s, 10000)" % WHAT), "t", "commits go on")
    expect(s.wait_sql("SELECT unnumbered_events FROM icecat.worker_status()", "0"), "events are numbered on")
    expect_equal(s.sql("SELECT * FROM icecat.check_integrity()"), "", "check_integrity() finds nothing")
