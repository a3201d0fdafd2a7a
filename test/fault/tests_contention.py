"""Many writers at once: nothing is lost, nobody fails who need not, nobody starves.

- SQL sessions that append to one table with retry: every snapshot lands, in unbroken order of sequence.
- HTTP writers on tables of their own: no request fails.
- HTTP writers on one table: every loser gets 409; time of an append, and the share of each writer.
"""
# SPDX-License-Identifier: PostgreSQL
import collections
import itertools
import json
import threading
import time

import clients
import host
from expectations import Failure, expect

SQL_SESSIONS = 16
SQL_APPENDS = 200
SQL_LIMIT_S = 150
TABLES = 60
TABLE_APPENDS = 8
RIVALS = 30
RIVAL_APPENDS = 600  # of all together
RIVAL_LIMIT_S = 100
SHARE_RATIO_MAX = 10  # successes of the luckiest writer to those of the unluckiest
# p99 of an append in shares of the mean time between two appends of one writer: pure luck gives 4.6.
P99_OF_MEAN_MAX = 10
# Files of old versions are removed: thousands of long documents would fill the warehouse.
TRIMMED = {"write.metadata.delete-after-commit.enabled": "true", "write.metadata.previous-versions-max": "5"}

APPEND_LOOP = """
DO $loop$
DECLARE
	parent bigint; last bigint; done boolean; tries bigint := 0; snapshot bigint;
BEGIN
	FOR i IN 1..%(appends)d LOOP
		snapshot := %(first)d + i;
		LOOP
			SELECT current_snapshot_id, last_sequence_number INTO parent, last
			FROM icecat.tables WHERE warehouse = 'w' AND table_name = '%(table)s';
			BEGIN
				PERFORM icecat.commit_table('w', '{ns}', '%(table)s',
					json_build_array(json_build_object('type', 'assert-ref-snapshot-id', 'ref', 'main',
						'snapshot-id', parent)),
					json_build_array(
						json_build_object('action', 'add-snapshot', 'snapshot', json_strip_nulls(json_build_object(
							'snapshot-id', snapshot, 'parent-snapshot-id', parent, 'sequence-number', last + 1,
							'timestamp-ms', (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
							'summary', json_build_object('operation', 'append'),
							'manifest-list', 'file:///none/' || snapshot, 'schema-id', 0))),
						json_build_object('action', 'set-snapshot-ref', 'ref-name', 'main', 'type', 'branch',
							'snapshot-id', snapshot)));
				done := true;
			EXCEPTION WHEN SQLSTATE 'IC203' OR lock_not_available THEN
				done := false;
			END;
			COMMIT;
			EXIT WHEN done;
			tries := tries + 1;
		END LOOP;
	END LOOP;
	RAISE NOTICE 'lost %%', tries;
END $loop$;
"""


def prepare(server):
    server.start_gateway()
    if not server.wait_healthy():
        raise Failure("the gateway does not get ready")


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def in_parallel(count, work):
    """Runs work(0) ... work(count - 1) from the same moment on; their results in that order."""
    barrier = threading.Barrier(count)
    results = [None] * count

    def one(i):
        barrier.wait()
        try:
            results[i] = work(i)
        except Exception as error:
            results[i] = error

    threads = [threading.Thread(target=one, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def loaded(server, table):
    rest = host.Rest(server.gateway_port)
    status, content = rest.call("GET", host.table_path(table))
    rest.close()
    return json.loads(content)["metadata"] if status == 200 else {}


def check_line(server, table, expected, what):
    """Exactly these snapshots, one line of descent, sequence numbers without a gap."""
    metadata = loaded(server, table)
    verdict = clients.Verdict()
    ids = clients.verify_lineage(verdict, table, metadata)
    expect(collections.Counter(ids) == collections.Counter(expected), "%s: exactly %d snapshots" % (what, len(expected)),
           "%d found" % len(ids))
    expect(not verdict.violations, "%s: unbroken sequence, one line of descent" % what, verdict.violations)


def check_rest(server):
    expect(server.wait_queue(), "the queue of files becomes empty", server.sql("SELECT * FROM icecat.worker_status()"))
    rows = server.sql("SELECT * FROM icecat.check_integrity()")
    expect(rows == "", "check_integrity() finds nothing", rows)


def test_sql_sessions(server):
    rest = host.Rest(server.gateway_port)
    host.create_table(rest, "sql", TRIMMED)
    rest.close()
    started = time.monotonic()
    sessions = [server.spawn(APPEND_LOOP % {"appends": SQL_APPENDS, "first": (i + 1) * 1000000, "table": "sql"})
                for i in range(SQL_SESSIONS)]
    output = []
    for session in sessions:
        try:
            output.append(session.communicate(timeout=max(1, SQL_LIMIT_S - (time.monotonic() - started)))[1])
        except Exception as error:
            session.kill()
            output.append("%s: %s" % (type(error).__name__, error))
    seconds = time.monotonic() - started
    lost = [int(text.split("lost ")[1].split()[0]) for text in output if "lost " in text]
    expect([s.returncode for s in sessions] == [0] * SQL_SESSIONS, "%d SQL sessions x %d appends end well"
           % (SQL_SESSIONS, SQL_APPENDS), [text for text in output if "lost " not in text])
    print("# %.1f s, %.0f appends/s; lost tries per session: least %d, most %d"
          % (seconds, SQL_SESSIONS * SQL_APPENDS / seconds, min(lost, default=0), max(lost, default=0)))
    expected = [(i + 1) * 1000000 + n + 1 for i in range(SQL_SESSIONS) for n in range(SQL_APPENDS)]
    check_line(server, "sql", expected, "SQL sessions")
    check_rest(server)


def test_own_tables(server):
    def work(i):
        rest = host.Rest(server.gateway_port)
        statuses = collections.Counter()
        times = []
        parent = None
        try:
            host.create_table(rest, "own_%d" % i)
            for n in range(TABLE_APPENDS):
                snapshot = (i + 1) * 1000000 + n
                begin = time.monotonic()
                status, _ = rest.call("POST", host.table_path("own_%d" % i),
                                      host.append_request(snapshot, parent, n + 1))
                times.append(1000 * (time.monotonic() - begin))
                statuses[status] += 1
                parent = snapshot
        finally:
            rest.close()
        return statuses, times

    results = in_parallel(TABLES, work)
    broken = [r for r in results if isinstance(r, Exception)]
    good = [r for r in results if not isinstance(r, Exception)]
    statuses = sum((r[0] for r in good), collections.Counter())
    times = [t for r in good for t in r[1]]
    expect(not broken and statuses == {200: TABLES * TABLE_APPENDS}, "%d writers on %d tables x %d appends: no failed request"
           % (TABLES, TABLES, TABLE_APPENDS), (dict(statuses), broken[:3]))
    print("# append: p50 %.0f ms, p99 %.0f ms" % (percentile(times, 0.5), percentile(times, 0.99)))
    check_rest(server)


def test_rivals(server):
    """Each waits for nobody: load what main is, append, and again after a 409."""
    rest = host.Rest(server.gateway_port)
    host.create_table(rest, "one", TRIMMED)
    rest.close()
    landed = itertools.count(1)
    end = time.monotonic() + RIVAL_LIMIT_S
    enough = threading.Event()

    def work(i):
        rest = host.Rest(server.gateway_port)
        own, requests, appends, others = [], [], [], collections.Counter()
        try:
            while not enough.is_set() and time.monotonic() < end:
                snapshot = (i + 1) * 1000000 + len(own)
                begin = time.monotonic()
                while not enough.is_set() and time.monotonic() < end:
                    status, content = rest.call("GET", host.table_path("one") + "?snapshots=refs")
                    if status != 200:
                        others["load", status] += 1
                        continue
                    metadata = json.loads(content)["metadata"]
                    parent = metadata.get("current-snapshot-id")
                    sent = time.monotonic()
                    status, content = rest.call("POST", host.table_path("one"), host.append_request(
                        snapshot, None if parent == -1 else parent, metadata["last-sequence-number"] + 1))
                    if status == 200:
                        own.append(snapshot)
                        requests.append(1000 * (time.monotonic() - sent))
                        appends.append(1000 * (time.monotonic() - begin))
                        if next(landed) >= RIVAL_APPENDS:
                            enough.set()
                        break
                    others[status, clients.error_type(content)] += 1
        finally:
            rest.close()
        return own, requests, appends, others

    started = time.monotonic()
    results = in_parallel(RIVALS, work)
    seconds = time.monotonic() - started
    broken = [r for r in results if isinstance(r, Exception)]
    good = [r for r in results if not isinstance(r, Exception)]
    others = sum((r[3] for r in good), collections.Counter())
    shares = [len(r[0]) for r in good] or [0]
    times = [t for r in good for t in r[2]]
    one = [t for r in good for t in r[1]]
    expect(not broken and set(others) <= {(409, "CommitFailedException")}, "%d writers on one table: every loser gets 409"
           % RIVALS, (dict(others), broken[:3]))
    print("# %d appends in %.1f s, %d losers; append with its retries: p50 %.0f ms, p99 %.0f ms; "
          "the request that landed: p50 %.0f ms, p99 %.0f ms; appends of a writer: least %d, most %d"
          % (sum(shares), seconds, sum(others.values()), percentile(times, 0.5), percentile(times, 0.99),
             percentile(one, 0.5), percentile(one, 0.99), min(shares), max(shares)))
    expect(sum(shares) >= RIVAL_APPENDS, "%d appends within %d s" % (RIVAL_APPENDS, RIVAL_LIMIT_S), sum(shares))
    mean = 1000 * seconds * RIVALS / max(1, sum(shares))
    expect(percentile(times, 0.99) <= P99_OF_MEAN_MAX * mean, "p99 of an append with its retries is bounded: at most "
           "%d times the mean" % P99_OF_MEAN_MAX, (percentile(times, 0.99), mean))
    expect(min(shares) > 0 and max(shares) <= SHARE_RATIO_MAX * min(shares),
           "nobody starves: luckiest to unluckiest at most %d" % SHARE_RATIO_MAX, sorted(shares))
    check_line(server, "one", [s for r in good for s in r[0]], "rivals")
    check_rest(server)
