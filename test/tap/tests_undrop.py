"""What is dropped stays for a while, where its warehouse says so: its name is free, and it comes back whole.

Undropped by name, by uuid, under another name, elsewhere; by whom; when its time is over it is purged or forgotten, by the worker.
"""
# SPDX-License-Identifier: PostgreSQL
import json
import os

import harness
from expectations import expect, expect_equal

SCHEMA = json.dumps({"type": "struct", "fields": [{"id": 1, "name": "x", "type": "long", "required": False}]})
VERSION = json.dumps({"version-id": 1, "timestamp-ms": 1, "schema-id": 0, "summary": {}, "default-namespace": [],
                      "representations": [{"type": "sql", "sql": "SELECT 1", "dialect": "x"}]})
LIST = "SELECT string_agg(i ->> 'name', ',' ORDER BY i ->> 'name') FROM json_array_elements(icecat.list_tables('w', '{ns}') -> 'identifiers') AS i"
KEPT = "SELECT count(*) FROM icecat.dropped_tables WHERE name = '%s'"


def prepare(c):
    c.make_warehouse()
    c.make_warehouse("final")
    c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.undrop-retention-s\":\"3600\"}')")


def make(c, name, warehouse="w"):
    return c.sql("SELECT icecat.create_table('%s', '{ns}', '%s', '%s') #>> '{metadata,table-uuid}'" % (warehouse, name, SCHEMA))


def uuid_of(c, name):
    return c.sql("SELECT icecat.load_table('w', '{ns}', '%s') #>> '{metadata,table-uuid}'" % name)


def refused(c, text, code):
    said = c.sql("\\set VERBOSITY verbose\n" + text, check=False)
    expect(code in said, said)


def test_a_table_comes_back_as_it_was(c):
    uuid = make(c, "t")
    c.sql(c.property_commit_sql("t", "k", "v") + "; SELECT icecat.set_labels('{\"a\":\"b\"}', 'w', '{ns}', 't')")
    before = c.sql("SELECT icecat.load_table('w', '{ns}', 't')")
    c.sql("SELECT icecat.drop_table('w', '{ns}', 't')")
    refused(c, "SELECT icecat.load_table('w', '{ns}', 't')", "IC103")
    expect_equal(c.sql("SELECT warehouse, namespace, name, kind, uuid, purge_requested, undrop_until > now() + interval '3590 seconds' "
                       "FROM icecat.dropped_tables"), f"w|{{ns}}|t|table|{uuid}|f|t")
    c.sql("SELECT icecat.undrop_table('w', '{ns}', 't')")
    expect_equal(c.sql("SELECT icecat.load_table('w', '{ns}', 't')"), before)
    expect_equal(c.sql(KEPT % "t"), "0")
    c.sql(c.property_commit_sql("t", "k", "w"))
    expect_equal(c.sql("SELECT string_agg(event_type, ',' ORDER BY number) FROM icecat.read_events('w') WHERE name = 't'"),
                 "create-table,commit-table,drop-table,undrop-table,commit-table")
    expect_equal(c.sql("SELECT count(*) FROM icecat.audit_log WHERE action = 'undrop-table'"), "1")


def test_the_name_is_free_and_the_old_one_comes_back_under_another(c):
    first = make(c, "n")
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'n')")
    second = make(c, "n")
    refused(c, "SELECT icecat.undrop_table('w', '{ns}', 'n')", "IC201")
    c.sql("SELECT icecat.undrop_table('w', '{ns}', 'n', p_new_name => 'n_old')")
    expect_equal((uuid_of(c, "n_old"), uuid_of(c, "n")), (first, second))
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'n'), icecat.drop_table('w', '{ns}', 'n_old')")
    third = make(c, "n")
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'n'); SELECT icecat.undrop_table('w', '{ns}', 'n')")
    expect_equal(uuid_of(c, "n"), third, "the latest of the name")
    c.sql("SELECT icecat.undrop_table('w', '{ns}', 'n', '%s', 'n_second')" % second)
    expect_equal(uuid_of(c, "n_second"), second, "or the one of a uuid")
    refused(c, "SELECT icecat.undrop_table('w', '{ns}', 'n', '%s', 'x')" % second, "IC103")
    refused(c, "SELECT icecat.undrop_table('w', '{ns}', 'never')", "IC103")


def test_a_namespace_that_is_gone_keeps_nothing_from_coming_back(c):
    uuid = c.sql("SELECT icecat.create_namespace('w', '{gone}') IS NOT NULL; SELECT icecat.create_table('w', '{gone}', 't', '%s') #>> '{metadata,table-uuid}'"
                 % SCHEMA).split("\n")[1]
    c.sql("SELECT icecat.drop_table('w', '{gone}', 't'); SELECT icecat.drop_namespace('w', '{gone}')")
    refused(c, "SELECT icecat.undrop_table('w', '{gone}', 't')", "IC102")
    expect_equal(c.sql("SELECT namespace IS NULL FROM icecat.dropped_tables WHERE uuid = '%s'" % uuid), "t")
    c.sql("SELECT icecat.undrop_table('w', '{ns}', 'from_gone', '%s')" % uuid)
    expect_equal(uuid_of(c, "from_gone"), uuid)
    expect_equal(c.sql("SELECT * FROM icecat.check_integrity()"), "")


def test_views_come_back_too(c):
    c.sql("SELECT icecat.create_view('w', '{ns}', 'v', '%s', '%s')" % (SCHEMA, VERSION))
    before = c.sql("SELECT icecat.load_view('w', '{ns}', 'v')")
    c.sql("SELECT icecat.drop_view('w', '{ns}', 'v')")
    refused(c, "SELECT icecat.undrop_table('w', '{ns}', 'v')", "IC103")
    make(c, "v")
    refused(c, "SELECT icecat.undrop_view('w', '{ns}', 'v')", "IC201")
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'v'); SELECT icecat.undrop_view('w', '{ns}', 'v')")
    expect_equal(c.sql("SELECT icecat.load_view('w', '{ns}', 'v')"), before)
    refused(c, "SELECT icecat.undrop_view('w', '{ns}', 'v')", "IC105")


def test_a_drop_that_is_rolled_back_and_one_in_another_warehouse_are_as_before(c):
    make(c, "r")
    c.sql("BEGIN; SELECT icecat.drop_table('w', '{ns}', 'r'); SELECT icecat.undrop_table('w', '{ns}', 'r'); ROLLBACK")
    expect(uuid_of(c, "r") != "", "it lives")
    make(c, "f", "final")
    c.sql("SELECT icecat.drop_table('final', '{ns}', 'f')")
    refused(c, "SELECT icecat.undrop_table('final', '{ns}', 'f')", "IC103")
    refused(c, "SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.undrop-retention-s\":\"soon\"}')", "IC301")
    refused(c, "SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.undrop-retention-s\":\"-1\"}')", "IC301")
    make(c, "unregistered")
    c.sql("SELECT icecat.unregister_table('w', '{ns}', 'unregistered')")
    refused(c, "SELECT icecat.undrop_table('w', '{ns}', 'unregistered')", "IC103")


def test_who_may(c):
    c.sql("CREATE ROLE users; SELECT icecat.grant_user('users'); CREATE ROLE dropper IN ROLE users; CREATE ROLE looker IN ROLE users;"
          "CREATE ROLE owner_of IN ROLE users; SELECT icecat.grant('dropper', 'drop', 'w'), icecat.grant('looker', 'select', 'w'),"
          "icecat.grant('looker', 'create', 'w'), icecat.grant('owner_of', 'create', 'w', '{ns}')")
    c.sql("SET ROLE owner_of; SELECT icecat.create_table('w', '{ns}', 'theirs', '%s'); SELECT icecat.drop_table('w', '{ns}', 'theirs')" % SCHEMA)
    refused(c, "SET ROLE looker; SELECT icecat.undrop_table('w', '{ns}', 'theirs')", "IC103")
    refused(c, "SET ROLE dropper; SELECT icecat.undrop_table('w', '{ns}', 'theirs')", "IC401")
    expect_equal([c.sql("SET ROLE %s; SELECT count(*) FROM icecat.dropped_tables WHERE name = 'theirs'" % role)
                  for role in ("looker", "dropper", "owner_of")], ["0", "1", "1"])
    refused(c, "SET ROLE owner_of; SELECT icecat.expire_dropped('w')", "IC401")
    c.sql("SET ROLE owner_of; SELECT icecat.undrop_table('w', '{ns}', 'theirs')")
    refused(c, "SET ROLE looker; SELECT icecat.drop_table('w', '{ns}', 'theirs')", "IC401")


def test_dropped_tables_count_no_more_and_count_again(c):
    used = "SELECT used FROM icecat.quotas WHERE warehouse = 'w' AND resource = 'tables'"
    make(c, "q")
    now = int(c.sql("SELECT count(*) FROM icecat.tables WHERE warehouse = 'w'"))
    c.sql("SELECT icecat.set_quota('w', 'tables', %d)" % now)
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'q')")
    expect_equal(c.sql(used), str(now - 1))
    make(c, "q2")
    refused(c, "SELECT icecat.undrop_table('w', '{ns}', 'q')", "IC403")
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'q2'); SELECT icecat.undrop_table('w', '{ns}', 'q')")
    expect_equal(c.sql(used), str(now))
    c.sql("SELECT icecat.set_quota('w', 'tables', NULL)")


def test_when_the_time_is_over_it_is_purged_or_forgotten(c):
    kept = make(c, "kept")
    purged = make(c, "purged")
    folders = [c.sql("SELECT replace(icecat.load_table('w', '{ns}', '%s') #>> '{metadata,location}', 'file://', '')" % name) for name in ("kept", "purged")]
    for name in ("kept", "purged"):
        c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', '%s')" % name)
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'kept'), icecat.drop_table('w', '{ns}', 'purged', true)")
    c.sql("SELECT icecat.run_worker_once()")
    expect_equal([bool(os.listdir(folder + "/metadata")) for folder in folders], [True, True], "nothing is deleted before")
    expect_equal(c.sql("SELECT purge_requested FROM icecat.dropped_tables WHERE name = 'purged'"), "t")
    expect_equal(c.sql("SELECT icecat.expire_dropped('w', '%s') + icecat.expire_dropped('w', '%s')" % (kept, purged)), "2")
    refused(c, "SELECT icecat.undrop_table('w', '{ns}', 'kept')", "IC103")
    c.sql("SELECT icecat.adopt_storage()")

    def purge_is_done():
        c.sql("SELECT icecat.run_worker_once()")
        return not os.path.exists(folders[1])
    harness.wait_until(purge_is_done, "the purge", 20)
    expect(os.path.exists(folders[0]), "files of the other one stay")
    c.sql("SELECT icecat.run_worker_once(); SET icecat.dropped_retention_s = 0; SELECT icecat.run_worker_once()")
    expect_equal(c.sql("SELECT string_agg(name || ' ' || details::text, ', ' ORDER BY name) FROM icecat.read_events('w') WHERE event_type = 'expire-table'"),
                 'kept {"purge":false}, purged {"purge":true}')
    expect_equal(c.sql("SELECT * FROM icecat.check_integrity()"), "")


def test_a_warehouse_with_dropped_tables_stays_until_they_are_gone(c):
    c.sql("SELECT icecat.create_warehouse('soon', 's3://soon/files', '{\"icecat.undrop-retention-s\":\"3600\",\"icecat.metadata-write-mode\":\"none\"}');"
          "SELECT icecat.create_namespace('soon', '{a}'); SELECT icecat.create_table('soon', '{a}', 't', '%s');"
          "SELECT icecat.drop_table('soon', '{a}', 't'); SELECT icecat.drop_namespace('soon', '{a}')" % SCHEMA)
    refused(c, "SELECT icecat.drop_warehouse('soon')", "IC204")
    c.sql("SELECT icecat.expire_dropped('soon')")

    def is_dropped():
        c.sql("SELECT icecat.run_worker_once()")
        return "IC204" not in c.sql("\\set VERBOSITY verbose\nSELECT icecat.drop_warehouse('soon')", check=False)
    harness.wait_until(is_dropped, "the warehouse can be dropped", 20)


def test_two_undrops_of_one_table(c):
    make(c, "two")
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'two')")
    running = [c.spawn("BEGIN; SELECT icecat.undrop_table('w', '{ns}', 'two', p_new_name => 'two_%d'); SELECT pg_sleep(1); COMMIT" % n) for n in range(2)]
    ended = sorted(process.wait() == 0 for process in running)
    expect_equal(ended, [False, True], "one of them has it")


def test_over_rest(c, gateway):
    uuid = make(c, "rest")
    at = "/v1/w/namespaces/ns/tables"
    expect_equal(gateway.request("DELETE", at + "/rest").status, 204)
    listed = gateway.request("GET", at + "?deleted=true").json()
    mine = [entry for entry in listed["identifiers"] if entry["name"] == "rest"]
    expect_equal([(entry["uuid"], entry["namespace"], entry["purge-requested"]) for entry in mine], [(uuid, ["ns"], False)])
    expect("rest" not in [entry["name"] for entry in gateway.request("GET", at).json()["identifiers"]], "the other list has it no more")
    pages, token = [], None
    while True:
        page = gateway.request("GET", at + "?deleted=true&pageSize=1" + (f"&pageToken={token}" if token else "")).json()
        pages += page["identifiers"]
        token = page["next-page-token"]
        if token is None:
            break
    expect_equal(sorted(entry["uuid"] for entry in pages), sorted(entry["uuid"] for entry in listed["identifiers"]), "page by page")
    expect_equal(gateway.request("POST", f"{at}/rest/undrop?uuid={uuid}&name=rest_back").status, 204)
    expect_equal(gateway.request("GET", at + "/rest_back").json()["metadata"]["table-uuid"], uuid)
    expect_equal(gateway.request("POST", at + "/rest/undrop").status, 404)
    told = gateway.request("GET", "/v1/config?warehouse=w").json()["endpoints"]
    expect(all("undrop" not in endpoint for endpoint in told), "clients are not told of it")
    expect_equal(gateway.request("DELETE", at + "/rest_back?purgeRequested=true").status, 204)
    expect_equal(c.sql("SELECT purge_requested FROM icecat.dropped_tables WHERE name = 'rest_back'"), "t")
    expect_equal(gateway.request("GET", "/v1/w/namespaces/ns/views?deleted=true").json()["identifiers"], [])


def test_its_place_stays_its_own(c):
    uuid = make(c, "placed")
    place = c.sql("SELECT icecat.load_table('w', '{ns}', 'placed') #>> '{metadata,location}'")
    there = "SELECT icecat.create_table('w', '{ns}', 'in_its_place', '%s', p_location => '%s') IS NOT NULL" % (SCHEMA, place)
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'placed')")
    refused(c, there, "IC306")
    c.sql("SELECT icecat.expire_dropped('w', '%s')" % uuid)

    def place_is_free():
        c.sql("SELECT icecat.run_worker_once()")
        return c.sql(there, check=False) == "t"
    harness.wait_until(place_is_free, "the end of what was dropped", 20)


def test_an_undrop_with_a_key_runs_once(c, gateway):
    uuid = make(c, "keyed")
    at = "/v1/w/namespaces/ns/tables/keyed"
    key = ["Idempotency-Key: 0193f2c0-0000-7000-8000-0000000000aa"]
    expect_equal(gateway.request("DELETE", at).status, 204)
    expect_equal([gateway.request("POST", at + "/undrop", headers=key).status for _ in range(2)], [204, 204], "a repeat finds what the first one did")
    expect_equal(uuid_of(c, "keyed"), uuid)
    expect_equal(gateway.request("POST", at + "/undrop").status, 404, "without the key there is nothing to undrop")
    expect_equal(gateway.request("POST", at + "/undrop?name=other", headers=key).status, 422)
    c.sql("SELECT icecat.create_view('w', '{ns}', 'keyed_v', '%s', '%s'); SELECT icecat.drop_view('w', '{ns}', 'keyed_v')" % (SCHEMA, VERSION))
    key = ["Idempotency-Key: 0193f2c0-0000-7000-8000-0000000000ab"]
    expect_equal([gateway.request("POST", "/v1/w/namespaces/ns/views/keyed_v/undrop", headers=key).status for _ in range(2)], [204, 204])
