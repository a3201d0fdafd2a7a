"""Views through PyIceberg: create, load, list, exists, register, drop; beside tables of the same namespace.

SPDX-License-Identifier: PostgreSQL
"""

import time

import pyarrow as pa
import pytest
from pyiceberg.exceptions import (
    NoSuchTableError,
    NoSuchViewError,
    TableAlreadyExistsError,
    ViewAlreadyExistsError,
)
from pyiceberg.view.metadata import ViewVersion

import icecat_client as client


def version(namespace, **queries):
    """A view version with a query for each dialect."""
    return ViewVersion(
        version_id=1,
        schema_id=0,
        timestamp_ms=int(time.time() * 1000),
        summary={"engine-name": "pyiceberg"},
        representations=[{"type": "sql", "sql": sql, "dialect": dialect} for dialect, sql in queries.items()],
        default_namespace=list(namespace),
    )


@pytest.fixture
def view(catalog, namespace):
    return catalog.create_view(
        (*namespace, "v"), client.SCHEMA, version(namespace, spark="SELECT 1", trino='SELECT "1"'), properties={"owner": "é"})


def test_create_load_list_drop(catalog, namespace, view):
    name = (*namespace, "v")
    assert catalog.view_exists(name)
    assert catalog.list_views(namespace) == [name]
    loaded = catalog.load_view(name)
    assert loaded.metadata == view.metadata
    current = loaded.metadata.versions[0]
    assert [(r.root.dialect, r.root.sql) for r in current.representations] == [("spark", "SELECT 1"), ("trino", 'SELECT "1"')]
    assert loaded.metadata.properties == {"owner": "é"}
    assert [f.name for f in loaded.metadata.schemas[0].fields] == [f.name for f in client.SCHEMA.fields]
    with pytest.raises(ViewAlreadyExistsError):
        catalog.create_view(name, client.SCHEMA, version(namespace, spark="SELECT 1"))
    catalog.drop_view(name)
    assert not catalog.view_exists(name)
    assert catalog.list_views(namespace) == []
    with pytest.raises(NoSuchViewError):
        catalog.load_view(name)
    with pytest.raises(NoSuchViewError):
        catalog.drop_view(name)


def test_tables_and_views_share_the_names(catalog, namespace, view, table):
    with pytest.raises(TableAlreadyExistsError, match="View with same name already exists"):
        catalog.create_table((*namespace, "v"), client.SCHEMA)
    with pytest.raises(ViewAlreadyExistsError, match="Table with same name already exists"):
        catalog.create_view((*namespace, "t"), client.SCHEMA, version(namespace, spark="SELECT 1"))
    with pytest.raises(NoSuchTableError):
        catalog.load_table((*namespace, "v"))
    with pytest.raises(NoSuchViewError):
        catalog.load_view((*namespace, "t"))
    assert not catalog.table_exists((*namespace, "v"))
    assert not catalog.view_exists((*namespace, "t"))
    assert catalog.list_tables(namespace) == [(*namespace, "t")]
    assert catalog.list_views(namespace) == [(*namespace, "v")]


def test_the_metadata_file_brings_a_view_back(catalog, namespace, view):
    name = (*namespace, "v")
    location = client.Rest().call("GET", f"/namespaces/{client.levels(namespace)}/views/v").json()["metadata-location"]
    assert client.path_of(location).exists()
    catalog.drop_view(name)
    registered = catalog.register_view((*namespace, "again"), location)
    assert registered.metadata == view.metadata
    catalog.drop_view((*namespace, "again"))


def test_a_table_is_used_as_ever_beside_views(catalog, namespace, view, table):
    table.append(client.rows(0, 3))
    assert table.scan().to_arrow().num_rows == 3
    assert isinstance(table.scan().to_arrow(), pa.Table)
