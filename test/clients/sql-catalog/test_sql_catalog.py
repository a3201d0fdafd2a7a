"""Clients of a SQL catalog on the compatible views, beside REST clients on the same tables: PyIceberg's SqlCatalog, and
Java's JdbcCatalog (JdbcClient.java). And how a team moves: an import, and a change-over under load.

They connect with a role that has rights on the two views and no other, whose search_path is icecat; nothing else about
the clients is special. Needs a superuser postgres for making that role, and psql's environment for the catalog's owner.

SPDX-License-Identifier: PostgreSQL
"""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import secrets
import subprocess
import threading
import time

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg import sql
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NamespaceNotEmptyError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.types import StringType

import icecat_client as client

JAVA = pathlib.Path(__file__).with_name("JdbcClient.java")
JAVA_CHECKS = 35
JAVA_LIMIT_S = 90
DRIVERS = ("psycopg2", "psycopg")
RETRIES = {"commit.retry.num-retries": "100", "commit.retry.min-wait-ms": "5", "commit.retry.max-wait-ms": "200"}
WRITERS = {"rest": 3, "sql_catalog": 2, "jdbc": 2, "sql": 1}
APPENDS = 5
CHANGE_OVER_WRITERS = 3
CHANGE_OVER_S = 4


@pytest.fixture(scope="module")
def owner():
    with psycopg.connect(autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def location(owner):
    query = "SELECT location FROM icecat.warehouses WHERE warehouse = %s"
    return owner.execute(query, (client.WAREHOUSE,)).fetchone()[0]


class Role:
    """A role of the database with a password, as the clients use it over TCP."""

    def __init__(self, name, connection):
        self.name = name
        self.password = secrets.token_hex(16)
        self.address = f"127.0.0.1:{connection.info.port}/{connection.info.dbname}"

    def uri(self, driver, schema=None):
        options = f"?options=-csearch_path%3D{schema}" if schema else ""
        return f"postgresql+{driver}://{self.name}:{self.password}@{self.address}{options}"


@pytest.fixture(scope="module")
def role(owner):
    made = Role(client.unique("sql_client"), owner)
    name = sql.Identifier(made.name)
    with psycopg.connect(user="postgres", autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(made.password)))
        admin.execute(sql.SQL("ALTER ROLE {} IN DATABASE {} SET search_path = icecat").format(
            name, sql.Identifier(owner.info.dbname)))
        owner.execute(sql.SQL("GRANT USAGE ON SCHEMA icecat TO {}").format(name))
        owner.execute(sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON icecat.iceberg_tables,"
                              " icecat.iceberg_namespace_properties TO {}").format(name))
        owner.execute("SELECT icecat.grant(%s::regrole, p) FROM unnest('{write,create,drop}'::text[]) AS p", (f'"{made.name}"',))
        yield made
        admin.execute(sql.SQL("DROP OWNED BY {}").format(name))
        admin.execute(sql.SQL("DROP ROLE {}").format(name))


@pytest.fixture(scope="module")
def sql_catalog(role, location):
    """Makes another SqlCatalog on the views."""
    return lambda driver=DRIVERS[0]: SqlCatalog(client.WAREHOUSE, uri=role.uri(driver), warehouse=location)


def problems(owner, warehouse=client.WAREHOUSE):
    return owner.execute("SELECT * FROM icecat.check_integrity(%s)", (warehouse,)).fetchall()


# -- PyIceberg -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("driver", DRIVERS)
def test_sql_catalog_does_all_it_does(sql_catalog, driver, namespace, catalog):
    mine = sql_catalog(driver)
    child = (*namespace, "child")
    mine.create_namespace(child, {"owner": "ann"})
    with pytest.raises(NamespaceAlreadyExistsError):
        mine.create_namespace(child)
    assert mine.list_namespaces(namespace) == [child]
    mine.update_namespace_properties(child, removals={"owner"}, updates={"color": "red"})
    assert mine.load_namespace_properties(child) == {"color": "red", "exists": "true"}
    shown = catalog.load_namespace_properties(child)
    assert shown.pop("location").endswith("/child")  # of REST: the one in use, which nobody has set
    assert shown == {"color": "red"}

    table = mine.create_table((*child, "t"), schema=client.SCHEMA)
    with pytest.raises(TableAlreadyExistsError):
        mine.create_table((*child, "t"), schema=client.SCHEMA)
    table.append(client.rows(0, 3))
    with table.update_schema() as update:
        update.add_column("note", StringType())
    with table.transaction() as transaction:
        transaction.set_properties(k="v")
    assert mine.list_tables(child) == [(*child, "t")]
    mine.rename_table((*child, "t"), (*namespace, "moved"))
    with pytest.raises(NoSuchTableError):
        mine.load_table((*child, "t"))
    rest = catalog.load_table((*namespace, "moved"))
    assert client.ids(rest) == client.ids(mine.load_table((*namespace, "moved"))) == [0, 1, 2]
    assert rest.schema().find_field("note") and rest.properties["k"] == "v"

    with pytest.raises(NamespaceNotEmptyError):
        mine.drop_namespace(namespace)
    mine.drop_table((*namespace, "moved"))
    mine.drop_namespace(child)
    assert catalog.list_namespaces(namespace) == []
    again = mine.register_table((*namespace, "again"), rest.metadata_location)
    assert client.ids(again) == [0, 1, 2]


def test_stale_commit_is_refused(sql_catalog, namespace, catalog):
    """Both clients read the same version; the first snapshot of one of them is no longer the first."""
    properties = {"commit.retry.num-retries": "0"}
    table = catalog.create_table((*namespace, "t"), schema=client.SCHEMA, properties=properties)
    stale = sql_catalog().load_table(table.name())
    table.append(client.rows(0, 1))
    with pytest.raises(CommitFailedException):
        stale.append(client.rows(1, 1))
    assert catalog.load_table(table.name()).metadata == table.metadata


@pytest.mark.parametrize("mode", ("async", "sync", "none"))
def test_what_rest_commits_can_be_read_at_once(sql_catalog, namespace, catalog, mode):
    """The view names a file; it is there, whenever the catalog itself would have written it."""
    properties = {"icecat.metadata-write-mode": mode}
    table = catalog.create_table((*namespace, "t"), schema=client.SCHEMA, properties=properties)
    mine = sql_catalog()
    for i in range(10):
        with table.transaction() as transaction:
            transaction.set_properties(round=str(i))
        assert mine.load_table(table.name()).metadata == table.metadata


# -- Java ------------------------------------------------------------------------------------------------


def java(role, location, *arguments):
    """Starts JdbcClient as whom the files of the warehouse belong to: Hadoop takes away what ACLs give to others."""
    folder = client.path_of(location)
    status = folder.stat()
    user = {} if os.geteuid() != 0 else {"user": status.st_uid, "group": status.st_gid, "extra_groups": []}
    jars = os.environ["ICECAT_SQL_CATALOG_JARS"]
    environment = {"PATH": os.environ["PATH"], "JDBC_URI": f"jdbc:postgresql://{role.address}", "JDBC_USER": role.name,
                   "JDBC_PASSWORD": role.password, "CATALOG": client.WAREHOUSE, "WAREHOUSE": str(folder)}
    options = ("-Xmx256m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error")
    return subprocess.Popen(("java", *options, "-cp", f"{jars}/*", JAVA, *arguments), cwd="/", env=environment, text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **user)


def test_jdbc_catalog_does_all_it_does(role, location, owner):
    process = java(role, location, "operations", client.unique("j"))
    output, errors = process.communicate(timeout=JAVA_LIMIT_S)
    lines = output.splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == [], errors
    assert len(lines) == JAVA_CHECKS, output + errors
    assert problems(owner) == []


# -- many writers ----------------------------------------------------------------------------------------


def prepared_files(table, writer, ids):
    """Data files for a client that writes none itself: one a row."""
    fields = [pa.field(f.name, f.type, f.nullable, {"PARQUET:field_id": str(i + 1)}) for i, f in enumerate(client.ARROW)]
    folder = client.path_of(table.location()) / "data"
    for i in ids:
        path = folder / f"jdbc-{writer}-{i}.parquet"
        pq.write_table(client.rows(i, 1).cast(pa.schema(fields)), path)
        yield f"file://{path}", path.stat().st_size


class Ledger:
    """What was acknowledged: ids of rows, and of snapshots that added none."""

    def __init__(self):
        self.rows = []
        self.snapshots = []


def append_by_table(ledger, table, first):
    for i in range(first, first + APPENDS):
        table.append(client.rows(i, 1))
        ledger.rows.append(i)


def append_by_jdbc(ledger, process, files, first):
    for i, (path, size) in enumerate(files, first):
        process.stdin.write(f"{path} {size} 1\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer == f"appended {path}\n", process.communicate()
        ledger.rows.append(i)
    process.stdin.close()
    assert process.wait(JAVA_LIMIT_S) == 0


def append_by_sql(ledger, name):
    """Snapshots by plain SQL; each has the files of the one before."""
    identifier = (client.WAREHOUSE, list(name[:-1]), name[-1])
    with psycopg.connect(autocommit=True) as connection:
        while len(ledger.snapshots) < APPENDS:
            query = "SELECT icecat.load_table(%s, %s, %s) ->> 'metadata'"
            metadata = json.loads(connection.execute(query, identifier).fetchone()[0])
            current = metadata["current-snapshot-id"]
            (parent,) = [s for s in metadata["snapshots"] if s["snapshot-id"] == current]
            snapshot = {**parent, "snapshot-id": secrets.randbits(62), "parent-snapshot-id": current,
                        "sequence-number": metadata["last-sequence-number"] + 1,
                        "timestamp-ms": int(time.time() * 1000), "summary": {"operation": "replace"}}
            requirements = [{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": current}]
            updates = [{"action": "add-snapshot", "snapshot": snapshot},
                       {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch",
                        "snapshot-id": snapshot["snapshot-id"]}]
            with contextlib.suppress(psycopg.Error):
                connection.execute("SELECT icecat.commit_table(%s, %s, %s, %s, %s)",
                                   (*identifier, json.dumps(requirements), json.dumps(updates)))
                ledger.snapshots.append(snapshot["snapshot-id"])


def expect_whole(table, ledger):
    """Every acknowledged change is there once, on one line of descent, with no number left out."""
    snapshots = sorted(table.metadata.snapshots, key=lambda s: s.sequence_number)
    count = len(ledger.rows) + len(ledger.snapshots)
    assert [s.sequence_number for s in snapshots] == list(range(1, count + 1))
    assert [s.parent_snapshot_id for s in snapshots] == [None] + [s.snapshot_id for s in snapshots[:-1]]
    assert set(ledger.snapshots) <= {s.snapshot_id for s in snapshots}
    assert client.ids(table) == sorted(ledger.rows)


def test_eight_writers_of_four_kinds_lose_nothing(catalog, sql_catalog, role, location, namespace, owner):
    table = catalog.create_table((*namespace, "t"), schema=client.SCHEMA, properties=RETRIES)
    name, ledger = table.name(), Ledger()
    table.append(client.rows(0, 1))
    ledger.rows.append(0)
    work = []
    for i in range(WRITERS["rest"]):
        work.append((append_by_table, client.connect().load_table(name), 1000 + 100 * i))
    for i in range(WRITERS["sql_catalog"]):
        work.append((append_by_table, sql_catalog(DRIVERS[i % 2]).load_table(name), 2000 + 100 * i))
    for i in range(WRITERS["jdbc"]):
        first = 3000 + 100 * i
        files = list(prepared_files(table, i, range(first, first + APPENDS)))
        process = java(role, location, "append", *name)
        assert process.stdout.readline() == "ready\n", process.communicate()
        work.append((append_by_jdbc, process, files, first))
    work += [(append_by_sql, name)] * WRITERS["sql"]
    assert len(work) == 8

    barrier = threading.Barrier(len(work))

    def one(job):
        barrier.wait()
        job[0](ledger, *job[1:])

    with concurrent.futures.ThreadPoolExecutor(len(work)) as pool:
        list(pool.map(one, work))
    assert len(ledger.rows) == 1 + 7 * APPENDS and len(ledger.snapshots) == APPENDS
    expect_whole(catalog.load_table(name), ledger)
    expect_whole(sql_catalog().load_table(name), ledger)
    assert problems(owner) == []


# -- moving ------------------------------------------------------------------------------------------------


class Old:
    """A SQL catalog as a team has it: PyIceberg's own tables, in a schema of their own."""

    def __init__(self, owner, role, location):
        self.schema = self.name = client.unique("old")
        self.owner, self.role, self.location = owner, role, f"{location}/{self.name}"
        self.run("CREATE SCHEMA {s}")
        self.run("GRANT USAGE, CREATE ON SCHEMA {s} TO {r}")
        owner.execute("SELECT icecat.create_warehouse(%s, %s)", (self.name, self.location))
        self.connect()

    def run(self, text, connection=None):
        names = {"s": sql.Identifier(self.schema), "r": sql.Identifier(self.role.name)}
        return (connection or self.owner).execute(sql.SQL(text).format(**names))

    def connect(self):
        return SqlCatalog(self.name, uri=self.role.uri(DRIVERS[0], self.schema), warehouse=self.location)

    def take_over(self, connection, **options):
        arguments = "".join(f", {key} => {value}" for key, value in options.items())
        query = f"SELECT kind, name, status, error FROM icecat.import_sql_catalog(%s, %s, %s{arguments})"
        tables = [f"{self.schema}.{t}" for t in ("iceberg_tables", "iceberg_namespace_properties")]
        return connection.execute(query, (self.name, *tables)).fetchall()

    def remove(self):
        rest = client.connect(warehouse=self.name)
        for namespace in rest.list_namespaces():
            client.remove_namespace(rest, namespace)
        with psycopg.connect(user="postgres", autocommit=True) as admin:
            self.run("DROP SCHEMA {s} CASCADE", admin)
        assert client.wait_until(lambda: self.owner.execute("SELECT icecat.run_worker_once()") and self.dropped())

    def dropped(self):
        with contextlib.suppress(psycopg.Error):
            self.owner.execute("SELECT icecat.drop_warehouse(%s)", (self.name,))
            return True
        return False


@pytest.fixture
def old(owner, role, location):
    made = Old(owner, role, location)
    yield made
    made.remove()


def grant_reading(old):
    with psycopg.connect(user="postgres", autocommit=True) as admin:
        old.run("GRANT SELECT ON ALL TABLES IN SCHEMA {s} TO CURRENT_USER", admin)
        admin.execute(sql.SQL("GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA {} TO {}").format(
            sql.Identifier(old.schema), sql.Identifier(old.owner.info.user)))


def test_import_of_an_existing_catalog(old):
    mine = old.connect()
    mine.create_namespace("shop.emea", {"owner": "ann"})
    for i in range(3):
        table = mine.create_table(f"shop.emea.t{i}", schema=client.SCHEMA)
        for j in range(i + 1):
            table.append(client.rows(10 * j, 2))
    grant_reading(old)
    dry = old.take_over(old.owner, p_dry_run="true")
    done = old.take_over(old.owner)
    assert done == dry
    assert [row for row in done if row[3] is not None] == []
    assert [row[2] for row in done] == ["created"] + ["registered"] * 3
    rest = client.connect(warehouse=old.name)
    assert rest.load_namespace_properties("shop.emea")["owner"] == "ann"
    for i in range(3):
        table = rest.load_table(f"shop.emea.t{i}")
        assert client.ids(table) == client.ids(mine.load_table(f"shop.emea.t{i}"))
        table.append(client.rows(1000, 1))
        assert 1000 in client.ids(table)


CHANGE_OVER = """
    ALTER TABLE {s}.iceberg_tables RENAME TO iceberg_tables_before;
    ALTER TABLE {s}.iceberg_namespace_properties RENAME TO iceberg_namespace_properties_before;
    CREATE VIEW {s}.iceberg_tables AS SELECT * FROM icecat.iceberg_tables;
    CREATE VIEW {s}.iceberg_namespace_properties AS SELECT * FROM icecat.iceberg_namespace_properties;
    GRANT SELECT, INSERT, UPDATE, DELETE ON {s}.iceberg_tables, {s}.iceberg_namespace_properties TO {r};
"""


def test_change_over_while_clients_write(old):
    """Clients of the old catalog never notice that its tables have become views."""
    mine = old.connect()
    mine.create_namespace("shop")
    mine.create_table("shop.t", schema=client.SCHEMA, properties=RETRIES)
    grant_reading(old)
    ledger, stop = Ledger(), threading.Event()

    def write(writer):
        table, i = old.connect().load_table("shop.t"), 0
        while not stop.is_set():
            table.append(client.rows(1000 * writer + i, 1))
            ledger.rows.append(1000 * writer + i)
            i += 1

    with concurrent.futures.ThreadPoolExecutor(CHANGE_OVER_WRITERS) as pool:
        jobs = [pool.submit(write, w) for w in range(CHANGE_OVER_WRITERS)]
        try:
            time.sleep(CHANGE_OVER_S / 2)
            assert {row[2] for row in old.take_over(old.owner)} == {"created", "registered"}
            time.sleep(CHANGE_OVER_S / 4)
            with psycopg.connect(user="postgres") as admin:
                old.run("LOCK TABLE {s}.iceberg_tables, {s}.iceberg_namespace_properties IN ACCESS EXCLUSIVE MODE", admin)
                before = len(ledger.rows)
                moved = old.take_over(admin, p_on_conflict="'update'")
                old.run(CHANGE_OVER, admin)
            time.sleep(CHANGE_OVER_S / 2)
        finally:
            stop.set()
        for job in jobs:
            job.result()
    assert [row for row in moved if row[3] is not None] == []
    assert len(ledger.rows) > before > 0
    expect_whole(client.connect(warehouse=old.name).load_table("shop.t"), ledger)
    assert problems(old.owner, old.name) == []
