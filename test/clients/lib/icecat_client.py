"""What the client suites share: connections, namespaces of their own, rows, a plain HTTP client.

The server is given by ICECAT_URL and ICECAT_WAREHOUSE and is never started or stopped here. Every test
works in a namespace of its own and removes it, so the suites can run against a catalog that is in use.

SPDX-License-Identifier: PostgreSQL
"""

import contextlib
import importlib
import json
import os
import pathlib
import time
import urllib.parse
import uuid

import psycopg
import pyarrow as pa
import requests
from pyiceberg.catalog import load_catalog
from pyiceberg.io import load_file_io
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import BucketTransform, IdentityTransform
from pyiceberg.types import DoubleType, LongType, NestedField, StringType

URL = os.environ.get("ICECAT_URL", "http://127.0.0.1:8181").rstrip("/")
WAREHOUSE = os.environ.get("ICECAT_WAREHOUSE", "demo")
CREDENTIAL = os.environ.get("ICECAT_CREDENTIAL", "")  # id:secret of a client of the catalog's own; "": nobody is asked who it is

S3_FILE = os.environ.get("ICECAT_S3_FILE")  # properties of a store that the warehouse lies in; none: file storage
STORE = json.loads(pathlib.Path(S3_FILE).read_text(encoding="ascii")) if S3_FILE else {}
S3_HOW = os.environ.get("ICECAT_S3_HOW", "keys")  # whose keys clients have: keys: the store's; vend, sign: the catalog sees to it
S3 = STORE if S3_HOW == "keys" else {}
PY_IO = os.environ.get("ICECAT_PY_IO")  # a FileIO of PyIceberg that is to be used

SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "name", StringType()),
    NestedField(3, "amount", DoubleType()),
    identifier_field_ids=[1],
)
ARROW = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("name", pa.string()),
        pa.field("amount", pa.float64()),
    ]
)


def connect(**properties):
    """A PyIceberg catalog with a session (and so a connection) of its own."""
    if CREDENTIAL and "uri" not in properties:
        properties = {"credential": CREDENTIAL, **properties}
    if PY_IO:
        properties = {"py-io-impl": PY_IO, **properties}
    return load_catalog("icecat", type="rest", **{"uri": URL, "warehouse": WAREHOUSE, **S3, **properties})


def rows(first, count, name="n"):
    """An Arrow table of count rows whose ids start at first."""
    ids = list(range(first, first + count))
    return pa.table(
        {"id": ids, "name": [f"{name}{i}" for i in ids], "amount": [i / 2 for i in ids]}, schema=ARROW
    )


def ids(table, **scan):
    """The sorted ids that a scan of a PyIceberg table finds."""
    return sorted(table.scan(**scan).to_arrow()["id"].to_pylist())


def unique(prefix):
    return f"{prefix}_{uuid.uuid4().hex[:12]}"


def written_by_pyiceberg(catalog, identifier):
    """A partitioned table whose schema has changed and from which a row was deleted: ids 1, 3, 4, 5; name "n" and the id,
    price half the id, extra NULL. For an engine to read."""
    table = catalog.create_table(identifier, schema=SCHEMA, partition_spec=PartitionSpec(
        PartitionField(2, 1000, IdentityTransform(), "name"), PartitionField(1, 1001, BucketTransform(4), "id_bucket")))
    table.append(rows(1, 5))
    with table.update_schema() as update:
        update.add_column("extra", LongType())
        update.rename_column("amount", "price")
    table.delete("id = 2")
    return table


def remove_namespace(catalog, namespace):
    """Drops a namespace with everything in it."""
    for child in catalog.list_namespaces(namespace):
        remove_namespace(catalog, child)
    for table in catalog.list_tables(namespace):
        catalog.drop_table(table)
    for view in catalog.list_views(namespace):
        catalog.drop_view(view)
    catalog.drop_namespace(namespace)


def wait_until(condition, timeout_s=30.0, step_s=0.1):
    """True as soon as condition() is, False when it never was within timeout_s."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(step_s)
    return condition()


class StoreObject:
    """An object of the store, by the store's own key, with as much of a path as the tests need."""

    def __init__(self, location):
        self.location = location
        self.io = load_file_io(STORE, location)

    def exists(self):
        return self.io.new_input(self.location).exists()

    def open(self, mode):
        assert mode == "wb"
        return self.io.new_output(self.location).create()

    def __str__(self):
        return self.location


def path_of(location):
    """The local path of a file: location; of one in a store, the object."""
    if location.startswith(("s3://", "abfss://")):
        return StoreObject(location)
    return pathlib.Path(urllib.parse.unquote(urllib.parse.urlparse(location).path))


def quote(text):
    """One path segment or query value."""
    return urllib.parse.quote(text, safe="")


def levels(namespace):
    """A namespace as REST paths and the parent parameter spell it."""
    return "%1F".join(quote(level) for level in namespace)


class Rest:
    """Plain HTTP to the catalog: what no client library lets a test say."""

    def __init__(self):
        self.session = requests.Session()
        if CREDENTIAL:
            answer = self.session.post(f"{URL}/v1/oauth/tokens", data={"grant_type": "client_credentials"}, timeout=30,
                                       auth=tuple(CREDENTIAL.split(":")))
            self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        config = self.session.get(f"{URL}/v1/config", params={"warehouse": WAREHOUSE}, timeout=30).json()
        prefix = {**config.get("defaults", {}), **config.get("overrides", {})}.get("prefix", "")
        self.base = f"{URL}/v1/{prefix}".rstrip("/")

    def call(self, method, path, body=None):
        return self.session.request(method, f"{self.base}{path}", json=body, timeout=120)

    def table(self, namespace, table):
        """A table's path."""
        return f"/namespaces/{levels(namespace)}/tables/{quote(table)}"


def create_spark_view(rest, namespace, name, text):
    """A view that only Spark can read: its one representation is in Spark's dialect. It has one column, n."""
    rest.call("POST", f"/namespaces/{levels(namespace)}/views", {
        "name": name, "schema": {"type": "struct", "schema-id": 0, "fields": [
            {"id": 1, "name": "n", "required": False, "type": "long"}]},
        "view-version": {"version-id": 1, "schema-id": 0, "timestamp-ms": 1700000000000, "summary": {},
                         "default-namespace": list(namespace),
                         "representations": [{"type": "sql", "sql": text, "dialect": "spark"}]},
        "properties": {}}).raise_for_status()


def sql(text, *values):
    """Rows of a statement in the catalog's own database, as PGHOST, PGPORT, PGUSER and PGDATABASE name it."""
    with psycopg.connect(autocommit=True) as connection:
        cursor = connection.execute(text, values)
        return cursor.fetchall() if cursor.description else []


def warehouse_location():
    ((location,),) = sql("SELECT location FROM icecat.warehouses WHERE warehouse = %s", WAREHOUSE)
    return location


@contextlib.contextmanager
def own_warehouse(**properties):
    """The name of a warehouse for one test, in a folder below the shared one's; removed with all that is in it."""
    name = unique("own")
    sql("SELECT icecat.create_warehouse(%s, %s, %s)", name, f"{warehouse_location()}/{name}", json.dumps(properties))
    try:
        yield name
    finally:
        catalog = connect(warehouse=name)
        for namespace in catalog.list_namespaces():
            remove_namespace(catalog, namespace)
        sql("SELECT icecat.drop_warehouse(%s)", name)


def duckdb_connection(alias="lake"):
    """A DuckDB with the catalog attached; the extensions come from their Python packages."""
    import duckdb  # not in the environment of every suite

    connection = duckdb.connect(config={"allow_unsigned_extensions": "false"})
    for extension in ("avro", "httpfs", "iceberg"):
        folder = pathlib.Path(importlib.import_module(f"duckdb_extension_{extension}").__path__[0])
        (file,) = folder.glob(f"extensions/v{duckdb.__version__}/{extension}.duckdb_extension")
        connection.execute(f"LOAD '{file}'")
    if S3:
        connection.execute(f"CREATE SECRET store_of_{alias} (TYPE s3, KEY_ID '{S3['s3.access-key-id']}', SECRET '{S3['s3.secret-access-key']}', "
                           f"REGION '{S3['s3.region']}', ENDPOINT '{S3['s3.endpoint'].removeprefix('http://')}', URL_STYLE 'path', USE_SSL false)")
    how = "AUTHORIZATION_TYPE 'none'"
    if CREDENTIAL:
        client, secret = CREDENTIAL.split(":")
        connection.execute(f"CREATE SECRET of_{alias} (TYPE iceberg, CLIENT_ID '{client}', CLIENT_SECRET '{secret}', "
                           f"OAUTH2_SERVER_URI '{URL}/v1/oauth/tokens')")
        how = f"SECRET of_{alias}"
    connection.execute(f"ATTACH '{WAREHOUSE}' AS {alias} (TYPE iceberg, ENDPOINT '{URL}', {how})")
    return connection
