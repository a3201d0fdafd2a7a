"""Trino: views, which other engines and the SQL views of the catalog see too.

SPDX-License-Identifier: PostgreSQL
"""

import pytest

import icecat_client as client
from icecat_trino import Refused


@pytest.fixture
def viewed(people):
    people.run("CREATE VIEW {s}.v COMMENT 'two of them' AS SELECT id AS key, name AS label FROM {t} WHERE id > 1")
    return people


def test_create_show_read_drop(viewed, catalog, namespace):
    assert viewed.sql("SELECT * FROM {s}.v ORDER BY key") == [[2, "b"], [3, "c"]]
    assert viewed.tables() == ["t", "v"]
    assert viewed.columns("v") == [("key", "bigint"), ("label", "varchar")]
    assert "WHERE" in viewed.one("SHOW CREATE VIEW {s}.v")
    assert catalog.list_views(namespace) == [(*namespace, "v")]
    assert client.sql("SELECT dialect, is_current FROM icecat.view_representations"
                      " WHERE warehouse = %s AND namespace = %s AND view_name = 'v'", client.WAREHOUSE, [namespace[0]]) == [("trino", True)]
    with pytest.raises(Refused, match="already exists|ALREADY_EXISTS"):
        viewed.run("CREATE VIEW {s}.v AS SELECT 1 AS one")
    viewed.run("DROP VIEW {s}.v")
    assert viewed.tables() == ["t"]


def test_replace_comment_rename(viewed):
    viewed.run("CREATE OR REPLACE VIEW {s}.v AS SELECT count(*) AS n FROM {t}")
    assert viewed.sql("SELECT n FROM {s}.v") == [[3]]
    viewed.run("COMMENT ON VIEW {s}.v IS 'how many'", "ALTER VIEW {s}.v RENAME TO {s}.w")
    assert viewed.tables() == ["t", "w"]
    assert "how many" in viewed.one("SHOW CREATE VIEW {s}.w")
    viewed.run("INSERT INTO {t} VALUES (4, 'd')")
    assert viewed.sql("SELECT n FROM {s}.w") == [[4]]


def test_a_name_is_a_tables_or_a_views(viewed):
    with pytest.raises(Refused, match="already exists|ALREADY_EXISTS"):
        viewed.run("CREATE TABLE {s}.v (id bigint)")
    with pytest.raises(Refused, match="already exists|ALREADY_EXISTS"):
        viewed.run("CREATE VIEW {t} AS SELECT 1 AS one")


def test_a_view_of_another_dialect_is_listed_and_not_read(lake, rest, namespace):
    client.create_spark_view(rest, namespace, "v", "SELECT 1 AS n")
    assert lake.tables() == ["v"]
    with pytest.raises(Refused, match="(?i)dialect"):
        lake.run("SELECT * FROM {s}.v")
    lake.run("CREATE TABLE {t} AS SELECT 1 AS id")
    assert lake.rows() == [[1]]
