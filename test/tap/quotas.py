#!/usr/bin/env python3
"""Quotas: of warehouses and tenants, what they count and refuse, defaults, and creators that race."""
# SPDX-License-Identifier: PostgreSQL
import cluster
from tenants import SCHEMA, World

TABLE = "SELECT icecat.create_table('%s', '{n}', '%s', '" + SCHEMA + "') IS NOT NULL"
VERSION = ('{"version-id":1,"timestamp-ms":1,"schema-id":0,"summary":{},"default-namespace":[],'
           '"representations":[{"type":"sql","sql":"SELECT 1","dialect":"x"}]}')
SETUP = """
CREATE ROLE users; SELECT icecat.grant_user('users');
CREATE ROLE boss IN ROLE users; CREATE ROLE maker IN ROLE users;
SELECT icecat.create_tenant('acme', 'file://{files}/acme');
SELECT icecat.assign_role('acme', 'boss'), icecat.assign_role('acme', 'maker'), icecat.grant_tenant('boss', 'manage', 'acme');
SELECT icecat.create_warehouse('w', 'file://{files}/w', '{{"icecat.metadata-write-mode":"none"}}'), icecat.create_namespace('w', '{{n}}');
SELECT icecat.create_warehouse('acme/' || x, 'file://{files}/acme/' || x, '{{"icecat.metadata-write-mode":"none"}}'), icecat.create_namespace('acme/' || x, '{{n}}')
FROM (VALUES ('one'), ('two')) AS v (x);
SET ROLE boss; SELECT icecat.grant('maker', 'manage', 'one'), icecat.grant('maker', 'manage', 'two');
"""


def use(w, where="warehouse = 'w'"):
    return w.c.sql("SELECT string_agg(resource || ' ' || coalesce(used::text, '-') || '/' || limit_value, ', ' ORDER BY resource) FROM icecat.quotas WHERE " + where)


def test_counts(w):
    t = w.t
    w.equal("postgres", TABLE % ("w", "a"), "t", "a table before there is a quota")
    w.equal("postgres", "SELECT icecat.set_quota('w', 'tables', 2), icecat.set_quota('w', 'views', 1), icecat.set_quota('w', 'namespaces', 2)", "||", "three quotas")
    t.equal(use(w), "namespaces 1/2, tables 1/2, views 0/1", "count what there is")
    w.equal("postgres", TABLE % ("w", "b"), "t", "there is room")
    w.equal("postgres", TABLE % ("w", "c"), "IC403: Quota exceeded: tables of warehouse w: the limit is 2, in use are 2", "and then there is none")
    w.fails("postgres", "SELECT icecat.commit_table('w', '{n}', 'c', '[{\"type\":\"assert-create\"}]', '[{\"action\":\"upgrade-format-version\",\"format-version\":2},"
            "{\"action\":\"add-schema\",\"schema\":%s,\"last-column-id\":0},{\"action\":\"set-current-schema\",\"schema-id\":-1},{\"action\":\"add-spec\",\"spec\":"
            "{\"spec-id\":0,\"fields\":[]}},{\"action\":\"set-default-spec\",\"spec-id\":-1},{\"action\":\"add-sort-order\",\"sort-order\":{\"order-id\":0,\"fields\":[]}},"
            "{\"action\":\"set-default-sort-order\",\"sort-order-id\":-1}]')" % SCHEMA, "IC403", "nor for a commit that creates")
    view = "SELECT icecat.create_view('w', '{n}', '%s', '" + SCHEMA + "', '" + VERSION + "') IS NOT NULL"
    w.equal("postgres", view % "v", "t", "a view is not a table")
    w.fails("postgres", view % "u", "IC403", "there is one view at most")
    w.equal("postgres", "SELECT icecat.create_namespace('w', '{n,m}') IS NOT NULL", "t", "a namespace")
    w.fails("postgres", "SELECT icecat.create_namespace('w', '{o}')", "IC403", "there are two at most")
    w.equal("postgres", "SELECT icecat.rename_table('w', '{n}', 'a', '{n,m}', 'z')", "", "a rename takes nothing")
    t.equal(use(w), "namespaces 2/2, tables 2/2, views 1/1", "all is in use")
    w.equal("postgres", "BEGIN; SELECT icecat.drop_table('w', '{n}', 'b'); ROLLBACK", "", "a drop that is rolled back")
    w.fails("postgres", TABLE % ("w", "c"), "IC403", "gives nothing back")
    w.equal("postgres", "SELECT icecat.drop_table('w', '{n}', 'b'), icecat.drop_view('w', '{n}', 'v'), icecat.drop_table('w', '{n,m}', 'z')", "||", "drops")
    w.equal("postgres", "SELECT icecat.drop_namespace('w', '{n,m}')", "", "of each kind")
    t.equal(use(w), "namespaces 1/2, tables 0/2, views 0/1", "give back")
    w.equal("postgres", "BEGIN; " + TABLE % ("w", "c") + "; ROLLBACK", "t", "a creation that is rolled back")
    t.equal(use(w), "namespaces 1/2, tables 0/2, views 0/1", "takes nothing")
    w.equal("postgres", "SELECT icecat.set_quota('w', 'tables', NULL), icecat.set_quota('w', 'views', NULL), icecat.set_quota('w', 'namespaces', NULL)", "||", "without a quota")
    w.equal("postgres", ";".join(TABLE % ("w", n) for n in "abc"), "t\nt\nt", "there is no limit")
    w.fails("postgres", "SELECT icecat.set_quota('w', 'nonsense', 1)", "IC301", "a quota of nothing")
    w.fails("postgres", "SELECT icecat.set_quota('w', 'warehouses', 1)", "IC301", "or of warehouses in a warehouse")
    w.fails("postgres", "SELECT icecat.set_quota('w', 'tables', -1)", "IC301", "or a negative one is refused")


def test_each(w):
    w.equal("postgres", "SELECT icecat.set_quota('w', 'namespace_depth', 2), icecat.set_quota('w', 'properties', 2), icecat.set_quota('w', 'property_bytes', 60)", "||",
            "limits on each object")
    w.equal("postgres", "SELECT icecat.create_namespace('w', '{n,d}') IS NOT NULL", "t", "two levels")
    w.fails("postgres", "SELECT icecat.create_namespace('w', '{n,d,e}')", "IC403", "not three")
    w.fails("postgres", "SELECT icecat.create_namespace('w', '{p}', '{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}')", "IC403", "not three properties")
    w.fails("postgres", "SELECT icecat.create_namespace('w', '{p}', '{\"a\":\"%s\"}')" % ("x" * 60), "IC403", "nor long ones")
    w.fails("postgres", "SELECT icecat.update_namespace_properties('w', '{n}', '{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}')", "IC403", "nor by a change")
    change = "SELECT icecat.commit_table('w', '{n}', 'a', '[]', '[{\"action\":\"set-properties\",\"updates\":%s}]') IS NOT NULL"
    w.equal("postgres", change % '{"k":"v"}', "t", "a table has its limit, too")
    w.fails("postgres", change % '{"k1":"v","k2":"v"}', "IC403", "that holds for commits")
    w.equal("postgres", "SELECT icecat.set_quota('w', r, NULL) FROM unnest('{namespace_depth,properties,property_bytes}'::text[]) AS r", "", "and is removed")
    w.equal("postgres", change % '{"k1":"v","k2":"v"}', "t", "as other quotas are")


def test_tenants(w):
    t = w.t
    w.equal("postgres", "SELECT icecat.set_tenant_quota('acme', 'tables', 3), icecat.set_tenant_quota('acme', 'warehouses', 3)", "|", "quotas of a tenant")
    w.equal("boss", "SELECT icecat.set_quota('one', 'tables', 2)", "", "its administrator limits a warehouse")
    w.fails("boss", "SELECT icecat.set_quota('two', 'tables', 4)", "IC301", "not above the tenant's limit")
    w.fails("boss", "SELECT icecat.set_tenant_quota('acme', 'tables', 100)", "42501", "nor the tenant's own")
    w.fails("boss", "SELECT icecat.set_quota('w', 'tables', 1)", "IC101", "nor another warehouse")
    w.fails("boss", "SELECT icecat.set_quota(NULL, 'tables', 1)", "IC401", "nor all of them")
    w.fails("maker", "SELECT icecat.set_quota('one', 'tables', NULL)", "IC401", "who manages a warehouse does not lift what its tenant has set")
    w.equal("maker", ";".join(TABLE % ("one", n) for n in "ab"), "t\nt", "tables in one warehouse")
    w.equal("maker", TABLE % ("one", "c"), "IC403: Quota exceeded: tables of warehouse one: the limit is 2, in use are 2", "its own limit, by its short name")
    w.equal("maker", TABLE % ("two", "c"), "t", "the other one has room")
    w.equal("maker", TABLE % ("two", "d"), "IC403: Quota exceeded: tables of tenant acme: the limit is 3, in use are 3", "until the tenant has none")
    t.equal(use(w, "tenant = 'acme' OR warehouse LIKE 'acme/%'"), "tables 2/2, tables 3/3, warehouses 2/3", "both are counted")
    w.equal("boss", "SELECT count(*) FROM icecat.quotas", "3", "the administrator sees them")
    w.equal("boss", "SELECT icecat.create_warehouse('three', NULL) IS NOT NULL", "t", "a third warehouse")
    w.fails("boss", "SELECT icecat.create_warehouse('four', NULL)", "IC403", "not a fourth")
    w.equal("boss", "SELECT icecat.drop_warehouse('three'); SELECT icecat.create_warehouse('four', NULL) IS NOT NULL; SELECT icecat.drop_warehouse('four')", "t",
            "unless one is dropped")


def test_defaults(w):
    t = w.t
    w.equal("postgres", "SELECT icecat.set_quota(NULL, 'tables', 5), icecat.set_tenant_quota(NULL, 'views', 7)", "|", "defaults")
    t.equal(use(w), "tables 3/5", "hold for warehouses without a quota of their own")
    t.equal(use(w, "warehouse = 'acme/one'"), "tables 2/2", "not for others")
    t.equal(use(w, "tenant = 'acme'"), "tables 3/3, views 0/7, warehouses 2/3", "and for tenants")
    w.equal("postgres", "SELECT icecat.create_warehouse('later', NULL) IS NOT NULL; SELECT icecat.create_tenant('later', 'file://%s/later')" % w.c.files, "t", "what is made later")
    t.equal(use(w, "warehouse = 'later' OR tenant = 'later'"), "tables 0/5, views 0/7", "has them, too")
    w.equal("postgres", "SELECT icecat.set_quota('later', 'tables', 1); SELECT icecat.set_quota('later', 'tables', NULL)", "", "who loses its own")
    t.equal(use(w, "warehouse = 'later'"), "tables 0/5", "has the default again")
    w.equal("postgres", "SELECT icecat.set_quota(NULL, 'tables', NULL), icecat.set_tenant_quota(NULL, 'views', NULL)", "|", "defaults that are removed")
    t.equal(use(w, "inherited"), "", "leave nothing")
    w.equal("postgres", "SELECT icecat.drop_warehouse('later'); SELECT icecat.drop_tenant('later')", "", "what is dropped")
    t.equal(w.c.sql("SELECT * FROM icecat.check_integrity()"), "", "leaves nothing either, and use is what there is")


def test_race(w):
    """32 creators that do not wait for each other, and one that sets the quota while they run."""
    c, t = w.c, w.t
    c.sql("SELECT icecat.create_warehouse('race', NULL, '{\"icecat.metadata-write-mode\":\"none\"}'), icecat.create_namespace('race', '{n}', '{\"location\":\"file://%s/race\"}')" % c.files)
    for name, first in (("set before", True), ("set meanwhile", False)):
        setting = "SELECT icecat.set_quota('race', 'tables', 10)"
        if first:
            c.sql(setting)
        racers = [c.spawn("SET statement_timeout = '100s'; SET icecat.commit_lock_timeout_ms = 100000;" + TABLE % ("race", "r%d" % n)) for n in range(32)]
        if not first:
            racers.append(c.spawn("SET icecat.commit_lock_timeout_ms = 100000;" + setting))
        said = [(racer.communicate()[1], racer.returncode) for racer in racers]
        made = int(c.sql("SELECT count(*) FROM icecat.tables WHERE warehouse = 'race'"))
        refused = sum("Quota exceeded" in text for text, _ in said)
        if first:
            t.equal((made, refused), (10, 22), "%s: of 32 creators 10 succeed, all others are refused" % name)
        else:
            t.ok(made >= 10 and made + refused == 32, "%s: each creator succeeds or is refused" % name, (made, refused, [x for x in said if x[1]][:2]))
        t.equal(use(w, "warehouse = 'race'"), "tables %d/10" % made, "and use is what there is")
        c.sql("SELECT icecat.drop_table('race', '{n}', table_name) FROM icecat.tables WHERE warehouse = 'race'; SELECT icecat.set_quota('race', 'tables', NULL)")
    t.equal(c.sql("SELECT * FROM icecat.check_integrity()"), "", "the rows agree")


def test_rates(w):
    """Requests per second are held by gateways; here is what they are told."""
    lines = "SELECT regexp_replace(icecat._rates('{maker,boss,users,postgres,none_such}'), '[0-9a-f]{8}-[-0-9a-f]+', 'ID', 'g')"
    w.equal("postgres", "SELECT icecat.set_tenant_quota('acme', 'requests_per_second', 50), icecat.set_tenant_quota('acme', 'principal_requests_per_second', 5)", "|",
            "rates of a tenant")
    w.equal("postgres", lines, "ID 50 0 5\nID 50 0 5\n-\n-\n-", "its roles have them, others none")
    w.equal("postgres", "SELECT icecat.set_tenant_quota('acme', 'role_requests_per_second', 20)", "", "of each role")
    w.equal("postgres", lines, "ID 50 20 5\nID 50 20 5\n-\n-\n-", "it is told, too")
    shown = w.c.sql("SELECT string_agg(resource || ' ' || coalesce(used::text, '-') || '/' || limit_value, ', ' ORDER BY resource) FROM icecat.quotas WHERE resource LIKE '%second'")
    w.t.equal(shown, "principal_requests_per_second -/5, requests_per_second -/50, role_requests_per_second -/20", "the view has them")
    w.fails("postgres", "SELECT icecat.set_tenant_quota('acme', 'requests_per_second', 0)", "IC301", "no rate of nothing")
    w.fails("postgres", "SELECT icecat.set_tenant_quota('acme', 'requests_per_second', 1000001)", "IC301", "nor one that no gateway can hold")
    w.fails("postgres", "SELECT icecat.set_quota('w', 'requests_per_second', 1)", "IC301", "nor of a warehouse")
    w.fails("boss", "SELECT icecat.set_tenant_quota('acme', 'requests_per_second', 1000)", "42501", "a tenant does not set its own")
    w.fails("boss", "SELECT icecat._rates('{maker}')", "42501", "nor asks for them: gateways do")
    w.equal("postgres", "SELECT icecat.set_tenant_quota(NULL, 'requests_per_second', 7), icecat.set_tenant_quota('acme', 'requests_per_second', NULL)", "|", "a default")
    w.equal("postgres", lines, "ID 7 20 5\nID 7 20 5\n-\n-\n-", "is inherited")
    for resource in ("requests_per_second", "role_requests_per_second", "principal_requests_per_second"):
        w.equal("postgres", "SELECT icecat.set_tenant_quota(NULL, '%s', NULL), icecat.set_tenant_quota('acme', '%s', NULL)" % (resource, resource), "|", "without")
    w.t.equal(w.c.sql("SELECT * FROM icecat.check_integrity()"), "", "the rows agree")


def test(c, t):
    world = World(c, t)
    c.sql(SETUP.format(files=c.files))
    for part in (test_counts, test_each, test_tenants, test_defaults, test_rates, test_race):
        part(world)


if __name__ == "__main__":
    cluster.main(test)
