"""A throw-away PostgreSQL with icecat; and TAP, for files of the old form (see icecat_pytest.py).

Uses the installation that PG_CONFIG (default: pg_config) names; icecat must be installed there. Everything lives in one
temporary folder, which is removed at the end.
"""
# SPDX-License-Identifier: PostgreSQL
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from postgres import Postgres, children_of, is_alive, server_user  # noqa: F401  pylint: disable=unused-import

WAIT_S = 30
NOTE_CHARS = 1500
LOG_LINES = 20


class Cluster(Postgres):
    def __init__(self, settings=(), databases=("postgres",)):
        folder = tempfile.mkdtemp(prefix="icecat_tap_")
        self.files = os.path.join(folder, "files")
        os.mkdir(self.files)
        self.user = server_user()
        if self.user:
            shutil.chown(self.files, self.user)
        super().__init__(os.environ.get("PG_CONFIG", "pg_config"), folder, settings=[
            "shared_buffers = 16MB", "icecat.file_roots = '%s'" % self.files, *settings])
        for database in databases:
            if database != "postgres":
                self.sql("CREATE DATABASE " + database)
            self.sql("CREATE EXTENSION icecat", database)

    def close(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop", check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def freeze(self, pid):
        """Stops a worker while it waits for its latch. Stopped anywhere else it could hold a lock that
        every session needs, such as the one of the write-ahead log."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            os.kill(pid, signal.SIGSTOP)
            wait = subprocess.Popen(self.psql_command("postgres"), stdin=subprocess.PIPE, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            try:
                found = wait.communicate("SELECT wait_event_type FROM pg_stat_activity WHERE pid = %d"
                                         % pid, timeout=2)[0].strip()
            except subprocess.TimeoutExpired:
                found = ""
            if found == "Extension":
                return
            os.kill(pid, signal.SIGCONT)
            wait.wait()
            time.sleep(0.05)
        raise RuntimeError("worker %d never waits for its latch" % pid)

    def spawn(self, text, database="postgres"):
        """A script that runs beside us: a Popen."""
        process = subprocess.Popen(self.psql_command(database), stdin=subprocess.PIPE, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(text)
        process.stdin.close()
        process.stdin = None
        return process

    def wait_sql(self, text, expected, database="postgres", seconds=WAIT_S):
        """Asks until the answer is as expected; True if it came to be."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.sql(text, database, check=False) == expected:
                return True
            time.sleep(0.1)
        return False

    # -- icecat

    def make_warehouse(self, name="w", database="postgres"):
        self.sql("SELECT icecat.create_warehouse('%s', 'file://%s/%s');"
                 "SELECT icecat.create_namespace('%s', '{ns}')" % (name, self.files, name, name), database)

    def allow_overlap(self, *warehouses):
        """Tables may lie in each other's folders, as in a catalog from before 0.2.0."""
        for name in warehouses:
            self.sql("SELECT icecat.alter_warehouse('%s', p_updates => '{\"icecat.location-overlap\": \"allow\"}')" % name)

    def create_table_sql(self, table, warehouse="w", extra=""):
        return ("SELECT icecat.create_table('%s', '{ns}', '%s', '{\"type\":\"struct\",\"fields\":"
                "[{\"id\":1,\"name\":\"x\",\"type\":\"long\",\"required\":false}]}'%s) IS NOT NULL;\n"
                % (warehouse, table, extra))

    def property_commit_sql(self, table, key, value, warehouse="w"):
        return ("SELECT icecat.commit_table('%s', '{ns}', '%s', '[]', "
                "'[{\"action\":\"set-properties\",\"updates\":{\"%s\":\"%s\"}}]') IS NOT NULL;\n"
                % (warehouse, table, key, value))

    def changed_table_sql(self, table, warehouse="w"):
        """A new table, whose first file is written at once, and a commit, whose file is queued."""
        return self.create_table_sql(table, warehouse) + self.property_commit_sql(table, "k", "v", warehouse)

    def worker_pid(self, database="postgres"):
        pid = self.sql("SELECT pid FROM icecat.worker_status()", database)
        return int(pid) if pid else None

    def wait_worker(self, database="postgres"):
        self.sql("SELECT icecat.start_worker()", database)
        self.wait_sql("SELECT pid IS NOT NULL FROM icecat.worker_status()", "t", database)
        return self.worker_pid(database)

    def queue_is_empty(self, database="postgres"):
        return self.wait_sql("SELECT count(*) FROM icecat_data.metadata_task", "0", database)

    def metadata_paths(self, database="postgres"):
        """Files that live tables and their logs refer to."""
        rows = self.sql("SELECT file FROM icecat.metadata_files", database)
        return [row[len("file://"):] for row in rows.splitlines()]


class Tap:
    """ok/not ok lines, and the exit status."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, condition, name, note=None):
        self.count += 1
        if not condition:
            self.failed += 1
        print("%sok %d - %s" % ("" if condition else "not ", self.count, name), flush=True)
        if not condition and note is not None:
            print("# " + str(note)[:NOTE_CHARS].replace("\n", "\n# "), flush=True)
        return bool(condition)

    def equal(self, found, expected, name):
        return self.ok(found == expected, name, "expected %r, found %r" % (expected, found))

    def finish(self):
        print("1..%d" % self.count, flush=True)
        sys.exit(1 if self.failed else 0)


def main(test, settings=(), databases=("postgres",)):
    """Runs test(cluster, tap) on a new cluster, shows the server's log if something failed."""
    tap = Tap()
    cluster = Cluster(settings, databases)
    try:
        test(cluster, tap)
    except Exception as error:  # a test that broke is a failed test
        tap.ok(False, "runs to its end", "%s: %s" % (type(error).__name__, error))
    finally:
        if tap.failed:
            print("# " + "\n# ".join(cluster.log_text().splitlines()[-LOG_LINES:]))
            cluster.keep_log()
        cluster.close()
    tap.finish()
