"""Files of snapshots that lie outside of their table's locations: reported after the commit, or the commit is refused, as the warehouse says.
"""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import shutil
import time

import avro
from expectations import expect, expect_equal, wait_until

SCHEMA = json.dumps({"type": "struct", "fields": [{"id": 1, "name": "x", "type": "long", "required": False}]})


def prepare(c):
    for name, rule in (("w", "report"), ("off", "off"), ("s", "strict")):
        c.make_warehouse(name)
        c.sql("SELECT icecat.alter_warehouse('%s', p_updates => '{\"icecat.outside-files\":\"%s\"}')" % (name, rule))


def refused(c, text, code):
    said = c.sql("\\set VERBOSITY verbose\n" + text, check=False)
    expect(code in said, said)
    return said


def make(c, name, warehouse="w"):
    """A table; its folder."""
    place = c.sql("SELECT icecat.create_table('%s', '{ns}', '%s', '%s') #>> '{metadata,location}'" % (warehouse, name, SCHEMA))
    return place[len("file://"):]


def owned(c, *paths):
    for path in paths:
        if c.user:
            shutil.chown(path, c.user)


def snapshot(c, place, n, files, known=(), removed=(), where=None):
    """Writes a manifest with these files and a manifest list of it and of the known ones; the list, and the manifest."""
    folder = where or place + "/metadata"
    os.makedirs(folder, exist_ok=True)
    manifest, listing = "%s/m-%d.avro" % (folder, n), "%s/snap-%d.avro" % (folder, n)
    avro.manifest(manifest, files, removed=removed)
    avro.manifest_list(listing, ["file://" + manifest, *known])
    owned(c, folder, manifest, listing)
    return "file://" + listing, "file://" + manifest


def commit_sql(warehouse, name, n, listing, parent=None, more=()):
    added = {"snapshot-id": n, "sequence-number": n, "timestamp-ms": int(time.time() * 1000), "manifest-list": listing, "summary": {"operation": "append"}, "schema-id": 0}
    if parent is not None:
        added["parent-snapshot-id"] = parent
    updates = [{"action": "add-snapshot", "snapshot": added}, {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": n}, *more]
    return "SELECT icecat.commit_table('%s', '{ns}', '%s', '[]', '%s') IS NOT NULL" % (warehouse, name, json.dumps(updates))


def inspected(c):
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.inspection WHERE next_attempt_at <> 'infinity'", "0", seconds=30),
           "all is read: " + c.sql("SELECT snapshot_id, attempts, last_error FROM icecat_data.inspection"))


def found(c, name):
    inspected(c)
    return c.sql("SELECT snapshot_id || ' ' || path FROM icecat.outside_files WHERE table_name = '%s' ORDER BY 1" % name)


def test_files_outside_are_reported(c):
    place = make(c, "t")
    good, first = snapshot(c, place, 1, ["file://%s/data/a.parquet" % place])
    c.sql(commit_sql("w", "t", 1, good))
    expect_equal(found(c, "t"), "")
    mixed, second = snapshot(c, place, 2, ["file://%s/data/b.parquet" % place, "file:///elsewhere/c.parquet", "s3://other/d.parquet", "file://%s/../e.parquet" % place], [first])
    c.sql(commit_sql("w", "t", 2, mixed, 1))
    expect_equal(sorted(found(c, "t").split("\n")), sorted(["2 file://%s/../e.parquet" % place, "2 file:///elsewhere/c.parquet", "2 s3://other/d.parquet"]))
    third, _ = snapshot(c, place, 3, ["file://%s/data/f.parquet" % place], [first, second])
    c.sql(commit_sql("w", "t", 3, third, 2))
    expect_equal(found(c, "t").count("\n"), 2, "what the parent has is not read again")
    expect_equal(c.sql("SELECT details FROM icecat.read_events('w') WHERE event_type = 'outside-files'"), '{"snapshot-id":2,"files":3}')
    expect_equal(c.sql("SELECT warehouse, waiting, oldest_s IS NULL, failing, snapshots_outside FROM icecat.inspections WHERE warehouse = 'w'"), "w|0|t|0|1")
    expect_equal(c.sql("SELECT count(*) FROM icecat.audit_log WHERE action = 'outside-files' AND source = 'worker'"), "1")


def test_what_is_deleted_from_the_table_is_not_reported(c):
    place = make(c, "d")
    listing, _ = snapshot(c, place, 1, ["file://%s/data/a.parquet" % place], removed=["file:///elsewhere/old.parquet"])
    c.sql(commit_sql("w", "d", 1, listing))
    expect_equal(found(c, "d"), "")


def test_lists_and_manifests_that_lie_outside_are_not_read(c):
    place, other = make(c, "o"), make(c, "secret")
    theirs, manifest = snapshot(c, other, 9, ["file://%s/data/hidden.parquet" % other])
    c.sql(commit_sql("w", "o", 1, theirs))
    expect_equal(found(c, "o"), "1 " + theirs)
    mine, _ = snapshot(c, place, 2, ["file://%s/data/a.parquet" % place], [manifest])
    c.sql(commit_sql("w", "o", 2, mine))
    expect_equal(found(c, "o").split("\n")[1], "2 " + manifest)


def test_a_link_leads_out_of_the_table(c):
    place = make(c, "l")
    os.makedirs(place, exist_ok=True)
    os.symlink("/var", place + "/link")
    listing, _ = snapshot(c, place, 1, ["file://%s/link/x.parquet" % place])
    c.sql(commit_sql("w", "l", 1, listing))
    expect_equal(found(c, "l"), "1 file://%s/link/x.parquet" % place)


def test_paths_of_properties_and_shared_locations_are_inside(c):
    place = make(c, "p")
    listing, _ = snapshot(c, place, 1, ["file://%s/data/p/x.parquet" % c.files, "file:///shared/y.parquet"])
    c.sql(commit_sql("w", "p", 1, listing, more=[{"action": "set-properties", "updates": {"write.data.path": "file://%s/data/p" % c.files}}]))
    expect_equal(found(c, "p"), "1 file:///shared/y.parquet")
    c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.shared-locations\":\"[\\\"file:///shared/\\\"]\"}')")
    listing, _ = snapshot(c, place, 2, ["file:///shared/z.parquet", "file:///shared2/z.parquet"])
    c.sql(commit_sql("w", "p", 2, listing))
    expect_equal(found(c, "p"), "1 file:///shared/y.parquet\n2 file:///shared2/z.parquet")
    for wrong in ('x', '{}', '[1]', '[\\"\\"]', '[]'):
        said = c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.shared-locations\":\"%s\"}')" % wrong, check=False)
        expect("shared-locations" in said or "JSON" in said, said)
    refused(c, "SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.outside-files\":\"maybe\"}')", "IC301")
    c.sql("SELECT icecat.alter_warehouse('w', p_removals => '{icecat.shared-locations}')")


def test_no_more_than_a_limit_is_kept_and_the_event_counts_all(c):
    c.sql("LOAD 'icecat';\nALTER SYSTEM SET icecat.outside_files_max = 3")
    c.sql("SELECT pg_reload_conf()")
    place = make(c, "many")
    listing, _ = snapshot(c, place, 1, ["file:///elsewhere/%d.parquet" % i for i in range(50)])
    c.sql(commit_sql("w", "many", 1, listing))
    expect_equal(found(c, "many").count("\n"), 2)
    expect_equal(c.sql("SELECT details ->> 'files' FROM icecat.read_events('w') WHERE event_type = 'outside-files' AND name = 'many'"), "50")
    c.sql("LOAD 'icecat';\nALTER SYSTEM RESET icecat.outside_files_max")
    c.sql("SELECT pg_reload_conf()")


def test_one_that_cannot_be_read_is_tried_again_and_holds_up_nothing(c):
    make(c, "b")
    c.sql(commit_sql("w", "b", 1, "file://%s/metadata/none.avro" % c.sql("SELECT replace(location, 'file://', '') FROM icecat.tables WHERE table_name = 'b'")))
    wait_until(lambda: c.sql("SELECT failing FROM icecat.inspections WHERE warehouse = 'w'") == "1", "it is counted", 20)
    expect("does not exist" in c.sql("SELECT last_error FROM icecat.inspections WHERE warehouse = 'w'"), c.sql("SELECT last_error FROM icecat.inspections"))
    c.sql(c.property_commit_sql("b", "k", "v") + "; SELECT icecat.drop_table('w', '{ns}', 'b')")
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task", "0", seconds=20), "files are written")
    c.sql("SET icecat.dropped_retention_s = 0; SELECT icecat.run_worker_once()")
    wait_until(lambda: c.sql("SET icecat.dropped_retention_s = 0; SELECT icecat.run_worker_once() >= 0; SELECT count(*) FROM icecat_data.inspection").endswith("0"), "it goes with the table", 20)


def test_off_looks_at_nothing(c):
    place = make(c, "n", "off")
    listing, _ = snapshot(c, place, 1, ["file:///elsewhere/x.parquet"])
    c.sql(commit_sql("off", "n", 1, listing))
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.inspection"), "0")
    expect_equal(found(c, "n"), "")


def test_snapshots_of_late_versions_are_looked_at_as_soon(c):
    c.make_warehouse("late")
    place = make(c, "t", "late")
    c.sql(commit_sql("late", "t", 1, snapshot(c, place, 1, ["file://%s/data/1" % place])[0]))
    c.sql("BEGIN; UPDATE icecat_data.table_part SET ordinal = ordinal + (1000000::bigint << 20) WHERE kind = (SELECT kind FROM icecat_data.table_part WHERE id = 1 LIMIT 1); "
          "SELECT icecat.alter_warehouse('late', p_updates => '{\"icecat.outside-files\":\"report\"}'); COMMIT")
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.inspection", "0", seconds=30), "all is read", c.sql("SELECT next_attempt_at - now() FROM icecat_data.inspection"))


def test_strict_refuses_the_commit(c):
    place = make(c, "t", "s")
    bad, _ = snapshot(c, place, 1, ["file://%s/data/a.parquet" % place, "file:///elsewhere/x.parquet"])
    said = refused(c, commit_sql("s", "t", 1, bad), "IC302")
    expect("Snapshot 1 of ns.t names 1 file(s) outside of the table's locations, such as file:///elsewhere/x.parquet" in said, said)
    expect_equal(c.sql("SELECT version FROM icecat.tables WHERE warehouse = 's' AND table_name = 't'"), "1", "nothing is changed")
    change = commit_sql("s", "t", 1, bad).split("'[]', '")[1].split("') IS")[0]
    refused(c, "SELECT icecat.commit_transaction('s', '[{\"identifier\":{\"namespace\":[\"ns\"],\"name\":\"t\"},\"requirements\":[],\"updates\":%s}]')" % change, "IC302")
    good, manifest = snapshot(c, place, 2, ["file://%s/data/a.parquet" % place], removed=["file:///elsewhere/x.parquet"])
    c.sql(commit_sql("s", "t", 2, good))
    moved, _ = snapshot(c, place, 3, ["file://%s/moved/a.parquet" % c.files], [manifest])
    refused(c, commit_sql("s", "t", 3, moved, 2), "IC302")
    refused(c, commit_sql("s", "t", 3, moved, 2, [{"action": "set-properties", "updates": {"write.data.path": "file://%s/moved" % c.files}},
                                                  {"action": "remove-properties", "removals": ["write.data.path"]}]), "IC302")
    c.sql(commit_sql("s", "t", 3, moved, 2, [{"action": "set-properties", "updates": {"write.data.path": "file://%s/moved" % c.files}}]))
    refused(c, commit_sql("s", "t", 4, "file:///elsewhere/snap.avro", 3), "IC302")
    missing = refused(c, commit_sql("s", "t", 4, "file://%s/metadata/none.avro" % place, 3), "IC104")
    expect("none.avro" in missing, missing)
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.inspection AS i JOIN icecat.warehouses AS w USING (warehouse_id) WHERE w.warehouse = 's'"), "0", "nothing is left for the worker")
    c.sql("SET icecat.inspected_manifests_max = 1; " + commit_sql("s", "t", 5, snapshot(c, place, 5, ["file://%s/data/5" % place], [manifest])[0], 3))
    two, _ = snapshot(c, place, 6, ["file://%s/data/6" % place], [snapshot(c, place, 7, [])[1]])
    refused(c, "SET icecat.inspected_manifests_max = 1; " + commit_sql("s", "t", 6, two), "IC305")


def test_strict_reads_nothing_while_a_group_has_the_table(c):
    place = make(c, "grouped", "s")
    requests = [{"requirements": [], "updates": [{"action": "set-properties", "updates": {"n": "1"}}]}]
    for n in (1, 2):
        listing, _ = snapshot(c, place, n, ["file://%s/data/%d.parquet" % (place, n)])
        requests.append({"requirements": [], "updates": json.loads(commit_sql("s", "grouped", n, listing).split("'[]', '")[1].split("') IS")[0])})
    call = "SELECT string_agg(again::text, ' ') FROM icecat.rest_commit_table_group('s', '{ns}', 'grouped', ARRAY[%s])"
    expect_equal(c.sql(call % ", ".join("'%s'" % json.dumps(request) for request in requests)), "false true true", "one that would read is left")
    expect_equal(c.sql(call % "'%s'" % json.dumps(requests[1])), "false", "alone, or as the first, it reads")
    expect_equal(c.sql("SELECT version FROM icecat.tables WHERE warehouse = 's' AND table_name = 'grouped'"), "3")


def test_strict_looks_at_documents_too(c):
    place = make(c, "doc")
    bad, _ = snapshot(c, place, 1, ["file:///elsewhere/x.parquet"])
    c.sql(commit_sql("w", "doc", 1, bad) + "; SELECT icecat.wait_for_metadata('w', '{ns}', 'doc')")
    file = c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 'doc'")
    c.sql("SELECT icecat.unregister_table('w', '{ns}', 'doc')")
    said = refused(c, "SELECT icecat.register_table('s', '{ns}', 'doc', '%s')" % file, "IC302")
    expect("elsewhere" in said, said)
    c.sql("SELECT icecat.alter_warehouse('s', p_updates => '{\"icecat.shared-locations\":\"[\\\"file:///elsewhere\\\"]\"}')")
    c.sql("SELECT icecat.register_table('s', '{ns}', 'doc', '%s')" % file)


def test_strict_looks_at_all_snapshots_of_a_document(c):
    place = make(c, "history")
    inside = ["file://%s/data/a.parquet" % place]
    one, bad = snapshot(c, place, 1, ["file:///outside/x.parquet"])
    c.sql(commit_sql("w", "history", 1, one))
    c.sql(commit_sql("w", "history", 2, snapshot(c, place, 2, inside)[0], 1))
    third, _ = snapshot(c, place, 3, inside)
    c.sql(commit_sql("w", "history", 3, third, 2) + "; SELECT icecat.wait_for_metadata('w', '{ns}', 'history')")
    file = c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 'history'")
    c.sql("SELECT icecat.unregister_table('w', '{ns}', 'history')")
    said = refused(c, "SELECT icecat.register_table('s', '{ns}', 'history', '%s')" % file, "IC302")
    expect("Snapshot 1 of the document" in said, said)
    # Two snapshots that call each other their parents, and share a manifest: one of them is read whole.
    path = file[len("file://"):]
    with open(path) as source:
        document = json.load(source)
    document["snapshots"] = [s for s in document["snapshots"] if s["snapshot-id"] > 1]
    first, second = document["snapshots"]
    for number, (mine, parent) in enumerate(((first, second), (second, first)), 8):
        mine["parent-snapshot-id"] = parent["snapshot-id"]
        mine["manifest-list"] = snapshot(c, place, number, inside, [bad])[0]
    document["snapshot-log"] = [entry for entry in document["snapshot-log"] if entry["snapshot-id"] > 1]
    ring = os.path.join(os.path.dirname(path), "00009-ring.metadata.json")
    with open(ring, "w") as target:
        json.dump(document, target)
    owned(c, ring)
    said = refused(c, "SELECT icecat.register_table('s', '{ns}', 'history', 'file://%s')" % ring, "IC302")
    expect("outside/x.parquet" in said, said)
    for mine in (first, second):
        mine["manifest-list"] = third
    with open(ring, "w") as target:
        json.dump(document, target)
    c.sql("SELECT icecat.register_table('s', '{ns}', 'history', 'file://%s')" % ring)


def test_who_sees_what_was_found(c):
    c.sql("CREATE ROLE users; SELECT icecat.grant_user('users'); CREATE ROLE reader IN ROLE users; CREATE ROLE steward IN ROLE users;"
          "SELECT icecat.grant('reader', 'select', 'w'), icecat.grant('steward', 'manage', 'w', '{ns}', 't')")
    expect_equal([c.sql("SET ROLE %s; SELECT count(*) FROM icecat.outside_files" % role) for role in ("reader", "steward")], ["0", "3"])
    expect_equal(c.sql("SET ROLE reader; SELECT count(*) FROM icecat.inspections"), "0")
