"""The main job of icecat, with a real PyIceberg, step by step; every step is checked.

Reads ICECAT_URL and ICECAT_WAREHOUSE, ICECAT_S3_FILE (how the object store is reached), ICECAT_CA_FILE and ICECAT_CREDENTIAL_FILE if they are set, and the PG* variables of libpq. Can be run again at any time: it
drops the table it made before.

SPDX-License-Identifier: PostgreSQL
"""

import datetime as dt
import json
import os
import sys

import psycopg
import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import CommitTableRequest, CommitTableResponse, TableIdentifier
from pyiceberg.transforms import MonthTransform
from pyiceberg.types import DateType, DoubleType, LongType, NestedField, StringType

URL = os.environ["ICECAT_URL"]
WAREHOUSE = os.environ["ICECAT_WAREHOUSE"]
CREDENTIAL_FILE = os.environ.get("ICECAT_CREDENTIAL_FILE")
S3_FILE = os.environ.get("ICECAT_S3_FILE")
NAMESPACE = "shop"
TABLE = ("shop", "orders")


def access():
    """What ./quickstart --secure asks for: whom to believe, and who asks; and --s3: how the store is reached."""
    properties = {}
    if S3_FILE is not None:
        with open(S3_FILE, encoding="ascii") as file:
            properties = json.load(file)
    if CREDENTIAL_FILE is None:
        return properties
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):     # the library prefers these to its property
        os.environ.pop(name, None)
    with open(CREDENTIAL_FILE, encoding="ascii") as file:
        return {**properties, "credential": file.read().strip(), "ssl": {"cabundle": os.environ["ICECAT_CA_FILE"]}}


class SqlCommitCatalog(RestCatalog):
    """PyIceberg as it is, but its commits are a SQL call in a transaction that the caller owns."""

    connection: psycopg.Connection

    def commit_table(self, table, requirements, updates):
        *namespace, name = table.name()
        request = CommitTableRequest(
            identifier=TableIdentifier(namespace=namespace, name=name),
            requirements=requirements,
            updates=updates,
        ).model_dump_json()
        row = self.connection.execute(
            """SELECT icecat.commit_table(%(warehouse)s, %(namespace)s, %(table)s,
                        %(request)s::json -> 'requirements', %(request)s::json -> 'updates')::text""",
            {"warehouse": WAREHOUSE, "namespace": namespace, "table": name, "request": request},
        ).fetchone()
        return CommitTableResponse.model_validate_json(row[0])


def say(text):
    print(f"    {text}", flush=True)


def check(what, found, expected):
    if found != expected:
        sys.exit(f"error: {what}: expected {expected!r}, found {found!r}")


def orders(table, first_id, days, **extra):
    """Rows of one order a day, with ids from first_id, in the table's own schema."""
    count = len(days)
    columns = {
        "order_id": range(first_id, first_id + count),
        "day": days,
        "customer": [f"customer-{i % 3}" for i in range(count)],
        "amount": [10.5 * (i + 1) for i in range(count)],
        **extra,
    }
    return pa.table({k: list(v) for k, v in columns.items()}, schema=table.schema().as_arrow())


def days_from(first, count):
    return [first + dt.timedelta(days=7 * i) for i in range(count)]


def make_table(catalog):
    catalog.create_namespace_if_not_exists(NAMESPACE)
    if catalog.table_exists(TABLE):
        catalog.drop_table(TABLE, purge_requested=True)
    table = catalog.create_table(
        TABLE,
        schema=Schema(
            NestedField(1, "order_id", LongType(), required=True),
            NestedField(2, "day", DateType(), required=True),
            NestedField(3, "customer", StringType()),
            NestedField(4, "amount", DoubleType()),
        ),
        partition_spec=PartitionSpec(PartitionField(2, 1000, MonthTransform(), "day_month")),
    )
    say(f"created namespace {NAMESPACE} and table shop.orders, partitioned by month(day)")
    return table


def fill_table(catalog, table):
    table.append(orders(table, 1, days_from(dt.date(2025, 1, 6), 6)))
    say("appended 6 orders")
    with table.update_schema() as update:
        update.add_column("currency", StringType(), doc="added after the first append")
    table.append(orders(table, 7, days_from(dt.date(2025, 3, 3), 4), currency=["EUR"] * 4))
    say("added a column, appended 4 more orders")

    rows = catalog.load_table(TABLE).scan().to_arrow().sort_by("order_id").to_pylist()
    check("order ids", [r["order_id"] for r in rows], list(range(1, 11)))
    check("currencies", [r["currency"] for r in rows], [None] * 6 + ["EUR"] * 4)
    check("amount of order 3", rows[2]["amount"], 31.5)
    march = catalog.load_table(TABLE).scan(row_filter="day >= '2025-03-01'").to_arrow()
    check("orders since March", march.num_rows, 4)
    say("read back 10 rows, and 4 of them by a filter on the partition: as expected")


def show_snapshots(connection, expected):
    cursor = connection.execute(
        """SELECT snapshot_id, operation, summary ->> 'total-records'
             FROM icecat.snapshots
            WHERE warehouse = %s AND namespace = %s AND table_name = %s
            ORDER BY sequence_number""",
        (WAREHOUSE, [NAMESPACE], TABLE[1]),
    )
    rows = cursor.fetchall()
    say("the same table in SQL:  SELECT … FROM icecat.snapshots")
    for snapshot_id, operation, total in rows:
        say(f"  {snapshot_id:>20}  {operation:<8} {total:>4} rows in all")
    check("snapshots in SQL", len(rows), expected)
    connection.commit()


def append_with_row(catalog, connection, order_id, keep):
    """An Iceberg append and a row of an ordinary table, in one transaction of PostgreSQL."""
    table = catalog.load_table(TABLE)
    connection.execute("INSERT INTO shipment (order_id, carrier) VALUES (%s, %s)", (order_id, "bike"))
    table.append(orders(table, order_id, [dt.date(2025, 4, 7)], currency=["EUR"]))
    if keep:
        connection.commit()
    else:
        connection.rollback()


def counts(catalog, connection):
    rows = catalog.load_table(TABLE).scan().to_arrow().num_rows
    shipments = connection.execute("SELECT count(*) FROM shipment").fetchone()[0]
    connection.commit()
    return rows, shipments


def one_transaction(connection):
    catalog = SqlCommitCatalog("sql", uri=URL, warehouse=WAREHOUSE, **access())
    catalog.connection = connection
    connection.execute("DROP TABLE IF EXISTS shipment")
    connection.execute("CREATE TABLE shipment (order_id bigint PRIMARY KEY, carrier text)")
    connection.commit()

    append_with_row(catalog, connection, 11, keep=False)
    check("orders and shipments after ROLLBACK", counts(catalog, connection), (10, 0))
    say("Iceberg append + INSERT into an ordinary table, ROLLBACK: neither is there")
    append_with_row(catalog, connection, 11, keep=True)
    check("orders and shipments after COMMIT", counts(catalog, connection), (11, 1))
    say("the same again, COMMIT: both are there")


def main():
    catalog = load_catalog("demo", type="rest", uri=URL, warehouse=WAREHOUSE, **access())
    with psycopg.connect() as connection:
        fill_table(catalog, make_table(catalog))
        show_snapshots(connection, expected=2)
        one_transaction(connection)


if __name__ == "__main__":
    main()
