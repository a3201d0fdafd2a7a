"""Fixtures of every client suite (loaded by test/clients/run as a plugin).

SPDX-License-Identifier: PostgreSQL
"""

import contextlib

import pytest

import icecat_client as client


@pytest.fixture(scope="session")
def catalog():
    return client.connect()


@pytest.fixture
def namespace(catalog):
    """A namespace for one test, removed with its tables afterwards."""
    name = (client.unique("t"),)
    catalog.create_namespace(name)
    yield name
    with contextlib.suppress(Exception):
        client.remove_namespace(catalog, name)


@pytest.fixture
def table(catalog, namespace):
    return catalog.create_table((*namespace, "t"), schema=client.SCHEMA)


@pytest.fixture
def load(catalog, namespace):
    """A table of the test's namespace, as PyIceberg has it now."""
    return lambda name="t": catalog.load_table((*namespace, name))


@pytest.fixture(scope="session")
def rest():
    return client.Rest()


@pytest.fixture
def duck():
    with contextlib.closing(client.duckdb_connection()) as connection:
        yield connection
