"""One Flink for the whole suite, a database for every test. ICECAT_FLINK_JARS names the folder of its jars.

SPDX-License-Identifier: PostgreSQL
"""

import pytest

from icecat_flink import Flink, Lake


@pytest.fixture(scope="session")
def flink(tmp_path_factory):
    it = Flink(tmp_path_factory.mktemp("flink"))
    yield it
    it.stop()


@pytest.fixture
def lake(flink, namespace):
    """The namespace of the test, which the second client made and removes."""
    return Lake(flink, namespace[0])


@pytest.fixture
def people(lake):
    """Table t with three rows in one snapshot."""
    lake.run("CREATE TABLE {t} (id BIGINT, name STRING)", "INSERT INTO {t} VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    return lake
