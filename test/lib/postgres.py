"""A throw-away PostgreSQL in a folder, on a socket there.

As root, the server runs as user postgres, or nobody. Only processes started here are ended.
"""
# SPDX-License-Identifier: PostgreSQL
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time

from expectations import wait_until

HOLD = "SELECT pg_advisory_xact_lock_shared(1)"


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


class Postgres:
    """Made of the PostgreSQL that pg_config belongs to; settings are lines of postgresql.conf."""

    superuser = "postgres"

    def __init__(self, pg_config, folder, superuser="postgres", settings=()):
        self.bin = subprocess.check_output([pg_config, "--bindir"], text=True).strip()
        self.user = server_user()
        self.superuser = superuser
        self.dir = folder
        self.data = os.path.join(folder, "data")
        self.dsn = "host=%s port=5432 user=%s dbname=postgres" % (folder, superuser)
        if self.user:
            shutil.chown(folder, self.user)
        os.chmod(folder, 0o755)
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", superuser, "-E", "UTF8", "--no-locale", "--no-sync")
        with open(os.path.join(self.data, "postgresql.conf"), "a") as conf:
            conf.write("port = 5432\nlisten_addresses = ''\nunix_socket_directories = '%s'\n" % folder)
            for line in settings:
                conf.write(line + "\n")
        self.start()

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

    def log_text(self):
        with open(os.path.join(self.dir, "log"), errors="replace") as file:
            return file.read()

    def keep_log(self):
        """Copies the whole log to the folder ICECAT_LOGS, where there is one (./check --keep leaves it behind)."""
        if os.environ.get("ICECAT_LOGS"):
            shutil.copy(os.path.join(self.dir, "log"), os.path.join(os.environ["ICECAT_LOGS"], os.path.basename(self.dir) + ".server.log"))

    # -- SQL

    def psql_command(self, database="postgres"):
        return [os.path.join(self.bin, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                "-h", self.dir, "-p", "5432", "-U", self.superuser, "-d", database]

    def sql(self, text, database="postgres", check=True):
        """Output of a script; each statement is a transaction of its own."""
        result = subprocess.run(self.psql_command(database), input=text, text=True, check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check and result.returncode != 0:
            raise RuntimeError("%s\n%s" % (text, result.stderr))
        return result.stdout.strip() if result.returncode == 0 else result.stderr.strip()

    @contextlib.contextmanager
    def held(self):
        """Who takes that lock, as HOLD does, waits until the end of this."""
        with subprocess.Popen(self.psql_command(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as holder:
            holder.stdin.write(b"SELECT pg_advisory_lock(1);\n")
            holder.stdin.flush()
            wait_until(lambda: self.locks(True) == 1, "the lock is held")
            yield
            holder.stdin.close()        # which ends the session

    def locks(self, granted):
        return int(self.sql(f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND granted = {granted}"))

    def wait_held(self, count):
        """Until so many calls wait for the end of held()."""
        wait_until(lambda: self.locks(False) == count, f"{count} calls are held", 30)
