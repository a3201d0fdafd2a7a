"""Polars: scans by the path of a metadata file, the moment somebody was told it.

SPDX-License-Identifier: PostgreSQL
"""

import polars as pl

import icecat_client as client


def test_the_path_of_every_commit_can_be_scanned_at_once(catalog, namespace):
    """Polars is told the path by its own sink; another client by its load."""
    name, frame = f"{namespace[0]}.t", pl.DataFrame({"id": [0], "name": ["a"]})
    for i in range(20):
        told = frame.lazy().sink_iceberg(name, mode="append", catalog=catalog, create_if_not_exists=True)
        assert pl.scan_iceberg(told["metadata_path"][0]).select(pl.len()).collect().item() == i + 1
        loaded = client.connect().load_table(name).metadata_location
        assert pl.scan_iceberg(loaded).collect().height == i + 1


def test_a_new_table_can_be_scanned_by_path_at_once(catalog, namespace):
    for i in range(10):
        made = catalog.create_table((*namespace, f"t{i}"), schema=client.SCHEMA)
        frame = pl.scan_iceberg(made.metadata_location).collect()
        assert (frame.columns, frame.height) == (["id", "name", "amount"], 0)
