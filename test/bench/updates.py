#!/usr/bin/env python3
"""Many updates of each kind in one request: seconds, and the memory of the session at its peak. See ./updates."""
# SPDX-License-Identifier: PostgreSQL
import argparse
import json
import os
import sys
import time

from session import Session

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "scale")
TIMES_TOLERATED = 15    # of memory, where there are ten times as many updates
SMALL_KB = 30000        # of memory that says nothing: what a session takes for its first commit

SCHEMA = ('{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":true},'
          '{"id":2,"name":"y","type":"long","required":true,"doc":"comment"}]}')
VERSION = ('{"version-id":1,"schema-id":0,"timestamp-ms":1573518432292,"default-namespace":["d"],"summary":{},'
           '"representations":[{"type":"sql","sql":"SELECT 1","dialect":"spark"}]}')
NEW = {
    "table": "icecat.create_table('u', '{ns}', '%s', '" + SCHEMA + "') #>> '{metadata,table-uuid}'",
    "view": "icecat.create_view('u', '{ns}', '%s', '" + SCHEMA + "', '" + VERSION + "') #>> '{metadata,view-uuid}'",
}
COMMIT = {
    "table": "icecat.commit_table('u', '{ns}', '%s', '[]', (SELECT body FROM updates))",
    "view": "icecat.replace_view('u', '{ns}', '%s', '[]', (SELECT body FROM updates))",
}


class MeasuredSession(Session):
    """And what its server process takes."""

    def ask(self, statement):
        return super().ask(statement + ";")

    def peak_kb(self):
        """Memory at its peak since the last reset, apart from buffers that all share."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            values = dict(line.split(":", 1) for line in file)
        return int(values["VmHWM"].split()[0]) - int(values["RssShmem"].split()[0])

    def reset_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")


def read_cases(only):
    cases = []
    for name in sorted(os.listdir(CASES)):
        with open(os.path.join(CASES, name), encoding="utf-8") as file:
            if only in name:
                cases.append((name.removesuffix(".json"), json.load(file)))
    return cases


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def measure(psql, name, case, number):
    """Seconds and kB of one commit of so many updates on a new table or view, in a session that did nothing before."""
    maker = MeasuredSession(psql)
    kind = name.split("-")[0]
    thing = f"{name}-{number}"
    uuid = maker.ask("SELECT " + NEW[kind] % thing)
    each = case["each"]
    if "assign-uuid" in each:
        each = json.dumps({"action": "assign-uuid", "uuid": uuid})
    before = case["before"] + "," if case["before"] else ""
    times = (number - len(json.loads("[" + case["before"] + "]"))) // case["updates"]
    maker.ask("DROP TABLE IF EXISTS updates; CREATE UNLOGGED TABLE updates AS SELECT (" + literal("[" + before) +
                f" || string_agg(replace({literal(each)}, '#', (1000000 + i)::text), ',' ORDER BY i) || ']')::json AS body "
                f"FROM generate_series(0, {times - 1}) AS i; SELECT 1")
    maker.close()
    session = MeasuredSession(psql)
    session.ask("SET icecat.properties_max = 1000000; SELECT 1")
    session.reset_peak()
    base = session.peak_kb()
    started = time.monotonic()
    session.ask("SELECT length((" + COMMIT[kind] % thing + ")::text)")
    seconds = time.monotonic() - started
    taken = session.peak_kb() - base
    session.close()
    return seconds, taken


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--psql", required=True)
    parser.add_argument("--files", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--numbers", default="1000 10000 100000")
    options = parser.parse_args()
    numbers = [int(number) for number in options.numbers.split()]
    setup = MeasuredSession(options.psql)
    setup.ask("CREATE EXTENSION IF NOT EXISTS icecat; SELECT 1")
    setup.ask(f"SELECT length(icecat.create_warehouse('u', 'file://{options.files}', "
              "'{\"icecat.metadata-write-mode\": \"none\"}')::text)")
    setup.ask("SELECT length(icecat.create_namespace('u', '{ns}')::text)")
    setup.close()
    print(f"{'kind':40}" + "".join(f"{number:>12,}          " for number in numbers))
    failed = 0
    for name, case in read_cases(options.only):
        row = f"{name:40}"
        last = None
        for number in numbers:
            seconds, taken = measure(options.psql, name, case, number)
            row += f"{seconds:9.2f} s {taken / 1024:7.1f} MB "
            if last is not None and taken > max(last, SMALL_KB / 10) * TIMES_TOLERATED:
                row += "! "
                failed += 1
            last = taken
        print(row, flush=True)
    print(f"{0 if failed else 1} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
