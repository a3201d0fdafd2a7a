"""Trino: register_table of the file of a commit, the moment it was acknowledged.

SPDX-License-Identifier: PostgreSQL
"""

import pyarrow as pa

ROWS = pa.table({"id": [1], "name": ["a"]})


def test_the_file_of_every_commit_can_be_registered_at_once(lake, catalog, namespace):
    """By its name, and by the folder, where Trino looks for the newest. Only the name goes when it is unregistered."""
    table = catalog.create_table((*namespace, "t"), schema=ROWS.schema)
    for i in range(1, 5):
        table.append(ROWS)
        file = table.metadata_location.rsplit("/", 1)[1]
        for more in (f", '{file}'", ""):
            lake.run(f"CALL lake.system.register_table('{lake.schema}', 'again', '{table.location()}'{more})")
            assert lake.one("SELECT count(*) FROM {s}.again") == i
            lake.run(f"CALL lake.system.unregister_table('{lake.schema}', 'again')")


def test_a_new_table_can_be_registered_at_once(lake, catalog, namespace):
    for i in range(3):
        made = catalog.create_table((*namespace, f"t{i}"), schema=ROWS.schema)
        lake.run(f"CALL lake.system.register_table('{lake.schema}', 'again{i}', '{made.location()}')")
        assert lake.one(f"SELECT count(*) FROM {{s}}.again{i}") == 0
