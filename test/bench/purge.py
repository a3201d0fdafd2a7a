"""The experiment of test/bench/purge, against the database of PG* and its warehouse "demo"."""
# SPDX-License-Identifier: PostgreSQL
import argparse
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import avro  # noqa: E402  # pylint: disable=wrong-import-position
from session import Session  # noqa: E402  # pylint: disable=wrong-import-position

MANIFESTS = 20
IN_BLOCK = 200
EVERY_S = 0.05
LOOK_S = 0.0005
GIVE_UP_S = 10
LONGEST_S = 600
ROW = "{:<28} {:>7} {:>8} {:>8} {:>8} {:>8}"

TABLE = ("SELECT icecat.create_table('demo', '{purge}', '%s', '{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"x\","
         "\"type\":\"long\",\"required\":false}]}') ->> 'metadata-location';\n")
COMMIT = ("SELECT icecat.commit_table('demo', '{purge}', 'beside', '[]', '[{\"action\":\"set-properties\",\"updates\":"
          "{\"n\":\"%d\"}}]') ->> 'metadata-location';")
SNAPSHOT = ("SELECT icecat.commit_table('demo', '{purge}', 'big', '[]', '[{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":%d,"
            "\"sequence-number\":%d,\"timestamp-ms\":%d,\"manifest-list\":\"file://%s\",\"summary\":{\"operation\":\"append\"},"
            "\"schema-id\":0}},{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":%d}]')"
            " IS NOT NULL;")
FAILING = ("INSERT INTO icecat_data.metadata_task (warehouse_id, table_id, version, position, kind, location, head, created_at, "
           "attempts, next_attempt_at, database_id) SELECT w.warehouse_id, gen_random_uuid(), 1, 1 << 20, 'delete', "
           "'file:///nowhere/' || n, '{\"table-uuid\":\"x\"}', now(), 0, now(), d.oid FROM icecat_data.warehouse w, "
           "generate_series(1, %d) n, pg_database d WHERE d.datname = current_database();")
PURGES = "SELECT pending_purges FROM icecat.worker_status();"


def build(session, options):
    """The table to purge: every data file has a folder of its own, every manifest is in its own list."""
    location = os.path.dirname(os.path.dirname(session.ask(TABLE % "big")[len("file://"):]))
    each = options.files // MANIFESTS
    now = int(time.time() * 1000)
    for m in range(MANIFESTS):
        files = []
        for i in range(each):
            folder = "%s/data/p=%d" % (location, m * each + i)
            os.makedirs(folder)
            files.append(folder + "/f.parquet")
            with open(files[-1], "w"):
                pass
        manifest, listed = "%s/metadata/m%d.avro" % (location, m), "%s/metadata/snap-%d.avro" % (location, m)
        avro.manifest(manifest, ["file://" + file for file in files], in_block=IN_BLOCK)
        avro.manifest_list(listed, ["file://" + manifest])
        session.ask(SNAPSHOT % (m + 1, m + 1, now + m, listed, m + 1))
    if options.user:
        subprocess.run(["chown", "-R", options.user, location], check=True)
    return location


def measure(session, going_on):
    """Commits while going_on(); the milliseconds from the end of each commit until its file is there."""
    times, n = [], 0
    while going_on():
        begin = time.monotonic()
        path = session.ask(COMMIT % n)[len("file://"):]
        committed = time.monotonic()
        while not os.path.exists(path) and time.monotonic() - committed < GIVE_UP_S:
            time.sleep(LOOK_S)
        times.append((time.monotonic() - committed) * 1000)
        n += 1
        time.sleep(max(0, begin + EVERY_S - time.monotonic()))
    return times


def show(name, times):
    times = sorted(times)
    print(ROW.format(name, len(times), "%.1f" % times[len(times) // 2], "%.1f" % times[len(times) * 95 // 100],
                     "%.1f" % times[len(times) * 99 // 100], "%.1f" % times[-1]), flush=True)
    return times[-1]


def memory_mb(pid):
    """The peak of a process, apart from shared buffers."""
    with open("/proc/%d/status" % pid) as file:
        values = dict(line.split(":", 1) for line in file)
    return (int(values["VmHWM"].split()[0]) - int(values["RssShmem"].split()[0])) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--psql", default="psql")
    parser.add_argument("--user", default="")
    parser.add_argument("--files", type=int, default=100000)
    parser.add_argument("--failing", type=int, default=3000)
    parser.add_argument("--limit-ms", type=float, default=100)
    parser.add_argument("--quiet-seconds", type=float, default=10)
    options = parser.parse_args()
    session, watch = Session(options.psql), Session(options.psql)
    session.ask("SELECT icecat.create_namespace('demo', '{purge}'); " + TABLE % "beside")
    location = build(session, options)
    print("from a commit until its metadata file is readable, in ms")
    print(ROW.format("", "commits", "p50", "p95", "p99", "max"))
    end = time.monotonic() + options.quiet_seconds
    show("nothing else to do", measure(session, lambda: time.monotonic() < end))
    worker = int(watch.ask("SELECT pid FROM icecat.worker_status();"))
    watch.ask(FAILING % options.failing)
    watch.ask("SELECT icecat.drop_table('demo', '{purge}', 'big', true);")
    start = time.monotonic()
    times = measure(session, lambda: watch.ask(PURGES) != "0" and time.monotonic() - start < LONGEST_S)
    took = time.monotonic() - start
    longest = show("purge and failing tasks", times)
    failing = watch.ask("SELECT failing FROM icecat.worker_status();")
    print("%d files and folders purged in %.1f s; peak of the worker %.0f MB; %s tasks fail; %s" % (
        options.files, took, memory_mb(worker), failing,
        watch.ask("SELECT details FROM icecat.read_events('demo', 0, 100000) WHERE event_type = 'purge-table';")))
    if os.path.exists(location):
        sys.exit("something is left in %s" % location)
    if options.failing > 0 and failing == "0":
        sys.exit("no task failed")
    if longest > options.limit_ms:
        sys.exit("a file took %.0f ms" % longest)


if __name__ == "__main__":
    main()
