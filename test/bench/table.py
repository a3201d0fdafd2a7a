#!/usr/bin/env python3
"""The benchmark's table: see test/bench/run, which starts the servers.

Each round measures every baseline and, just before or after it, the rows that are compared with it; the order turns from round to round. A row
shows the median of the rounds, and as ratio the median of the rounds' ratios. CPU and WAL of an operation include what the worker did
afterwards for it.
"""
# SPDX-License-Identifier: PostgreSQL
import argparse
import datetime
import json
import os
import statistics
import sys
import time

import extras
from loads import pgbench
from rows import ROTATE, groups
from servers import FAILING, Servers
from session import Session

HEAD = "{:<36} {:>8} {:>8} {:>9} {:>6} {:>8}  {:>8} {:>8} {:>8} {:>8}  {}"
NAMESPACES = 10
LARGE_SNAPSHOTS = 1000
PARTS = ("gateway", "backends", "worker")


class Bench:
    """The running servers, the world that is measured, and what was found."""

    def __init__(self, options):
        self.options = options
        self.session = Session(os.environ.get("PSQL", "psql"))
        self.servers = Servers(options, self.session)
        self.tags = 0
        self.place = ""
        self.found = {}         # by name: the measurements of the rounds
        self.failures = []

    def next_tag(self):
        self.tags += 1
        return f"r{self.tags}"

    def make(self, warehouse, snapshots, tables=1, name=None):
        """Tables t0, t1, … of namespace bench, or one with a name, each at a place where none was before."""
        self.place = f"{self.options.root}/{warehouse}/{self.next_tag()}"
        names = f"'{name}'" if name else "'t' || i"
        self.session.ask(f"SELECT count(pg_temp.make_table('{warehouse}', {names}, {snapshots}, '{self.place}/' || {names})) "
                         f"FROM generate_series(0, {tables - 1}) AS i;")

    def make_without_files(self, warehouse, snapshots, tables):
        """The first tables of a warehouse; their files come with their first commits."""
        for mode in ("none", "async"):
            self.session.ask("SELECT icecat.alter_warehouse('%s', p_updates => '{\"icecat.metadata-write-mode\": \"%s\"}') IS NOT NULL;" % (warehouse, mode))
            if mode == "none":
                self.make(warehouse, snapshots, tables)

    def make_world(self):
        own = self.options.clients * ROTATE
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "sql", "maker.sql"), encoding="utf-8") as file:
            self.session.ask(file.read())
        for warehouse, snapshots, tables in (("demo", 1, own), ("read", 1, own), ("large", LARGE_SNAPSHOTS, self.options.clients),
                                             ("many", 1, self.options.listed), ("direct", 1, own), ("made", 1, 1)):
            if warehouse != "demo":
                self.session.ask(f"SELECT icecat.create_warehouse('{warehouse}', '{self.options.root}/{warehouse}');")
            self.session.ask(f"SELECT icecat.create_namespace('{warehouse}', '{{bench}}') IS NOT NULL;")
            self.make_without_files(warehouse, snapshots, tables)
        for n in range(NAMESPACES):
            self.session.ask(f"SELECT icecat.create_namespace('demo', '{{n{n}}}') IS NOT NULL;")
        self.servers.drain()
        self.session.ask("VACUUM ANALYZE; CHECKPOINT;")

    def note(self, name, found):
        self.found.setdefault(name, []).append(found)
        if found.get("failed"):
            self.failures.append(f"{name}: {found['failed']}")

    def measure(self, row):
        """One row; what was acknowledged must be there, and nothing else."""
        if row.prepare:
            row.prepare(self)
        count = getattr(self.servers, row.counted) if row.warehouse else None
        before = count(row.warehouse) if count else 0
        found = self.servers.around(lambda: row.measure(self))
        there = count(row.warehouse) - before if count else 0
        if count and there != found["landed"]:
            found["failed"] = f"{found['landed']} acknowledged, {there} there"
        self.note(row.name, found)
        return found

    def group(self, baseline, script, lands, rows, turned):
        """A baseline and its rows, the baseline at one end or the other."""
        order = [None, *rows]
        rates = {}
        for row in reversed(order) if turned else order:
            if row is None:
                rates[None] = self.servers.around(lambda: pgbench(self.options, script, {}, lands))
                self.note("baseline: " + baseline, rates[None])
            else:
                rates[row.name] = self.measure(row)
        for row in rows:
            rates[row.name]["ratio"] = rates[row.name]["rate"] / rates[None]["rate"]

    def rounds(self):
        for n in range(self.options.rounds):
            print(f"    round {n + 1} of {self.options.rounds}", file=sys.stderr, flush=True)
            for baseline, script, lands, rows in groups(self.options.clients):
                self.group(baseline, script, lands, rows, n % 2 == 1)
            self.servers.drain()

    def summary(self, name, at_least=None, baseline=None):
        """A row of the table: medians."""
        rounds = self.found[name]
        row = {"name": name, "baseline": baseline, "at_least": at_least}
        for key in ("rate", "ratio", "p50_ms", "p99_ms", "wal_bytes"):
            values = [r[key] for r in rounds if r.get(key) is not None]
            row[key] = statistics.median(values) if values else None
        row["cpu_ms"] = {part: statistics.median(r["cpu_ms"][part] for r in rounds) for part in rounds[0]["cpu_ms"]}
        done = sum(r["landed"] or r["done"] for r in rounds)
        row["refused_each"] = sum(r.get("refused", 0) for r in rounds) / max(1, done)
        row["generator_cpu_ms"] = sum(r.get("own_cpu_ms", 0) for r in rounds) / max(1, done)
        row["operations"] = done
        return row

    def table(self):
        rows = []
        for baseline, _, _, members in groups(self.options.clients):
            rows.append(self.summary("baseline: " + baseline))
            rows += [self.summary(row.name, row.at_least, baseline) for row in members]
        return rows


def number(value, form="%.2f"):
    return "" if value is None else form % value


def show(rows):
    print(HEAD.format("", "ops/s", "p50 ms", "p99 ms", "ratio", "at least", "gateway", "backends", "worker", "WAL B", ""))
    for row in rows:
        print(HEAD.format(row["name"], number(row["rate"], "%.0f"), number(row["p50_ms"]), number(row["p99_ms"]), number(row["ratio"]),
                          number(row["at_least"]), *(number(row["cpu_ms"][part], "%.3f") for part in PARTS), number(row["wal_bytes"], "%.0f"),
                          "refusals: %.1f each" % row["refused_each"] if row["refused_each"] else ""))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pgbench", default="pgbench")
    parser.add_argument("--drive", required=True)
    parser.add_argument("--waldump", required=True)
    parser.add_argument("--wal-folder", required=True)
    parser.add_argument("--postmaster-pid", type=int, required=True)
    parser.add_argument("--gateway-pid", type=int, required=True)
    parser.add_argument("--gateway-port", type=int, required=True)
    parser.add_argument("--root", required=True, help="where warehouses lie, as a URI")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--writers", type=int, default=64)
    parser.add_argument("--listed", type=int, default=1000, help="tables of the namespace that is listed")
    parser.add_argument("--put-ms", type=int, default=100)
    parser.add_argument("--commit", default="", help="what is measured")
    parser.add_argument("--json", help="a file for the same as JSON")
    return parser.parse_args()


def main():
    options = arguments()
    begin, load = time.time(), os.getloadavg()[0]
    bench = Bench(options)
    bench.make_world()
    bench.rounds()
    rows = bench.table()
    show(rows)
    more = extras.measure(bench)
    failing = bench.session.ask(FAILING)
    if failing:
        bench.failures.append("files: some of the worker's tasks failed: " + failing)
    result = {"commit": options.commit, "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "cores": os.cpu_count(),
              "load_before": load, "load_after": os.getloadavg()[0], "took_s": round(time.time() - begin), "seconds": options.seconds,
              "rounds": options.rounds, "clients": options.clients, "rows": rows, "more": more, "failures": bench.failures}
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
            file.write("\n")
    print(f"{options.clients} clients, {options.seconds:g} s each, medians of {options.rounds} rounds; CPU in ms of one operation; "
          f"load average {load:.1f} before, {result['load_after']:.1f} after; {result['took_s']} s")
    for failure in bench.failures:
        print("FAILED " + failure)
    bad = len({failure.split(": ")[0] for failure in bench.failures})
    print(f"{len(rows) + len(more) - bad} passed, {bad} failed")
    sys.exit(bad > 0)


main()
