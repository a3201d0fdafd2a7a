"""chDB with the catalog attached as database lake.

SPDX-License-Identifier: PostgreSQL
"""

import os

import pytest

import icecat_client as client
from icecat_chdb import Lake


@pytest.fixture(scope="session")
def lake(tmp_path_factory):
    before = os.getcwd()
    # chDB reads files below its working folder only (a ClickHouse server: below user_files_path).
    os.chdir(client.path_of(client.warehouse_location()))
    it = Lake(tmp_path_factory.mktemp("chdb"))
    yield it
    it.session.close()
    os.chdir(before)
