"""Trino: schemas, tables, columns, properties, renames, drops.

SPDX-License-Identifier: PostgreSQL
"""

import time

import pytest

import icecat_client as client
from icecat_trino import ABC, Lake, Refused

# ---- schemas ----------------------------------------------------------------------------------------------


def test_schemas(server, catalog):
    name = client.unique("trino")
    server.sql(f"CREATE SCHEMA lake.{name}")
    assert catalog.namespace_exists(name)
    assert [name] in server.sql("SHOW SCHEMAS FROM lake")
    with pytest.raises(Refused, match="SCHEMA_ALREADY_EXISTS"):
        server.sql(f"CREATE SCHEMA lake.{name}")
    server.sql(f"CREATE SCHEMA IF NOT EXISTS lake.{name}")
    server.sql(f"CREATE TABLE lake.{name}.t (id bigint)")
    with pytest.raises(Refused, match="SCHEMA_NOT_EMPTY"):
        server.sql(f"DROP SCHEMA lake.{name}")
    server.sql(f"DROP SCHEMA lake.{name} CASCADE")
    assert not catalog.namespace_exists(name)
    with pytest.raises(Refused, match="SCHEMA_NOT_FOUND"):
        server.sql(f"DROP SCHEMA lake.{name}")


def test_a_schema_says_where_its_tables_go(server, lake, load):
    """Trino asks the schema for a location before it makes a table in one step."""
    told = server.sql(f"SHOW CREATE SCHEMA lake.{lake.schema}")[0][0]
    lake.run("CREATE TABLE {t} (id bigint)")
    place = load().location()
    assert place.startswith(f"{client.warehouse_location()}/{lake.schema}/t-")
    assert f"location = '{place.rsplit('/', 1)[0]}'" in told


def test_a_schema_with_a_location(server, catalog):
    name = client.unique("trino")
    where = f"{client.warehouse_location()}/elsewhere/{name}"
    server.sql(f"CREATE SCHEMA lake.{name} WITH (location = '{where}')")
    try:
        server.sql(f"CREATE TABLE lake.{name}.t AS SELECT 1 AS id")
        assert catalog.load_table((name, "t")).location().startswith(where + "/t-")
        server.sql(f'CREATE SCHEMA lake."{name}.inner"')
        server.sql(f'CREATE TABLE lake."{name}.inner".t AS SELECT 1 AS id')
        assert catalog.load_table((name, "inner", "t")).location().startswith(where + "/inner/t-")
    finally:
        client.remove_namespace(catalog, (name,))


def test_nested_schemas(server, lake):
    inner = Lake(server, f"{lake.schema}.a")
    deeper = Lake(server, f"{lake.schema}.a.b")
    for level in (inner, deeper):
        level.run("CREATE SCHEMA {s}", "CREATE TABLE {t} (id bigint)", "INSERT INTO {t} VALUES 7")
        assert (level.tables(), level.rows()) == (["t"], [[7]])
    names = [name for (name,) in server.sql("SHOW SCHEMAS FROM lake") if name.startswith(lake.schema)]
    assert sorted(names) == [lake.schema, inner.schema, deeper.schema]
    with pytest.raises(Refused, match="nested schema"):
        inner.run("DROP SCHEMA {s} CASCADE")
    deeper.run("DROP SCHEMA {s} CASCADE")
    inner.run("DROP SCHEMA {s} CASCADE")


# ---- tables -----------------------------------------------------------------------------------------------


def test_a_table_is_made_in_one_step(lake, load):
    lake.run("CREATE TABLE {t} (id bigint NOT NULL COMMENT 'the id', name varchar, at timestamp(6) with time zone,"
             " tags array(varchar), place ROW(x double, y double), price decimal(12, 3), day date) COMMENT 'people'")
    assert lake.columns() == [
        ("id", "bigint"), ("name", "varchar"), ("at", "timestamp(6) with time zone"), ("tags", "array(varchar)"),
        ("place", "row(x double, y double)"), ("price", "decimal(12,3)"), ("day", "date")]
    assert load().schema().find_field("id").doc == "the id"
    assert load().properties["comment"] == "people"
    assert lake.rows() == []
    lake.run("CREATE TABLE IF NOT EXISTS {t} (other bigint)")
    with pytest.raises(Refused, match="TABLE_ALREADY_EXISTS"):
        lake.run("CREATE TABLE {t} (id bigint)")


def test_create_table_as(lake, load):
    lake.run("CREATE TABLE {t} WITH (partitioning = ARRAY['bucket(id, 4)'], sorted_by = ARRAY['name'], format = 'PARQUET')"
             " AS SELECT id, 'n' || CAST(id AS varchar) AS name FROM UNNEST(sequence(1, 40)) AS u(id)")
    assert lake.one("SELECT count(*) FROM {t} WHERE id = 7") == 1
    assert client.ids(load(), row_filter="id >= 39") == [39, 40]
    assert [str(field.transform) for field in load().spec().fields] == ["bucket[4]"]
    assert len(load().sort_order().fields) == 1
    with pytest.raises(Refused, match="DIVISION_BY_ZERO"):
        lake.run("CREATE TABLE {s}.failed AS SELECT 1 / id AS id FROM (VALUES 0) AS v(id)")
    assert lake.tables() == ["t"]


def test_create_or_replace(people, load):
    first = load().metadata.table_uuid
    people.run("CREATE OR REPLACE TABLE {t} AS SELECT 'x' AS word")
    assert people.rows() == [["x"]]
    assert load().metadata.table_uuid == first
    _, inserted, replaced = load().snapshots()    # a new table of Trino's has a snapshot without rows
    assert replaced.parent_snapshot_id is None
    assert people.rows(f" FOR VERSION AS OF {inserted.snapshot_id}") == ABC


def test_columns_change(people, load):
    people.run(
        "ALTER TABLE {t} ADD COLUMN extra integer",
        "ALTER TABLE {t} ADD COLUMN place ROW(x integer, y integer)",
        "ALTER TABLE {t} RENAME COLUMN name TO label",
        "ALTER TABLE {t} ALTER COLUMN extra SET DATA TYPE bigint",
        "ALTER TABLE {t} ADD COLUMN place.z integer",
        "ALTER TABLE {t} RENAME COLUMN place.x TO east",
        "ALTER TABLE {t} DROP COLUMN place.y",
        "COMMENT ON COLUMN {t}.label IS 'what it is called'",
        "INSERT INTO {t} VALUES (4, 'd', 7000000000, ROW(1, 2))",
    )
    assert people.columns() == [("id", "bigint"), ("label", "varchar"), ("extra", "bigint"), ("place", "row(east integer, z integer)")]
    assert people.sql("SELECT label, extra, place.z FROM {t} WHERE id >= 3 ORDER BY id") == [["c", None, None], ["d", 7000000000, 2]]
    assert load().schema().find_field("label").doc == "what it is called"
    people.run("ALTER TABLE {t} DROP COLUMN place", "ALTER TABLE {t} DROP COLUMN label")
    assert [f.name for f in load().schema().fields] == ["id", "extra"]


def test_partitioning_and_properties_change(people, load):
    people.run("ALTER TABLE {t} SET PROPERTIES partitioning = ARRAY['name'], format = 'ORC'",
               "INSERT INTO {t} VALUES (4, 'd')")
    assert [f.name for f in load().spec().fields] == ["name"]
    assert load().properties["write.format.default"] == "ORC"
    assert sorted(people.sql(f"SELECT partition.name, record_count FROM {people.inside('partitions')}"), key=str) == [
        ["d", 1], [None, 3]]
    people.run("ALTER TABLE {t} SET PROPERTIES partitioning = ARRAY[]", "INSERT INTO {t} VALUES (5, 'e')")
    assert people.one("SELECT count(*) FROM {t}") == 5
    assert len(load().specs()) == 2


def test_rename(server, people, catalog):
    people.run("ALTER TABLE {t} RENAME TO {s}.folk")
    assert people.tables() == ["folk"]
    other = Lake(server, client.unique("trino"))
    other.run("CREATE SCHEMA {s}")
    try:
        people.run(f"ALTER TABLE {{s}}.folk RENAME TO lake.{other.schema}.t")
        assert (people.tables(), other.rows()) == ([], ABC)
        other.run("CREATE TABLE {s}.taken (id bigint)")
        with pytest.raises(Refused, match="already exists"):
            other.run("ALTER TABLE {t} RENAME TO {s}.taken")
    finally:
        client.remove_namespace(catalog, (other.schema,))


def test_drop_purges_and_unregister_keeps(people, load):
    folder = client.path_of(load().location())
    metadata = load().metadata_location
    people.run(f"CALL lake.system.unregister_table('{people.schema}', 't')")
    assert people.tables() == []
    assert list(folder.glob("data/**/*.parquet"))
    people.run(f"CALL lake.system.register_table('{people.schema}', 'again', '{load_location(metadata)}')")
    assert people.sql("SELECT * FROM {s}.again ORDER BY id") == ABC
    people.run("CREATE TABLE {t} AS SELECT 1 AS id")
    folder = client.path_of(load().location())
    assert folder.exists()
    people.run("DROP TABLE {t}")
    assert people.tables() == ["again"]
    assert client.wait_until(lambda: not list(folder.rglob("*.*")))


def test_dropping_one_of_two_names_keeps_the_files(people, load):
    """Trino's DROP purges; the table that was registered from the same files still needs them."""
    people.run(f"CALL lake.system.register_table('{people.schema}', 'again', '{load().location()}')", "DROP TABLE {t}")
    assert people.tables() == ["again"]
    time.sleep(2)    # a purge begins within a moment
    assert people.sql("SELECT * FROM {s}.again ORDER BY id") == ABC
    people.run("DROP TABLE {s}.again")
    assert people.tables() == []


def load_location(metadata):
    """The table's location: two levels above its metadata file."""
    return metadata.rsplit("/", 2)[0]


def test_another_spelling_finds_the_table_in_an_insensitive_warehouse(server):
    """Trino lower-cases every name; the tables keep the spelling that another engine gave them."""
    with client.own_warehouse(**{"icecat.case-mode": "insensitive"}) as warehouse:
        name = client.unique("anycase")
        other = client.connect(warehouse=warehouse)
        other.create_namespace("Zoo")
        other.create_table("Zoo.Cats", schema=client.SCHEMA).append(client.rows(1, 3))
        server.catalog(name, warehouse)
        try:
            zoo = Lake(server, "zoo", name)
            assert zoo.one("SELECT count(*) FROM {s}.cats") == 3
            assert zoo.one("SELECT count(*) FROM {s}.CATS") == 3
            zoo.run("INSERT INTO {s}.cats (id, name) VALUES (4, 'd')", "CREATE TABLE {s}.Dogs AS SELECT 1 AS id")
            assert client.ids(other.load_table("Zoo.Cats")) == [1, 2, 3, 4]
            assert sorted(other.list_tables("Zoo")) == [("Zoo", "Cats"), ("Zoo", "dogs")]
            with pytest.raises(Refused, match="TABLE_ALREADY_EXISTS"):
                zoo.run("CREATE TABLE {s}.cats (id bigint)")
            zoo.run("ALTER TABLE {s}.cats RENAME TO {s}.lions")
            assert zoo.one("SELECT count(*) FROM {s}.lions") == 4
            zoo.run("DROP TABLE {s}.lions", "DROP TABLE {s}.dogs")
        finally:
            server.sql(f"DROP CATALOG {name}")
