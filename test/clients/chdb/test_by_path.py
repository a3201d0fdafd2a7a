"""chDB: the file of a commit, the moment it was acknowledged. ClickHouse reads tables from their files, never from an answer.

SPDX-License-Identifier: PostgreSQL
"""

import pyarrow as pa

import icecat_client as client


def test_every_commit_can_be_read_at_once(lake, catalog, namespace):
    """By the catalog, which names the file, and by the table's folder, where ClickHouse looks for the newest."""
    rows = pa.table({"id": [1], "name": ["a"]})
    table = catalog.create_table((*namespace, "t"), schema=rows.schema)
    folder = client.path_of(table.location())
    for i in range(1, 21):
        table.append(rows)
        assert lake.rows(f"SELECT count() FROM lake.`{namespace[0]}.t`") == [(i,)]
        assert lake.rows(f"SELECT count() FROM icebergLocal('{folder}')") == [(i,)]


def test_a_new_table_can_be_read_at_once(lake, catalog, namespace):
    for i in range(10):
        table = catalog.create_table((*namespace, f"t{i}"), schema=client.SCHEMA)
        assert lake.rows(f"SELECT count() FROM lake.`{namespace[0]}.t{i}`") == [(0,)]
        assert lake.rows(f"DESCRIBE icebergLocal('{client.path_of(table.location())}')")[0][:2] == ("id", "Int64")
