"""A database whose sessions are SERIALIZABLE, read only and worse by default: the gateway's are not, also behind PgBouncer."""
# SPDX-License-Identifier: PostgreSQL
import os
import shutil
import subprocess
import time

import harness
import pytest
from expectations import expect

SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "x", "type": "long", "required": False}]}
CLIENTS = 8
ROUNDS = 12
ODD = ("default_transaction_isolation = serializable", "default_transaction_read_only = on", "default_transaction_deferrable = on",
       "synchronous_commit = off", "lock_timeout = 1", "row_security = off", "search_path = odd, pg_catalog",
       "\"DateStyle\" = German", "standard_conforming_strings = off")


def create_all(gateway, name):
    """Namespaces, tables in one namespace, and commits on one table, by several clients at once."""
    gateway.request("POST", "/v1/w/namespaces", {"namespace": [name]})
    space = "/v1/w/namespaces/%s/tables" % name
    gateway.request("POST", space, {"name": "common", "schema": SCHEMA})
    statuses = []

    def client(i):
        for n in range(ROUNDS):
            statuses.append(gateway.request("POST", "/v1/w/namespaces", {"namespace": ["%s_%d_%d" % (name, i, n)]}).status)
            statuses.append(gateway.request("POST", space, {"name": "t%d_%d" % (i, n), "schema": SCHEMA}).status)
            statuses.append(gateway.request("POST", space + "/common", {"requirements": [], "updates": [
                {"action": "set-properties", "updates": {"k%d" % i: str(n)}}]}).status)
            statuses.append(gateway.get(space + "/common").status)

    harness.in_parallel([lambda i=i: client(i) for i in range(CLIENTS)])
    return statuses


def check(gateway, name):
    began = time.monotonic()
    statuses = create_all(gateway, name)
    bad = [status for status in statuses if status != 200]
    expect(not bad, "%s: %d requests, all 200" % (name, len(statuses)), "%d are not: %s" % (len(bad), sorted(set(bad))))
    print("# %s: %.0f requests/s" % (name, len(statuses) / (time.monotonic() - began)))


def bouncer_path():
    return shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:" + os.environ.get("PATH", ""))


def prepare(c):
    c.sql("SELECT icecat.create_warehouse('w', 's3://lake/w', '{\"icecat.metadata-write-mode\":\"none\"}')")
    c.sql("CREATE SCHEMA odd; CREATE DOMAIN odd.text AS pg_catalog.text CHECK (VALUE IS NULL);" +
          "".join("ALTER DATABASE postgres SET %s;" % setting for setting in ODD) +
          "ALTER ROLE postgres SET statement_timeout = 1234567")


def test_direct(gateway):
    check(gateway, "direct")


@pytest.mark.skipif(bouncer_path() is None, reason="PgBouncer is not installed")
def test_bouncer(c, program):
    """PgBouncer in transaction mode, before the same database."""
    with open(os.path.join(c.dir, "users"), "w") as file:
        file.write('"postgres" ""\n')
    with open(os.path.join(c.dir, "ini"), "w") as file:
        file.write("[databases]\npostgres = host=%s port=5432\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\n"
                   "unix_socket_dir = %s\nauth_type = trust\nauth_file = %s/users\npool_mode = transaction\n"
                   "default_pool_size = 6\n" % (c.dir, c.dir, c.dir))
    with open(os.path.join(c.dir, "bouncer.log"), "w") as log:
        bouncer = subprocess.Popen([bouncer_path(), os.path.join(c.dir, "ini")], user=c.user, cwd=c.dir, stdout=log, stderr=log)
    try:
        harness.wait_until(lambda: os.path.exists(os.path.join(c.dir, ".s.PGSQL.6432")), "PgBouncer listens")
        dsn = "host=%s port=6432 dbname=postgres user=postgres" % c.dir
        with harness.Gateway(program, dsn, c.dir, prepared_statements="off") as gateway:
            check(gateway, "bouncer")
    finally:
        bouncer.terminate()
        bouncer.wait(20)
