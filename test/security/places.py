#!/usr/bin/env python3
"""A role that may make tables in one namespace tries to place them, or files that they name, in the folders of others."""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import shutil

import cluster

SCHEMA = '{"type":"struct","fields":[]}'
VERSION = ('{"version-id":1,"timestamp-ms":1,"schema-id":0,"summary":{},"default-namespace":[],'
           '"representations":[{"type":"sql","sql":"SELECT 1","dialect":"x"}]}')
CREATE = [{"action": "upgrade-format-version", "format-version": 2}, {"action": "add-schema", "schema": json.loads(SCHEMA), "last-column-id": 0},
          {"action": "set-current-schema", "schema-id": -1}, {"action": "add-spec", "spec": {"spec-id": 0, "fields": []}},
          {"action": "set-default-spec", "spec-id": -1}, {"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}},
          {"action": "set-default-sort-order", "sort-order-id": -1}]


def snapshot(manifest_list):
    return [{"action": "add-snapshot", "snapshot": {"snapshot-id": 1, "sequence-number": 1, "timestamp-ms": 1, "manifest-list": manifest_list,
                                                    "summary": {"operation": "append"}, "schema-id": 0}}]


def test(c, t):
    c.make_warehouse()
    c.sql("CREATE ROLE users; SELECT icecat.grant_user('users'); CREATE ROLE mallory IN ROLE users; CREATE ROLE victim IN ROLE users; CREATE ROLE writer IN ROLE users;"
          "CREATE FUNCTION public.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT ' || statement;"
          " RETURN 'done'; EXCEPTION WHEN OTHERS THEN RETURN sqlstate; END $$;"
          "SELECT icecat.create_namespace('w', '{mine}'), icecat.create_namespace('w', '{theirs}'), icecat.create_namespace('w', '{empty}');"
          "SELECT icecat.grant('mallory', 'create', 'w', '{mine}'), icecat.grant('mallory', 'write', 'w', '{mine}'), icecat.grant('victim', 'create', 'w', '{theirs}'),"
          "icecat.grant('writer', 'create', 'w'), icecat.grant('writer', 'write', 'w')")
    c.sql("SET ROLE victim; SELECT icecat.create_table('w', '{theirs}', 't', '%s', p_properties => '{\"write.data.path\":\"file://%s/data\"}') IS NOT NULL" % (SCHEMA, c.files))
    base = "file://%s/w" % c.files
    theirs = c.sql("SELECT location FROM icecat.tables WHERE table_name = 't'")
    c.sql("SET ROLE mallory; SELECT icecat.create_table('w', '{mine}', 'own', '%s') IS NOT NULL" % SCHEMA)
    own = c.sql("SELECT location FROM icecat.tables WHERE table_name = 'own'")
    os.symlink(theirs[len("file://"):], c.files + "/w/link")

    def outcome(role, call):
        return c.sql("SET ROLE %s; SELECT public.outcome($call$%s$call$)" % (role, call), check=False)

    def commit(updates, table="own", requirements="[]"):
        return "icecat.commit_table('w', '{mine}', '%s', '%s', $u$%s$u$)" % (table, requirements, json.dumps(updates))
    document = json.loads(c.sql("SELECT icecat.load_table('w', '{mine}', 'own') -> 'metadata'"))
    document["location"] = theirs
    os.makedirs(c.files + "/w/loose")
    with open(c.files + "/w/loose/x.metadata.json", "w") as file:
        json.dump(document, file)
    if c.user:
        for path in ("/w/loose", "/w/loose/x.metadata.json"):
            shutil.chown(c.files + path, c.user)

    table = "icecat.create_table('w', '{mine}', '%s', '" + SCHEMA + "', p_location => '%s'%s)"
    places = [("another's folder", theirs), ("a folder in it", theirs + "/data"), ("the folder that it is in", base + "/theirs"), ("the warehouse's folder", base),
              ("the folder above that", "file://" + c.files), ("another's folder, otherwise spelled", theirs.replace("/theirs/", "//theirs/./")),
              ("another's folder by a link", base + "/link/x"), ("a folder of another's data", "file://%s/data/x" % c.files),
              ("what a namespace's tables will be in", base + "/empty"), ("the folder of its own namespace", base + "/mine")]
    for name, place in places:
        for how, call in [("create_table", table % ("n", place, "")), ("a staged creation", table % ("n", place, ", p_stage_create => true")),
                          ("a property of a creation", "icecat.create_table('w', '{mine}', 'n', '%s', p_properties => '{\"write.data.path\":\"%s\"}')" % (SCHEMA, place)),
                          ("create_view", "icecat.create_view('w', '{mine}', 'n', '%s', '%s', '%s')" % (SCHEMA, VERSION, place)),
                          ("a commit that creates", commit(CREATE + [{"action": "set-location", "location": place}], "n", '[{"type":"assert-create"}]')),
                          ("a commit that moves", commit([{"action": "set-location", "location": place}])),
                          ("a commit of a property", commit([{"action": "set-properties", "updates": {"write.object-storage.path": place}}]))]:
            t.ok(outcome("mallory", call) in ("IC401", "IC306"), "%s: %s" % (how, name), outcome("mallory", call))
    t.equal(outcome("mallory", "icecat.register_table('w', '{mine}', 'n', 'file://%s/w/loose/x.metadata.json')" % c.files), "IC401",
            "register_table of a document that says it lies there")
    t.equal(outcome("mallory", commit(snapshot(theirs + "/metadata/snap-1.avro"))), "IC401", "a snapshot whose manifest list is another's file")
    c.sql("SELECT icecat.update_namespace_properties('w', '{mine}', '{\"location\":\"%s\"}')" % theirs)
    t.equal(outcome("mallory", "icecat.create_table('w', '{mine}', 'n', '%s')" % SCHEMA), "IC401", "a namespace whose location is there")
    c.sql("SELECT icecat.update_namespace_properties('w', '{mine}', '{}', '{location}')")
    t.equal(c.sql("SELECT count(*) FROM icecat.tables WHERE table_name = 'n'"), "0", "nothing was made")
    for name, place in [("a folder of its namespace", base + "/mine/n"), ("a folder outside of all warehouses", "file://%s/outside" % c.files)]:
        t.equal(outcome("mallory", (table % ("n", place, ""))), "done", "create_table: %s" % name)
        c.sql("SELECT icecat.drop_table('w', '{mine}', 'n')")
    t.equal(outcome("mallory", commit([{"action": "set-location", "location": own + "/moved"}])), "done", "a table moves within its own folder")
    t.equal(outcome("mallory", commit(snapshot(own + "/metadata/snap-1.avro"))), "done", "and names its own files")
    for name, place in places[:6]:
        t.equal(outcome("writer", (table % ("n", place, ""))), "IC306", "who may write the other table may not place one there, either: %s" % name)
    c.allow_overlap("w")
    for name, place in places[:2]:
        t.equal(outcome("writer", (table % ("n", place, ""))), "done", "unless the warehouse allows it: %s" % name)
        c.sql("SELECT icecat.drop_table('w', '{mine}', 'n')")
    t.equal(outcome("victim", "icecat.create_table('w', '{theirs}', 'next', '%s')" % SCHEMA), "done", "others go on to make theirs")
    t.equal(c.sql("SELECT icecat.create_table('w', '{mine}', 'n', '%s', p_location => '%s') IS NOT NULL" % (SCHEMA, theirs)), "t", "the owner places tables where he likes")


if __name__ == "__main__":
    cluster.main(test)
