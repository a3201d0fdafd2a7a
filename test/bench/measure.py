#!/usr/bin/env python3
"""Measures and prints one comparable line each: operations a second, latency, CPU of PostgreSQL and the gateway
per operation, the gateway's memory, and the ratio to the baseline of the same run.

Called by test/bench/sizes with the servers up. CPU of PostgreSQL is the postmaster's own, of the children it has
reaped and of those that live: nothing is lost when a backend ends. A latency with ~ is an average (pgbench).
"""
import argparse
import os
import re
import subprocess
import sys
import time

import commit_cost

HERE = os.path.dirname(os.path.abspath(__file__))
ROTATE = 25             # tables of one client, so that a run does not make them grow much
ROTATE_SNAPSHOTS_MAX = 100      # larger tables grow little in proportion, and take long to make
DRAIN_S_MAX = 300       # how long a measurement waits for the files of the one before
TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")
ROW = "{:<44} {:>9} {:>8} {:>8} {:>9} {:>9} {:>8} {:>7}  {}"


def stat_fields(pid):
    """Fields of /proc/PID/stat after the name, or None if the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as handle:
            return handle.read().rsplit(")", 1)[1].split()
    except OSError:
        return None


def own_ticks(postmaster):
    """CPU of the postmaster and of the children it has reaped."""
    return sum(int(n) for n in stat_fields(postmaster)[11:15])


def postgres_cpu_us(postmaster):
    """CPU of the postmaster, of its reaped children and of its living ones. Read again while a child
    passes from the living to the reaped, which would count it twice or not at all."""
    while True:
        reaped = own_ticks(postmaster)
        living = 0
        for name in os.listdir("/proc"):
            child = stat_fields(name) if name.isdigit() else None
            if child and child[1] == str(postmaster):
                living += int(child[11]) + int(child[12])
        if own_ticks(postmaster) == reaped:
            return (reaped + living) * TICK_US
        time.sleep(0.05)


def process_cpu_us(pid):
    """CPU of one process."""
    fields = stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) * TICK_US if fields else 0


def rss_mb(pid):
    """Resident memory of a process in MB."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as handle:
        return int(re.search(r"VmRSS:\s+(\d+)", handle.read()).group(1)) / 1024


class Bench:
    """The running servers, the options, and the baselines measured so far."""

    def __init__(self, options):
        self.options = options
        self.failed = False
        self.gateway = options.gateway_pid

    def report(self, name, result, baseline=None, extra=""):
        """Prints the line of a measurement and returns its rate."""
        done, seconds = result["done"], result["seconds"]
        rate = done / seconds
        gateway = f"{result['gateway_us'] / done:.0f}" if result["http"] and done else "-"
        memory = f"{rss_mb(self.gateway):.0f} MB" if result["http"] else "-"
        ratio = f"{rate / baseline:.2f}" if baseline else "-"
        if result.get("other") or not done:
            self.failed = True
            extra += f" FAILED answers: {result.get('other', 0)}"
        if result.get("conflicts"):
            extra += f" conflicts: {result['conflicts'] / seconds:.0f}/s"
        print(ROW.format(name, f"{rate:.0f}", result["p50"], result["p99"],
                         f"{result['postgres_us'] / done:.0f}" if done else "-", gateway, memory, ratio, extra.strip()))
        sys.stdout.flush()
        return rate

    def around(self, command, environment=None):
        """Runs a load generator and adds the CPU that the servers took meanwhile."""
        postgres, gateway = postgres_cpu_us(self.options.postmaster_pid), 0
        if self.gateway:
            gateway = process_cpu_us(self.gateway)
        output = subprocess.run(command, env={**os.environ, **(environment or {})}, check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        used = {"postgres_us": postgres_cpu_us(self.options.postmaster_pid) - postgres, "gateway_us": 0}
        if self.gateway:
            used["gateway_us"] = process_cpu_us(self.gateway) - gateway
        return output, used

    def pgbench(self, script, variables=None, count_true=None):
        """One pgbench run; count_true names a table whose counter tells what landed."""
        command = [self.options.pgbench, "-n", "-M", "prepared", "-c", str(self.options.clients), "-j", "2",
                   "-T", str(self.options.seconds), "-f", os.path.join(HERE, "sql", script + ".sql")]
        for name, value in (variables or {}).items():
            command += ["-D", f"{name}={value}"]
        before = self.number(count_true) if count_true else 0
        output, used = self.around(command)
        found = re.search(r"number of transactions actually processed: (\d+)", output.stdout)
        latency = re.search(r"latency average = ([\d.]+) ms", output.stdout)
        rate = re.search(r"tps = ([\d.]+)", output.stdout)
        if output.returncode or not found:
            print(output.stdout[:1000])
            return {"done": 0, "other": 1, "seconds": 1, "p50": "-", "p99": "-", "http": False, **used}
        runs = int(found.group(1))
        done = self.number(count_true) - before if count_true else runs
        return {"done": done, "conflicts": runs - done, "seconds": runs / float(rate.group(1)),
                "p50": f"~{latency.group(1)[:5]}", "p99": "-", "http": False, **used}

    def number(self, sql):
        """The one number a query gives."""
        return int(subprocess.run(["psql", "-X", "-A", "-t", "-c", sql], check=True,
                                  capture_output=True, text=True).stdout)

    def wrk(self, script, environment, url=None):
        """One wrk run with a thread for each connection."""
        clients = str(self.options.clients)
        output, used = self.around(
            ["wrk", "-t", clients, "-c", clients, "-d", f"{self.options.seconds}s", "--timeout", "20s",
             "-s", os.path.join(HERE, "http", script + ".lua"), url or self.options.url],
            {"BENCH_HTTP": os.path.join(HERE, "http"), "BENCH_WAREHOUSE": self.options.warehouse, **environment})
        found = re.search(r"RESULT done=(\d+) conflicts=(\d+) other=(\d+) socket_errors=(\d+) us=(\d+) "
                          r"p50_us=(\d+) p99_us=(\d+)", output.stdout)
        if not found:
            print(output.stdout[:1000])
            return {"done": 0, "other": 1, "seconds": 1, "p50": "-", "p99": "-", "http": True, **used}
        done, conflicts, other, socket_errors, duration, p50, p99 = (int(n) for n in found.groups())
        return {"done": done, "conflicts": conflicts, "other": other + socket_errors, "seconds": duration / 1e6,
                "p50": f"{p50 / 1000:.2f}", "p99": f"{p99 / 1000:.2f}", "http": True, **used}

    def make_tables(self, snapshots, tables):
        """Fresh tables, so that every measurement starts from the same sizes."""
        subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull,
                        "-v", f"warehouse={self.options.warehouse}", "-v", f"tables={tables}",
                        "-v", f"snapshots={snapshots}", "-f", os.path.join(HERE, "sql", "tables.sql"),
                        "-c", "VACUUM ANALYZE"], check=True)

    def wait_for_files(self):
        """Waits until nothing is queued: what is measured next must not wait for the files of what was measured before."""
        end = time.monotonic() + DRAIN_S_MAX
        while self.number("SELECT queued FROM icecat.worker_status()") and time.monotonic() < end:
            time.sleep(0.2)

    def baselines(self):
        """Plain PostgreSQL in the same run."""
        read = self.report("baseline: 20 KB text by key", self.pgbench("baseline_read"))
        commit = self.report("baseline: lock, update, 3 inserts, distinct rows", self.pgbench("baseline_commit"))
        one = self.report("baseline: the same, one row", self.pgbench("baseline_commit_one"))
        return read, commit, one

    def tls(self):
        """Requests on connections that stay, plain and by TLS in turns; the ratio is that of the requests per second."""
        tables = self.options.clients * ROTATE
        http = {"BENCH_TABLES": str(tables), "BENCH_SNAPSHOTS": "1", "BENCH_ROTATE": str(ROTATE)}
        self.make_tables(1, tables)
        for title, script, environment in (("/health, no database", "path", {"BENCH_PATH": "/health"}), ("load, kept answers", "load", http),
                                           ("load, not modified", "load", {**http, "BENCH_UNCHANGED": "1"})):
            for _ in range(2):
                plain = self.report(f"plain: {title}", self.wrk(script, environment))
                self.report(f"TLS: {title}", self.wrk(script, environment, self.options.tls_url), plain)

    def sizes(self, snapshots, baselines):
        """Loads and commits of tables with a number of snapshots, through SQL and HTTP."""
        read, commit, one = baselines
        rotate = ROTATE if snapshots <= ROTATE_SNAPSHOTS_MAX else 1
        tables = self.options.clients * rotate
        names = {"warehouse": self.options.warehouse, "tables": tables, "snapshots": snapshots,
                 "rotate": rotate, "done": 0}
        http = {"BENCH_TABLES": str(tables), "BENCH_SNAPSHOTS": str(snapshots), "BENCH_ROTATE": str(rotate)}
        landed = "SELECT coalesce(max(version), 0) FROM icecat_data.table_head AS h JOIN icecat_data.relation AS r " \
            "ON r.warehouse_id = h.warehouse_id AND r.relation_id = h.table_id WHERE r.name = 'one' AND r.dropped_at IS NULL"
        self.make_tables(snapshots, tables)
        size = self.number("SELECT octet_length(icecat.load_table('" + self.options.warehouse + "', '{bench}', 't0')::text)")
        title = f"{snapshots} snapshot" + ("s" if snapshots > 1 else "") + f", {size / 1024:.0f} KB"
        print(f"-- tables of {title}")
        self.report("SQL: load", self.pgbench("load", names), read)
        self.report("SQL: load, not modified", self.pgbench("load_unchanged", names), read)
        if self.gateway:
            self.report("gateway: load, kept answers", self.wrk("load", http), read)
            self.report("gateway: load, not modified", self.wrk("load", {**http, "BENCH_UNCHANGED": "1"}), read)
        self.report("SQL: append, distinct tables", self.pgbench("commit", names), commit)
        if self.gateway:
            self.make_tables(snapshots, tables)
            self.wait_for_files()
            self.report("gateway: append, distinct tables", self.wrk("commit", http), commit)
            self.make_tables(snapshots, tables)
            self.wait_for_files()
            self.report("gateway: the same with idempotency keys", self.wrk("commit", {**http, "BENCH_KEYED": "1"}), commit)
        self.make_tables(snapshots, 0)
        self.report("SQL: append, one table", self.pgbench("commit_one", names, landed), one)
        if self.gateway:
            self.make_tables(snapshots, 0)
            self.wait_for_files()
            self.report("gateway: append, one table", self.wrk("commit_one", http), one)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pgbench", default="pgbench")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--snapshots", default="1", help="sizes of tables, separated by blanks")
    parser.add_argument("--postmaster-pid", type=int, required=True)
    parser.add_argument("--gateway-pid", type=int, help="none: SQL only")
    parser.add_argument("--url")
    parser.add_argument("--tls-url")
    parser.add_argument("--warehouse", default="demo")
    parser.add_argument("--only", default="", help="commits: nothing but the cost of one commit by the size of its table; tls: nothing but plain against TLS")
    options = parser.parse_args()
    bench = Bench(options)
    sizes = [int(n) for n in options.snapshots.split()]
    if options.only == "commits":
        sys.exit(0 if commit_cost.report(sizes, bench.make_tables, options.warehouse) else 1)
    print(ROW.format(f"{options.clients} clients, {options.seconds} s each", "per s", "p50 ms", "p99 ms",
                     "PG us/op", "GW us/op", "GW RSS", "ratio", ""))
    if options.only == "tls":
        bench.tls()
        sys.exit(1 if bench.failed else 0)
    baselines = bench.baselines()
    if bench.gateway:
        bench.tls()
        bench.report("gateway: /health, no database", bench.wrk("path", {"BENCH_PATH": "/health"}))
    for snapshots in sizes:
        bench.sizes(snapshots, baselines)
    if not commit_cost.report(sizes, bench.make_tables, options.warehouse):
        bench.failed = True
    sys.exit(1 if bench.failed else 0)


main()
