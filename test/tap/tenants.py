#!/usr/bin/env python3
"""Tenants: whose a warehouse is, which names mean what, what a tenant's roles may do, and where its files lie."""
# SPDX-License-Identifier: PostgreSQL
import os
import shutil
import subprocess

import cluster

SCHEMA = '{"type":"struct","fields":[]}'
SETUP = """
CREATE ROLE users; SELECT icecat.grant_user('users');
CREATE ROLE acme_admin IN ROLE users; CREATE ROLE acme_user IN ROLE users; CREATE ROLE globex_admin IN ROLE users;
CREATE ROLE member IN ROLE acme_user; CREATE ROLE outsider IN ROLE users; CREATE ROLE maker IN ROLE users;
CREATE ROLE auditor; SELECT icecat.grant_reader('auditor');
SELECT icecat.create_tenant('acme', 'file://{files}/acme'), icecat.create_tenant('globex', 'file://{files}/globex/');
SELECT icecat.assign_role('acme', 'acme_admin'), icecat.assign_role('acme', 'acme_user'), icecat.assign_role('globex', 'globex_admin');
SELECT icecat.grant_tenant('acme_admin', 'manage', 'acme'), icecat.grant_tenant('globex_admin', 'manage', 'globex');
SELECT icecat.create_warehouse('shared', 'file://{files}/shared');
SELECT icecat.create_namespace('shared', '{{s}}');
"""


class World:
    def __init__(self, c, t):
        self.c, self.t = c, t

    def run(self, role, text):
        """What psql prints, or the SQLSTATE and message."""
        command = self.c.psql_command("postgres") + ["-v", "VERBOSITY=verbose"]
        done = subprocess.run(command, input="SET ROLE %s;\n%s" % (role, text), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode == 0:
            return done.stdout.strip()
        return done.stderr.split("ERROR:")[1].splitlines()[0].strip()

    def equal(self, role, text, expected, name):
        self.t.equal(self.run(role, text), expected, name)

    def fails(self, role, text, code, name):
        said = self.run(role, text)
        self.t.ok(said.startswith(code + ":"), name, said)

    def same(self, role, one, other, name):
        """Two calls fail in the same words, apart from the name."""
        self.t.equal(self.run(role, one % {"name": "XX"}).replace("XX", "N"), self.run(role, other % {"name": "YY"}).replace("YY", "N"), name)


def test_names(w):
    files = w.c.files
    for role in ("acme", "globex"):
        w.equal(role + "_admin", "SELECT icecat.create_warehouse('lake', 'file://%s/%s/lake') ->> 'name'" % (files, role), "lake",
                "a warehouse of %s, by the tenant's administrator" % role)
        w.equal(role + "_admin", "SELECT icecat.create_namespace('lake', '{%s}') -> 'namespace'" % role, '["%s"]' % role, "and a namespace in it")
    w.equal("postgres", "SELECT string_agg(warehouse || ' ' || coalesce(tenant, '-'), ', ' ORDER BY warehouse) FROM icecat.warehouses",
            "acme/lake acme, globex/lake globex, shared -", "the owner sees both, by their whole names")
    w.equal("acme_admin", "SELECT icecat.list_namespaces('lake') ->> 'namespaces'", '[["acme"]]', "each tenant means its own by the name")
    w.equal("globex_admin", "SELECT icecat.list_namespaces('lake') ->> 'namespaces'", '[["globex"]]', "and so does the other one")
    w.equal("acme_admin", "SELECT icecat.list_namespaces('acme/lake') ->> 'namespaces'", '[["acme"]]', "or by the whole name")
    w.equal("acme_admin", "SELECT icecat.get_config('lake') -> 'overrides' ->> 'prefix'", "lake", "the prefix has no tenant in it")
    w.equal("acme_admin", "SELECT icecat.get_config() -> 'overrides' ->> 'prefix'", "lake", "the only one that is seen needs no name")
    w.equal("acme_admin", "SELECT array_agg(l) FROM icecat.list_warehouses() AS l", "{acme/lake}", "no list has another's")
    w.fails("acme_admin", "SELECT icecat.list_namespaces('globex/lake')", "IC101", "another's is not there")
    w.same("acme_admin", "SELECT icecat.list_namespaces('globex/lake%(name)s')".replace("%(name)s", ""), "SELECT icecat.list_namespaces('globex/lake')",
           "in the same words")
    w.fails("acme_admin", "SELECT icecat.create_warehouse('lake', NULL)", "IC201", "a name is unique in a tenant")
    w.fails("acme_admin", "SELECT icecat.create_warehouse('globex/x', NULL)", "IC301", "nothing is made in another one")
    w.fails("acme_admin", "SELECT icecat.create_warehouse('a/b', NULL)", "IC301", "a name has no slash")
    w.fails("acme_user", "SELECT icecat.create_warehouse('mine', NULL)", "IC401", "who has no create on the tenant makes none")
    w.equal("acme_admin", "SELECT icecat.alter_warehouse('lake', 'sea') ->> 'name', icecat.alter_warehouse('sea', 'lake') ->> 'name'", "sea|lake", "a rename stays in it")
    w.fails("acme_admin", "SELECT icecat.alter_warehouse('lake', 'globex/lake')", "IC301", "and cannot leave it")
    w.fails("postgres", "SELECT icecat.alter_warehouse('acme/lake', 'globex/other')", "IC301", "the owner's neither")
    w.fails("postgres", "SELECT icecat.alter_warehouse('shared', 'acme/other')", "IC301", "nor into it")
    w.fails("postgres", "SELECT icecat.create_warehouse('none/other', NULL)", "IC301", "a slash is for tenants that there are")
    w.equal("postgres", "SELECT icecat.create_warehouse('acme/second', NULL) ->> 'name'", "acme/second", "the owner makes one for a tenant")
    w.equal("acme_admin", "SELECT icecat.drop_warehouse('second')", "", "which drops it")
    w.equal("postgres", "SELECT icecat.alter_tenant('acme', 'apex')", "", "a tenant is renamed")
    w.equal("acme_admin", "SELECT icecat.list_namespaces('lake') ->> 'namespaces'", '[["acme"]]', "its roles notice nothing")
    w.equal("postgres", "SELECT icecat.alter_tenant('apex', 'acme')", "", "and back")
    w.equal("acme_admin", "SELECT tenant FROM icecat.tenants", "acme", "a tenant sees itself")


def test_roles(w):
    w.fails("acme_user", "SELECT icecat.list_namespaces('lake')", "IC101", "a role of a tenant sees nothing by itself")
    w.equal("acme_admin", "SELECT icecat.grant('acme_user', 'select', 'lake')", "t", "its administrator grants")
    w.equal("acme_user", "SELECT icecat.list_namespaces('lake') ->> 'namespaces'", '[["acme"]]', "and then it does")
    w.equal("member", "SELECT icecat.list_namespaces('lake') ->> 'namespaces'", '[["acme"]]', "a member of its role is of the tenant, too")
    for role in ("globex_admin", "outsider", "maker"):
        w.equal("acme_admin", "SELECT icecat.grant('%s', 'select', 'lake')" % role, "IC301: No such role; privileges are not granted to PUBLIC",
                "nothing is granted to %s, who is not of the tenant, and so not there" % role)
        w.fails("acme_admin", "SELECT icecat.grant_tenant('%s', 'usage')" % role, "IC301", "nor on the tenant")
        w.fails("acme_admin", "SELECT icecat.apply_grants('[{\"action\":\"grant\",\"role\":\"%s\",\"privilege\":\"usage\",\"warehouse\":\"lake\"}]')" % role,
                "IC301", "nor by a list of changes")
    w.fails("acme_admin", "SELECT icecat.grant('acme_user', 'select')", "IC401", "the whole catalog is not the tenant's to grant")
    w.fails("acme_admin", "SELECT icecat.grant_tenant('acme_user', 'select', 'globex')", "IC107", "another tenant is not there")
    w.fails("acme_user", "SELECT icecat.grant_tenant('acme_user', 'manage')", "IC401", "who does not manage the tenant grants nothing on it")
    w.fails("postgres", "SELECT icecat.grant('acme_user', 'select')", "IC301", "a tenant's role gets nothing on the whole catalog, by nobody")
    w.fails("postgres", "SELECT icecat.grant('acme_user', 'select', 'globex/lake')", "IC301", "nor on another's warehouse")
    w.fails("postgres", "SELECT icecat.grant_tenant('acme_user', 'select', 'globex')", "IC301", "nor on another tenant")
    w.fails("postgres", "SELECT icecat.assign_role('globex', 'acme_user')", "IC301", "a role belongs to one tenant")
    w.fails("postgres", "SELECT icecat.assign_role('globex', 'auditor')", "IC301", "one with rights on the whole catalog to none")
    w.fails("postgres", "SELECT icecat.assign_role('globex', 'postgres')", "IC301", "nor the owner")
    w.fails("acme_admin", "SELECT icecat.assign_role('acme', 'outsider')", "42501", "only the catalog's administrators assign roles")
    w.c.sql("GRANT auditor, globex_admin TO acme_user")
    w.equal("acme_user", "SELECT array_agg(warehouse) FROM icecat.warehouses", "{acme/lake}", "membership in other roles gives a tenant's role nothing")
    w.fails("acme_user", "SELECT icecat.list_namespaces('globex/lake')", "IC101", "no way to another tenant")
    w.equal("acme_user", "SELECT count(*) FROM icecat.privileges WHERE role NOT IN ('acme_user'::regrole)", "0", "nor rows of the other roles")
    w.c.sql("REVOKE auditor, globex_admin FROM acme_user")
    w.c.sql("CREATE ROLE mole IN ROLE users; SELECT icecat.grant('mole', 'select', 'globex/lake'); GRANT acme_user TO mole")
    w.fails("mole", "SELECT icecat.list_namespaces('globex/lake')", "IC101", "no name reaches another tenant, whatever was granted before")
    w.equal("mole", "SELECT array_agg(warehouse ORDER BY warehouse) FROM icecat.warehouses", "{acme/lake}", "nor do the views show what was granted before")
    w.equal("mole", "SELECT (SELECT count(*) FROM icecat.namespaces WHERE warehouse <> 'acme/lake') + (SELECT count(*) FROM icecat.tenants WHERE tenant <> 'acme')"
            " + (SELECT count(*) FROM icecat.privileges WHERE warehouse <> 'acme/lake')", "0", "in any of them")
    w.equal("postgres", "SELECT icecat.grant('mole', 'manage', 'acme/lake')", "t", "what is granted in the tenant")
    w.fails("mole", "SELECT icecat.create_namespace('lake', '{mole}')", "IC401", "does not count, either, beside what is elsewhere")
    w.fails("postgres", "SELECT icecat.assign_role('acme', 'mole')", "IC301", "which an assignment refuses")
    w.equal("postgres", "SELECT icecat.revoke('mole', 'select', 'globex/lake')", "t", "until it is revoked")
    w.equal("mole", "SELECT icecat.create_namespace('lake', '{mole}') -> 'namespace'", '["mole"]', "then the role has what it was granted in the tenant")
    w.equal("mole", "SELECT icecat.drop_namespace('lake', '{mole}')", "", "as any other of its roles")
    w.c.sql("SELECT icecat.grant('maker', 'usage'); GRANT acme_user TO maker")
    w.equal("maker", "SELECT array_agg(warehouse ORDER BY warehouse) FROM icecat.warehouses", "{acme/lake}", "a privilege on the whole catalog does not count, either")
    w.c.sql("REVOKE acme_user FROM maker; SELECT icecat.revoke('maker', 'usage')")
    w.equal("postgres", "SELECT icecat.grant('acme_user', 'select', 'shared')", "t", "a warehouse of no tenant can be shown to tenants")
    w.equal("acme_user", "SELECT icecat.list_namespaces('shared') ->> 'namespaces'", '[["s"]]', "by its name")
    w.equal("postgres", "SELECT icecat.revoke('acme_user', 'select', 'shared')", "t", "and be taken back")
    w.equal("acme_admin", "SELECT string_agg(role::text, ' ' ORDER BY role::text) FROM icecat.tenant_roles", "acme_admin acme_user",
            "the administrator sees the tenant's roles")
    w.equal("acme_user", "SELECT string_agg(role::text, ' ' ORDER BY role::text) FROM icecat.tenant_roles", "acme_user", "a role itself")
    w.equal("outsider", "SELECT (SELECT count(*) FROM icecat.tenants) + (SELECT count(*) FROM icecat.tenant_roles)", "0", "others see no tenant")
    w.equal("postgres", "SELECT object_kind FROM icecat.explain_access('acme_admin', 'drop', 'acme/lake', '{acme}') ORDER BY 1", "namespace\ntenant\nwarehouse",
            "what is granted on a tenant is explained")
    w.equal("acme_admin", "SELECT icecat.grant_tenant('acme_user', 'usage')", "t", "a privilege on the tenant")
    w.equal("acme_user", "SELECT location IS NOT NULL FROM icecat.warehouses", "t", "is one on its warehouses")
    w.equal("acme_admin", "SELECT icecat.revoke_tenant('acme_user', 'usage')", "t", "until it is revoked")
    w.same("outsider", "SELECT icecat.create_warehouse('acme/%(name)s', NULL)", "SELECT icecat.create_warehouse('nobody/%(name)s', NULL)",
           "who may not create learns of no tenant by its name")


def test_locations(w):
    c, t = w.c, w.t
    root = "file://" + c.files
    w.fails("acme_admin", "SELECT icecat.create_warehouse('out', '%s/globex/x')" % root, "IC306", "a warehouse lies in its tenant's part of the storage")
    w.fails("acme_admin", "SELECT icecat.create_warehouse('out', '%s/acme/../globex')" % root, "IC306", "whatever way leads out of it")
    w.fails("acme_admin", "SELECT icecat.alter_warehouse('lake', p_location => '%s/globex')" % root, "IC306", "and stays there")
    os.symlink(os.path.join(c.files, "globex"), os.path.join(c.files, "acme-link"))
    w.equal("postgres", "SELECT icecat.create_tenant('cloud', 's3://bucket/cloud')", "", "a tenant on another store")
    w.fails("postgres", "SELECT icecat.create_warehouse('cloud/out', 's3://bucket/cloud/../other')", "IC306", "does not get out by steps that are names there")
    w.equal("postgres", "SELECT icecat.drop_tenant('cloud')", "", "and is gone")
    w.fails("postgres", "SELECT icecat.create_tenant('third', '%s/acme/third')" % root, "IC306", "parts of tenants do not overlap")
    w.fails("postgres", "SELECT icecat.create_tenant('third', '%s')" % root, "IC306", "in either way")
    w.c.sql("SELECT icecat.create_table('shared', '{s}', 't', '%s')" % SCHEMA)
    w.fails("postgres", "SELECT icecat.create_tenant('third', '%s/shared')" % root, "IC306", "nor are there others' tables in one")
    w.fails("postgres", "SELECT icecat.create_warehouse('other', '%s/acme/x')" % root, "IC306", "nobody else's warehouse lies in it")
    w.fails("postgres", "SELECT icecat.create_table('shared', '{s}', 'u', '%s', p_location => '%s/acme/u')" % (SCHEMA, root), "IC306", "nor table")
    table = "SELECT icecat.create_table('lake', '{acme}', '%s', '" + SCHEMA + "', p_location => '%s') IS NOT NULL"
    w.fails("acme_admin", table % ("t", root + "/globex/t"), "IC306", "a tenant's table lies in its part")
    t.ok(not os.path.exists(os.path.join(c.files, "globex", "t")), "and no folder is made elsewhere")
    os.makedirs(os.path.join(c.files, "acme"), exist_ok=True)
    if c.user:
        shutil.chown(os.path.join(c.files, "acme"), c.user)
    os.symlink(os.path.join(c.files, "globex"), os.path.join(c.files, "acme", "link"))
    w.fails("acme_admin", table % ("t", root + "/acme/link/t"), "IC306", "links are followed")
    w.equal("acme_admin", table % ("t", root + "/acme/elsewhere/t"), "t", "anywhere in it will do")
    change = "SELECT icecat.commit_table('lake', '{acme}', 't', '[]', '[%s]') IS NOT NULL"
    for name in ("write.metadata.path", "write.data.path", "write.object-storage.path"):
        w.fails("acme_admin", change % ('{"action":"set-properties","updates":{"%s":"%s/globex/p"}}' % (name, root)), "IC306", name + " leads to no other part")
    w.fails("acme_admin", change % ('{"action":"set-location","location":"%s/globex/q"}' % root), "IC306", "nor does a change of the location")
    w.fails("acme_admin", change % ('{"action":"add-snapshot","snapshot":{"snapshot-id":1,"timestamp-ms":%%s,"sequence-number":1,"summary":{"operation":"append"},'
            '"manifest-list":"%s/globex/list.avro"}}' % root).replace("%s", "1800000000000"), "IC306", "nor a snapshot's list of manifests")
    w.equal("globex_admin", table.replace("{acme}", "{globex}") % ("secret", root + "/globex/lake/secret"), "t", "the other tenant has a table")
    theirs = c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 'secret'")
    register = "SELECT icecat.register_table('lake', '{acme}', 'r', '%s')"
    w.fails("acme_admin", register % theirs, "IC306", "whose metadata is not for registration here")
    missing = w.run("acme_admin", register % (root + "/globex/nothing.metadata.json"))
    w.t.equal(w.run("acme_admin", register % theirs).split(": file")[0], missing.split(": file")[0], "a file that is not there is refused in the same words")


def test_announcements(w):
    """The worker announces files with ids of tables; every role may LISTEN."""
    w.fails("acme_admin", "SELECT icecat._listen_files()", "42501", "a tenant's role is not let in to the announcements of files")
    listeners = [w.c.spawn("SET ROLE %s; %s; SELECT pg_sleep(4); SELECT 1;" % (role, listen)) for role, listen in (
        ("acme_admin", "LISTEN icecat_files"), ("auditor", "SELECT icecat._listen_files()"))]
    w.c.wait_sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(4)%' AND pid <> pg_backend_pid()", "2")
    w.equal("globex_admin", "SELECT icecat.commit_table('lake', '{globex}', 'secret', '[]', '[{\"action\":\"set-properties\",\"updates\":{\"k\":\"v\"}}]') IS NOT NULL", "t",
            "a commit of another tenant")
    said = [listener.communicate()[0] for listener in listeners]
    w.t.ok("notification" not in said[0], "is not heard by those who guess the channel", said[0])
    w.t.ok('notification "icecat_files_' in said[1], "but by those who may", said[1])


def test_ends(w):
    w.fails("postgres", "SELECT icecat.drop_tenant('acme')", "IC207", "a tenant with warehouses is not dropped")
    w.fails("postgres", "SELECT icecat.drop_tenant('nobody')", "IC107", "nor one that there is not")
    w.t.equal(w.c.sql("SELECT * FROM icecat.check_integrity()"), "", "the rows agree")
    path = os.path.join(w.c.dir, "dump")
    w.c.run("pg_dump", "-h", w.c.dir, "-p", "5432", "-U", "postgres", "-Fc", "-f", path, "postgres")
    w.c.sql("CREATE DATABASE copy TEMPLATE template0")
    w.c.run("pg_restore", "--exit-on-error", "-h", w.c.dir, "-p", "5432", "-U", "postgres", "-d", "copy", path)
    w.t.equal(w.c.sql("SET ROLE acme_user; SELECT icecat.list_namespaces('lake') ->> 'namespaces'", "copy"), '[["acme"]]', "a restored dump has the same tenants")
    w.c.sql("DROP DATABASE copy")
    w.c.sql("SELECT icecat.create_tenant('third', 'file://%s/third'); SELECT icecat.assign_role('third', 'maker'); SELECT icecat.grant_tenant('maker', 'create', 'third')"
            % w.c.files)
    w.equal("maker", "SELECT icecat.create_warehouse('own', NULL) ->> 'name'", "own", "create on a tenant lets a role make warehouses")
    w.equal("maker", "SELECT icecat.drop_warehouse('own')", "", "which are its own")
    w.equal("postgres", "SELECT icecat.drop_tenant('third')", "", "an empty tenant is dropped")
    w.equal("postgres", "SELECT count(*) FROM icecat_data.access_grant WHERE role = 'maker'::regrole", "0", "with what was granted on it")
    w.fails("maker", "SELECT icecat.create_warehouse('own', NULL)", "IC401", "and its roles are nobody's")


def test(c, t):
    world = World(c, t)
    c.sql(SETUP.format(files=c.files))
    for part in (test_names, test_roles, test_locations, test_announcements, test_ends):
        part(world)


if __name__ == "__main__":
    cluster.main(test)
