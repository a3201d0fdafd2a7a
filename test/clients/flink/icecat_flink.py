"""What the Flink suite shares: one JVM that runs Flink's SQL (FlinkSql.java), in a database of the test's own.

SPDX-License-Identifier: PostgreSQL
"""

import json
import os
import pathlib
import subprocess
import threading

import icecat_client as client

LIMIT_S = 200  # for one statement
HERE = pathlib.Path(__file__).resolve().parent
ABC = [[1, "a"], [2, "b"], [3, "c"]]  # the rows of fixture people
# Flink opens these packages itself where its own scripts start it: its serializer looks into them.
OPENED = ("java.lang", "java.net", "java.io", "java.nio", "java.text", "java.time", "java.util", "java.util.concurrent",
          "java.util.concurrent.atomic", "java.util.concurrent.locks", "sun.nio.ch", "sun.nio.fs")
JVM = ("-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPENED))


class Refused(Exception):
    """What Flink said, and why."""


class Flink:
    def __init__(self, folder):
        self.log = (folder / "flink.log").open("wb")
        self.process = subprocess.Popen(
            ["java", *JVM, f"-Djava.io.tmpdir={folder}", "-cp", os.environ["ICECAT_FLINK_JARS"] + "/*", str(HERE / "FlinkSql.java")],
            cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, encoding="utf-8")
        self.mode("batch")

    def command(self, verb, rest):
        hangs = threading.Timer(LIMIT_S, self.process.kill)
        hangs.start()
        self.process.stdin.write(f"{verb} {' '.join(rest.split())}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        hangs.cancel()
        if not line:
            raise RuntimeError("Flink ended; see " + self.log.name)
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["rows"]

    def mode(self, mode, **options):
        """A new environment with the catalog attached, and options, whose dots are spelled as __ here."""
        self.command("mode", mode)
        for key, value in {"parallelism__default": "1", "restart-strategy__type": "none", **options}.items():
            self.command("set", f"{key.replace('__', '.')}={value}")
        self.attach("lake", client.WAREHOUSE)

    def attach(self, name, warehouse, **more):
        """A catalog of this environment: a warehouse of the REST catalog."""
        options = {"type": "iceberg", "catalog-type": "rest", "uri": client.URL, "warehouse": warehouse, "cache-enabled": "false", **more}
        told = ", ".join(f"'{key}' = '{value}'" for key, value in options.items())
        self.command("sql", f"CREATE CATALOG {name} WITH ({told})")

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Lake:
    """SQL by Flink in a database of the test's own; {d} stands for the database, {t} for table t in it."""

    def __init__(self, flink, database, catalog="lake"):
        self.flink = flink
        self.database = database
        self.catalog = catalog

    def sql(self, text, verb="sql"):
        return self.flink.command(verb, text.replace("{t}", "{d}.t").replace("{d}", f"{self.catalog}.`{self.database}`"))

    def run(self, *statements):
        for statement in statements:
            self.sql(statement)

    def tables(self):
        return sorted(name for (name,) in self.sql("SHOW TABLES IN {d}"))

    def rows(self, more=""):
        """All rows of table t, sorted."""
        return sorted(self.sql("SELECT * FROM {t}" + more), key=lambda row: row[0])
