"""DuckDB's iceberg_scan and PyIceberg's StaticTable: the file of a commit, the moment somebody was told its place.

SPDX-License-Identifier: PostgreSQL
"""

import pytest
from pyiceberg.table import StaticTable

import icecat_client as client

pytestmark = pytest.mark.skipif(client.S3_HOW != "keys", reason="who reads by path needs a key")


def test_the_file_of_every_commit_can_be_read_at_once(duck, namespace, catalog):
    """Of every append, whose answer names it; of what DuckDB itself committed, by another client's load."""
    table = catalog.create_table((*namespace, "t"), schema=client.SCHEMA)
    for i in range(10):
        table.append(client.rows(2 * i, 1))
        assert duck.execute(f"SELECT count(*) FROM iceberg_scan('{table.metadata_location}')").fetchone() == (2 * i + 1,)
        duck.execute(f"INSERT INTO lake.{namespace[0]}.t VALUES ({2 * i + 1}, 'duck', 0.5)")
        table.refresh()
        static = StaticTable.from_metadata(table.metadata_location, client.STORE)
        assert client.ids(static) == list(range(2 * i + 2))


def test_the_file_of_a_new_table_can_be_read_at_once(duck, namespace, catalog):
    for i in range(10):
        table = catalog.create_table((*namespace, f"t{i}"), schema=client.SCHEMA)
        assert StaticTable.from_metadata(table.metadata_location, client.STORE).schema() == table.schema()
        assert duck.execute(f"DESCRIBE SELECT * FROM iceberg_scan('{table.metadata_location}')").fetchone()[0] == "id"
