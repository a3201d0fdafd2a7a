"""PyIceberg with token=: against a gateway of its own that takes the tokens of an issuer of its own.

SPDX-License-Identifier: PostgreSQL
"""

import os
import pathlib
import sys

import psycopg
import pytest
from pyiceberg.exceptions import ForbiddenError, SignError, UnauthorizedError

import icecat_client as client

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "test/lib"))

import harness  # noqa: E402  # pylint: disable=wrong-import-position
from issuer import Issuer  # noqa: E402  # pylint: disable=wrong-import-position

GATEWAY = os.environ.get("ICECAT_GATEWAY", str(ROOT / "contrib-gateway/build/icecat-gateway"))
DATABASE = os.environ.get("PGDATABASE", "icecat")
ROLES = ("icecat_suite_reader", "icecat_suite_writer", "icecat_suite_gateway")
SET_UP = """
CREATE ROLE icecat_suite_reader; CREATE ROLE icecat_suite_writer; CREATE ROLE icecat_suite_gateway LOGIN NOINHERIT;
SELECT icecat.grant_reader('icecat_suite_reader'), icecat.grant_writer('icecat_suite_writer'), icecat.grant_gateway('icecat_suite_gateway');
GRANT icecat_suite_reader, icecat_suite_writer TO icecat_suite_gateway;
SELECT icecat.map_principal('suite', 'sub', 'reader', 'icecat_suite_reader'), icecat.map_principal('suite', 'sub', 'writer', 'icecat_suite_writer');
"""
TEAR_DOWN = """
SELECT icecat.unmap_principal('suite', 'sub', 'reader'), icecat.unmap_principal('suite', 'sub', 'writer')
"""


def sql(text):
    with psycopg.connect(f"user=postgres dbname={DATABASE}", autocommit=True) as connection:
        connection.execute(text)


def remove():
    with psycopg.connect(f"user=postgres dbname={DATABASE}", autocommit=True) as connection:
        connection.execute(TEAR_DOWN)
        for role in ROLES:
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).rowcount > 0:
                connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.fixture(scope="module", name="secured")
def fixture_secured(tmp_path_factory):
    """connect(token) to a gateway that asks for tokens, and the issuer of these."""
    remove()
    sql(SET_UP)
    dsn = f"user=icecat_suite_gateway dbname={DATABASE}"
    try:
        with Issuer() as issuer, harness.Gateway(GATEWAY, dsn, str(tmp_path_factory.mktemp("gateway")),
                                                 auth_issuers=f"suite={issuer.url}", auth_audiences="icecat") as gateway:
            url = f"http://127.0.0.1:{gateway.port}"
            yield issuer, lambda **properties: client.connect(uri=url, **properties)
    finally:
        remove()


def test_a_writer_writes_and_a_reader_reads(secured):
    issuer, connect = secured
    writer = connect(token=issuer.token("writer"))
    reader = connect(token=issuer.token("reader"))
    namespace = (client.unique("t"),)
    writer.create_namespace(namespace)
    try:
        table = writer.create_table((*namespace, "t"), schema=client.SCHEMA)
        table.append(client.rows(1, 3))
        assert client.ids(reader.load_table((*namespace, "t"))) == [1, 2, 3]
        with pytest.raises(ForbiddenError):
            reader.create_namespace((client.unique("t"),))
        # Where the catalog gives access to files, it gives a reader none to write.
        with pytest.raises({"keys": ForbiddenError, "vend": OSError, "sign": SignError}[client.S3_HOW]):
            reader.load_table((*namespace, "t")).append(client.rows(4, 1))
        assert client.ids(reader.load_table((*namespace, "t"))) == [1, 2, 3]
    finally:
        client.remove_namespace(writer, namespace)


def test_who_is_not_known_is_refused(secured):
    issuer, connect = secured
    for properties in ({}, {"token": issuer.token("writer", exp=1)}, {"token": issuer.token("writer", aud="other")}):
        with pytest.raises(UnauthorizedError):
            connect(**properties)
    with pytest.raises(ForbiddenError):
        connect(token=issuer.token("stranger"))
