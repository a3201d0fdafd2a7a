"""The two experiments of test/bench/backlog, against the database of PG* and its warehouse "demo"."""
# SPDX-License-Identifier: PostgreSQL
import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time

from session import Session

CLIENTS = 4
SNAPSHOTS = 100
BEFORE_S = 5
AFTER_S = 15
LOADS = 20
SAMPLES = 20
WAIT_S = 30
ROW = "{:>9} {:>10} {:>9} {:>8} {:>8} {:>8} {:>9}  {}"

TABLE = ("SELECT icecat.create_table('demo', '{backlog}', '%s', '{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"x\","
         "\"type\":\"long\",\"required\":false}]}') IS NOT NULL;\n")
SNAPSHOT = ("{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":%s,\"sequence-number\":%s,\"timestamp-ms\":%s,"
            "\"manifest-list\":\"file:///nowhere/metadata/snap-%s-1-5f4ce0f1-3d2b-4e0a-9a55-0d3c1b6d9c7e.avro\","
            "\"summary\":{\"operation\":\"append\",\"added-records\":\"4000\",\"total-records\":\"4000\"},\"schema-id\":0}},"
            "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":%s}")
PROPERTY = ("\\set n random(1, 1000000000)\nSELECT icecat.commit_table('demo', '{backlog}', 'stalled', '[]', "
            "('[{\"action\":\"set-properties\",\"updates\":{\"n\":\"' || :n || '\"}}]')::json) IS NOT NULL;\n")
APPEND = ("\\set n :n + 1\n\\set old :n - %d\nSELECT icecat.commit_table('demo', '{backlog}', 'constant', '[]', ('["
          % SNAPSHOTS + SNAPSHOT % (("' || :n || '",) * 2 + ("' || (:start::bigint + :n) || '",) + ("' || :n || '",) * 2) +
          ",{\"action\":\"remove-snapshots\",\"snapshot-ids\":[' || :old || ']}]')::json) IS NOT NULL;\n")


def numbers(session, table):
    """Version of the table, its live and removed rows, and its queue."""
    return [int(n) for n in session.ask(
        "SELECT h.version, (SELECT count(*) FROM icecat_data.table_part p WHERE p.table_id = h.table_id AND removed_version IS NULL), "
        "(SELECT count(*) FROM icecat_data.table_part p WHERE p.table_id = h.table_id AND removed_version IS NOT NULL), "
        "(SELECT count(*) FROM icecat_data.metadata_task t WHERE t.table_id = h.table_id AND kind = 'write') "
        "FROM icecat_data.table_head h JOIN icecat_data.relation r ON r.relation_id = h.table_id WHERE r.name = '%s';" % table).split()]


def load_ms(session, table):
    """The median of some loads."""
    times = []
    for _ in range(LOADS):
        start = time.monotonic()
        session.ask("SELECT octet_length(icecat.load_table('demo', '{backlog}', '%s')::text);" % table)
        times.append((time.monotonic() - start) * 1000)
    return sorted(times)[LOADS // 2]


def dead_rows(session):
    return session.ask("SELECT n_dead_tup FROM pg_stat_all_tables WHERE relid = 'icecat_data.table_part'::regclass;")


def bench(options, script, clients, more):
    file = tempfile.NamedTemporaryFile("w", suffix=".sql", delete=False)
    file.write(script)
    file.close()
    return file.name, subprocess.Popen(
        [options.pgbench, "-n", "-M", "prepared", "-c", str(clients), "-j", str(clients), "-f", file.name, *more],
        stdout=subprocess.DEVNULL)


def sample(session, table, before, label):
    """Prints a line; returns (time, version) for the next."""
    now, found = time.monotonic(), numbers(session, table)
    ms = load_ms(session, table)
    rate = (found[0] - before[1]) / (now - before[0]) if before else 0
    print(ROW.format(found[0], "%.0f" % rate, "%.2f" % ms, found[1], found[2], found[3], dead_rows(session), label), flush=True)
    return now, found[0]


def freeze(session, pid):
    """Stops the worker; not while it holds a lock that every session needs."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        os.kill(pid, signal.SIGSTOP)
        probe = subprocess.Popen(["psql", "-X", "-q", "-A", "-t", "-c", "BEGIN; SELECT pg_current_xact_id(); COMMIT"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            probe.wait(timeout=1)
            return
        except subprocess.TimeoutExpired:
            os.kill(pid, signal.SIGCONT)
            probe.wait()
    raise RuntimeError("worker %d could not be stopped" % pid)


def stalled(options, session):
    session.ask(TABLE % "stalled")
    session.ask("SELECT count(icecat.commit_table('demo', '{backlog}', 'stalled', '[]', ('[' || %s || ']')::json)) FROM generate_series(1, %d) n, "
                "(SELECT (extract(epoch FROM now()) * 1000)::bigint) s (ms);" % (
                    "'" + SNAPSHOT % (("' || n || '",) * 2 + ("' || s.ms + n || '",) + ("' || n || '",) * 2) + "'", SNAPSHOTS))
    worker = int(session.ask("SELECT pid FROM icecat.worker_status();"))
    total = BEFORE_S + options.stop_seconds + AFTER_S
    print("-- worker stopped for %d s under commits of %d clients on one table" % (options.stop_seconds, CLIENTS))
    print(ROW.format("version", "commits/s", "load ms", "live", "removed", "unwritten", "dead", ""))
    name, process = bench(options, PROPERTY, CLIENTS, ["-T", str(total)])
    before, start, stopped = None, time.monotonic(), 0
    try:
        while process.poll() is None:
            elapsed = time.monotonic() - start
            if not stopped and elapsed > BEFORE_S:
                freeze(session, worker)
                stopped = 1
            elif stopped == 1 and elapsed > BEFORE_S + options.stop_seconds:
                os.kill(worker, signal.SIGCONT)
                stopped = 2
            before = sample(session, "stalled", before, ("", "stopped", "goes on")[stopped])
            time.sleep(1)
    finally:
        if stopped == 1:
            os.kill(worker, signal.SIGCONT)
        process.wait()
        os.unlink(name)
    start = time.monotonic()
    while numbers(session, "stalled")[3] > 0 and time.monotonic() - start < 120:
        time.sleep(0.2)
    sample(session, "stalled", None, "idle, %.1f s after the end" % (time.monotonic() - start))


def constant(options, session):
    session.ask(TABLE % "constant")
    now = int(time.time() * 1000)
    session.ask("SELECT count(icecat.commit_table('demo', '{backlog}', 'constant', '[]', ('[' || %s || ']')::json)) FROM generate_series(1, %d) n;" % (
        "'" + SNAPSHOT % (("' || n || '",) * 2 + ("' || %d + n || '" % now,) + ("' || n || '",) * 2) + "'", SNAPSHOTS))
    print("-- %d commits on one table, each adding a snapshot and removing the oldest of %d" % (options.commits, SNAPSHOTS))
    print(ROW.format("version", "commits/s", "load ms", "live", "removed", "unwritten", "dead", ""))
    before, done = None, SNAPSHOTS
    step = max(1, options.commits // SAMPLES)
    while done < options.commits + SNAPSHOTS:
        name, process = bench(options, APPEND, 1, ["-t", str(step), "-D", "n=%d" % done, "-D", "start=%d" % now])
        process.wait()
        os.unlink(name)
        done += step
        before = sample(session, "constant", before, "")
    print("table_part with its indexes: %s" % session.ask("SELECT pg_size_pretty(pg_total_relation_size('icecat_data.table_part'));"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment", choices=("stalled", "constant"))
    parser.add_argument("--pgbench", default="pgbench")
    parser.add_argument("--stop-seconds", type=int, default=8)
    parser.add_argument("--commits", type=int, default=50000)
    options = parser.parse_args()
    session = Session()
    session.ask("SELECT icecat.create_namespace('demo', '{backlog}') WHERE NOT icecat.namespace_exists('demo', '{backlog}');")
    {"stalled": stalled, "constant": constant}[options.experiment](options, session)


if __name__ == "__main__":
    sys.exit(main())
