"""Two databases of icecat behind one gateway: tables of the same names, and clients that come back to their own.

SPDX-License-Identifier: PostgreSQL
"""
import os
import time

import harness
import pytest
from expectations import expect, expect_equal, wait_until

SETTINGS = ["max_connections = 80", "max_worker_processes = 16"]
DATABASES = ("postgres", "acme", "beta")


def prepare(c):
    for name in DATABASES:
        c.make_warehouse("lake", name)
        c.sql(c.create_table_sql("t", "lake"), name)
        c.sql(c.property_commit_sql("t", "db", name, "lake"), name)
    root = f"file://{c.files}/corp"
    c.sql(f"SELECT icecat.create_tenant('corp', '{root}'); SELECT icecat.create_warehouse('corp/own', '{root}/own')", "beta")


@pytest.fixture(scope="module", name="many")
def make_many(c, program):
    folder = os.path.join(c.dir, "databases")
    os.mkdir(folder)
    for name in DATABASES[1:]:
        with open(os.path.join(folder, name + ".conf"), "w") as file:
            file.write(f"dsn = '{c.dsn.replace('dbname=postgres', 'dbname=' + name)}'\nhosts = {name}.example.com\npaths = /t/{name}\nwarehouses = {name}\n")
    with harness.Gateway(program, c.dsn, c.dir, databases_dir=folder, reconnect_delay_max_ms=200, pool_wait_ms=300) as gateway:
        wait_until(lambda: gateway.get("/ready").json()["databases_ready"] == 2, "both are ready")
        yield gateway


def loaded(gateway, path, headers=()):
    answer = gateway.request("GET", path, headers=headers)
    expect_equal(answer.status, 200, path)
    return answer.json()["metadata"]["properties"]["db"]


def test_each_way_leads_to_its_table(many):
    for _ in range(2):
        for name in DATABASES[1:]:
            expect_equal(loaded(many, f"/t/{name}/v1/lake/namespaces/ns/tables/t"), name)
            expect_equal(loaded(many, "/v1/lake/namespaces/ns/tables/t", [f"Host: {name}.example.com"]), name)
            prefix = many.get(f"/v1/config?warehouse={name}/lake").json()["overrides"]["prefix"]
            expect_equal(prefix, f"{name}%2Flake")
            expect_equal(loaded(many, f"/v1/{prefix}/namespaces/ns/tables/t"), name)
        expect_equal(loaded(many, "/v1/lake/namespaces/ns/tables/t"), "postgres")


def test_the_only_warehouse_need_not_be_named(many):
    expect_equal(many.get("/v1/config?warehouse=acme").json()["overrides"]["prefix"], "acme%2Flake")
    expect_equal(many.get("/v1/acme/namespaces").status, 404, "a path names it")
    expect_equal(many.get("/v1/config?warehouse=acme/none").status, 404)


def test_a_warehouse_of_a_tenant_comes_behind_the_word(many):
    answer = many.get("/v1/config?warehouse=beta/corp%2Fown")
    expect_equal(answer.json()["overrides"]["prefix"], "beta%2Fcorp%2Fown")
    expect_equal(many.get("/v1/beta%2Fcorp%2Fown/namespaces").status, 200)


def test_a_commit_changes_one_of_them(c, many):
    body = {"requirements": [], "updates": [{"action": "set-properties", "updates": {"k": "acme"}}]}
    expect_equal(many.request("POST", "/v1/acme%2Flake/namespaces/ns/tables/t", body).status, 200)
    text = "SELECT coalesce(icecat.load_table('lake', '{ns}', 't')::json #>> '{metadata,properties,k}', '')"
    expect_equal([c.sql(text, name) for name in DATABASES], ["", "acme", ""])


def test_a_dropped_database_is_lost_alone(c, many):
    c.sql("ALTER DATABASE acme ALLOW_CONNECTIONS false; "
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'acme'")
    try:
        wait_until(lambda: many.get("/t/acme/v1/lake/namespaces/ns/tables/t").status == 503, "503")
        started = time.monotonic()
        for _ in range(20):
            expect_equal(loaded(many, "/t/beta/v1/lake/namespaces/ns/tables/t"), "beta")
            expect_equal(loaded(many, "/v1/lake/namespaces/ns/tables/t"), "postgres")
        expect(time.monotonic() - started < 5, "nobody else waits")
        expect_equal(many.get("/ready").status, 200)
    finally:
        c.sql("ALTER DATABASE acme ALLOW_CONNECTIONS true")
    wait_until(lambda: many.get("/t/acme/v1/lake/namespaces/ns/tables/t").status == 200, "it is back")


def test_a_change_is_in_the_audit_log_of_its_database(c, many):
    body = {"namespace": ["z"], "properties": {}}
    expect_equal(many.request("POST", "/t/acme/v1/lake/namespaces", body).status, 200)
    count = "SELECT count(*) FROM icecat.audit_log WHERE action = 'create-namespace' AND namespace = '{z}'"
    wait_until(lambda: c.sql(count, "acme") == "1", "the change is in the log")
    expect_equal([c.sql(count, name) for name in ("postgres", "beta")], ["0", "0"])


def test_config_prefix_in_sql(c):
    text = "SET icecat.config_prefix = '{}'; SELECT icecat.get_config('lake') #>> '{{overrides,prefix}}'"
    expect_equal(c.sql(text.format("a b")).splitlines()[-1], "a%20b%2Flake")
    expect_equal(c.sql(text.format("")).splitlines()[-1], "lake")
