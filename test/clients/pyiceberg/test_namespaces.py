"""Namespaces through PyIceberg: nesting, properties, names of every kind.

SPDX-License-Identifier: PostgreSQL
"""

import pytest
from pyiceberg.exceptions import (
    NamespaceAlreadyExistsError,
    NamespaceNotEmptyError,
    NoSuchNamespaceError,
)

import icecat_client as client

ODD_NAMES = [
    "with space",
    "dot.in.name",
    "sla/sh",
    "back\\slash",
    "per%cent",
    "%2F",
    "%1F",
    "%251F",
    "plus+plus",
    "quote'single",
    'quote"double',
    "question?mark",
    "hash#tag",
    "amp&ersand=equals",
    "semi;colon,comma",
    "ünïcödé",
    "日本語",
    "🧊",
    "UPPER lower",
    "-dash-",
    "$dollar{brace}[bracket]",
    "tab\tinside",
    ".hidden..name",
]


def test_create_load_list_drop(catalog):
    name = (client.unique("ns"),)
    catalog.create_namespace(name, {"owner": "me", "note": "späße"})
    assert catalog.namespace_exists(name)
    assert name in catalog.list_namespaces()
    assert catalog.load_namespace_properties(name).items() >= {"owner": "me", "note": "späße"}.items()
    catalog.drop_namespace(name)
    assert not catalog.namespace_exists(name)
    assert name not in catalog.list_namespaces()


def test_create_twice_is_refused(catalog, namespace):
    with pytest.raises(NamespaceAlreadyExistsError):
        catalog.create_namespace(namespace)


def test_missing_namespace(catalog):
    missing = (client.unique("missing"),)
    with pytest.raises(NoSuchNamespaceError):
        catalog.load_namespace_properties(missing)
    with pytest.raises(NoSuchNamespaceError):
        catalog.drop_namespace(missing)
    with pytest.raises(NoSuchNamespaceError):
        catalog.list_tables(missing)
    assert not catalog.namespace_exists(missing)


def test_namespace_with_table_is_not_dropped(catalog, namespace, table):
    with pytest.raises(NamespaceNotEmptyError):
        catalog.drop_namespace(namespace)
    assert catalog.table_exists(table.name())


def test_nested_namespaces(catalog, namespace):
    middle = (*namespace, "middle")
    leaf = (*middle, "leaf")
    catalog.create_namespace(middle)
    catalog.create_namespace(leaf, {"depth": "3"})
    assert catalog.list_namespaces(namespace) == [middle]
    assert catalog.list_namespaces(middle) == [leaf]
    assert catalog.list_namespaces(leaf) == []
    assert catalog.load_namespace_properties(leaf)["depth"] == "3"
    assert middle not in catalog.list_namespaces()
    with pytest.raises(NamespaceNotEmptyError):
        catalog.drop_namespace(middle)
    table = catalog.create_table((*leaf, "deep"), schema=client.SCHEMA)
    table.append(client.rows(1, 3))
    assert catalog.list_tables(leaf) == [(*leaf, "deep")]
    assert catalog.list_tables(middle) == []
    assert client.ids(catalog.load_table((*leaf, "deep"))) == [1, 2, 3]


def test_child_needs_its_parent(catalog, rest):
    missing = client.unique("missing")
    answer = rest.call("POST", "/namespaces", {"namespace": [missing, "child"]})
    assert answer.status_code == 404, answer.text
    assert answer.json()["error"]["type"] == "NoSuchNamespaceException"
    assert not catalog.namespace_exists((missing,))
    assert not catalog.namespace_exists((missing, "child"))


def test_update_properties(catalog, namespace):
    catalog.update_namespace_properties(namespace, updates={"a": "1", "b": "2", "c": "3"})
    summary = catalog.update_namespace_properties(namespace, removals={"a", "zzz"}, updates={"b": "22"})
    assert summary.updated == ["b"]
    assert summary.removed == ["a"]
    assert summary.missing == ["zzz"]
    properties = catalog.load_namespace_properties(namespace)
    assert "a" not in properties
    assert properties["b"] == "22"
    assert properties["c"] == "3"


def children(rest, namespace):
    """The children of a namespace. PyIceberg's list_namespaces encodes the parent twice, so that a server
    sees another name when a level holds more than letters and digits: hence by plain HTTP."""
    answer = rest.call("GET", f"/namespaces?parent={client.levels(namespace)}")
    assert answer.status_code == 200, answer.text
    return [tuple(child) for child in answer.json()["namespaces"]]


@pytest.mark.parametrize("odd", ODD_NAMES)
def test_odd_names_in_every_position(catalog, namespace, rest, odd):
    child = (*namespace, odd)
    grandchild = (*child, f"{odd}{odd}")
    catalog.create_namespace(child, {odd: odd})
    catalog.create_namespace(grandchild)
    assert catalog.list_namespaces(namespace) == [child]
    assert children(rest, child) == [grandchild]
    assert children(rest, grandchild) == []
    assert catalog.load_namespace_properties(child)[odd] == odd

    for place in (child, grandchild):
        table = catalog.create_table((*place, odd), schema=client.SCHEMA, properties={odd: odd})
        table.append(client.rows(1, 2))
        assert catalog.list_tables(place) == [(*place, odd)]
        assert client.ids(catalog.load_table((*place, odd))) == [1, 2]
        assert catalog.load_table((*place, odd)).properties[odd] == odd
        catalog.rename_table((*place, odd), (*place, f"{odd}2"))
        assert not catalog.table_exists((*place, odd))
        assert catalog.table_exists((*place, f"{odd}2"))
        catalog.drop_table((*place, f"{odd}2"))
    catalog.drop_namespace(grandchild)
    catalog.drop_namespace(child)
