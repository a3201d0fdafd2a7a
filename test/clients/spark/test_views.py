"""Spark: views; and what it says of them beside the catalog's SQL views.

SPDX-License-Identifier: PostgreSQL
"""

import pytest

from icecat_spark import WAREHOUSE, Refused


@pytest.fixture
def viewed(people):
    people.run("CREATE VIEW {ns}.v (key COMMENT 'the id', label) COMMENT 'names' TBLPROPERTIES ('team' = 'a')"
               " AS SELECT id, name FROM {t} WHERE id > 1")
    yield people
    people.run("DROP VIEW IF EXISTS {ns}.v")


def versions(lake, name="v"):
    """version_id, is_current and text of each version, as the catalog's SQL views have them."""
    return lake.database.execute(
        "SELECT version_id, is_current, sql FROM icecat.view_representations"
        " WHERE warehouse = %s AND namespace = %s AND view_name = %s ORDER BY version_id",
        (WAREHOUSE, lake.namespace.split("."), name)).fetchall()


def test_create_show_read_drop(viewed):
    assert sorted(viewed.sql("SELECT key, label FROM {ns}.v")) == [(2, "b"), (3, "c")]
    assert [name for _, name, _ in viewed.sql("SHOW VIEWS IN {ns}")] == ["v"]
    assert [name for _, name, _ in viewed.sql("SHOW TABLES IN {ns}")] == ["t"]
    assert [(name, kind, comment or None) for name, kind, comment in viewed.sql("DESCRIBE {ns}.v")[:2]] == [
        ("key", "bigint", "the id"), ("label", "string", None)]
    assert dict(viewed.sql("SHOW TBLPROPERTIES {ns}.v"))["team"] == "a"
    with pytest.raises(Refused, match="(?i)already exists|ALREADY_EXISTS"):
        viewed.run("CREATE VIEW {ns}.v AS SELECT 1 AS one")
    viewed.run("CREATE VIEW IF NOT EXISTS {ns}.v AS SELECT 1 AS one")
    viewed.run("DROP VIEW {ns}.v")
    assert viewed.sql("SHOW VIEWS IN {ns}") == []
    with pytest.raises(Refused, match="(?i)cannot be found|does not exist|NOT_FOUND"):
        viewed.run("SELECT * FROM {ns}.v")


def test_replace_and_back_to_an_earlier_definition(people):
    one = "CREATE OR REPLACE VIEW {ns}.v AS SELECT id FROM {t}"
    two = "CREATE OR REPLACE VIEW {ns}.v AS SELECT count(*) AS n FROM {t}"
    people.run(one)
    assert len(people.sql("SELECT * FROM {ns}.v")) == 3
    people.run(two)
    assert people.sql("SELECT * FROM {ns}.v") == [(3,)]
    people.run(one)
    assert len(people.sql("SELECT * FROM {ns}.v")) == 3
    if people.database is not None:
        # the first version is in force again: no third one was made
        assert [(v, current) for v, current, _ in versions(people)] == [(1, True), (2, False)]
        assert versions(people)[0][2].startswith("SELECT id FROM")
    people.run("DROP VIEW {ns}.v")


def test_properties_and_rename(viewed):
    viewed.run("ALTER VIEW {ns}.v SET TBLPROPERTIES ('team' = 'b', 'x' = 'y')", "ALTER VIEW {ns}.v UNSET TBLPROPERTIES ('x')")
    properties = dict(viewed.sql("SHOW TBLPROPERTIES {ns}.v"))
    assert (properties["team"], "x" in properties) == ("b", False)
    viewed.run("ALTER VIEW {ns}.v RENAME TO {ns}.w")
    assert [name for _, name, _ in viewed.sql("SHOW VIEWS IN {ns}")] == ["w"]
    assert len(viewed.sql("SELECT * FROM {ns}.w")) == 2
    viewed.run("DROP VIEW {ns}.w")


def test_a_name_is_a_table_s_or_a_view_s(viewed):
    with pytest.raises(Refused, match="(?i)already exists|ALREADY_EXISTS"):
        viewed.run("CREATE TABLE {ns}.v (id INT) USING iceberg")
    with pytest.raises(Refused, match="(?i)already exists|ALREADY_EXISTS|not a view|EXPECT_VIEW"):
        viewed.run("CREATE VIEW {t} AS SELECT 1 AS one")
    with pytest.raises(Refused, match="(?i)already exists|ALREADY_EXISTS"):
        viewed.run("ALTER VIEW {ns}.v RENAME TO {t}")
    with pytest.raises(Refused, match="(?i)not empty"):
        viewed.run("DROP NAMESPACE {ns}")


def test_a_view_of_several_dialects(viewed):
    """Spark reads its own text of a view that another engine's text belongs to as well, and does not drop the other by accident."""
    if viewed.database is None:
        pytest.skip("needs the database")
    levels = viewed.namespace.split(".")
    viewed.database.execute("""
        SELECT icecat.replace_view(%(w)s, %(n)s, 'v', NULL, json_build_array(
            json_build_object('action', 'add-view-version', 'view-version', jsonb_set(definition::jsonb, '{representations}',
                definition::jsonb -> 'representations' || '[{"type": "sql", "dialect": "trino", "sql": "SELECT 1 AS key, \\"x\\" AS label"}]')),
            json_build_object('action', 'set-current-view-version', 'view-version-id', -1)))
        FROM icecat.view_versions WHERE warehouse = %(w)s AND namespace = %(n)s AND view_name = 'v' AND is_current""",
        {"w": WAREHOUSE, "n": levels})
    assert sorted(viewed.sql("SELECT key, label FROM {ns}.v")) == [(2, "b"), (3, "c")]
    with pytest.raises(Refused, match="(?i)dialect"):
        viewed.run("CREATE OR REPLACE VIEW {ns}.v AS SELECT 1 AS one")
    viewed.run("ALTER VIEW {ns}.v SET TBLPROPERTIES ('replace.drop-dialect.allowed' = 'true')",
               "CREATE OR REPLACE VIEW {ns}.v AS SELECT 1 AS one")
    assert viewed.sql("SELECT * FROM {ns}.v") == [(1,)]
