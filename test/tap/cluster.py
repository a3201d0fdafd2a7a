"""A throw-away PostgreSQL with icecat for the restart and crash tests, and TAP output.

Uses the installation that PG_CONFIG (default: pg_config) names; icecat must be installed there. As root,
the server runs as user postgres, or nobody. Everything lives in one temporary directory, which is
removed at the end; only processes started here are ended.
"""
# SPDX-License-Identifier: PostgreSQL
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

WAIT_S = 30
NOTE_CHARS = 1500


def server_user():
    """The user to run the server as: None means ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise SystemExit("Bail out! root cannot run PostgreSQL, and there is no user postgres or nobody")


def is_alive(pid):
    """False for a zombie, which nobody may have collected in a container."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(parent):
    """Pids of the processes that a process has started."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open("/proc/%d/stat" % int(name)) as file:
                if int(file.read().rsplit(")", 1)[1].split()[1]) == parent:
                    found.append(int(name))
        except (ValueError, OSError):
            continue
    return found


class Cluster:
    def __init__(self, settings=(), databases=("postgres",)):
        config = os.environ.get("PG_CONFIG", "pg_config")
        self.bin = subprocess.check_output([config, "--bindir"], text=True).strip()
        self.user = server_user()
        self.dir = tempfile.mkdtemp(prefix="icecat_tap_")
        self.files = os.path.join(self.dir, "files")
        self.data = os.path.join(self.dir, "data")
        os.mkdir(self.files)
        if self.user:
            for path in (self.dir, self.files):
                shutil.chown(path, self.user)
        os.chmod(self.dir, 0o755)
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale", "--no-sync")
        with open(os.path.join(self.data, "postgresql.conf"), "a") as conf:
            conf.write("port = 5432\nlisten_addresses = ''\nunix_socket_directories = '%s'\n" % self.dir)
            conf.write("shared_buffers = 16MB\nicecat.file_roots = '%s'\n" % self.files)
            for line in settings:
                conf.write(line + "\n")
        self.start()
        for database in databases:
            if database != "postgres":
                self.sql("CREATE DATABASE " + database)
            self.sql("CREATE EXTENSION icecat", database)

    # -- processes

    def run(self, program, *args, check=True, **more):
        return subprocess.run(
            [os.path.join(self.bin, program), *args], user=self.user, check=check, cwd=self.dir,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)

    def start(self):
        log = os.path.join(self.dir, "log")
        subprocess.run(
            [os.path.join(self.bin, "pg_ctl"), "-D", self.data, "-l", log, "-w", "start"],
            user=self.user, check=True, cwd=self.dir, stdout=subprocess.DEVNULL)

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def postmaster_pid(self):
        with open(os.path.join(self.data, "postmaster.pid")) as file:
            return int(file.readline())

    def kill_postmaster(self):
        """kill -9 of the postmaster, then of its children, as a power failure does; starts again."""
        pid = self.postmaster_pid()
        children = children_of(pid)
        os.kill(pid, signal.SIGKILL)
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        while is_alive(pid) or any(is_alive(child) for child in children):
            time.sleep(0.05)
        for stale in (os.path.join(self.data, "postmaster.pid"),  # a zombie would count as running
                      os.path.join(self.dir, ".s.PGSQL.5432.lock")):
            if os.path.exists(stale):
                os.remove(stale)
        self.start()

    def close(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop", check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def log_text(self):
        with open(os.path.join(self.dir, "log"), errors="replace") as file:
            return file.read()

    # -- SQL

    def psql_command(self, database):
        return [os.path.join(self.bin, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                "-h", self.dir, "-p", "5432", "-U", "postgres", "-d", database]

    def sql(self, text, database="postgres", check=True):
        """Output of a script; each statement is a transaction of its own."""
        result = subprocess.run(self.psql_command(database), input=text, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check and result.returncode != 0:
            raise RuntimeError("%s\n%s" % (text, result.stderr))
        return result.stdout.strip() if result.returncode == 0 else result.stderr.strip()

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
            print("# " + "\n# ".join(cluster.log_text().splitlines()[-60:]))
        cluster.close()
    tap.finish()
