"""PyIceberg with two databases behind one gateway: by a path in uri, and by a word in warehouse.

SPDX-License-Identifier: PostgreSQL
"""

import os
import pathlib
import sys

import psycopg
import pytest
from pyiceberg.exceptions import NoSuchTableError

import icecat_client as client

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "test/lib"))

import harness  # noqa: E402  # pylint: disable=wrong-import-position

GATEWAY = os.environ.get("ICECAT_GATEWAY", str(ROOT / "contrib-gateway/build/icecat-gateway"))
DATABASE = os.environ.get("PGDATABASE", "icecat")
SECOND = "icecat_suite_second"


def sql(text, database=DATABASE):
    with psycopg.connect(f"user=postgres dbname={database}", autocommit=True) as connection:
        return connection.execute(text)


def drop():
    sql(f"DROP DATABASE IF EXISTS {SECOND} WITH (FORCE)")


@pytest.fixture(scope="module", name="uri")
def fixture_uri(tmp_path_factory):
    """A gateway before both; the second has a warehouse of the same name, in a folder of its own."""
    drop()
    sql(f"CREATE DATABASE {SECOND}")
    with psycopg.connect(f"user=postgres dbname={DATABASE}") as connection:
        location = connection.execute("SELECT location FROM icecat.warehouses WHERE warehouse = %s", (client.WAREHOUSE,)).fetchone()[0]
    sql("CREATE EXTENSION icecat", SECOND)
    with psycopg.connect(f"user=postgres dbname={SECOND}", autocommit=True) as connection:
        connection.execute("SELECT icecat.create_warehouse(%s, %s)", (client.WAREHOUSE, location.rstrip("/") + "/second_database"))
    folder = tmp_path_factory.mktemp("databases")
    (folder / "second.conf").write_text(f"dsn = 'user=postgres dbname={SECOND}'\npaths = /t/second\nwarehouses = second\n")
    (folder / "second.conf").chmod(0o600)
    try:
        with harness.Gateway(GATEWAY, f"user=postgres dbname={DATABASE}", str(tmp_path_factory.mktemp("gateway")),
                             databases_dir=str(folder)) as gateway:
            yield f"http://127.0.0.1:{gateway.port}"
    finally:
        drop()


def test_tables_of_one_name_are_two(uri):
    first, by_path = client.connect(uri=uri), client.connect(uri=uri + "/t/second")
    by_word = client.connect(uri=uri, warehouse=f"second/{client.WAREHOUSE}")
    namespace = (client.unique("d"),)
    name = (*namespace, "t")
    for catalog in (first, by_path):
        catalog.create_namespace(namespace)
    try:
        first.create_table(name, schema=client.SCHEMA).append(client.rows(1, 2))
        with pytest.raises(NoSuchTableError):
            by_word.load_table(name)
        by_path.create_table(name, schema=client.SCHEMA).append(client.rows(10, 1))
        by_word.load_table(name).append(client.rows(11, 1))
        assert client.ids(first.load_table(name)) == [1, 2]
        assert client.ids(by_path.load_table(name)) == [10, 11] == client.ids(by_word.load_table(name))
        assert by_word.list_tables(namespace) == [name]
    finally:
        client.remove_namespace(first, namespace)
        client.remove_namespace(by_path, namespace)


def test_the_second_is_lost_and_the_first_goes_on(uri):
    first, second = client.connect(uri=uri), client.connect(uri=uri + "/t/second")
    namespace = (client.unique("d"),)
    first.create_namespace(namespace)
    try:
        sql(f"ALTER DATABASE {SECOND} ALLOW_CONNECTIONS false; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{SECOND}'")
        first.create_table((*namespace, "t"), schema=client.SCHEMA).append(client.rows(1, 2))
        assert client.ids(first.load_table((*namespace, "t"))) == [1, 2]
        sql(f"ALTER DATABASE {SECOND} ALLOW_CONNECTIONS true")
        harness.wait_until(lambda: second.list_namespaces() is not None, "it is back")
    finally:
        sql(f"ALTER DATABASE {SECOND} ALLOW_CONNECTIONS true")
        client.remove_namespace(first, namespace)
