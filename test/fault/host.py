"""A private PostgreSQL, a gateway before it, and a warehouse on a small file system of its own where that is allowed."""
# SPDX-License-Identifier: PostgreSQL
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

import cluster

HERE = os.path.dirname(os.path.abspath(__file__))

TMPFS_SIZE = "160m"
HEALTHY_WAIT_S = 60
QUEUE_WAIT_S = 90
POSTMASTER_CHILDREN_WAIT_S = 10
LOG_LINES = 40
WAREHOUSE = "w"
NAMESPACE = "ns"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_ready(port):
    """Until a gateway says that it is ready."""
    end = time.monotonic() + HEALTHY_WAIT_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/ready")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.05)
    raise RuntimeError("the gateway does not get ready")


def send(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class Host(cluster.Cluster):
    def __init__(self, settings=()):
        self.gateway = None
        self.gateway_port = free_port()
        self.is_tmpfs = False
        self.has_shim = False
        super().__init__(["autovacuum_naptime = 10", "max_connections = 200", *settings])
        self.make_warehouse(WAREHOUSE)

    # -- PostgreSQL

    def run(self, program, *args, **more):
        result = super().run(program, *args, **more)
        if program == "initdb":
            self._mount()
            self._build_shim()
        return result

    def start(self):
        """With the shim preloaded into the server, but not into what this process starts otherwise."""
        log = os.path.join(self.dir, "log")
        env = dict(os.environ)
        if self.has_shim:
            env.update(LD_PRELOAD=os.path.join(self.dir, "fsync_shim.so"),
                       ICECAT_FAULT_FSYNC_FLAG=self.fsync_flag, ICECAT_FAULT_FSYNC_UNDER=self.files)
        subprocess.run([os.path.join(self.bin, "pg_ctl"), "-D", self.data, "-l", log, "-w", "start"],
                       user=self.user, check=True, cwd=self.dir, stdout=subprocess.DEVNULL, env=env)

    def _mount(self):
        """run puts root into a mount namespace of its own: the mount ends with us."""
        if not self.user or subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=%s,mode=0755" % TMPFS_SIZE, "icecat", self.files],
                stderr=subprocess.DEVNULL).returncode:
            return
        self.is_tmpfs = True
        shutil.chown(self.files, self.user)

    def _build_shim(self):
        self.fsync_flag = os.path.join(self.dir, "fsync_fails")
        compiler = shutil.which("cc")
        self.has_shim = compiler is not None and subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", os.path.join(self.dir, "fsync_shim.so"),
             os.path.join(HERE, "fsync_shim.c"), "-ldl"], stderr=subprocess.DEVNULL).returncode == 0

    def kill_postmaster_only(self):
        """kill -9 of the postmaster: its children notice and end by themselves. Starts it again."""
        pid = self.postmaster_pid()
        children = cluster.children_of(pid)
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + POSTMASTER_CHILDREN_WAIT_S
        while any(cluster.is_alive(child) for child in children) and time.monotonic() < end:
            time.sleep(0.02)
        left = [child for child in children if cluster.is_alive(child)]
        for child in left:
            send(child, signal.SIGKILL)
        while cluster.is_alive(pid) or any(cluster.is_alive(child) for child in left):
            time.sleep(0.02)
        for stale in (os.path.join(self.data, "postmaster.pid"), os.path.join(self.dir, ".s.PGSQL.5432.lock")):
            with contextlib.suppress(FileNotFoundError):
                os.remove(stale)
        self.start()
        return len(left)

    def gateway_backends(self):
        """Pids of the gateway's connections, those with a call under way first."""
        rows = self.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
                        "AND pid <> pg_backend_pid() AND application_name <> 'psql' "
                        "ORDER BY state = 'active' DESC, random()", check=False)
        return [int(row) for row in rows.split() if row.isdigit()]

    def wait_no_calls(self):
        """Backends that lost their client still finish what they do."""
        return self.wait_sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
                             "AND pid <> pg_backend_pid() AND state <> 'idle'", "0")

    # -- the gateway

    def start_gateway(self, dsn_host=None, dsn_port=5432):
        if dsn_host is None:
            dsn_host = self.dir
        conf = os.path.join(self.dir, "gateway.conf")
        with open(conf, "w") as file:
            file.write("listen = 127.0.0.1\nport = %d\naccess_log = off\nreconnect_delay_max_ms = 500\n"
                       "dsn = host=%s port=%d dbname=postgres user=postgres sslmode=disable gssencmode=disable\n"
                       % (self.gateway_port, dsn_host, dsn_port))
        self.dsn = (dsn_host, dsn_port)
        with open(os.path.join(self.dir, "gateway.log"), "a") as log:
            self.gateway = subprocess.Popen([os.environ["ICECAT_FAULT_GATEWAY"], "--config", conf], user=self.user,
                                            cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def gateway_metric(self, name):
        """0 where it has none, or does not answer."""
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.gateway_port, timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            return 0
        return next((int(float(line.split()[1])) for line in text.splitlines() if line.startswith(name + " ")), 0)

    def restart_gateway(self):
        self.start_gateway(*self.dsn)

    def stop_gateway(self, number=signal.SIGTERM):
        if self.gateway is None:
            return
        send(self.gateway.pid, number)
        try:
            self.gateway.wait(20)
        except subprocess.TimeoutExpired:
            self.gateway.kill()
            self.gateway.wait()
        self.gateway = None

    def wait_healthy(self):
        """The gateway says that it is ready, and the database answers."""
        end = time.monotonic() + HEALTHY_WAIT_S
        while time.monotonic() < end:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.gateway_port, timeout=10)
                connection.request("GET", "/ready")
                status = connection.getresponse().status
                connection.close()
                if status == 200 and self.sql("SELECT 1", check=False) == "1":
                    return True
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        return False

    def wait_queue(self):
        """A session that only reads is enough to start a worker again."""
        self.sql("SELECT icecat.table_exists('%s', '{%s}', 'any')" % (WAREHOUSE, NAMESPACE))
        return self.wait_sql("SELECT count(*) FROM icecat_data.metadata_task", "0", seconds=QUEUE_WAIT_S)

    def log_tail(self):
        """The end of the server's log, without the many commits that lost."""
        lost = ("Requirement failed", "STATEMENT:")
        return [line for line in self.log_text().splitlines() if not any(word in line for word in lost)][-LOG_LINES:]

    def close(self):
        self.stop_gateway(signal.SIGKILL)
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop", check=False)
        if self.is_tmpfs:
            subprocess.run(["umount", "-l", self.files], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)


class Rest:
    """One client of the gateway, with a connection that is kept open; every failure to get an answer is OSError."""

    TIMEOUT_S = 40

    def __init__(self, port):
        self.port = port
        self.connection = None

    def call(self, method, path, body=None, headers=()):
        """Status and body of the answer."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.TIMEOUT_S)
            data = None if body is None else json.dumps(body)
            self.connection.request(method, "/v1" + path, data, {**({"Content-Type": "application/json"} if data else {}), **dict(headers)})
            answer = self.connection.getresponse()
            content = answer.read()
            if answer.will_close:
                self.close()
            return answer.status, content
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise OSError("%s: %s" % (type(error).__name__, error)) from error

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def table_path(table):
    return "/%s/namespaces/%s/tables/%s" % (WAREHOUSE, NAMESPACE, table)


def create_table(rest, table, properties=None):
    """Answer of the catalog, parsed."""
    status, content = rest.call("POST", "/%s/namespaces/%s/tables" % (WAREHOUSE, NAMESPACE), {
        "name": table, "properties": properties or {},
        "schema": {"type": "struct", "fields": [{"id": 1, "name": "x", "type": "long", "required": False}]}})
    if status != 200:
        raise RuntimeError("create %s: %d %s" % (table, status, content[:300]))
    return json.loads(content)


def append_request(snapshot, parent, sequence):
    """A commit that appends: a snapshot, and main set to it if it still is at the parent (None: no main yet)."""
    new = {"snapshot-id": snapshot, "sequence-number": sequence, "timestamp-ms": int(time.time() * 1000),
           "summary": {"operation": "append"}, "manifest-list": "file:///none/snap-%d.avro" % snapshot, "schema-id": 0}
    if parent is not None:
        new["parent-snapshot-id"] = parent
    return {
        "requirements": [{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": parent}],
        "updates": [{"action": "add-snapshot", "snapshot": new},
                    {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": snapshot}]}
