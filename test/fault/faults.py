"""Rounds of faults: clients commit, something is killed, stopped, cut or filled, then everything is counted.

tests_faults.py runs them. A round fails on any violation: a commit that was acknowledged and is not there
exactly once, an unknown one there twice, a refused one there, a gap, a file that differs from the answer, an
answer that the kind of fault does not allow, or no commit after the fault.
"""
# SPDX-License-Identifier: PostgreSQL
import contextlib
import os
import random
import shutil
import signal
import subprocess
import threading
import time

import clients
import host
import proxy

TABLES = 3
WRITERS = 4  # each on one table at a time
TRANSACTION_WRITERS = 1  # each on two tables at once
BEFORE_S = (0.25, 0.6)
AFTER_S = 0.4
STOPPED_S = (0.5, 1.2)
FIRST_COMMIT_WAIT_S = 30
END_WAIT_S = 60


# ---- the faults: each does one thing, and leaves what it broke repaired -----------------------------------

def kill_backend(server):
    for pid in server.gateway_backends()[:1]:
        host.send(pid, signal.SIGKILL)


def terminate(server):
    for _ in range(4):
        server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' "
                   "AND pid <> pg_backend_pid() AND application_name <> 'psql'", check=False)
        time.sleep(random.uniform(0.02, 0.2))


def kill_postmaster(server):
    if random.random() < 0.5:
        server.kill_postmaster_only()
    else:
        server.kill_postmaster()


def kill_worker(server):
    pid = server.wait_worker()
    if pid:
        host.send(pid, signal.SIGKILL)


def kill_gateway(server):
    server.stop_gateway(signal.SIGKILL)
    time.sleep(random.uniform(0, 0.2))
    server.restart_gateway()


def kill_together(server):
    """Gateway, postmaster, worker and backends at one moment."""
    host.send(server.gateway.pid, signal.SIGKILL)
    server.kill_postmaster()
    kill_gateway(server)


@contextlib.contextmanager
def stopped(pid):
    host.send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        host.send(pid, signal.SIGCONT)


def stop_gateway(server):
    with stopped(server.gateway.pid):
        time.sleep(random.uniform(*STOPPED_S))


def stop_postmaster(server):
    """No new connection meanwhile: some of the pool's are ended so that it needs some."""
    with stopped(server.postmaster_pid()):
        for pid in random.sample(server.backend_pids, min(3, len(server.backend_pids))):
            host.send(pid, signal.SIGTERM)
        time.sleep(random.uniform(*STOPPED_S))


def stop_worker(server):
    pid = server.wait_worker()
    if pid:
        with stopped(pid):
            time.sleep(random.uniform(*STOPPED_S))


def stop_backend(server):
    """One that may hold the lock of a table."""
    pids = server.gateway_backends()
    if pids:
        with stopped(pids[0]):
            time.sleep(random.uniform(*STOPPED_S))


def cut(server):
    for mode in random.sample(proxy.MODES, len(proxy.MODES)):
        server.proxy.arm(mode)
        time.sleep(random.uniform(0.1, 0.25))


def fill_disk(server):
    if not server.is_tmpfs:
        return forbid_writing(server)
    filler = os.path.join(server.files, "filler")
    with open(filler, "wb", buffering=0) as file:
        try:
            for chunk in (bytes(1 << 20), bytes(4096)):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(chunk)
            wait_failing(server)
        finally:
            os.remove(filler)


def forbid_writing(server):
    """The stand-in where nothing may be mounted."""
    folders = [os.path.join(folder, "metadata") for folder, names, _ in os.walk(server.files) if "metadata" in names]
    modes = [("0500", wait_failing), ("0755", None)]
    for mode, then in modes:
        subprocess.run(["chmod", mode, *folders], user=server.user, check=True)
        if then:
            then(server)


def fail_fsync(server):
    with open(server.fsync_flag, "w"):
        pass
    try:
        wait_failing(server)
    finally:
        os.remove(server.fsync_flag)


def wait_failing(server):
    """The fault must be seen: the worker says that a task fails."""
    if not server.wait_sql("SELECT failing > 0 FROM icecat.worker_status()", "t", seconds=10):
        raise RuntimeError("no file task failed: the fault did not take hold")
    time.sleep(random.uniform(*STOPPED_S))


# kind -> (what is done, may commits end unknown and services be away?)
KINDS = {
    "backend": (kill_backend, True),
    "terminate": (terminate, True),
    "postmaster": (kill_postmaster, True),
    "worker": (kill_worker, True),  # PostgreSQL restarts all its processes when one was killed
    "gateway": (kill_gateway, True),
    "together": (kill_together, True),
    "stop-gateway": (stop_gateway, False),
    "stop-postmaster": (stop_postmaster, True),
    "stop-worker": (stop_worker, False),
    "stop-backend": (stop_backend, False),
    "cut": (cut, True),
    "disk": (fill_disk, False),
    "fsync": (fail_fsync, False),
    "none": (lambda server: None, False),
}
# Here the worker lives and can write: whoever is told a location can read the file, but for the answers that the gateway
# counts as given up. (A gateway that is killed takes its count along.)
FILES_COME = {"none", "stop-gateway", "stop-backend", "cut"}
ALLOWED_ALWAYS = {("commit", 409, "CommitFailedException")}
ALLOWED_IN_FAULTS = {
    ("repeat", 500, clients.UNKNOWN_TYPE), ("repeat", 503, "SlowDownException"), ("repeat", "connection", "?"),
    ("repeat", 503, "ServiceUnavailableException"),
    ("commit", 500, clients.UNKNOWN_TYPE), ("commit", 503, "SlowDownException"),
    ("commit", "connection", "?"), ("load", "connection", ""), ("load", 503, "SlowDownException")}


# ---- a round --------------------------------------------------------------------------------------------------

def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def run_clients(server, kind, number, keyed=False):
    """Clients commit to new tables, and the fault happens. What they were told, and what went wrong meanwhile."""
    fault, _ = KINDS[kind]
    rest = host.Rest(server.gateway_port)
    tables = ["%s_%d_%d" % (kind.replace("-", "_"), number, i) for i in range(TABLES)]
    for table in tables:
        host.create_table(rest, table)
    rest.close()
    notes = clients.Notes(tables)
    stop = threading.Event()
    writers = [clients.Writer(server.gateway_port, notes, stop, i >= WRITERS, keyed)
               for i in range(WRITERS + TRANSACTION_WRITERS)]
    server.backend_pids = server.gateway_backends()
    given_up = server.gateway_metric("icecat_metadata_waits_given_up_total")
    broken = []
    for writer in writers:
        writer.start()
    try:
        time.sleep(random.uniform(*BEFORE_S))
        fault(server)
        if not server.wait_healthy():
            broken.append("not healthy again")
        before = notes.acknowledged_count
        if not wait_for(lambda: notes.acknowledged_count > before, FIRST_COMMIT_WAIT_S):
            broken.append("no commit succeeded after the fault")
        time.sleep(AFTER_S)
    except Exception as error:
        broken.append("%s: %s" % (type(error).__name__, error))
    stop.set()
    for writer in writers:
        writer.join(END_WAIT_S)
        if writer.is_alive():
            broken.append("a client did not end")
    if not server.wait_healthy() or not server.wait_no_calls() or not server.wait_queue():
        broken.append("no rest: " + server.sql("SELECT * FROM icecat.worker_status()", check=False))
    notes.given_up = server.gateway_metric("icecat_metadata_waits_given_up_total") - given_up
    if kind in FILES_COME and len(notes.unreadable) > notes.given_up:
        broken.append("%d locations could not be read when they were told, %d given up: %s"
                      % (len(notes.unreadable), notes.given_up, notes.unreadable[:3]))
    return notes, broken


def run_round(server, kind, number, keyed):
    """Notes and verdict of one round, on new tables."""
    notes, broken = run_clients(server, kind, number, keyed)
    verdict = clients.verify(server, notes)
    verdict.violations += broken
    judge_errors(kind, notes, verdict)
    if keyed:
        unknown = sum(len(snapshots) for snapshots in notes.unknown.values())
        verdict.demand(unknown == 0, "with keys nothing stays unknown: %d" % unknown)
    forget_tables(server, notes.tables)
    return notes, verdict


def judge_errors(kind, notes, verdict):
    allowed = ALLOWED_ALWAYS | (ALLOWED_IN_FAULTS if KINDS[kind][1] else set())
    for error, count in notes.errors.items():
        verdict.demand(error in allowed, "answers that this fault does not allow: %s, %d times" % (error, count))


def forget_tables(server, tables):
    for table in tables:
        location = server.sql("SELECT location FROM icecat.tables WHERE table_name = '%s'" % table)
        server.sql("SELECT icecat.drop_table('%s', '{%s}', '%s')" % (host.WAREHOUSE, host.NAMESPACE, table))
        shutil.rmtree(location[len("file://"):], ignore_errors=True)


def point_gateway(server, kind):
    """Cuts need the proxy between gateway and database; the other kinds do without."""
    wanted = ("127.0.0.1", server.proxy.port) if kind == "cut" else (server.dir, 5432)
    if server.gateway is None or server.dsn != wanted:
        server.stop_gateway()
        server.start_gateway(*wanted)
    if not server.wait_healthy():
        raise RuntimeError("the gateway does not get ready")


# ---- does the counting see what it must? --------------------------------------------------------------------

def plants(server, notes):
    """What is planted, how, and a word of the violation that must follow."""
    table = notes.tables[0]
    there = next(iter(notes.acknowledged[table]))
    row = "warehouse_id = (SELECT warehouse_id FROM icecat.tables WHERE table_name = '%s') AND table_id = " \
        "(SELECT table_id FROM icecat.tables WHERE table_name = '%s')" % (table, table)
    path = server.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = '%s'" % table)[len("file://"):]

    def change_file(old, new):
        with open(path) as file:
            text = file.read()
        with open(path, "w") as file:
            file.write(text.replace(old, new, 1))

    yield "an acknowledged snapshot that is not there", lambda: notes.acknowledged[table].update({1: True}), "0 times"
    yield "a refused one that is there", lambda: notes.refused[table].add(there), "refused"
    yield "half a transaction", lambda: notes.pairs.append([(table, there), (table, 2)]), "halves"
    yield "a file that says something else", lambda: change_file("format-version", "format-versioN"), "differs"
    yield "a changed sequence number", lambda: server.sql(
        "UPDATE icecat_data.table_part SET body = regexp_replace(body::text, '(\"sequence-number\": ?)1,', '\\12,')::json "
        "WHERE %s AND body::text ~ '\"snapshot-id\".*\"sequence-number\": ?1,'"
        % row), "sequence numbers"
    yield "a lost event", lambda: server.sql(
        "DELETE FROM icecat_data.event WHERE name = '%s' AND version = 2" % table), "events"
