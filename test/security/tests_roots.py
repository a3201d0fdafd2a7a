"""REST client and file in storage: where files may lie, and what a client learns of a file that is no metadata."""
# SPDX-License-Identifier: PostgreSQL
import gzip
import os
import shutil
import time

from expectations import expect, expect_equal


def roots(c, *paths):
    c.sql("ALTER SYSTEM SET icecat.file_roots = '%s'" % ", ".join(paths))
    c.sql("SELECT pg_reload_conf()")
    time.sleep(1.2)     # a look at the roots is good for a second


def creates(c, name, location):
    return c.sql(c.create_table_sql(name, extra=", p_location => 'file://%s'" % location), check=False)


def problems(c):
    return c.sql("SELECT storage_problems FROM icecat.worker_status()")


def make(c, path):
    os.makedirs(path, exist_ok=True)
    if c.user:
        shutil.chown(path, c.user)
    return path


def postgres_directories(c):
    """Roots that hold or lie in a directory of PostgreSQL's, as they are or through a link."""
    space = make(c, c.dir + "/spaces/space")
    c.sql("CREATE TABLESPACE space LOCATION '%s'" % space)
    os.symlink(c.data, c.dir + "/link")
    os.symlink(c.dir, c.dir + "/up")
    make(c, c.data + "/inside")
    tries = {
        "the data directory": c.data, "a folder around it": c.dir, "the root directory": "/", "a folder in it": c.data + "/inside",
        "one in it that is not there": c.data + "/later/more", "a link to it": c.dir + "/link", "a link into it": c.dir + "/link/base",
        "a link to a folder around it": c.dir + "/up", "a tablespace": space, "a folder around one": c.dir + "/spaces",
        "a folder in one": space + "/x",
    }
    before = sorted(os.listdir(c.data))
    for i, (what, root) in enumerate(tries.items()):
        roots(c, root, c.files)
        out = creates(c, "r%d" % i, root + "/t")
        expect("outside the directories" in out and "directory of PostgreSQL's" in out, "no root: " + what, out)
        expect("is not used" in problems(c), "and worker_status() says so", problems(c))
    expect_equal(sorted(os.listdir(c.data)), before, "nothing was made there")
    expect("IS NOT NULL" not in creates(c, "good", c.files + "/good") and os.path.isdir(c.files + "/good/metadata"),
           "another root beside such a one is used")
    c.sql("DROP TABLESPACE space")


def separators(c):
    for name in ("a", "b"):
        make(c, "%s/%s" % (c.dir, name))
    roots(c, "%s/a:%s/b" % (c.dir, c.dir))
    for name in ("a", "b"):
        expect("outside the directories" in creates(c, "s" + name, "%s/%s/t" % (c.dir, name)), "a colon separates no roots: " + name)
    colon = make(c, c.dir + "/x:y")
    roots(c, colon)
    creates(c, "colon", colon + "/t")
    expect(os.path.isdir(colon + "/t/metadata"), "it can stand in the name of one")


def folder_of_marks(c):
    """The folder .icecat of a root is the catalog's; above a root one of that name is anybody's, such as that of ./quickstart."""
    make(c, c.dir + "/.icecat")
    root = make(c, c.dir + "/.icecat/warehouse")
    roots(c, root)
    expect_equal(creates(c, "below", root + "/t").startswith("ERROR"), False, "a root can lie in a folder .icecat")
    expect(os.path.isdir(root + "/t/metadata"), "and hold tables")
    expect("in a folder of icecat's own" in creates(c, "inside", root + "/.icecat/t"), "no table lies in the folder of the marks")
    expect("in a folder of icecat's own" in creates(c, "inside", root + "/a/.icecat/t"), "nor in one further down")


def open_to_all(c):
    opened = make(c, c.dir + "/open")
    os.chmod(opened, 0o1777)
    roots(c, c.files, opened)
    expect("Everybody may write to the root " + opened in problems(c), "worker_status() warns of a root that everybody may write to")
    expect(c.files + "." not in problems(c), "and of no other")
    c.stop()
    c.start()
    c.sql(c.changed_table_sql("warned"))
    c.queue_is_empty()
    expect_equal(c.log_text().count("Everybody may write to the root " + opened), 1, "the log says it once")
    roots(c, c.files)
    expect_equal(problems(c), "", "nothing is wrong with a root of its own")


def no_metadata(c):
    """What is in a file that is no metadata is not shown, whatever it is."""
    secret = "s3cr3tvalue"
    texts = {
        "words": "password = %s\n" % secret, "a JSON string": '"%s"' % secret, "an object": '{"password": "%s"}' % secret,
        "a broken object": '{"a": {"%s": ' % secret, "a key twice": '{"%s": 1, "%s": 2}' % (secret, secret),
        "an array": '["%s"]' % secret, "an odd version": '{"format-version": "%s", "location": "x", "last-updated-ms": 1}' % secret,
        "a number": "[%s]" % "98765s3cr3t", "a bad escape": '"\\\\q%s"' % secret, "nothing": "",
        "no UTF-8": "\udcff" + secret,
    }
    c.sql("CREATE ROLE client; GRANT USAGE ON SCHEMA icecat TO client; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA icecat TO client;"
          "GRANT SELECT, INSERT, UPDATE ON icecat.iceberg_tables TO client; SELECT icecat.grant('client', 'manage')")
    for i, (what, text) in enumerate(texts.items()):
        for suffix, packed in ((".metadata.json", False), (".gz.metadata.json", True)):
            path = "%s/f%d%s" % (c.files, i, suffix)
            data = text.encode("utf-8", "surrogateescape")
            with open(path, "wb") as file:
                file.write(gzip.compress(data) if packed else data)
            location = "file://" + path
            for statement in (
                    "SELECT icecat.register_table('w', '{ns}', 'x', '%s')" % location,
                    "SELECT icecat.register_table('w', '{ns}', 'warned', '%s', true)" % location,
                    "SELECT icecat.register_view('w', '{ns}', 'x', '%s')" % location,
                    "INSERT INTO icecat.iceberg_tables (catalog_name, table_namespace, table_name, metadata_location) "
                    "VALUES ('w', 'ns', 'x', '%s')" % location,
                    "UPDATE icecat.iceberg_tables SET metadata_location = '%s' WHERE catalog_name = 'w' AND table_name = 'warned'" % location):
                out = c.sql("\\set VERBOSITY verbose\n\\set SHOW_CONTEXT never\nSET ROLE client; " + statement, check=False)
                if "File is not the metadata of a table or view" not in out or "s3cr3t" in out:
                    expect(False, "no value is shown of %s%s" % (what, suffix), statement + "\n" + out)
                    break
            else:
                expect(True, "no value is shown of %s%s" % (what, suffix))
    expect("s3cr3t" not in c.log_text(), "nor in the log")
    expect_equal(c.sql("SELECT icecat.register_table('w', '{ns}', 'again', (SELECT metadata_location FROM icecat.tables "
                       "WHERE table_name = 'warned')) IS NOT NULL"), "t", "metadata can be registered")


def test_roots(c):
    c.make_warehouse()
    postgres_directories(c)
    separators(c)
    folder_of_marks(c)
    open_to_all(c)
    no_metadata(c)
