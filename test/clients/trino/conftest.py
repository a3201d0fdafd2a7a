"""One Trino server for the whole suite, a schema for every test.

ICECAT_URL and ICECAT_WAREHOUSE name the catalog, ICECAT_TRINO_HOME the unpacked server; PGHOST, PGPORT, PGUSER and
PGDATABASE lead to the catalog's own database.

SPDX-License-Identifier: PostgreSQL
"""

import pytest

import icecat_client as client
from icecat_trino import Lake, Server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    it = Server(tmp_path_factory.mktemp("trino"))
    try:
        it.wait()
        it.catalog("lake", client.WAREHOUSE)
        yield it
    finally:
        it.stop()


@pytest.fixture
def lake(server, namespace):
    """The namespace of the test, which the second client made and removes."""
    return Lake(server, namespace[0])


@pytest.fixture
def people(lake):
    """Table t with three rows in one snapshot."""
    lake.run("CREATE TABLE {t} (id bigint, name varchar)", "INSERT INTO {t} VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    return lake
