"""REST client: no table or view lies in another's place, by any call and any spelling; where clients may choose one.

The numbers are those of four reports on another catalog (CVE-2026-42809 to 42812): a staged creation that skipped the check, wildcards in
names, the same in another language of conditions, and a commit of write.metadata.path alone.
"""
# SPDX-License-Identifier: PostgreSQL
import json
import shutil

import pytest
from expectations import expect, expect_equal
from postgres import HOLD
from tests_steering import SCHEMA, VIEW_VERSION, call, commit, creation, setting

OBJECTS = "s3://lake/w"
VICTIM = OBJECTS + "/ns/orders"
FOLDERS = ("write.data.path", "write.metadata.path", "write.object-storage.path", "write.folder-storage.path")
OVERLAP = "Location overlaps with that of another table or view"


def warehouse(c, name, location, **properties):
    properties = {"icecat." + key.replace("_", "-"): value for key, value in properties.items()}
    c.sql("SELECT icecat.create_warehouse('%s', %s, '%s'); SELECT icecat.create_namespace('%s', '{ns}')"
          % (name, "'%s'" % location if location else "NULL", json.dumps(dict({"icecat.metadata-write-mode": "none"}, **properties)), name))


def prepare(c):
    warehouse(c, "w", OBJECTS)
    warehouse(c, "v", "s3://other/v")
    made = create(c, "orders", VICTIM)
    expect_equal(made[1], "", "a table where the client says")
    expect_equal(create(c, "own")[1], "", "and one where the server says")


def create(c, name, location=None, properties=None, where="w", **more):
    request = dict({"name": name, "schema": SCHEMA, "properties": properties or {}}, **more)
    if location is not None:
        request["location"] = location
    return call(c, "rest_create_table", where, "{ns}", request)


def moves(location):
    return commit([{"action": "set-location", "location": location}])


def created_by_commit(location, properties=None):
    request = creation(properties or {})
    if location is not None:
        request["updates"].insert(1, {"action": "set-location", "location": location})
    return request


def ways(place):
    """Every call by which a REST client can name a place."""
    found = {
        "createTable": lambda c: create(c, "new", place),
        "createTable, staged (42809)": lambda c: create(c, "new", place, **{"stage-create": True}),
        "updateTable that creates": lambda c: call(c, "rest_commit_table", "w", "{ns}", "new", created_by_commit(place)),
        "updateTable, set-location": lambda c: call(c, "rest_commit_table", "w", "{ns}", "own", moves(place)),
        "commitTransaction": lambda c: call(c, "rest_commit_transaction", "w", {"table-changes": [
            dict(moves(place), identifier={"namespace": ["ns"], "name": "own"})]}),
        "createView": lambda c: call(c, "rest_create_view", "w", "{ns}", {
            "name": "new", "schema": SCHEMA, "view-version": VIEW_VERSION, "properties": {}, "location": place}),
        "createTable in another warehouse": lambda c: create(c, "new", place, where="v"),
    }
    for folder in FOLDERS:
        found["createTable, " + folder] = lambda c, f=folder: create(c, "new", properties={f: place})
        found["createTable, staged, %s (42809)" % folder] = lambda c, f=folder: create(c, "new", properties={f: place}, **{"stage-create": True})
        found["updateTable that creates, " + folder] = lambda c, f=folder: call(
            c, "rest_commit_table", "w", "{ns}", "new", created_by_commit(None, {f: place}))
        found["updateTable, %s alone (42812)" % folder] = lambda c, f=folder: call(c, "rest_commit_table", "w", "{ns}", "own", setting({f: place}))
    return found


PLACES = {
    "its location": VICTIM, "with a slash": VICTIM + "/", "as s3a": "s3a" + VICTIM[2:], "as s3n": "S3N" + VICTIM[2:], "its data": VICTIM + "/data",
    "deep in it": VICTIM + "/a/b/c", "around it": OBJECTS + "/ns", "the warehouse": OBJECTS, "the bucket": "s3://lake", "the bucket, as s3a": "s3a://lake/"}
# What stores, clients and proxies would make something else of.
NO_PLACES = {
    "a step upwards": OBJECTS + "/x/../ns/orders", "a step at the end": VICTIM + "/x/..", "a dot": OBJECTS + "/./ns/orders", "an empty segment": OBJECTS + "//ns/orders",
    "no bucket": "s3:///ns/orders", "a port": "s3://lake:443/x", "another user's bucket": "s3://me@lake/x", "a blank in the bucket": "s3://la ke/x",
    "a wildcard in the bucket (42810)": "s3://l*ke/x", "a quote in the bucket (42811)": "gs://la'ke/x", "no account": "abfss://box/x", "no container": "abfss://@acc.dfs.core.windows.net/x",
    "an account that is none": "abfss://box@acc/..%2f.dfs.core.windows.net/../x", "a backslash": "abfss://box@acc.dfs.core.windows.net/a\\..\\b",
    "a control character": OBJECTS + "/a\u0001b", "a line's end": OBJECTS + "/a\nb", "an escape": OBJECTS + "/a\u007f"}
# Names that are keys like any other, and nobody else's.
ODD = ("%2e%2e/orders", "ns/orders2", "ns/order", "ns%2forders", "ns/orders%2f", "ns/*", "ns/order?", "ns/o'rders", 'ns/o"rders', "ns/orders#x", "NS/orders", "ns/${orders}", "ns/{orders}", "ns/..orders",
       "ns/orders..", "ns/.orders", "ns/ord\u00e9rs", "ns/or ders")


def clean(c):
    for text in ("drop_table('w', '{ns}', 'new')", "drop_table('v', '{ns}', 'new')", "drop_view('w', '{ns}', 'new')"):
        c.sql("SELECT icecat." + text, check=False)


@pytest.mark.parametrize("way", list(ways("")))
def test_overlap(c, way):
    before = c.sql("SELECT count(*) FROM icecat.events")
    for what, place in PLACES.items():
        answer, error = ways(place)[way](c)
        expect(answer is None and "IC306" in error and OVERLAP in error, "%s: %s" % (way, what), (answer, error))
    for what, place in NO_PLACES.items():
        answer, error = ways(place)[way](c)
        expect(answer is None and "IC306" in error and OVERLAP not in error, "%s: %s" % (way, what), (answer, error))
        expect("\u0001" not in error, "the message shows no control character")
    expect_equal(c.sql("SELECT count(*) FROM icecat.events"), before, "nothing was changed")


def test_odd_names_are_places(c):
    for name in ODD:
        answer, error = create(c, "new", "%s/%s" % (OBJECTS, name))
        expect(answer is not None, "a location %s" % name, error)
        expect_equal(answer["metadata"]["location"], "%s/%s" % (OBJECTS, name), "is kept as it was written")
        clean(c)


@pytest.mark.parametrize("first, second", [
    ("s3a://spelled/a", "s3://spelled/a/b"), ("s3n://spelled/b/", "S3a://spelled/b"), ("gs://spelled/c", "GS://spelled/c/d"),
    ("abfss://box@acc.dfs.core.windows.net/d", "wasbs://box@acc.blob.core.windows.net/d"), ("wasb://box@acc.blob.core.windows.net/e/x", "abfs://box@ACC.dfs.core.windows.net/e"),
    ("abfss://ws@onelake.dfs.fabric.microsoft.com/f", "abfss://ws@onelake.blob.fabric.microsoft.com/f/g")])
def test_spellings(c, first, second):
    answer, error = create(c, "first", first)
    expect(answer is not None, "a table at " + first, error)
    expect_equal(answer["metadata"]["location"], first.rstrip("/"), "the client's spelling is kept")
    answer, error = create(c, "new", second)
    expect(answer is None and OVERLAP in error, "%s is in its way" % second, error)
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'first')")
    answer, error = create(c, "new", second)
    expect(answer is not None, "and is not when that one is dropped", error)
    clean(c)


def test_different_things(c):
    """Stores and containers that only look alike."""
    for i, place in enumerate(("gs://alike/a", "s3://alike/a", "abfss://alike@one.dfs.core.windows.net/a", "abfss://alike@two.dfs.core.windows.net/a", "abfss://alike@blob.dfs.core.windows.net/a")):
        answer, error = create(c, "alike%d" % i, place)
        expect(answer is not None, "a table at " + place, error)


def test_parents(c):
    """A namespace's folder is no table's: what is in it never conflicts with it."""
    for path, location in (("{up}", "s3://tree/up"), ("{up,mid}", None), ("{up,mid,low}", "s3://tree/up/else")):
        properties = {"location": location} if location else {}
        expect_equal(call(c, "rest_create_namespace", "w", {"namespace": path[1:-1].split(","), "properties": properties})[1], "", "namespace " + path)
    found = []
    for path in ("{up}", "{up,mid}", "{up,mid,low}"):
        answer, error = call(c, "rest_create_table", "w", path, {"name": "t", "schema": SCHEMA})
        expect(answer is not None, "a table in " + path, error)
        found.append(answer["metadata"]["location"].rsplit("/", 1)[0])
    expect_equal(found, ["s3://tree/up", "s3://tree/up/mid", "s3://tree/up/else"], "the nearest namespace above that has a location decides")


def test_what_is_not_changed_is_not_checked(c):
    c.allow_overlap("w")
    expect(create(c, "inner", VICTIM + "/inner")[0] is not None, "two tables in one place, from before")
    c.sql("SELECT icecat.alter_warehouse('w', p_removals => '{icecat.location-overlap}')")
    for name in ("orders", "inner"):
        answer, error = call(c, "rest_commit_table", "w", "{ns}", name, setting({"k": "v"}))
        expect(answer is not None, "a commit of %s that changes no place" % name, error)
        location = answer["metadata"]["location"]
        answer, error = call(c, "rest_commit_table", "w", "{ns}", name, moves(location))
        expect(answer is not None, "one that says the place again", error)
        answer, error = call(c, "rest_commit_table", "w", "{ns}", name, setting({"write.data.path": location + "/data", "k": "w"}))
        expect(answer is not None, "one of a folder in its own", error)
    answer, error = call(c, "rest_commit_table", "w", "{ns}", "inner", setting({"write.metadata.path": VICTIM + "/else"}))
    expect(answer is None and OVERLAP in error, "but no new one in the other's", error)
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'inner')")


def test_registration(c):
    """A document that says that it lies in another table's place; on files, for it must be read."""
    c.make_warehouse("files")
    c.sql(c.create_table_sql("t", "files"))
    c.queue_is_empty()
    source = c.sql("SELECT metadata_location FROM icecat.tables WHERE warehouse = 'files' AND table_name = 't'")[len("file://"):]
    with open(source) as file:
        document = json.load(file)
    path = "%s/files/loose.metadata.json" % c.files
    for folder, place in [(None, document["location"]), (None, document["location"] + "/data")] + [(f, document["location"] + "/data") for f in FOLDERS]:
        other = dict(document, **{"table-uuid": "00000000-0000-4000-8000-00000000000b"})
        if folder is None:
            other["location"] = place
        else:
            other.update(location="file://%s/files/free" % c.files, properties={folder: place})
        with open(path, "w") as file:
            json.dump(other, file)
        if c.user:
            shutil.chown(path, c.user)
        answer, error = call(c, "rest_register_table", "files", "{ns}", {"name": "copy", "metadata-location": "file://" + path})
        expect(answer is None and OVERLAP in error, "registration with %s at %s" % (folder or "location", place), (answer, error))
    answer, error = call(c, "rest_register_table", "files", "{ns}", {"name": "twin", "metadata-location": "file://" + source})
    expect(answer is not None, "a copy lies where its table does", error)
    answer, error = call(c, "rest_register_table", "files", "{ns}", {"name": "t", "metadata-location": "file://" + source, "overwrite": True})
    expect(answer is not None, "a table may be registered over itself", error)


def test_nobody_takes_the_place_that_others_need(c):
    """The location of a warehouse or namespace, or one around it: nobody else could place a table there any more."""
    warehouse(c, "roots", "s3://roots/w")
    warehouse(c, "inner", "s3://roots/w/inner")
    warehouse(c, "shared", "s3://roots/shared", location_overlap="allow")
    c.sql("SELECT icecat.create_namespace('roots', '{ns,sub}'), icecat.create_namespace('roots', '{other}'), icecat.create_namespace('roots', '{b c}');"
          "SELECT icecat.create_namespace('roots', '{said}', '{\"location\": \"s3a://roots/said/here/\"}'),"
          "icecat.create_namespace('roots', '{ns,gone}', '{\"location\": \"s3://roots/gone\"}');"
          "CREATE ROLE maker; SELECT icecat.grant_user('maker'); SELECT icecat.grant('maker', 'create', 'roots')")
    of_warehouse, of_namespace = "Location is that of a warehouse, or around it", "Location is that of a namespace, or around it"
    places = {"s3://roots/w": of_warehouse, "s3a://roots/w/": of_warehouse, "s3://roots": of_warehouse, "s3://roots/w/inner": of_warehouse,
              "s3://roots/w/ns": of_namespace, "s3://roots/w/other": of_namespace, "s3://roots/w/ns/sub": of_namespace,
              "s3://roots/said/here": of_namespace, "s3n://roots/said": of_namespace,
              "s3://roots/w/ns/gone": None, "s3://roots/w/ns2": None, "s3://roots/w/n": None, "s3://roots/w/ns/sub/t": None, "s3://roots/said/here/t": None,
              "s3://roots/said/her": None, "s3://roots/w/other/ns": None}
    request = json.dumps({"name": "new", "schema": SCHEMA})
    for place, words in places.items():
        for staged in (False, True):
            answer, error = create(c, "new", place, where="roots", **{"stage-create": staged})
            expect(answer is None and words in error and "IC306" in error if words else answer is not None, place, (answer, error))
            c.sql("SELECT icecat.drop_table('roots', '{ns}', 'new')", check=False)
        answer, error = create(c, "new", properties={"write.data.path": place}, where="roots")
        expect((answer is None) == (words is not None), "as a folder: " + place, (answer, error))
        c.sql("SELECT icecat.drop_table('roots', '{ns}', 'new')", check=False)
        said = c.sql("SET ROLE maker; SELECT icecat.rest_create_table('roots', '{ns}', '%s')" % json.dumps(dict(json.loads(request), location=place)),
                     check=False)
        expect(words is None or words in said or "ERROR:  Not allowed" in said, "by a role: " + place, said)
        c.sql("SELECT icecat.drop_table('roots', '{ns}', 'new')", check=False)
    answer, error = create(c, "new", "s3://roots/shared/ns", where="shared")
    expect(answer is not None, "where overlaps are allowed, one may have it", error)
    answer, error = create(c, "new2", "s3://roots/w", where="shared")
    expect(answer is None and of_warehouse in error, "but not that of another warehouse", (answer, error))


@pytest.mark.parametrize("rule", ["refuse", "inside"])
def test_choice_of_clients(c, rule):
    where = "only_" + rule
    warehouse(c, where, "s3://chosen/" + rule, client_location=rule)
    inside, outside = "s3a://chosen/%s/x/t" % rule, "s3://chosen/%s2/t" % rule
    answer, error = create(c, "derived", where=where)
    expect(answer is not None, "the server's choice", error)
    own = answer["metadata"]["location"]
    for place, allowed in ((inside, rule == "inside"), (outside, False), ("s3://chosen/" + rule, False), ("s3://elsewhere/t", False)):
        for more in ({}, {"stage-create": True}):
            answer, error = create(c, "t", place, where=where, **more)
            expect((answer is not None) == allowed, "a client's choice of %s" % place, (answer, error))
            c.sql("SELECT icecat.drop_table('%s', '{ns}', 't')" % where, check=False)
        answer, error = call(c, "rest_commit_table", where, "{ns}", "derived", setting({"write.data.path": place}))
        expect((answer is not None) == allowed, "write.data.path at %s" % place, (answer, error))
        c.sql("SELECT icecat.commit_table('%s', '{ns}', 'derived', '[]', '[{\"action\":\"remove-properties\",\"removals\":[\"write.data.path\"]}]')" % where)
    answer, error = call(c, "rest_commit_table", where, "{ns}", "derived", setting({"write.data.path": own + "/data2"}))
    expect(answer is not None, "a folder in its own location is no choice", error)
    answer, error = call(c, "rest_commit_table", where, "{ns}", "derived", moves(own))
    expect(answer is not None, "nor is its location", error)
    staged, error = create(c, "staged", where=where, **{"stage-create": True})
    expect(staged is not None, "a staged table", error)
    request = created_by_commit(staged["metadata"]["location"])
    request["updates"][0]["uuid"] = staged["metadata"]["table-uuid"]
    answer, error = call(c, "rest_commit_table", where, "{ns}", "staged", request)
    expect(answer is not None and answer["metadata"]["location"] == staged["metadata"]["location"], "is created where it was staged", error)
    c.sql("SELECT icecat.update_namespace_properties('%s', '{ns}', '{\"location\": \"s3://elsewhere/ns\"}')" % where)
    answer, error = create(c, "led", where=where)
    expect(answer is None and "not below that of the warehouse" in error, "a namespace's location leads nowhere else", (answer, error))


def test_templates(c):
    for template, pattern in (("{namespace}/{table}", "ns/t"), ("{table}", "t"), ("{hash4}/{namespace}/{table}-{uuid}", "H/ns/t-U"), ("{uuid}", "U"),
                              ("tables/{namespace}.db/{table}.{hash4}", "tables/ns.db/t.H")):
        where = "template"
        warehouse(c, where, "s3://shaped/base", location_template=template)
        metadata = create(c, "t", where=where)[0]["metadata"]
        expected = "s3://shaped/base/" + pattern.replace("U", metadata["table-uuid"])
        found = metadata["location"]
        if "H" in pattern:
            place = expected.index("H")
            expect(all(d in "0123456789abcdef" for d in found[place:place + 4]), "{hash4} is four digits", found)
            found = found[:place] + "H" + found[place + 4:]
        expect_equal(found, expected, template)
        if "uuid" not in template:
            answer, error = create(c, "t2", metadata["location"], where=where)
            expect(answer is None and OVERLAP in error, "it is as much a place as another", error)
        c.sql("SELECT icecat.drop_table('%s', '{ns}', 't'); SELECT icecat.update_namespace_properties('%s', '{ns}', '{\"location\": \"s3://shaped/own\"}')" % (where, where))
        found = create(c, "u", where=where)[0]["metadata"]["location"]
        expect(found.startswith("s3://shaped/own/") and "//" not in found[5:] and "/ns" not in found, "below a namespace's own location its name is left out", found)
        c.sql("SELECT icecat.drop_table('%s', '{ns}', 'u'); SELECT icecat.drop_namespace('%s', '{ns}')" % (where, where))
        c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task t JOIN icecat_data.warehouse USING (warehouse_id) WHERE name = '%s' AND t.kind <> 'trim'" % where, "0")
        c.sql("SELECT icecat.drop_warehouse('%s')" % where)
    for template in ("", "x", "{namespace}", "{table}/../x", "/{uuid}", "{uuid}/", "a//{uuid}", "{uuid}{x}", "{uuid} ", "{uuid}%", "{uuid}*", ".{uuid}", "{uuid}" + "x" * 250, "{uuid"):
        out = c.sql("SELECT icecat.create_warehouse('bad', 's3://bad', '%s')" % json.dumps({"icecat.location-template": template}), check=False)
        expect("Invalid icecat.location-template" in out, "no template: %s" % template, out)
    for name in ("location-overlap", "client-location"):
        out = c.sql("SELECT icecat.create_warehouse('bad', 's3://bad', '{\"icecat.%s\": \"maybe\"}')" % name, check=False)
        expect("Invalid icecat." + name in out, "no value of it", out)


def test_two_at_once(c):
    """A creation in another's way waits for it."""
    sql = "SELECT icecat.create_table('w', '{ns}', '%s', '" + json.dumps(SCHEMA) + "', p_location => '%s') IS NOT NULL;"
    for i, (first, second) in enumerate((("s3://race/a", "s3://race/a/b"), ("s3://race/b/c", "s3a://race/b"), ("s3://race/c", "s3://race/c"))):
        with c.held():
            holder = c.spawn("BEGIN; %s %s; COMMIT;" % (sql % ("one%d" % i, first), HOLD))
            c.wait_held(1)
            expect("t" in c.sql(sql % ("free%d" % i, first + "2")), "what lies beside it does not wait")
            waiting = c.spawn(sql % ("two%d" % i, second))
            expect(c.wait_sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%''two%d''%%' AND pid <> pg_backend_pid()" % i, "1"),
                   "%s waits for %s" % (second, first))
        out = "".join(waiting.communicate())
        expect(OVERLAP in out, "%s is refused then" % second, out)
        holder.wait()
    out = c.sql("SET icecat.commit_lock_timeout_ms = 100; BEGIN; " + sql % ("x", "s3://race/z"), check=False)
    expect("t" in out, "alone, nobody waits", out)
