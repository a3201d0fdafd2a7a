"""The storage layer against object stores on loopback: as SQL functions of a library of the tests (store_test.c).

    PG_CONFIG=… ICECAT_VERSITYGW=… /usr/bin/python3 -m pytest test/stores [-k NAME]

PG_CONFIG names a PostgreSQL in which icecat is installed. store is one versitygw for all files, faults a proxy before it, and S a
caller of the functions.

SPDX-License-Identifier: PostgreSQL
"""
import os
import subprocess
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import stores  # noqa: E402
from icecat_pytest import c, pytest_runtest_makereport, pytest_unconfigure  # noqa: E402,F401  pylint: disable=unused-import


@pytest.fixture(scope="session")
def library():
    """Built once, where the server can read it."""
    with tempfile.TemporaryDirectory(prefix="icecat_stores_") as folder:
        os.chmod(folder, 0o755)
        subprocess.run(["make", "-s", "-C", HERE, "BUILD=" + folder, "PG_CONFIG=" + os.environ.get("PG_CONFIG", "pg_config")], check=True)
        yield os.path.join(folder, "store_test.so")


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    with stores.Versitygw(str(tmp_path_factory.mktemp("versitygw")), ("lake", "with.dots")) as running:
        yield running


@pytest.fixture
def faults(store):
    with stores.Faults(store.port) as proxy:
        yield proxy


class Functions:
    """S.write(location, data) and its like: calls of the SQL functions for one root and its options."""

    def __init__(self, cluster, root, options):
        self.cluster, self.root, self.options = cluster, root, options

    def statement(self, name, *arguments):
        texts = [literal(self.root), literal(self.options)] + [literal(a) for a in arguments]
        return "SELECT store_%s(%s)" % (name, ", ".join(texts))

    def call(self, name, *arguments, check=True):
        return self.cluster.sql(self.statement(name, *arguments), check=check)

    def write(self, location, data, how="atomic"):
        return self.call("write", location, data, how, check=False)

    def read(self, location, bytes_max=1 << 20):
        text = self.call("read", location, bytes_max, check=False)
        return bytes.fromhex(text[2:]) if text.startswith("\\x") else text

    def lines(self, name, *arguments):
        """Of a text[]."""
        return self.cluster.sql("SELECT unnest(a) FROM (%s) f(a)" % self.statement(name, *arguments)).split("\n")


def literal(value):
    """A value in SQL."""
    if isinstance(value, bytes):
        return "'\\x%s'::bytea" % value.hex()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "ARRAY[%s]::text[]" % ", ".join(literal(v) for v in value)
    return "'%s'" % value.replace("'", "''")


@pytest.fixture
def functions(c, library):
    """functions(root, options) gives a caller."""
    if c.sql("SELECT to_regproc('store_read') IS NULL") == "t":
        with open(os.path.join(HERE, "store_test.sql")) as file:
            c.sql(file.read().replace(":'lib'", "'%s'" % library))

    def make(root, options):
        return Functions(c, root, options)
    return make
