"""What one commit costs the database, by the size of its table: CPU and WAL of the commit itself, and, apart from it, its
answer and the metadata file that the worker writes, which hold the whole document and grow with it.

The commit itself is commitTransaction, which answers nothing; updateTable does the same and answers with the new
metadata. One session commits, one commit after the other, on a few tables in turn, so that they hardly grow; CPU is that of its backend, and of the worker, to the nanosecond
(/proc/PID/schedstat). WAL is what EXPLAIN (WAL) counts of the session's own statement, and, with the record of the
COMMIT and all that the worker does afterwards, the distance that the log moved; full-page images are not counted.
"""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import statistics
import subprocess
import time

from session import Session

COMMITS = 200
WARM_UP = 20
LOG_MAX = 5                 # write.metadata.previous-versions-max of the tables: from then on each commit trims one
EXPLAINED = 15
DRAIN_SECONDS = 300
ROW = "{:>9} {:>14} {:>12} {:>14} | {:>10} {:>12} | {:>13}"
WAL_RATIO_MAX = 1.25        # of the largest table to the smallest; the sizes of what is written differ by some digits
CPU_RATIO_MAX = 2.0         # loose: the machine may be busy, and caches colder

UPDATES = ('[{"action":"add-snapshot","snapshot":{"snapshot-id":%(next)d,"parent-snapshot-id":%(last)d,'
           '"sequence-number":%(next)d,"timestamp-ms":%(now)d,"manifest-list":"%(location)s/metadata/'
           'snap-%(next)d-1-5f4ce0f1-3d2b-4e0a-9a55-0d3c1b6d9c7e.avro","summary":{"operation":"append",'
           '"added-data-files":"4","added-records":"4000","added-files-size":"123456","total-data-files":"4",'
           '"total-records":"4000"},"schema-id":0}},{"action":"set-snapshot-ref","ref-name":"main","type":"branch",'
           '"snapshot-id":%(next)d}]')
REQUIREMENTS = '[{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":%(last)d}]'
FILL_LOG = ("SELECT icecat.commit_transaction('%(warehouse)s', (SELECT json_agg(json_build_object('identifier', json_build_object("
            "'namespace', json_build_array('bench'), 'name', 't' || i), 'requirements', json_build_array(), 'updates', json_build_array("
            "json_build_object('action', 'set-properties', 'updates', json_build_object('turn', '%(turn)d'))))) "
            "FROM generate_series(0, %(tables)d - 1) AS i))")
PLAIN = ("SELECT icecat.commit_transaction('%(warehouse)s', '[{\"identifier\":{\"namespace\":[\"bench\"],\"name\":\"%(table)s\"},"
         "\"requirements\":" + REQUIREMENTS + ",\"updates\":" + UPDATES + "}]')")
ANSWERED = "SELECT icecat.commit_table('%(warehouse)s', '{bench}', '%(table)s', '" + REQUIREMENTS + "', '" + UPDATES + "')"


def cpu_ns(pid):
    """CPU time of a process; 0 if there is none."""
    try:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[0])
    except (OSError, ValueError):
        return 0


def tables_for(snapshots):
    """How many tables take turns, so that none grows by more than a tenth, or the small ones by a snapshot or two."""
    return max(1, COMMITS // max(1, snapshots // 10))


class Tables:
    """Tables t0 … in turn, and where their histories stand."""

    def __init__(self, session, warehouse, snapshots):
        self.session = session
        self.warehouse = warehouse
        self.last = [snapshots] * tables_for(snapshots)
        self.locations = [session.ask("SELECT location FROM icecat.tables WHERE warehouse = '%s' AND namespace = '{bench}' "
                                      "AND table_name = 't%d';" % (warehouse, n)) for n in range(len(self.last))]
        self.turn = 0

    def next(self, statement):
        n = self.turn % len(self.last)
        words = {"warehouse": self.warehouse, "table": "t%d" % n, "last": self.last[n], "next": self.last[n] + 1, "location": self.locations[n],
                 "now": int(time.time() * 1000) + 20000 + self.last[n]}
        self.last[n] += 1
        self.turn += 1
        return statement % words

    def commits(self, statement, count):
        """Nanoseconds of the session's backend for each."""
        script = "\\o /dev/null\n" + "".join(self.next(statement) + ";\n" for _ in range(count)) + "\\o"
        before = cpu_ns(self.session.pid)
        self.session.ask(script)
        return (cpu_ns(self.session.pid) - before) / count

    def wal_of_statement(self):
        """Bytes of WAL of a commit's statement without full-page images: the median of some."""
        sizes = []
        for _ in range(EXPLAINED):
            plan = self.session.ask("EXPLAIN (ANALYZE, WAL, TIMING OFF, FORMAT JSON) " + self.next(PLAIN) + ";")
            node = json.loads(plan)[0]["Plan"]
            if node.get("WAL FPI", 0) == 0:
                sizes.append(node["WAL Bytes"])
        return statistics.median(sizes) if sizes else float("nan")

    def drain(self):
        end = time.monotonic() + DRAIN_SECONDS
        while self.session.ask("SELECT EXISTS (SELECT FROM icecat_data.metadata_task) OR EXISTS (SELECT FROM icecat_data.event_pending);") == "t":
            if time.monotonic() > end:
                raise RuntimeError("the worker does not come to an end")
            time.sleep(0.1)


def wal_position(session):
    """Bytes of WAL so far that are no full-page images, as near as the server tells: an image counts as a page."""
    return int(session.ask("SELECT (wal_bytes - wal_fpi * current_setting('block_size')::bigint)::bigint FROM pg_stat_wal;"))


def settled(session):
    """pg_stat_wal after the worker and the session have reported to it."""
    session.ask("SELECT pg_stat_force_next_flush();")
    time.sleep(1.5)
    return wal_position(session)


def measure(warehouse, snapshots):
    """The figures of tables with so many snapshots, which are there."""
    session = Session()
    table = Tables(session, warehouse, snapshots)
    for turn in range(LOG_MAX):
        session.ask(FILL_LOG % {"warehouse": warehouse, "turn": turn, "tables": tables_for(snapshots)} + ";")
    table.drain()
    table.commits(PLAIN, WARM_UP)
    table.commits(ANSWERED, 2)
    table.drain()
    worker = session.ask("SELECT pid FROM icecat.worker_status();")
    before, worker_before = settled(session), cpu_ns(worker)
    own = table.commits(PLAIN, COMMITS)
    table.drain()
    after, worker_after = settled(session), cpu_ns(worker)
    wal = table.wal_of_statement()
    table.drain()
    answered = table.commits(ANSWERED, COMMITS)
    size = int(session.ask("SELECT octet_length(icecat.load_table('%s', '{bench}', 't0')::text);" % warehouse))
    table.drain()
    session.close()
    return {"snapshots": snapshots, "cpu_ms": own / 1e6, "wal": wal, "wal_all": (after - before) / COMMITS,
            "answer_kb": size / 1024, "answer_ms": (answered - own) / 1e6,
            "file_ms": max(0, worker_after - worker_before) / COMMITS / 1e6}


def report(sizes, make_tables, warehouse):
    """Prints a line a size; False if the commit itself grows with its table."""
    print("-- one commit after the other, database CPU and WAL of each (commitTransaction; then what updateTable adds; then the worker)")
    print(ROW.format("snapshots", "CPU ms/commit", "WAL B/commit", "B with worker", "answer KB", "CPU ms more", "file CPU ms"))
    found = []
    for size in sizes:
        make_tables(size, tables_for(size))
        one = measure(warehouse, size)
        found.append(one)
        print(ROW.format(size, "%.3f" % one["cpu_ms"], "%.0f" % one["wal"], "%.0f" % one["wal_all"],
                         "%.1f" % one["answer_kb"], "%.3f" % one["answer_ms"], "%.3f" % one["file_ms"]), flush=True)
    if len(found) < 2:
        return True
    cpu, wal = found[-1]["cpu_ms"] / found[0]["cpu_ms"], found[-1]["wal"] / found[0]["wal"]
    flat = cpu <= CPU_RATIO_MAX and wal <= WAL_RATIO_MAX
    print("the commit itself at %d snapshots to that at %d: CPU %.2f, WAL %.2f%s" % (
        found[-1]["snapshots"], found[0]["snapshots"], cpu, wal, "" if flat else "  FAILED: it grows with its table"), flush=True)
    return flat


def main():
    """For itself, against the database of PG* and its warehouse "demo"."""
    here = os.path.dirname(os.path.abspath(__file__))

    def make_tables(snapshots, tables):
        subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-v", "warehouse=demo", "-v",
                        "tables=%d" % tables, "-v", "snapshots=%d" % snapshots, "-f", os.path.join(here, "sql", "tables.sql"),
                        "-c", "VACUUM ANALYZE"], check=True)

    report([int(n) for n in os.environ.get("SNAPSHOTS", "1 100 1000").split()], make_tables, "demo")


if __name__ == "__main__":
    main()
