"""REST client: whatever a table names, wherever it lies, purge, trimming and prune delete only what is its own."""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import subprocess
import time

import avro
from expectations import expect, expect_equal

SCHEMA = '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}'
VIEW = ('{"name":"%s","schema":{"type":"struct","fields":[]},"properties":{},"view-version":{"version-id":1,'
        '"timestamp-ms":1,"schema-id":0,"summary":{},"default-namespace":["ns"],"representations":'
        '[{"type":"sql","sql":"SELECT 1","dialect":"spark"}]}}')


class Catalog:
    """What a REST client can do, by the functions that the gateway calls."""

    def __init__(self, c):
        self.c = c

    def create(self, name, location=None, properties=None, warehouse="w", check=True):
        """The location; without check what the call says."""
        said = self.c.sql("SELECT icecat.create_table('%s', '{ns}', '%s', '%s', p_location => %s, p_properties => '%s')"
                          % (warehouse, name, SCHEMA, "'%s'" % location if location else "NULL", json.dumps(properties or {})), check=check)
        return self.location(name, warehouse) if check else said

    def location(self, name, warehouse="w"):
        return self.c.sql("SELECT location FROM icecat.tables WHERE warehouse = '%s' AND table_name = '%s'"
                          % (warehouse, name))[len("file://"):]

    def metadata(self, name, warehouse="w"):
        return self.c.sql("SELECT metadata_location FROM icecat.tables WHERE warehouse = '%s' AND table_name = '%s'"
                          % (warehouse, name))

    def commit(self, name, updates, warehouse="w"):
        self.c.sql("SELECT icecat.commit_table('%s', '{ns}', '%s', '[]', '%s')" % (warehouse, name, json.dumps(updates)))

    def set(self, name, warehouse="w", **properties):
        self.commit(name, [{"action": "set-properties", "updates": {k.replace("_", "."): v for k, v in properties.items()}}],
                    warehouse)

    def snapshot(self, name, manifest_list, statistics=(), warehouse="w", number=1):
        updates = [{"action": "add-snapshot", "snapshot": {
            "snapshot-id": number, "sequence-number": number, "timestamp-ms": int(time.time() * 1000),
            "manifest-list": manifest_list, "summary": {"operation": "append"}, "schema-id": 0}},
            {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": number}]
        for path in statistics:
            updates.append({"action": "set-statistics", "snapshot-id": number, "statistics": {
                "snapshot-id": number, "statistics-path": path, "file-size-in-bytes": 1,
                "file-footer-size-in-bytes": 1, "blob-metadata": []}})
        self.commit(name, updates, warehouse)

    def register(self, name, location, warehouse="w", overwrite=False):
        return self.c.sql("SELECT icecat.register_table('%s', '{ns}', '%s', '%s', %s) IS NOT NULL"
                          % (warehouse, name, location, overwrite), check=False)

    def purge(self, name, warehouse="w"):
        self.c.sql("SELECT icecat.drop_table('%s', '{ns}', '%s', true)" % (warehouse, name))
        if not self.c.queue_is_empty():
            expect(False, "the purge of %s ends" % name, self.c.sql("SELECT * FROM icecat.worker_status()"))


def write(c, path, text="data"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    own(c)


def own(c):
    if c.user:
        subprocess.run(["chown", "-R", "--no-dereference", c.user, c.files], check=True)


def files_below(path):
    return sorted(os.path.join(d, n) for d, _, names in os.walk(path) for n in names)


def manifests(c, location, files, name="m"):
    """A manifest list in a table's folder that leads to the files."""
    os.makedirs(location + "/metadata", exist_ok=True)
    avro.manifest("%s/metadata/%s.avro" % (location, name), list(files), "null")
    path = "%s/metadata/snap-%s.avro" % (location, name)
    avro.manifest_list(path, ["file://%s/metadata/%s.avro" % (location, name)], "null")
    own(c)
    return "file://" + path


def full_table(c, catalog, name, warehouse="w", **more):
    """A table with a data file, a manifest and a statistics file."""
    location = catalog.create(name, warehouse=warehouse, **more)
    write(c, location + "/data/d.parquet")
    write(c, location + "/metadata/s.puffin")
    catalog.snapshot(name, manifests(c, location, ["file://%s/data/d.parquet" % location]),
                     ["file://%s/metadata/s.puffin" % location], warehouse)
    c.queue_is_empty()
    return location


def two_warehouses(c, catalog):
    location = full_table(c, catalog, "shared")
    before = files_below(location)
    expect_equal(catalog.register("shared", catalog.metadata("shared"), "v"), "t", "a table is registered in a second warehouse")
    catalog.purge("shared")
    expect_equal(files_below(location), before, "its purge in the first takes no file of the second")
    again = full_table(c, catalog, "shared2")
    before = files_below(again)
    catalog.register("shared2", catalog.metadata("shared2"), "v")
    catalog.purge("shared2", "v")
    expect_equal(files_below(again), before, "nor does a purge in the second take one of the first")


def registered(c, catalog):
    """A table that was registered may have another catalog that stands on its files."""
    location = full_table(c, catalog, "kept")
    c.sql("SELECT icecat.unregister_table('w', '{ns}', 'kept'); UPDATE icecat_data.relation SET dropped_at = '2000-01-01' "
          "WHERE dropped_at IS NOT NULL; SELECT icecat.run_worker_once()")
    c.wait_sql("SELECT count(*) FROM icecat_data.location WHERE path = 'file://%s'" % location, "0")
    before = files_below(location)
    newest = "file://" + [f for f in before if "/00001-" in f][0]
    expect_equal(catalog.register("kept", newest), "t", "a table that left the catalog is registered")
    catalog.purge("kept")
    expect_equal(files_below(location), before, "a purge of a registered table takes no file")
    expect_equal(c.sql("SELECT details ->> 'purge-refused' FROM icecat.read_events('w') WHERE event_type = 'drop-table' AND name = 'kept'"),
                 "registered", "its event says so")
    own_location = catalog.create("overwritten")
    catalog.register("overwritten", newest, overwrite=True)
    catalog.purge("overwritten")
    expect_equal(files_below(location), before, "nor does one of a table that a registration overwrote")
    expect(files_below(own_location), "which keeps its own, too")
    c.sql("UPDATE icecat_data.relation SET dropped_at = '2000-01-01' WHERE dropped_at IS NOT NULL; SELECT icecat.run_worker_once()")
    c.wait_sql("SELECT count(*) FROM icecat_data.location WHERE path = 'file://%s'" % location, "0")
    catalog.register("asked", newest)
    c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.purge-registered\": \"true\"}')")
    catalog.purge("asked")
    c.sql("SELECT icecat.alter_warehouse('w', p_removals => '{icecat.purge-registered}')")
    expect_equal(files_below(location), [], "asked twice, it takes what the metadata names")


def trimming(c, catalog):
    options = {"write.metadata.delete-after-commit.enabled": "true", "write.metadata.previous-versions-max": "1"}
    location = catalog.create("trims", properties=options)
    first = catalog.metadata("trims")
    catalog.register("stands", first, "v")
    for i in range(4):
        catalog.set("trims", k=str(i))
    expect(c.queue_is_empty(), "the trimming gets done")
    expect(os.path.exists(first[7:]), "trimming leaves the file at which another warehouse's table stands")
    victim = full_table(c, catalog, "logged")
    c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 'logged')")
    file = c.files + "/x/metadata/00001-a.metadata.json"
    with open(catalog.metadata("logged")[7:]) as source:
        document = json.load(source)
    for name in ("d.parquet",):
        document.update({"location": "file://%s/x" % c.files, "table-uuid": "00000000-0000-4000-8000-000000000001",
                         "metadata-log": [{"timestamp-ms": 1, "metadata-file": "file://%s/data/%s" % (victim, name)},
                                          {"timestamp-ms": 2, "metadata-file": "file://%s/metadata/s.puffin" % victim}]})
        document["properties"].update(options)
        document["properties"]["write.metadata.path"] = "file://%s/data" % victim
    write(c, file, json.dumps(document))
    catalog.register("log", "file://" + file)
    for i in range(4):
        catalog.set("log", k=str(i))
    expect(c.queue_is_empty(), "the trimming of a foreign log gets done", c.sql("SELECT * FROM icecat.worker_status()"))
    expect(os.path.exists(victim + "/data/d.parquet") and os.path.exists(victim + "/metadata/s.puffin"),
           "trimming deletes no file of another table that a metadata log names")
    expect(os.path.isdir(location), "the table itself stays")


def named_files(c, catalog):
    victim = full_table(c, catalog, "victim")
    c.sql("SELECT icecat.rest_create_view('w', '{ns}', '%s')" % VIEW % "view")
    view = c.sql("SELECT metadata_location FROM icecat.views WHERE view_name = 'view'")[7:]
    strays = [c.files + "/stray/precious.txt", c.files + "/w/precious.txt"]
    for stray in strays:
        write(c, stray)
    targets = [f for f in files_below(victim) if not f.endswith(".crc")] + [view] + strays
    spellings = ["file://%s", "file:%s", "%s", "file:///%s", "file:////.%s"]
    names = [s % f for f in targets for s in spellings]
    location = catalog.create("names")
    catalog.snapshot("names", manifests(c, location, names), names)
    catalog.purge("names")
    missing = [f for f in targets if not os.path.exists(f)]
    expect_equal(missing, [], "a purge deletes no foreign file that a manifest or statistics name, in any spelling")
    expect(not os.path.exists(location), "but its own", files_below(location))
    location = catalog.create("lists")
    catalog.snapshot("lists", "file://%s/metadata/snap-m.avro" % victim)
    catalog.purge("lists")
    expect_equal([f for f in targets if not os.path.exists(f)], [], "nor the manifest list of another table, and what it leads to")
    return victim, targets


def places(c, catalog, victim, targets):
    """Tables that lie in, at and around the victim, or declare its folders as theirs."""
    os.makedirs(victim + "/data/empty", exist_ok=True)
    os.symlink(victim, c.files + "/link")
    os.symlink(victim + "/data", c.files + "/link-data")
    own(c)
    parent = os.path.dirname(victim)
    tries = {
        "at the folder of its data": (victim + "/data", {}),
        "at its very location": (victim, {}),
        "at its location, spelled otherwise": ("%s//.//%s" % (parent, os.path.basename(victim)), {}),
        "around it": (parent, {}),
        "around a warehouse": (c.files + "/w", {}),
        "in it": (victim + "/data/inner", {}),
        "at a link to it": (c.files + "/link", {}),
        "at a link into it": (c.files + "/link-data/t", {}),
        "with its folder for data": (c.files + "/a1", {"write.data.path": "file://%s/data" % victim}),
        "with its folder for metadata": (c.files + "/a2", {"write.metadata.path": "file://%s/metadata" % victim}),
        "with a folder around it for data": (c.files + "/a3", {"write.data.path": "file://" + parent}),
        "with a folder in it for data": (c.files + "/a4", {"write.object-storage.path": victim + "/data/new"}),
        "with its location as a folder": (c.files + "/a5", {"write.folder-storage.path": "file:" + victim}),
        "with a link to it for data": (c.files + "/a6", {"write.data.path": "file://%s/link/data" % c.files}),
    }
    for around in ({"location": "file://" + c.files}, {"properties": {"write.data.path": "file://" + c.files}}):
        said = catalog.create("around", check=False, **around)
        expect("Location is that of a warehouse, or around it" in said, "a place around another warehouse is refused", said)
    for i, (what, (place, properties)) in enumerate(tries.items()):
        name = "place%d" % i
        catalog.create(name, location="file://" + place, properties=properties)
        names = ["file://" + f for f in targets] + ["file://%s/link%s" % (c.files, f[len(victim):]) for f in targets]
        folder = catalog.location(name)
        catalog.snapshot(name, manifests(c, folder, names, "m" + name), names)
        catalog.purge(name)
        expect_equal([f for f in targets if not os.path.exists(f)], [], "a purge of a table %s takes none of its files" % what)
    expect(os.path.isdir(victim + "/data/empty"), "nor its empty folders")
    location = catalog.create("moves")
    catalog.commit("moves", [{"action": "set-location", "location": "file://" + victim}])
    catalog.snapshot("moves", manifests(c, location, ["file://" + f for f in targets]), ["file://" + f for f in targets])
    catalog.purge("moves")
    expect_equal([f for f in targets if not os.path.exists(f)], [], "nor one of a table that moves there")
    later = catalog.create("later", properties={"write.data.path": "file://%s/late" % c.files})
    write(c, c.files + "/late/t/data/d.parquet")
    catalog.create("late", location="file://%s/late/t" % c.files)
    names = ["file://%s/late/t/data/d.parquet" % c.files]
    catalog.snapshot("later", manifests(c, later, names), names)
    catalog.purge("later")
    expect(os.path.exists(c.files + "/late/t/data/d.parquet"),
           "a declared folder gives no right once another table lies in it")


def named_elsewhere(c, catalog):
    """Files in a table's own folder that only another table's metadata names."""
    location = full_table(c, catalog, "lender")
    data = location + "/data/d.parquet"
    catalog.create("borrower", warehouse="v")
    catalog.snapshot("borrower", "file://%s/metadata/snap-m.avro" % location, ["file:%s/metadata/s.puffin" % location], "v")
    catalog.purge("lender")
    expect(os.path.exists(location + "/metadata/snap-m.avro") and os.path.exists(location + "/metadata/s.puffin"),
           "a purge leaves what another table's snapshot and statistics name", files_below(location))
    expect(not os.path.exists(data), "and takes the rest")
    location = full_table(c, catalog, "moved")
    catalog.register("moved", catalog.metadata("moved"), "v")
    catalog.commit("moved", [{"action": "set-location", "location": "file://%s/elsewhere" % c.files}], "v")
    catalog.set("moved", "v", k="1")
    before = files_below(location)
    catalog.purge("moved")
    expect_equal(files_below(location), before, "a purge leaves the files of a table that has moved on since")


def kept_objects(c, catalog):
    """Dropped tables whose rows are kept, and tables whose own purge is queued, hold their files, too."""
    location = full_table(c, catalog, "dropped")
    before = files_below(location)
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'dropped', false)")
    catalog.create("over", location="file://" + location)
    catalog.snapshot("over", manifests(c, location, ["file://%s/data/d.parquet" % location], "o"),
                     ["file://" + f for f in before])
    catalog.purge("over")
    expect_equal([f for f in before if not os.path.exists(f)], [], "a dropped table's files are its own while it is kept")
    expect_equal(catalog.register("dropped", "file://" + [f for f in before if f.endswith(".json")][-1]), "t",
                 "and it can be registered again")


def races(c, catalog):
    """A registration that commits while a purge is queued, and one that comes while it is."""
    location = full_table(c, catalog, "raced")
    before = files_below(location)
    session = c.spawn("BEGIN; SELECT icecat.register_table('v', '{ns}', 'raced', '%s') IS NOT NULL;"
                      "SELECT pg_sleep(4); COMMIT;" % catalog.metadata("raced"))
    c.wait_sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(4)%' AND wait_event = 'PgSleep'", "1")
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'raced', true)")
    time.sleep(1.5)
    expect_equal(files_below(location), before, "no file goes while a registration is under way")
    expect_equal(c.sql("SELECT pending_purges FROM icecat.worker_status()"), "1", "the purge waits")
    session.communicate()
    expect(c.queue_is_empty(), "and ends after it", c.sql("SELECT * FROM icecat.worker_status()"))
    expect_equal(files_below(location), before, "without a file of the registered table")
    location = full_table(c, catalog, "late2")
    pid = c.wait_worker()
    c.freeze(pid)
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'late2', true)")
    out = catalog.register("late2", "file://" + [f for f in files_below(location) if f.endswith(".json")][-1], "v")
    os.kill(pid, 18)
    expect("File is being deleted" in out, "a file whose purge is queued cannot be registered", out)
    expect(c.queue_is_empty() and not os.path.exists(location), "and goes")


def test_foreign_files(c):
    c.make_warehouse("w")
    c.make_warehouse("v")
    c.allow_overlap("w", "v")
    catalog = Catalog(c)
    two_warehouses(c, catalog)
    registered(c, catalog)
    trimming(c, catalog)
    victim, targets = named_files(c, catalog)
    places(c, catalog, victim, targets)
    named_elsewhere(c, catalog)
    kept_objects(c, catalog)
    races(c, catalog)
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.location l WHERE NOT EXISTS (SELECT FROM icecat_data.relation r "
                       "WHERE r.warehouse_id = l.warehouse_id AND r.relation_id = l.object_id)"), "0",
                 "what purged tables held is forgotten")
