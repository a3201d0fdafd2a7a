"""What the servers of a benchmark used: CPU time of each process, WAL; and what is still to do."""
# SPDX-License-Identifier: PostgreSQL
import os
import re
import subprocess
import time

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
LOOK_S = 0.05
DRAIN_S_MAX = 300
QUEUED = "SELECT (SELECT count(*) FROM icecat_data.metadata_task WHERE attempts = 0) + (SELECT count(*) FROM icecat_data.event_pending);"
FAILING = "SELECT count(*) || ' ' || max(last_error) FROM icecat_data.metadata_task WHERE attempts > 0;"
VERSIONS = ("SELECT coalesce(sum(h.version), 0) FROM icecat_data.table_head AS h JOIN icecat_data.warehouse AS w USING (warehouse_id) "
            "WHERE w.name = '%s';")
TABLES = ("SELECT count(*) FROM icecat_data.relation AS r JOIN icecat_data.warehouse AS w USING (warehouse_id) "
          "WHERE w.name = '%s' AND r.dropped_at IS NULL;")


def read(path):
    """The text of a file of /proc, or None where the process is gone."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def cpu_ns(pid):
    """CPU time of a process; 0 if there is none."""
    text = read(f"/proc/{pid}/schedstat")
    return int(text.split()[0]) if text else 0


def reaped_ns(pid):
    """CPU time of the children that a process has waited for."""
    fields = read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) * TICK_NS


class Servers:
    """A postmaster, a gateway, and a session that asks."""

    def __init__(self, options, session):
        self.options = options
        self.session = session
        self.workers = {}       # by pid: CPU when it was last seen. One that has ended is among the reaped

    def kind(self, pid):
        """Which column a child of the postmaster is counted in."""
        title = read(f"/proc/{pid}/cmdline") or ""
        if "icecat" in title and "worker" in title:
            return "worker"
        if re.search(r"postgres: (\S+: )?(checkpointer|background writer|walwriter|autovacuum|logical replication|archiver|stats|io worker)", title):
            return "other"
        return "backends"

    def cpu(self):
        """CPU time so far in ns: gateway, backends (ended ones, too), worker, other processes of PostgreSQL."""
        postmaster = self.options.postmaster_pid
        while True:
            before = reaped_ns(postmaster)
            used = {"gateway": cpu_ns(self.options.gateway_pid), "backends": before, "worker": 0, "other": cpu_ns(postmaster)}
            for name in os.listdir("/proc"):
                stat = read(f"/proc/{name}/stat") if name.isdigit() else None
                if stat and stat.rsplit(")", 1)[1].split()[1] == str(postmaster) and int(name) != self.session.pid:
                    used[self.kind(name)] += cpu_ns(name)
                    if self.kind(name) == "worker":
                        self.workers[name] = cpu_ns(name)
            if reaped_ns(postmaster) == before:
                ended = sum(self.workers.values()) - used["worker"]
                used["worker"] += ended
                used["backends"] -= ended
                return used

    def wal(self):
        return self.session.ask("SELECT pg_current_wal_insert_lsn();")

    def wal_bytes(self, begin, end):
        """Bytes of records between two places, without full-page images."""
        self.session.ask("SELECT pg_logical_emit_message(true, 'bench', '') IS NOT NULL;")
        done = subprocess.run([self.options.waldump, "--stats", "--path", self.options.wal_folder, "--start", begin, "--end", end],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        total = re.search(r"^Total +(\d+) +(\d+) ", done.stdout, re.MULTILINE)
        if total is None:
            raise RuntimeError("pg_waldump: " + done.stdout[-500:])
        return int(total.group(2))

    def drain(self):
        """Until the worker has nothing more to do, apart from what failed."""
        end = time.monotonic() + DRAIN_S_MAX
        while self.session.ask(QUEUED) != "0":
            if time.monotonic() > end:
                raise RuntimeError("the worker does not come to an end")
            time.sleep(LOOK_S)

    def versions(self, warehouse):
        """The sum of the versions of a warehouse's tables: one more with each commit."""
        return int(self.session.ask(VERSIONS % warehouse))

    def tables(self, warehouse):
        return int(self.session.ask(TABLES % warehouse))

    def around(self, work):
        """Does work(), which returns a measurement, and adds what it used until the worker was through with it."""
        self.drain()
        begin, before = self.wal(), self.cpu()
        found = work()
        self.drain()
        after, end = self.cpu(), self.wal()
        each = found["landed"] or found["done"]
        found["cpu_ms"] = {name: (after[name] - before[name]) / 1e6 / each if each else 0 for name in after}
        found["wal_bytes"] = self.wal_bytes(begin, end) / each if found["landed"] else None
        return found
