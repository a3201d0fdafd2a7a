"""Memory and time that a small input buys: bodies of a REST client, arguments of a plain role, files in storage.

The peak of the very server process is read from /proc, apart from the buffers that all share. A cancelled statement must
end within 100 ms, measured as CPU time of that process: other tests may have the machine meanwhile.
"""
# SPDX-License-Identifier: PostgreSQL
import gzip
import json
import os
import random
import select
import subprocess
import tempfile
import time

import avro
import harness
from expectations import expect, expect_equal


LIMIT_MB = 64
SETTINGS = ("icecat.request_memory_max = '%dMB'" % LIMIT_MB, "autovacuum = off", "max_wal_size = 8GB")
ANSWER_S = 60
# Beside the values that are counted: the text as it came, as the server has it, and a few megabytes of the session.
TEXTS_MB = 80
CANCELS = 20
CANCEL_CPU_MS_MAX = 100
CANCEL_CPU_MS_LATE_MAX = 1000   # other processes take the caches and the memory's bandwidth
REFUSED = "ERROR:  IC305"
LONG_TEXT_MB = 20


class Session:
    """psql as some role, and what its server process takes."""

    def __init__(self, c, role="mallory"):
        command = c.psql_command("postgres")
        command[command.index("-U") + 1] = role
        self.process = subprocess.Popen(command + ["-v", "VERBOSITY=sqlstate", "-v", "ON_ERROR_STOP=0"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.pid = int(self.ask("SELECT pg_backend_pid()"))

    def send(self, statement):
        self.process.stdin.write(statement + ";\n")
        self.process.stdin.flush()

    def answer(self):
        if not select.select([self.process.stdout], [], [], ANSWER_S)[0]:
            raise RuntimeError("no answer in %d s" % ANSWER_S)
        return self.process.stdout.readline().strip()

    def ask(self, statement):
        self.send(statement)
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def memory_mb(pid):
    """The peak of a process, apart from shared buffers."""
    with open("/proc/%d/status" % pid) as file:
        values = dict(line.split(":", 1) for line in file)
    return (int(values["VmHWM"].split()[0]) - int(values["RssShmem"].split()[0])) / 1024


def reset_memory(pid):
    with open("/proc/%d/clear_refs" % pid, "w") as file:
        file.write("5")


def cpu_ms(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 // os.sysconf("SC_CLK_TCK")


def scale_case(name):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "scale", name + ".json")) as file:
        return json.load(file)


def updates_of(name, count):
    case = scale_case(name)
    each = ",".join(case["each"].replace("#", str(1000000 + i)) for i in range(count // case["updates"]))
    return "[" + ",".join(part for part in (case["before"], each) if part) + "]"


def own_file(c, path, data):
    with open(path, "wb") as file:
        file.write(data)
    if c.user:
        subprocess.run(["chown", "-R", c.user, c.files], check=True)


def put_text(c, name, text):
    """A text that a statement can use without sending it: (SELECT body FROM texts WHERE name = …)."""
    path = os.path.join(c.dir, "text")
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, 0o644)
    c.sql("INSERT INTO texts SELECT '%s', pg_read_file('%s')" % (name, path))


def commit_sql(table, text):
    return ("SELECT icecat.commit_table('w', '{ns}', '%s', '[]', (SELECT body::json FROM texts WHERE name = '%s')) IS NOT NULL"
            % (table, text))


# -- a plain role ------------------------------------------------------------------------------------------------------

def bodies_of_a_role(c):
    numbers = "[0" + ",0" * (4 * 1000 * 1000) + "]"
    put_text(c, "numbers", numbers)
    put_text(c, "objects", "[{}" + ',{"a":{}}' * (1000 * 1000) + "]")
    put_text(c, "properties", "{" + ",".join('"k%d":"v"' % i for i in range(600 * 1000)) + "}")
    put_text(c, "schemas", updates_of("table-add-schema", 20000))
    put_text(c, "refs", updates_of("table-set-snapshot-ref-one", 100000))
    c.sql(c.create_table_sql("t"))
    calls = {
        "updates of 4,000,000 zeros": commit_sql("t", "numbers"),
        "a transaction of 4,000,000 zeros": "SELECT icecat.commit_transaction('w', (SELECT body::json FROM texts WHERE name = 'numbers'))",
        "updates of 1,000,000 objects": commit_sql("t", "objects"),
        "600,000 properties of a namespace":
            "SELECT icecat.create_namespace('w', '{x}', (SELECT body::json FROM texts WHERE name = 'properties'))",
        "a metrics report of 4,000,000 zeros":
            "SELECT icecat.report_metrics('w', '{ns}', 't', (SELECT body::json FROM texts WHERE name = 'numbers'))",
        "a schema of 4,000,000 zeros":
            "SELECT icecat.create_table('w', '{ns}', 'z', (SELECT body::json FROM texts WHERE name = 'numbers'))",
        "100,000 updates of one tag": commit_sql("t", "refs"),
    }
    for what, statement in calls.items():
        session = Session(c)
        expect_equal(session.ask(statement), REFUSED, "plain role: %s is refused" % what)
        expect(memory_mb(session.pid) < LIMIT_MB + TEXTS_MB, "plain role: %s stays within the memory of a request" % what,
               "%d MB" % memory_mb(session.pid))
        session.close()
    session = Session(c)
    session.ask("SELECT icecat.table_exists('w', '{ns}', 't')")
    expect_equal(session.ask("SET icecat.request_memory_max = '1GB'"), "ERROR:  42501", "plain role: the limit is not his to raise")
    session.close()
    session = Session(c)
    session.ask("SET icecat.request_memory_max = '1GB'; SELECT 1")
    expect_equal(session.ask(calls["updates of 1,000,000 objects"]), "WARNING:  42501", "plain role: nor before the library is loaded")
    expect_equal(session.answer(), REFUSED, "plain role: the limit holds")
    session.close()
    session = Session(c, "postgres")
    session.ask("SET icecat.request_memory_max = '256MB'; SELECT 1")
    expect_equal(session.ask(commit_sql("t", "schemas")), "t", "20,000 add-schema are one commit")
    expect(memory_mb(session.pid) < 200, "20,000 add-schema take what their number takes", "%d MB" % memory_mb(session.pid))
    session.close()


def depths(c):
    """1,000 levels, in every form: an answer, or a precise error, at the default stack of a session."""
    session = Session(c)
    report = ('{"report-type":"scan-report","table-name":"t","snapshot-id":1,"schema-id":0,"projected-field-ids":[],'
              '"projected-field-names":[],"metrics":{},"filter":%s}')
    for levels, expected in ((998, ""), (1000, REFUSED)):
        ors = '{"type":"or","left":true,"right":' * levels + "true" + "}" * levels
        expect_equal(session.ask("SELECT coalesce(icecat.report_metrics('w', '{ns}', 't', '%s')::text, '')" % (report % ors)),
                     expected, "a filter of %d ORs" % levels)
    lists = '{"type":"list","element-id":%d,"element-required":false,"element":'
    structs = '{"type":"struct","fields":[{"id":%d,"name":"s","required":false,"type":'
    for what, levels, start, end in (("lists", 900, lists, "}"), ("structs", 320, structs, "}]}")):
        body = "".join(start % (i + 2) for i in range(levels)) + '"int"' + end * levels
        schema = '{"type":"struct","fields":[{"id":1,"name":"a","required":false,"type":%s}]}' % body
        expect_equal(session.ask("SELECT icecat.create_table('w', '{ns}', '%s', '%s') IS NOT NULL" % (what, schema)), "t",
                     "a table with %d nested %s" % (levels, what))
        expect_equal(session.ask("SELECT icecat.load_table('w', '{ns}', '%s') IS NOT NULL" % what), "t", "%s: it loads" % what)
        expect_equal(session.ask("SELECT count(*) FROM icecat.columns WHERE table_name = '%s'" % what), str(levels + 1),
                     "%s: its columns are rows" % what)
        small = Session(c, "postgres")
        small.ask("SET max_stack_depth = '100kB'; SELECT 1")
        answer = small.ask("SELECT icecat.create_table('w', '{ns}', '%s2', '%s') IS NOT NULL" % (what, schema))
        expect(answer in ("t", "ERROR:  54001"), "%s: with little stack there is an answer, or the server's error" % what, answer)
        small.close()
    expect(c.queue_is_empty(), "and the worker writes their files", c.sql("SELECT * FROM icecat.worker_status()"))
    session.close()


# -- cancelling --------------------------------------------------------------------------------------------------------

def run_until(session, statement, seconds):
    """CPU milliseconds from a cancel, that many seconds after the start, to the answer; and whether it was cancelled."""
    session.send(statement)
    time.sleep(seconds)
    canceller = Session.canceller
    before = cpu_ms(session.pid)
    canceller.ask("SELECT pg_cancel_backend(%d)" % session.pid)
    answer = session.answer()
    after = cpu_ms(session.pid)
    return after - before, answer == "ERROR:  57014"


def cancels(c):
    Session.canceller = Session(c, "postgres")
    pieces = {"add-schema": "table-add-schema", "add-spec": "table-add-spec-without-ids", "snapshots": "table-remove-snapshots"}
    statements = {}
    for name, case in pieces.items():
        put_text(c, name, updates_of(case, 60000))
        c.sql(c.create_table_sql("c_" + name.replace("-", "_")))
        statements[name] = commit_sql("c_" + name.replace("-", "_"), name)
    put_text(c, "long", '["' + "long text " * (LONG_TEXT_MB * 100000) + '\\n"]')
    statements["one long string"] = commit_sql("t", "long")
    put_text(c, "keys", "{" + ",".join('"k%d":"v"' % i for i in range(1000 * 1000)) + "}")
    statements["many keys"] = commit_sql("t", "keys")
    session = Session(c, "postgres")
    session.ask("SET icecat.request_memory_max = '2GB'; SELECT 1")
    lasts = {}
    for name, statement in statements.items():
        started = time.monotonic()
        answer = session.ask("BEGIN;" + statement + "; ROLLBACK" if name in pieces else statement)
        lasts[name] = time.monotonic() - started
        expect(answer == "t" or answer.startswith("ERROR:  IC30"), "%s: ends by itself" % name, answer)
    generator = random.Random(os.environ.get("SEED"))
    late = []
    done = 0
    for attempt in range(CANCELS * 5):
        if done == CANCELS:
            break
        name = list(statements)[attempt % len(statements)]
        took, cancelled = run_until(session, statements[name], generator.uniform(0, lasts[name]))
        if took > CANCEL_CPU_MS_MAX:
            late.append((name, took))
        if cancelled:
            done += 1
        elif name in pieces:
            c.sql("SELECT icecat.drop_table('w', '{ns}', 'c_%s')" % name.replace("-", "_"))
            c.sql(c.create_table_sql("c_" + name.replace("-", "_")))
    expect_equal(done, CANCELS, "so many statements were cancelled at random moments")
    print("# later than %d ms of its own time: %s" % (CANCEL_CPU_MS_MAX, late))
    expect(len(late) <= CANCELS // 5, "nearly all ended within %d ms of their own time" % CANCEL_CPU_MS_MAX, late)
    expect(all(took < CANCEL_CPU_MS_LATE_MAX for _, took in late), "and each within %d ms, on a busy machine too" % CANCEL_CPU_MS_LATE_MAX, late)
    session.close()
    Session.canceller.close()


# -- a REST client -----------------------------------------------------------------------------------------------------

def bodies_of_a_client(c):
    body = b'{"requirements":[],"updates":[0' + b",0" * (5 * 1000 * 1000) + b"]}"
    packed = gzip.compress(body, 9)
    expect(len(packed) < 40000, "REST client: a body of %d bytes" % len(packed))
    root = tempfile.mkdtemp(prefix="gateway-", dir=c.dir)
    os.chmod(root, 0o755)
    dsn = "host=%s port=5432 user=mallory dbname=postgres" % c.dir
    with harness.Gateway(os.environ["ICECAT_GATEWAY"], dsn, root, write_connections=1) as gateway:
        backends = [int(pid) for pid in c.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'mallory'").split()]
        before = {pid: memory_mb(pid) for pid in backends}
        for path in ("namespaces/ns/tables/t", "namespaces/ns/tables", "transactions/commit", "namespaces/ns/views",
                     "namespaces/ns/tables/t/metrics", "namespaces/ns/properties", "namespaces"):
            answer = gateway.request("POST", "/v1/w/" + path, packed,
                                     ("Content-Type: application/json", "Content-Encoding: gzip"))
            expect_equal(answer.status, 400, "REST client: 10 MB of zeros in a small body are 400: %s" % path)
            expect(b"icecat.request_memory_max" in answer.body, "and say which limit", answer.body[:300])
        backends = [int(pid) for pid in c.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'mallory'").split()]
        peak = max(memory_mb(pid) for pid in backends)
        expect(peak < LIMIT_MB + 2 * TEXTS_MB, "no server process took more than a request may", "%d MB; before %s" % (peak, before))


# -- files in storage --------------------------------------------------------------------------------------------------

def metadata_files(c):
    session = Session(c)
    for what, inner in (("zeros", b'"x":[0' + b",0" * (10 * 1000 * 1000) + b"]"), ("blanks", b" " * (100 * 1000 * 1000))):
        packed = gzip.compress(b"{" + inner + b"}", 9)
        own_file(c, c.files + "/bomb-%s.gz.metadata.json" % what, packed)
        reset_memory(session.pid)
        expect_equal(session.ask("SELECT icecat.register_table('w', '{ns}', 'bomb', 'file://%s/bomb-%s.gz.metadata.json')" % (c.files, what)),
                     REFUSED, "file: %d bytes that unpack to %s are refused" % (len(packed), what))
        expect(memory_mb(session.pid) < LIMIT_MB + TEXTS_MB, "file: %s stay within the memory of a request" % what,
               "%d MB" % memory_mb(session.pid))
    session.close()


def large_tables(c):
    """What was taken under the limit can be read, whatever has become of it: a table larger than a request may be."""
    c.sql(c.create_table_sql("large"))
    for i in range(6):
        summary = ",".join('"k%d":"%s"' % (j, os.urandom(1500).hex()) for j in range(5000))
        put_text(c, "snapshot%d" % i, '[{"action":"add-snapshot","snapshot":{"snapshot-id":%d,"sequence-number":%d,"timestamp-ms":%d,'
                 '"manifest-list":"s3://b/l","summary":{"operation":"append",%s}}}]' % (i + 1, i + 1, time.time() * 1000, summary))
        c.sql("SELECT length(icecat.commit_table('w', '{ns}', 'large', '[]', (SELECT body::json FROM texts WHERE name = 'snapshot%d'))::text)"
              % i)
    session = Session(c)
    expect(int(session.ask("SELECT length(icecat.load_table('w', '{ns}', 'large')::text) / 1024 / 1024")) > LIMIT_MB,
           "a table of more than a request may take loads")
    expect(c.queue_is_empty(), "and its metadata files are written", c.sql("SELECT * FROM icecat.worker_status()"))
    session.close()


NAMES_MS = 5000             # to look at 20,000 names, on a slow machine; to read the manifest as often takes many times that


def manifests(c):
    """A manifest of many files that a list names 20,000 times under 100 spellings; one snapshot has the list, and 40 have it.
    Beside it a list that names the manifest once."""
    times = {}
    for table, snapshots, names in (("single", 1, 1), ("once", 1, 20000), ("often", 40, 20000)):
        c.sql(c.create_table_sql(table))
        c.queue_is_empty()
        location = c.sql("SELECT location FROM icecat.tables WHERE table_name = '%s'" % table)[len("file://"):]
        manifest = location + "/metadata/m.avro"
        avro.manifest(manifest, ["file://%s/data/%d.parquet" % (location, i) for i in range(2000)], "deflate")
        avro.manifest_list(location + "/metadata/l.avro",
                           ["file://" + location + "/" * (i % 100 + 1) + "metadata/m.avro" for i in range(names)], "deflate")
        if c.user:
            subprocess.run(["chown", "-R", c.user, c.files], check=True)
        updates = ",".join(
            '{"action":"add-snapshot","snapshot":{"snapshot-id":%d,"sequence-number":%d,"timestamp-ms":%d,'
            '"manifest-list":"file://%s%smetadata/l.avro","summary":{"operation":"append"},"schema-id":0}}'
            % (i, i, time.time() * 1000, location, "/" * i) for i in range(1, snapshots + 1))
        c.sql("SELECT icecat.commit_table('w', '{ns}', '%s', '[]', '[%s]')" % (table, updates))
        c.queue_is_empty()
        worker = c.wait_worker()
        before = cpu_ms(worker)
        c.sql("SELECT icecat.drop_table('w', '{ns}', '%s', true)" % table)
        expect(c.queue_is_empty(), "%s: the purge gets done" % table, c.sql("SELECT * FROM icecat.worker_status()"))
        times[table] = cpu_ms(worker) - before
    expect(times["once"] < times["single"] + NAMES_MS, "a manifest that a list names 20,000 times is read once", times)
    expect(times["often"] < 2 * times["once"] + 200, "a list that 40 snapshots name is read once, and so is the manifest", times)


def broken_manifests(c):
    """A block that unpacks to 100 MB: the purge fails, and the worker stays small."""
    c.sql(c.create_table_sql("bomb"))
    c.queue_is_empty()
    location = c.sql("SELECT location FROM icecat.tables WHERE table_name = 'bomb'")[len("file://"):]
    path = location + "/metadata/l.avro"
    schema = json.dumps(avro.MANIFEST_LIST).encode()
    block = avro.CODECS["deflate"](b"\0" * (100 * 1000 * 1000))
    own_file(c, path, b"Obj\x01" + avro.number(2) + avro.text("avro.schema") + avro.text(schema) + avro.text("avro.codec") +
             avro.text("deflate") + avro.number(0) + avro.SYNC + avro.number(1) + avro.number(len(block)) + block + avro.SYNC)
    c.sql("SELECT icecat.commit_table('w', '{ns}', 'bomb', '[]', '[{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":1,"
          "\"sequence-number\":1,\"timestamp-ms\":%d,\"manifest-list\":\"file://%s\",\"summary\":{\"operation\":\"append\"}}}]')"
          % (time.time() * 1000, path))
    c.queue_is_empty()
    # The worker that there is may have written the file of a large table before.
    c.sql("SELECT pg_catalog.pg_terminate_backend(%d, 30000)" % c.wait_worker())
    worker = c.wait_worker()
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'bomb', true)")
    expect(c.wait_sql("SELECT last_error ~ 'larger than the limit|more memory' FROM icecat.worker_status()", "t"),
           "file: a block that unpacks to 100 MB is not read", c.sql("SELECT * FROM icecat.worker_status()"))
    expect(memory_mb(worker) < LIMIT_MB + TEXTS_MB, "and the worker stays small", "%d MB" % memory_mb(worker))
    expect(c.changed_table_sql("after") and c.sql(c.changed_table_sql("after")) is not None and
           c.wait_sql("SELECT pending_writes FROM icecat.worker_status()", "0"), "other tables' files are written meanwhile",
           c.sql("SELECT * FROM icecat.worker_status()"))


def test_request_cost(c):
    c.make_warehouse()
    c.sql("CREATE ROLE mallory LOGIN; GRANT USAGE ON SCHEMA icecat TO mallory;"
          "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA icecat TO mallory; GRANT SELECT ON ALL TABLES IN SCHEMA icecat TO mallory;"
          "CREATE UNLOGGED TABLE texts (name text, body text); GRANT SELECT ON texts TO mallory; SELECT icecat.grant('mallory', 'manage')")
    for part in (bodies_of_a_role, depths, cancels, bodies_of_a_client, metadata_files, large_tables, manifests, broken_manifests):
        part(c)
