"""The snippets of README.md, as they stand there, against a running catalog: PyIceberg, DuckDB, psql, in that order.

Only the address of the gateway is put in, and the warehouse where it has another name. What they leave is removed.
"""
# SPDX-License-Identifier: PostgreSQL
import importlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

import duckdb
import icecat_client as client
import psycopg
import pytest

README = pathlib.Path(__file__).resolve().parents[3] / "README.md"
DATABASE = os.environ.get("PGDATABASE", "icecat")


def snippet(title, language):
    """The first block of that language after a title in bold."""
    text = README.read_text()
    block = re.search(r"^\*\*%s\*\*.*?^```%s\n(.*?)^```" % (title, language), text, re.M | re.S)
    assert block, f"README.md has no {language} after {title}"
    return block[1].replace("http://127.0.0.1:8181", client.URL).replace('warehouse="demo"', f'warehouse="{client.WAREHOUSE}"').replace(
        "ATTACH 'demo'", f"ATTACH '{client.WAREHOUSE}'").replace("rename_table('demo'", f"rename_table('{client.WAREHOUSE}'")


@pytest.fixture(scope="module", autouse=True)
def nothing_left():
    yield
    with psycopg.connect(dbname=DATABASE, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS audit")
        for (name,) in connection.execute("SELECT table_name FROM icecat.tables WHERE warehouse = %s AND namespace = '{zoo}'",
                                          (client.WAREHOUSE,)).fetchall():
            connection.execute("SELECT icecat.drop_table(%s, '{zoo}', %s, true)", (client.WAREHOUSE, name))
        connection.execute("SELECT icecat.drop_namespace(%s, '{zoo}') WHERE icecat.namespace_exists(%s, '{zoo}')",
                           (client.WAREHOUSE, client.WAREHOUSE))


def test_pyiceberg(tmp_path):
    script = tmp_path / "snippet.py"
    script.write_text(snippet("PyIceberg", "python"))
    done = subprocess.run([sys.executable, str(script)], text=True, capture_output=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "lynx" in done.stdout and "ocelot" in done.stdout


def test_duckdb(tmp_path):
    """What PyIceberg has written. INSTALL finds the extensions that the Python packages hold."""
    folder = tmp_path / f"v{duckdb.__version__}" / duckdb.sql("PRAGMA platform").fetchone()[0]
    folder.mkdir(parents=True)
    for name in ("avro", "httpfs", "iceberg"):
        package = pathlib.Path(importlib.import_module(f"duckdb_extension_{name}").__path__[0])
        shutil.copy(next(package.glob(f"extensions/v{duckdb.__version__}/{name}.duckdb_extension")), folder)
    connection = duckdb.connect(config={"extension_directory": str(tmp_path)})
    for statement in filter(str.strip, snippet("DuckDB", "sql").split(";")):
        found = connection.execute(statement)
    assert sorted(found.fetchall()) == [(1, "lynx"), (2, "ocelot")]


@pytest.mark.skipif(shutil.which("psql") is None, reason="no psql")
def test_psql():
    done = subprocess.run(["psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", DATABASE], input=snippet("psql", "sql"), text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "cats|append|2", done.stdout
    with psycopg.connect(dbname=DATABASE) as connection:
        assert connection.execute("SELECT what FROM audit").fetchall() == [("renamed cats",)]
        assert connection.execute("SELECT table_name FROM icecat.tables WHERE namespace = '{zoo}'").fetchall() == [("felines",)]


def options(title, separator):
    """The options of a snippet that is a file of settings."""
    block = re.search(r"^\*\*%s\*\*.*?^```\n(.*?)^```" % title, README.read_text(), re.M | re.S)[1]
    return dict(re.split(separator, line, maxsplit=1) for line in block.splitlines())


def test_trino_options_are_those_of_its_suite():
    """`./check trino` runs with them; the server is not started here."""
    suite = (README.parent / "test/clients/trino/icecat_trino.py").read_text()
    found = options("Trino", "=")
    assert found.pop("connector.name") == "iceberg" and "USING iceberg" in suite
    assert found.pop("iceberg.rest-catalog.uri") == "http://127.0.0.1:8181" and found.pop("iceberg.rest-catalog.warehouse") == "demo"
    assert {name: value for name, value in found.items() if f'"{name}": "{value}"' not in suite} == {}


def test_spark_options_are_those_of_its_suite():
    suite = (README.parent / "test/clients/spark/conftest.py").read_text()
    suite = suite.replace('f"{catalog}', '"spark.sql.catalog.lake').replace("(catalog,", '("spark.sql.catalog.lake",')
    found = options("Spark", " +")
    assert found.pop("spark.sql.catalog.lake.uri") == "http://127.0.0.1:8181" and found.pop("spark.sql.catalog.lake.warehouse") == "demo"
    assert {name: value for name, value in found.items() if f'"{name}", "{value}"' not in suite} == {}
