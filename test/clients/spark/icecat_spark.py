"""What the Spark suite shares: SQL by Spark, and what the catalog's SQL views say of the same table.

SPDX-License-Identifier: PostgreSQL
"""

import os
import pathlib
import urllib.parse

URL = os.environ.get("ICECAT_URL", "http://127.0.0.1:8181").rstrip("/")
WAREHOUSE = os.environ.get("ICECAT_WAREHOUSE", "demo")
CATALOG = "lake"
ABC = [(1, "a"), (2, "b"), (3, "c")]  # the rows of fixture people


def path_of(location):
    """The local path of a file: location."""
    return pathlib.Path(urllib.parse.unquote(urllib.parse.urlparse(location).path))


class Refused(Exception):
    """What Spark said, without the stack traces of its JVM."""


class Lake:
    """SQL by Spark in a namespace of the test's own, and the same table in the catalog's views."""

    def __init__(self, spark, namespace, database):
        self.spark = spark
        self.namespace = namespace
        self.database = database

    def name(self, table="t"):
        return f"{CATALOG}.{self.namespace}.{table}"

    def sql(self, text, table="t"):
        """Runs a statement, with {t} for the table and {ns} for the namespace; rows as tuples."""
        statement = text.replace("{t}", self.name(table)).replace("{ns}", f"{CATALOG}.{self.namespace}")
        try:
            return [tuple(row) for row in self.spark.sql(statement).collect()]
        except Exception as error:  # noqa: BLE001 - Spark and the bridge to it raise many kinds
            told = [line for line in str(error).splitlines() if not line.lstrip().startswith(("at ", "... "))]
            raise Refused("\n".join(told)) from None

    def run(self, *statements):
        for statement in statements:
            self.sql(statement)

    def one(self, text):
        ((value,),) = self.sql(text)
        return value

    def rows(self, table="t", at=""):
        """All rows, sorted."""
        return sorted(self.sql(f"SELECT * FROM {{t}}{at}", table))

    def columns(self, table="t"):
        return self.spark.table(self.name(table)).columns

    def properties(self, table="t"):
        return dict(self.sql("SHOW TBLPROPERTIES {t}", table))

    def snapshots(self, table="t"):
        """Snapshot ids, oldest first."""
        return [s for (s,) in self.sql("SELECT snapshot_id FROM {t}.snapshots ORDER BY committed_at", table)]

    def view(self, what, name, table="t"):
        """Columns what of the rows that a view of schema icecat has for the table."""
        return self.database.execute(
            f"SELECT {what} FROM icecat.{name}"
            " WHERE warehouse = %s AND namespace = %s AND table_name = %s ORDER BY 1",
            (WAREHOUSE, self.namespace.split("."), table),
        ).fetchall()

    def metadata(self, table="t"):
        """The table's metadata, as the catalog's SQL function has it."""
        return self.database.execute(
            "SELECT icecat.load_table(%s, %s, %s) -> 'metadata'", (WAREHOUSE, self.namespace.split("."), table)
        ).fetchone()[0]

    def check_views(self, table="t"):
        """What Spark says of snapshots, refs and columns is what the SQL views say."""
        if self.database is None:
            return
        assert self.view("snapshot_id, parent_snapshot_id, operation, manifest_list", "snapshots", table) == self.sql(
            "SELECT snapshot_id, parent_id, operation, manifest_list FROM {t}.snapshots ORDER BY 1", table
        )
        assert self.view("name, upper(type), snapshot_id", "refs", table) == self.sql(
            "SELECT name, type, snapshot_id FROM {t}.refs ORDER BY 1", table
        )
        assert [c for (_, c) in self.view("ordinal, name", "columns", table)] == self.columns(table)
