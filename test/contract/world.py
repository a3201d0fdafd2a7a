"""What the contract suites send: a catalog to speak to, objects in it, and gateways with faults behind them.

SPDX-License-Identifier: PostgreSQL
"""

import contextlib
import os
import pathlib
import re
import subprocess
import tempfile
import time
import uuid

import psycopg
import requests

import icecat_client as client

ROOT = pathlib.Path(__file__).resolve().parents[2]
GATEWAY = os.environ.get("ICECAT_GATEWAY", str(ROOT / "contrib-gateway/build/icecat-gateway"))
FAULTS = "icecat_contract_faults"
NOBODY = "icecat_contract_nobody"
SUPERUSER = "postgres"
BUSY_MS = 400
MISSING = "no_such_name"
OTHER_UUID = "00000000-0000-4000-8000-000000000000"

FIELDS = [
    {"id": 1, "name": "id", "type": "long", "required": True},
    {"id": 2, "name": "at", "type": "timestamptz", "required": False},
]
SCHEMA = {"type": "struct", "schema-id": 0, "fields": FIELDS}


def dsn(database=None, user=SUPERUSER):
    """The database of the running catalog, or another one of the same server."""
    return f"user={user} dbname={database or os.environ.get('PGDATABASE', 'icecat')}"


def sql(text, database=None):
    with psycopg.connect(dsn(database), autocommit=True) as connection:
        cursor = connection.execute(text)
        return cursor.fetchall() if cursor.description else []


class Api:
    """Requests to one gateway, in one warehouse."""

    def __init__(self, url, prefix):
        self.url = url
        self.prefix = prefix
        self.session = requests.Session()

    def call(self, method, path, body=None, prefix=None, **options):
        """A path below /v1, with {prefix} in it."""
        target = self.url + "/v1" + path.replace("{prefix}", prefix or self.prefix)
        return self.session.request(method, target, json=body, timeout=60, **options)


class Objects:
    """Namespaces, tables and views made on demand, each for one request."""

    def __init__(self, api):
        self.api = api
        self.space = client.unique("contract")
        self.made = []
        self.namespace(self.space)

    def _name(self):
        return "o" + uuid.uuid4().hex[:10]

    def must(self, answer):
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def namespace(self, name=None, **properties):
        name = name or self._name()
        self.must(self.api.call("POST", "/{prefix}/namespaces",
                                {"namespace": [name], "properties": properties}))
        self.made.append(name)
        return name

    def table(self, name=None):
        name = name or self._name()
        return name, self.must(self.api.call("POST", "/{prefix}/namespaces/%s/tables" % self.space,
                                             {"name": name, "schema": SCHEMA}))

    def view_body(self, name):
        return {
            "name": name,
            "schema": SCHEMA,
            "view-version": {
                "version-id": 1, "timestamp-ms": 1700000000000, "schema-id": 0, "summary": {},
                "default-namespace": [self.space],
                "representations": [{"type": "sql", "sql": "SELECT 1", "dialect": "spark"}],
            },
            "properties": {},
        }

    def view(self, name=None):
        name = name or self._name()
        return name, self.must(self.api.call("POST", "/{prefix}/namespaces/%s/views" % self.space,
                                             self.view_body(name)))

    def new_name(self):
        return self._name()

    def remove(self):
        catalog = client.connect()
        for name in self.made:
            with contextlib.suppress(Exception):
                for view in catalog.list_views((name,)):
                    catalog.drop_view(view)
            with contextlib.suppress(Exception):
                client.remove_namespace(catalog, (name,))


@contextlib.contextmanager
def gateway(database=None, **settings):
    """A gateway of our own on a free port; yields its URL."""
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder, "log")
        environment = {**os.environ, "ICECAT_PORT": "0", "ICECAT_DSN": dsn(database), "ICECAT_ACCESS_LOG": "off",
                       **{"ICECAT_" + k.upper(): str(v) for k, v in settings.items()}}
        with log.open("w") as out:
            process = subprocess.Popen([GATEWAY], env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            found = []
            assert client.wait_until(
                lambda: found.extend(re.findall(r"listening on \S+ port (\d+)", log.read_text())) or found, 10), \
                log.read_text()
            url = f"http://127.0.0.1:{found[0]}"
            assert client.wait_until(lambda: requests.get(url + "/ready", timeout=5).status_code == 200, 10), \
                log.read_text()
            yield url
        finally:
            process.terminate()
            process.wait(20)


@contextlib.contextmanager
def fault_database():
    """A database with the extension and a warehouse w, to break."""
    sql(f"DROP DATABASE IF EXISTS {FAULTS} WITH (FORCE)")
    sql(f"CREATE DATABASE {FAULTS}")
    try:
        sql("CREATE EXTENSION icecat", FAULTS)
        sql("SELECT icecat.create_warehouse('w', 'file:///tmp/icecat-contract-w')", FAULTS)
        yield
    finally:
        sql(f"DROP DATABASE IF EXISTS {FAULTS} WITH (FORCE)")


@contextlib.contextmanager
def locked():
    """Whoever looks for a warehouse waits, and gives up after BUSY_MS."""
    with psycopg.connect(dsn(FAULTS)) as connection:
        connection.execute("LOCK TABLE icecat_data.warehouse IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


@contextlib.contextmanager
def broken():
    """Whoever looks for a warehouse finds that its table is gone."""
    sql("ALTER TABLE icecat_data.warehouse RENAME TO hidden", FAULTS)
    try:
        yield
    finally:
        sql("ALTER TABLE icecat_data.hidden RENAME TO warehouse", FAULTS)


@contextlib.contextmanager
def nobody(may):
    """A role that may do one thing: with no right at all it would be taken for a mistake of the operator's, which is 503."""
    role = NOBODY + "_" + may
    drop = f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN DROP OWNED BY {role}; END IF; END $$"
    sql(drop)
    sql(f"DROP ROLE IF EXISTS {role}")
    sql(f"CREATE ROLE {role} NOLOGIN; GRANT USAGE ON SCHEMA icecat TO {role}; GRANT EXECUTE ON FUNCTION icecat.{may} TO {role}")
    try:
        yield role
    finally:
        sql(drop)
        sql(f"DROP ROLE IF EXISTS {role}")
