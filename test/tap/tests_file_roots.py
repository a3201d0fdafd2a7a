"""File storage stays below icecat.file_roots: dots, links, hosts and schemes do not lead out."""
# SPDX-License-Identifier: PostgreSQL
import gzip
import json
import os
import stat
import subprocess

from expectations import expect, expect_equal

METADATA = {"format-version": 2, "table-uuid": "7d6a8f9e-1111-4222-8333-0123456789ab",
            "location": None, "last-sequence-number": 0, "last-updated-ms": 1700000000000,
            "last-column-id": 1, "current-schema-id": 0, "schemas": [
                {"type": "struct", "schema-id": 0, "fields": [
                    {"id": 1, "name": "x", "required": False, "type": "long"}]}],
            "default-spec-id": 0, "partition-specs": [{"spec-id": 0, "fields": []}],
            "last-partition-id": 999, "default-sort-order-id": 0,
            "sort-orders": [{"order-id": 0, "fields": []}], "properties": {"k": "v"},
            "current-snapshot-id": -1, "refs": {}, "snapshots": [], "statistics": [],
            "partition-statistics": [], "snapshot-log": [], "metadata-log": []}


def write_metadata(path, location, opener=open):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with opener(path, "wt") as file:
        json.dump(dict(METADATA, location=location), file)


def state_of(c, statement):
    """SQLSTATE of a statement's error, or ok."""
    out = c.sql("\\set VERBOSITY verbose\n" + statement, check=False)
    return out.split("ERROR:")[1].split(":")[0].strip() if "ERROR:" in out else "ok"


def create(c, name, location):
    return state_of(c, c.create_table_sql(name, extra=", p_location => '%s'" % location))


def register(c, name, location):
    return state_of(c, "SELECT icecat.register_table('w', '{ns}', '%s', '%s')" % (name, location))


def test_file_roots(c):
    c.make_warehouse()
    outside = os.path.join(c.dir, "outside")
    os.mkdir(outside)
    os.mkdir(c.files + "/inside")
    os.symlink(outside, c.files + "/out")
    os.symlink(c.files + "/inside", c.files + "/in")
    os.symlink(outside + "/not/there", c.files + "/dangling")
    if c.user:
        subprocess.run(["chown", "-R", c.user, outside, c.files], check=True)

    forbidden = {
        "another directory": "file://" + outside + "/t",
        "a plain path elsewhere": outside + "/t",
        "dots": "file://%s/../outside/t" % c.files,
        "dots that come back": "file://%s/a/../b" % c.files,
        "a name that starts like the root": "file://%s2/t" % c.files,
        "a host": "file://host%s/t" % c.files,
        "a relative path": "t",
        "a link that leads out": "file://%s/out/t" % c.files,
        "a link that leads nowhere": "file://%s/dangling/t" % c.files,
    }
    for what, location in forbidden.items():
        expect_equal(create(c, "bad", location), "IC306", "refused: " + what)
    expect_equal(create(c, "bad", "s3://bucket/t"), "IC306", "refused: a scheme that is not supported")
    expect_equal(os.listdir(outside), [], "nothing was made outside")

    allowed = {
        "one slash": "file:%s/one" % c.files, "no scheme": c.files + "/plain",
        "double slashes": "file://%s//double//t" % c.files, "percent": "file://%s/a%%20b" % c.files,
        "blanks and letters": "file://%s/ä ö/ü" % c.files, "a link inside": "file://%s/in/t" % c.files,
    }
    for i, (what, location) in enumerate(allowed.items()):
        expect_equal(create(c, "good%d" % i, location), "ok", "allowed: " + what)
    expect(c.queue_is_empty(), "their files are written", c.sql("SELECT * FROM icecat.worker_status()"))
    expect(os.path.isdir(c.files + "/a%20b/metadata"), "percent signs are taken as they are")
    expect(os.path.isdir(c.files + "/inside/t/metadata"), "the link inside was followed")
    made = os.stat(c.files + "/plain/data")
    expect_equal(stat.S_IMODE(made.st_mode), 0o755, "directories have icecat.directory_mode")
    name = os.listdir(c.files + "/plain/metadata")[0]
    expect_equal(stat.S_IMODE(os.stat(c.files + "/plain/metadata/" + name).st_mode), 0o644,
                 "files have icecat.file_mode")

    secret = outside + "/secret.metadata.json"
    write_metadata(secret, "file://%s/x" % c.files)
    os.symlink(secret, c.files + "/link.metadata.json")
    write_metadata(c.files + "/inside/real.metadata.json", "file://%s/x" % c.files)
    os.symlink("inside/real.metadata.json", c.files + "/link2.metadata.json")
    os.mkfifo(c.files + "/fifo.metadata.json")
    expect_equal(register(c, "r1", "file://" + secret), "IC306", "a file outside is not read")
    expect_equal(register(c, "r1", "file://%s/link.metadata.json" % c.files), "IC306",
                 "nor through a link to the file")
    expect_equal(register(c, "r1", "file://%s/fifo.metadata.json" % c.files), "IC501",
                 "a pipe is not read, and does not hang")
    expect_equal(register(c, "r1", "file://%s/none.metadata.json" % c.files), "IC104", "absence is told")
    expect_equal(register(c, "r1", "file://%s/link2.metadata.json" % c.files), "ok",
                 "a link to a file inside is read")
    write_metadata(c.files + "/inside/z.gz.metadata.json", "file://%s/y" % c.files, gzip.open)
    expect_equal(register(c, "r2", "file://%s/inside/z.gz.metadata.json" % c.files), "ok",
                 "a compressed metadata file is read")
    with open(c.files + "/inside/cut.gz.metadata.json", "wb") as file:
        file.write(gzip.compress(json.dumps(METADATA).encode())[:-30])
    expect_equal(register(c, "r3", "file://%s/inside/cut.gz.metadata.json" % c.files), "IC501",
                 "a broken one is an error")
    bomb = gzip.compress(b" " * 3_000_000)
    with open(c.files + "/inside/bomb.gz.metadata.json", "wb") as file:
        file.write(bomb)
    expect_equal(state_of(c, "SET icecat.metadata_file_bytes_max = '1MB'; SELECT icecat.register_table("
                             "'w', '{ns}', 'r3', 'file://%s/inside/bomb.gz.metadata.json')" % c.files),
                 "IC305", "what unpacks to more than the limit is refused")

    expect_equal(create(c, "packed", "file://%s/packed" % c.files), "ok", "a table for compressed files")
    c.sql(c.property_commit_sql("packed", "write.metadata.compression-codec", "gzip"))
    c.sql(c.property_commit_sql("packed", "k", "v"))
    c.queue_is_empty()
    path = c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 'packed'")[7:]
    expect(path.endswith(".gz.metadata.json"), "the name says gzip", path)
    with gzip.open(path, "rt") as file:
        expect_equal(json.load(file)["properties"]["k"], "v", "and the file is")

    colon = outside + "/a:b"
    os.makedirs(colon)
    os.makedirs(outside + "/a")
    if c.user:
        subprocess.run(["chown", "-R", c.user, colon, outside + "/a"], check=True)
    c.sql("ALTER SYSTEM SET icecat.file_roots = '%s, %s'; SELECT pg_reload_conf()" % (colon, c.files))
    expect(c.wait_sql("SHOW icecat.file_roots", "%s, %s" % (colon, c.files)), "a root with a colon in its name is set")
    expect_equal(create(c, "colon", "file://%s/colon" % colon), "ok", "and is one root")
    expect_equal(create(c, "half", "file://%s/a/half" % outside), "IC306", "not two: what is before the colon is none")

    c.sql("ALTER SYSTEM SET icecat.file_roots = ''; SELECT pg_reload_conf()")
    expect_equal(create(c, "off", "file://%s/off" % c.files), "IC306", "without roots file storage is off")
    expect("icecat.file_roots is empty" in c.sql(c.create_table_sql("off"), check=False),
           "and the error says so")
