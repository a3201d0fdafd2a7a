"""Replies that get lost, and redundant writers that die: each change happens once, and who asks again hears so.

    test/fault/run redundant [COMMITS=300] [PART...]     a part is a word of a test's name: replies database writers content

writers: three processes send the same COMMITS commits with the same keys in the same order, two of them are killed
midway. content: the same without keys, by content deduplication. One commit in ten is an updateTable, whose answer
grows with the table; the others are commitTransaction, which has none.
"""
# SPDX-License-Identifier: PostgreSQL
import contextlib
import http.client
import itertools
import json
import multiprocessing
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import host
import proxy
from expectations import expect
from tests_contention import check_line, prepare  # noqa: F401  pylint: disable=unused-import

CONTENT_SHARE = 10  # without keys: one in so many, for each fingerprint is looked for by every writer
KEY = "017F22E2-79B0-7CC3-%04X-%012d"
RETRY_S = 0.05
RETRY_LIMIT_S = 90
WRITERS = 3
KILLED_AT = (0.3, 0.6)
UPDATE_TABLE_EVERY = 10
DEDUPLICATE = {"Icecat-Deduplicate": "true"}
key_numbers = itertools.count(1)


def new_key():
    return {"Idempotency-Key": KEY % (0x8000, next(key_numbers))}


# ---- replies that do not reach the client --------------------------------------------------------------------------

class ReplyDropper:
    """A TCP proxy before the gateway. Armed, it takes the next answer from the gateway and closes instead of passing it on."""

    def __init__(self, gateway_port):
        self.gateway_port = gateway_port
        self.armed = False
        self.dropped = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, socket.create_connection(("127.0.0.1", self.gateway_port)) as server:
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(1 << 18)
                    if not data:
                        return
                    if ready is server and self.armed:
                        self.armed = False
                        self.dropped += 1
                        return
                    (server if ready is client else client).sendall(data)


def view_version(sql):
    return {"version-id": 1, "timestamp-ms": int(time.time() * 1000), "schema-id": 0, "summary": {}, "default-namespace": [],
            "representations": [{"type": "sql", "sql": sql, "dialect": "spark"}]}


def operations():
    """Every operation that takes a key, in an order in which each can succeed: method, path, body, status."""
    spaces = "/%s/namespaces" % host.WAREHOUSE
    tables = "%s/lost/tables" % spaces
    schema = {"type": "struct", "fields": []}
    location = {}

    def rename(source, destination):
        return {"source": {"namespace": ["lost"], "name": source}, "destination": {"namespace": ["lost"], "name": destination}}

    yield "createNamespace", "POST", spaces, {"namespace": ["lost"]}, 200, None
    yield "updateProperties", "POST", spaces + "/lost/properties", {"updates": {"a": "1"}, "removals": ["b"]}, 200, None
    yield "createTable", "POST", tables, {"name": "t", "schema": schema}, 200, None
    yield "updateTable", "POST", tables + "/t", host.append_request(1, None, 1), 200, None
    change = dict(host.append_request(2, 1, 2), identifier={"namespace": ["lost"], "name": "t"})
    yield "commitTransaction", "POST", "/%s/transactions/commit" % host.WAREHOUSE, {"table-changes": [change]}, 204, None
    yield "renameTable", "POST", "/%s/tables/rename" % host.WAREHOUSE, rename("t", "u"), 204, None
    yield "unregisterTable", "POST", tables + "/u/unregister", None, 200, location
    yield "registerTable", "POST", "%s/lost/register" % spaces, {
        "name": "r", "metadata-location": location["metadata-location"]}, 200, None
    yield "dropTable", "DELETE", tables + "/r", None, 204, None
    views = "%s/lost/views" % spaces
    view = {}
    yield "createView", "POST", views, {"name": "v", "schema": dict(schema, **{"schema-id": 0}), "properties": {},
                                        "view-version": view_version("SELECT 1")}, 200, view
    yield "replaceView", "POST", views + "/v", {"requirements": [], "updates": [
        {"action": "add-view-version", "view-version": view_version("SELECT 2")},
        {"action": "set-current-view-version", "view-version-id": -1}]}, 200, None
    yield "renameView", "POST", "/%s/views/rename" % host.WAREHOUSE, rename("v", "w"), 204, None
    yield "registerView", "POST", "%s/lost/register-view" % spaces, {
        "name": "x", "metadata-location": view["metadata-location"]}, 200, None
    yield "dropView", "DELETE", views + "/w", None, 204, None
    yield "dropView", "DELETE", views + "/x", None, 204, None
    yield "dropNamespace", "DELETE", spaces + "/lost", None, 204, None


def same(first, second):
    """Two answers say the same of the same object, but for what changes with every load."""
    return (first == second) or (json.loads(first).keys() == json.loads(second).keys() and
                                 json.loads(first).get("metadata") == json.loads(second).get("metadata"))


def test_replies(server):
    dropper = ReplyDropper(server.gateway_port)
    direct = host.Rest(server.gateway_port)
    lossy = host.Rest(dropper.port)
    for name, method, path, body, status, keep in operations():
        key = new_key()
        dropper.armed = True
        try:
            lossy.call(method, path, body, key)
            lost = False
        except OSError:
            lost = True
        first = lossy.call(method, path, body, key)
        again = direct.call(method, path, body, key)
        expect(lost and first[0] == status == again[0] and same(first[1] or b"{}", again[1] or b"{}"),
               "%s: the reply is lost, the retry gets the first result" % name, (lost, first, again))
        other = direct.call(method, path + "?x=1" if body is None else path, None if body is None else {"x": 1}, key)
        if body is not None:
            expect(other[0] == 422, "%s: the key with another body is refused" % name, other)
        if keep is not None:
            keep.update(json.loads(first[1]))
    events = server.sql("SELECT string_agg(event_type, ' ' ORDER BY number) FROM icecat.events WHERE namespace = '{lost}'")
    expect(events == "create-namespace update-namespace-properties create-table commit-table commit-table rename-table "
           "unregister-table register-table drop-table create-view replace-view rename-view register-view drop-view drop-view "
           "drop-namespace", "each of them happened once", events)
    expect(dropper.dropped == 16, "each reply was lost once", dropper.dropped)
    gone = direct.call("POST", "/%s/namespaces" % host.WAREHOUSE, {"namespace": ["absent", "child"]}, key := new_key())
    direct.call("POST", "/%s/namespaces" % host.WAREHOUSE, {"namespace": ["absent"]})
    again = direct.call("POST", "/%s/namespaces" % host.WAREHOUSE, {"namespace": ["absent", "child"]}, key)
    expect(gone[0] == 404 and again == gone, "a final error is what a retry gets, though it would now succeed", (gone, again))


def test_database(server):
    """The connection between gateway and database is cut around the commit; the gateway finds out what became of it."""
    cutter = proxy.Proxy(os.path.join(server.dir, ".s.PGSQL.5432"))
    server.stop_gateway()
    server.start_gateway("127.0.0.1", cutter.port)
    if not server.wait_healthy():
        raise RuntimeError("the gateway does not get ready")
    rest = host.Rest(server.gateway_port)
    host.create_table(rest, "cut")
    snapshots = 0
    for mode in proxy.MODES * 2:
        cutter.arm(mode)
        status, content = rest.call("POST", host.table_path("cut"), host.append_request(
            snapshots + 1, snapshots or None, snapshots + 1), new_key())
        snapshots += 1
        found = [s["snapshot-id"] for s in json.loads(content).get("metadata", {}).get("snapshots", [])]
        expect(status == 200 and found == list(range(1, snapshots + 1)),
               "cut %s the commit: the answer is the true outcome, no unknown state" % mode, (status, content[:300]))
        server.wait_healthy()
    expect(sum(cutter.cuts.values()) == snapshots, "every cut took hold", cutter.cuts)
    check_line(server, "cut", list(range(1, snapshots + 1)), "cuts")
    server.stop_gateway()
    server.start_gateway()
    server.wait_healthy()


# ---- redundant writers ------------------------------------------------------------------------------------------------

def request_of(table, number, base_ms):
    """Path and body of commit number: the same bytes from every writer."""
    change = host.append_request(number, number - 1 or None, number)
    change["updates"][0]["snapshot"]["timestamp-ms"] = base_ms + number
    if number % UPDATE_TABLE_EVERY == 0:
        return host.table_path(table), change
    change["identifier"] = {"namespace": [host.NAMESPACE], "name": table}
    return "/%s/transactions/commit" % host.WAREHOUSE, {"table-changes": [change]}


def redundant_writer(port, table, commits, base_ms, keyed, done):
    """Sends all commits in order, each until it hears that it has landed. Exit status 1: it was refused."""
    rest = host.Rest(port)
    for number in range(1, commits + 1):
        path, body = request_of(table, number, base_ms)
        headers = {"Idempotency-Key": KEY % (0x9000 + hash_of(table), number)} if keyed else DEDUPLICATE
        end = time.monotonic() + RETRY_LIMIT_S
        while True:
            try:
                status, content = rest.call("POST", path, body, headers)
            except OSError as error:
                status, content = "connection", str(error)
            if status in (200, 204):
                break
            if status in (400, 404, 409, 422) or time.monotonic() > end:
                print("# commit %d: %s %s" % (number, status, content[:300]), flush=True)
                sys.exit(1)
            time.sleep(RETRY_S)
        done.value = number


def hash_of(table):
    return sum(table.encode()) % 0x1000


def second_gateway(server):
    """Another one before the same database: its commits do not wait at the first one's gates."""
    port = host.free_port()
    conf = os.path.join(server.dir, "gateway2.conf")
    with open(os.path.join(server.dir, "gateway.conf")) as first, open(conf, "w") as file:
        file.write(first.read().replace("port = %d\n" % server.gateway_port, "port = %d\n" % port, 1))
    with open(os.path.join(server.dir, "gateway2.log"), "a") as log:
        process = subprocess.Popen([os.environ["ICECAT_FAULT_GATEWAY"], "--config", conf], user=server.user,
                                   cwd=server.dir, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    return process, port


def deduplicated(ports):
    """The gateways' counters, added up."""
    total = 0
    for port in ports:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("icecat_commits_deduplicated_total "))
        connection.close()
    return total


def run_writers(server, table, commits, keyed):
    rest = host.Rest(server.gateway_port)
    host.create_table(rest, table, {"icecat.metadata-write-mode": "none"})
    rest.close()  # it would be idle for too long
    gateway, port = second_gateway(server)
    host.wait_ready(port)
    base_ms = int(time.time() * 1000)
    done = [multiprocessing.Value("l", 0) for _ in range(WRITERS)]
    processes = [multiprocessing.Process(target=redundant_writer, args=(
        (server.gateway_port, port, port)[i], table, commits, base_ms, keyed, done[i])) for i in range(WRITERS)]
    counted = -deduplicated((server.gateway_port, port))
    started = time.monotonic()
    try:
        for process in processes:
            process.start()
        for victim, share in enumerate(KILLED_AT):
            while done[victim].value < share * commits and processes[victim].is_alive():
                time.sleep(0.005)
            os.kill(processes[victim].pid, signal.SIGKILL)
        processes[-1].join()
        counted += deduplicated((server.gateway_port, port))
    finally:
        for process in processes:
            process.kill()
        gateway.terminate()
        gateway.wait()
    seconds = time.monotonic() - started
    print("# %d commits by %d writers in %.0f s; the killed ones had %d and %d" % (
        commits, WRITERS, seconds, done[0].value, done[1].value), flush=True)
    expect(processes[-1].exitcode == 0 and done[-1].value == commits, "the writer that is left hears of every commit",
           (processes[-1].exitcode, done[-1].value))
    expect(all(0 < d.value < commits for d in done[:2]), "two writers were killed midway", [d.value for d in done])
    # Answers that a killed writer did not wait for count as well: one of each at most.
    repeats = 0 if keyed else sum(d.value for d in done) - commits
    expect(repeats <= counted <= (0 if keyed else repeats + 2), "the repeats are counted as deduplicated", (repeats, counted))
    metadata = json.loads(rest.call("GET", host.table_path(table))[1])["metadata"]
    found = [s["snapshot-id"] for s in metadata["snapshots"]]
    expect(found == list(range(1, commits + 1)), "exactly %d snapshots" % commits, (len(found), len(set(found))))
    expect(metadata["refs"]["main"]["snapshot-id"] == commits == metadata["last-sequence-number"], "main is the last", "")
    versions = server.sql("SELECT version FROM icecat.tables WHERE table_name = '%s'" % table)
    expect(versions == str(commits + 1), "nothing was committed twice: version %d" % (commits + 1), versions)
    problems = server.sql("SELECT string_agg(object || ': ' || problem, '; ') FROM icecat.check_integrity()")
    expect(problems == "", "check_integrity() finds nothing", problems)


def test_writers(server, commits):
    run_writers(server, "keyed", commits, True)


def test_content(server, commits):
    run_writers(server, "content", max(30, commits // CONTENT_SHARE), False)
