"""Maintenance mode of a tenant: all of its warehouses, at once, and nobody else's.

SPDX-License-Identifier: PostgreSQL
"""
from expectations import expect, expect_equal

SCHEMA = '{"type":"struct","fields":[]}'
SET_UP = """
CREATE ROLE users; SELECT icecat.grant_user('users'); CREATE ROLE boss IN ROLE users; CREATE ROLE worker IN ROLE users; CREATE ROLE other IN ROLE users;
SELECT icecat.create_tenant(t, 'file://{files}/' || t) FROM (VALUES ('acme'), ('globex')) AS v (t);
SELECT icecat.assign_role('acme', 'boss'), icecat.assign_role('acme', 'worker'), icecat.assign_role('globex', 'other'),
	icecat.grant_tenant('boss', 'manage', 'acme'), icecat.grant_tenant('worker', 'write', 'acme'), icecat.grant_tenant('other', 'manage', 'globex');
SELECT icecat.create_warehouse(w, 'file://{files}/' || w, '{{"icecat.metadata-write-mode":"none"}}'), icecat.create_namespace(w, '{{n}}'),
	icecat.create_table(w, '{{n}}', 't', '%s')
FROM (VALUES ('acme/one'), ('acme/two'), ('globex/one'), ('alone')) AS v (w);
""" % SCHEMA
COMMIT = "SELECT icecat.commit_table('%s', '{n}', 't', '[]', '[{\"action\":\"set-properties\",\"updates\":{\"k\":\"v\"}}]') IS NOT NULL"


def prepare(c):
    c.sql(SET_UP.replace('{files}', c.files).replace('{{', '{').replace('}}', '}'))


def said(c, text, role=None):
    return c.sql("\\set VERBOSITY verbose\n" + (f"SET ROLE {role};\n" if role else "") + text, check=False)


def expect_refused(c, text, role=None, words="Tenant acme is in maintenance mode: new disks"):
    answer = said(c, text, role)
    expect("IC505" in answer and words in answer, f"refused: {text}", answer)


def test_changes_of_all_of_its_warehouses_are_refused(c):
    c.sql("SELECT icecat.set_tenant_maintenance('acme', true, 'new disks')")
    for warehouse in ("acme/one", "acme/two"):
        expect_refused(c, COMMIT % warehouse)
        expect_refused(c, f"SELECT icecat.create_namespace('{warehouse}', '{{m}}')")
        expect_refused(c, f"SELECT icecat.drop_table('{warehouse}', '{{n}}', 't')")
        expect_refused(c, f"SELECT icecat.alter_warehouse('{warehouse}', p_updates => '{{\"k\":\"v\"}}')")
    expect_refused(c, COMMIT % "one", "worker")
    expect_refused(c, f"SELECT icecat.create_warehouse('three', 'file://{c.files}/acme/three')", "boss")
    expect_equal(c.sql("SELECT maintenance FROM icecat.tenants WHERE tenant = 'acme'"), "new disks")


def test_reads_and_others_go_on(c):
    for call in ("load_table('acme/one', '{n}', 't')", "list_tables('acme/one', '{n}')", "get_config('acme/one')"):
        expect_equal(c.sql(f"SELECT icecat.{call} IS NOT NULL"), "t", call)
    expect_equal(c.sql("SET ROLE worker; SELECT icecat.load_table('one', '{n}', 't') IS NOT NULL").splitlines()[-1], "t")
    for warehouse in ("globex/one", "alone"):
        expect_equal(c.sql(COMMIT % warehouse), "t", warehouse)
    expect_equal(c.sql("SET ROLE other; SELECT count(*) FROM icecat.tenants WHERE maintenance IS NOT NULL").splitlines()[-1], "0", "nobody else learns of it")


def test_who_manages_the_tenant_may_end_it(c):
    for role, tenant in (("worker", "acme"), ("other", "acme"), ("boss", "globex")):
        for on in ("true", "false"):
            answer = said(c, f"SELECT icecat.set_tenant_maintenance('{tenant}', {on})", role)
            expect("IC401" in answer or "IC107" in answer or "42501" in answer, f"{role} of {tenant}", answer)
    expect_refused(c, COMMIT % "acme/one")
    c.sql("SET ROLE boss; SELECT icecat.set_tenant_maintenance(NULL, false)")
    expect_equal(c.sql(COMMIT % "acme/one"), "t", "afterwards changes are made")
    answer = said(c, "SELECT icecat.set_tenant_maintenance('acme', true, repeat('x', 1001))")
    expect("IC305" in answer, "a reason is bounded", answer)


def test_sessions_hear_of_it_when_it_commits(c):
    session = c.spawn(f"{COMMIT % 'acme/one'};\nSELECT pg_sleep(2.5);\n{COMMIT % 'acme/one'};")
    c.sql("SELECT pg_sleep(0.8)")
    c.sql("BEGIN; SELECT icecat.set_tenant_maintenance('acme', true); ROLLBACK; SELECT icecat.set_tenant_maintenance('acme', true)")
    out, errors = session.communicate()
    expect_equal(out.split()[0], "t", "before")
    expect("Tenant acme is in maintenance mode" in errors, "a session that knew of none", errors)
    c.sql("SELECT icecat.set_tenant_maintenance('acme', false)")


def test_a_warehouse_keeps_its_own_mode(c):
    c.sql("SELECT icecat.set_maintenance('acme/two', true, 'its own'), icecat.set_tenant_maintenance('acme', true, 'all'), icecat.set_tenant_maintenance('acme', false)")
    expect_refused(c, COMMIT % "acme/two", words="Warehouse acme/two is in maintenance mode: its own")
    expect_equal(c.sql(COMMIT % "acme/one"), "t")
    c.sql("SELECT icecat.set_maintenance('acme/two', false)")


def test_over_rest(c, gateway):
    body = {"requirements": [], "updates": [{"action": "set-properties", "updates": {"k": "v"}}]}
    path = "/v1/acme%2Fone/namespaces/n/tables/t"
    expect_equal(gateway.request("POST", path, body).status, 200)
    c.sql("SELECT icecat.set_tenant_maintenance('acme', true, 'new disks')")
    answer = gateway.request("POST", path, body)
    expect_equal((answer.status, answer.error()["type"]), (503, "ServiceUnavailableException"))
    expect("retry-after" in answer.headers, "Retry-After")
    expect_equal(gateway.get(path).status, 200, "reads go on")
    c.sql("SELECT icecat.set_tenant_maintenance('acme', false)")
    expect_equal(gateway.request("POST", path, body).status, 200)
