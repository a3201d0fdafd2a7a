"""What the audit log costs: see test/bench/audit."""
# SPDX-License-Identifier: PostgreSQL
import os
import statistics
import sys
import time

from commit_cost import cpu_ns
from session import Session

CALLS = int(os.environ.get("CALLS", "300"))
ROUNDS = int(os.environ.get("ROUNDS", "9"))
RATIO_MAX = 1.2
SCHEMA = '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}'
CALLS_OF = {
    "load": "SELECT length(icecat.load_table('w', '{a}', 'one')::text)",
    "commit": "SELECT icecat.commit_transaction('w', '[{\"identifier\":{\"namespace\":[\"a\"],"
              "\"name\":\"one\"},\"updates\":[{\"action\":\"set-properties\",\"updates\":"
              "{\"k\":\"%d\"}}]}]')",
    "create": "SELECT length(icecat.create_table('w', '{a}', 't%d', '" + SCHEMA + "')::text)",
    "row": "SELECT icecat._audit('bench', '{\"k\":%d}')",
}


def drained(s):
    while s.ask("SELECT EXISTS (SELECT FROM icecat_data.event_pending) OR EXISTS "
                "(SELECT FROM icecat_data.audit_pending);") == "t":
        time.sleep(0.01)


def one_round(s, worker, what, audit, start):
    """Microseconds of the session and of the worker for each call."""
    statement = CALLS_OF[what]
    calls = "".join((statement % (start + n) if "%d" in statement else statement) + ";\n"
                    for n in range(CALLS))
    s.ask("SET icecat.audit = %s;" % audit)
    s.ask("ALTER SYSTEM SET icecat.audit = %s;" % audit)
    s.ask("SELECT pg_reload_conf();")
    s.ask("SELECT pg_sleep(0.1);")
    drained(s)
    s.ask("\\o /dev/null")
    mine, its = cpu_ns(s.pid), cpu_ns(worker)
    s.ask(calls)
    mine = cpu_ns(s.pid) - mine
    s.ask("\\o")
    drained(s)
    return mine / CALLS / 1000, (cpu_ns(worker) - its) / CALLS / 1000


def main():
    fine = True
    s = Session(os.environ.get("PSQL", "psql"))
    s.ask("SELECT icecat.create_warehouse('w', 's3://b/w', '{\"icecat.metadata-write-mode\": \"none\"}');"
          "SELECT icecat.create_namespace('w', '{a}'); SELECT icecat.create_table('w', '{a}', 'one', '%s')"
          " IS NOT NULL; SELECT icecat.start_worker();" % SCHEMA)
    time.sleep(1)
    worker = int(s.ask("SELECT pid FROM icecat.worker_status();"))
    print("-- median of %d rounds of %d calls; database CPU of one call, in microseconds" % (ROUNDS, CALLS))
    print("{:8} {:>12} {:>12} {:>14} {:>14} {:>7}".format("", "off", "on", "worker, off", "worker, on", "ratio"))
    start = 0
    for what in CALLS_OF:
        rounds = {"off": [], "on": []}
        for _ in range(ROUNDS + 1):
            for audit in rounds:
                rounds[audit].append(one_round(s, worker, what, audit, start))
                start += CALLS
        median = {audit: [statistics.median(r[i] for r in rounds[audit][1:]) for i in (0, 1)] for audit in rounds}
        ratio = sum(median["on"]) / sum(median["off"])
        bad = ratio > RATIO_MAX and what != "row"
        fine = fine and not bad
        print("{:8} {:12.1f} {:12.1f} {:14.1f} {:14.1f} {:7.2f}{}".format(
            what, median["off"][0], median["on"][0], median["off"][1], median["on"][1], ratio, "  FAILED" if bad else ""), flush=True)
    s.close()
    sys.exit(0 if fine else 1)


main()
