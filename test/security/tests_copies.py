"""A copy of a database deletes no file of its original until it adopts the storage, however it was made."""
# SPDX-License-Identifier: PostgreSQL
import os
import shutil
import subprocess

import cluster
from expectations import expect, expect_equal

TRIMS = {"write.metadata.delete-after-commit.enabled": "true", "write.metadata.previous-versions-max": "1"}


class Copy(cluster.Cluster):
    """Another server on the same files."""

    def __init__(self, original, name, make, start=True):
        self.bin, self.user, self.files = original.bin, original.user, original.files
        self.dir = os.path.join(original.dir, name)
        self.data = os.path.join(self.dir, "data")
        os.mkdir(self.dir)
        if self.user:
            shutil.chown(self.dir, self.user)
        make(self)
        with open(os.path.join(self.data, "postgresql.conf"), "a") as conf:
            conf.write("unix_socket_directories = '%s'\n" % self.dir)
        if start:
            self.start()

    def backup(self, original, *options):
        self.run("pg_basebackup", "-h", original.dir, "-p", "5432", "-U", "postgres", "-D", self.data, "-X", "stream",
                 "-c", "fast", "--no-sync", *options)


def files_of(c, table, database="postgres"):
    location = c.sql("SELECT location FROM icecat.tables WHERE table_name = '%s'" % table, database)[len("file://"):]
    return sorted(os.path.join(d, n) for d, _, names in os.walk(location) for n in names)


def there(files):
    return [f for f in files if os.path.exists(f)]


def purge(c, table, database="postgres"):
    """Drops a table with purge; returns the files that it had."""
    files = files_of(c, table, database)
    c.sql("SELECT icecat.drop_table('w', '{ns}', '%s', true)" % table, database)
    return files


def deletes(c, table, what, database="postgres"):
    files = purge(c, table, database)
    expect(files and c.queue_is_empty(database) and not there(files), what,
           c.sql("SELECT * FROM icecat.worker_status()", database))


def set_aside(c, count, database="postgres"):
    return c.wait_sql("SELECT not_adopted >= %d AND pending_writes = 0 FROM icecat.worker_status()" % count, "t", database)


def refuses(c, table, what, database="postgres"):
    """Nothing goes, worker_status() says why, and all else works."""
    files = purge(c, table, database)
    expect(set_aside(c, 1, database), "%s: a purge is set aside" % what,
           c.sql("SELECT * FROM icecat.worker_status(); SELECT * FROM icecat_data.metadata_task", database))
    expect_equal(there(files), files, "%s: no file goes" % what)
    expect("adopt_storage" in c.sql("SELECT storage_problems FROM icecat.worker_status()", database),
           "%s: worker_status() says why" % what)
    new = "%s_%s" % (table, "new")
    c.sql(c.create_table_sql(new, extra=", p_properties => '{%s}'"
                             % ",".join('"%s":"%s"' % item for item in TRIMS.items())), database)
    for i in range(40):
        c.sql(c.property_commit_sql(new, "k", i), database)
    expect(set_aside(c, 30, database), "%s: deletions are set aside, and hold up no file" % what,
           c.sql("SELECT * FROM icecat.worker_status()", database))
    expect(os.path.exists(c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = '%s'" % new, database)[7:]),
           "%s: files are written" % what)
    expect_equal(c.sql("SELECT failing FROM icecat.worker_status()", database), "0", "%s: nothing fails" % what)
    return files


def adopts(c, files, what, database="postgres"):
    c.sql("SELECT icecat.adopt_storage()", database)
    expect(c.queue_is_empty(database) and not there(files), "%s: adopted, it deletes" % what,
           (there(files), c.sql("SELECT * FROM icecat.worker_status()", database)))
    expect_equal(c.sql("SELECT storage_problems FROM icecat.worker_status()", database), "", "%s: and has no problem" % what)


def tables(c, prefix):
    for i in range(3):
        c.sql(c.changed_table_sql("%s%d" % (prefix, i)))
    c.queue_is_empty()


def copied(c, prefix, copy, what, database="postgres"):
    """A copy beside its living original, which was made after tables()."""
    files = refuses(copy, prefix + "0", what, database)
    deletes(c, prefix + "1", "%s: meanwhile the original deletes" % what)
    adopts(copy, files, what, database)
    left = refuses(c, prefix + "2", "%s: after that its original" % what)
    adopts(c, left, "%s: the original again" % what)


def test_copies(c):
    c.make_warehouse()
    tables(c, "own")
    deletes(c, "own0", "the database that made the files deletes them")
    c.stop()
    c.start()
    deletes(c, "own1", "also after a restart")
    c.sql("VACUUM FULL")
    c.kill_postmaster()
    deletes(c, "own2", "and after a crash")
    marks = os.listdir(c.files + "/.icecat")
    expect_equal(len(marks), 1, "one mark stands in the root")
    expect("lies in a folder of icecat's own" in c.sql(
        c.create_table_sql("in_mark", extra=", p_location => 'file://%s/.icecat/t'" % c.files), check=False),
        "where no table can lie")

    tables(c, "dump")
    path = os.path.join(c.dir, "dump")
    c.run("pg_dump", "-h", c.dir, "-p", "5432", "-U", "postgres", "-f", path, "postgres")
    c.sql("CREATE DATABASE restored TEMPLATE template0")
    c.run("psql", "-X", "-q", "-h", c.dir, "-p", "5432", "-U", "postgres", "-d", "restored", "-f", path)
    copied(c, "dump", c, "a restored dump", "restored")

    tables(c, "template")
    c.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres' AND pid <> pg_backend_pid()", "template1")
    for _ in range(20):
        if "ERROR" not in c.sql("CREATE DATABASE instance TEMPLATE postgres", "template1", check=False):
            break
    copied(c, "template", c, "a database made from a template", "instance")

    tables(c, "standby")
    standby = Copy(c, "standby", lambda s: s.backup(c, "-R"))
    try:
        standby.run("pg_ctl", "-D", standby.data, "-w", "promote")
        standby.wait_sql("SELECT pg_is_in_recovery()", "f")
        copied(c, "standby", standby, "a promoted standby")
    finally:
        standby.stop("immediate")

    tables(c, "pitr")
    clone = Copy(c, "pitr", lambda s: s.backup(c), start=False)
    with open(os.path.join(clone.data, "postgresql.conf"), "a") as conf:
        conf.write("restore_command = 'false'\nrecovery_target = 'immediate'\nrecovery_target_action = 'promote'\n")
    signal = os.path.join(clone.data, "recovery.signal")
    with open(signal, "w"):
        pass
    if c.user:
        shutil.chown(signal, c.user)
    clone.start()
    try:
        clone.wait_sql("SELECT pg_is_in_recovery()", "f")
        copied(c, "pitr", clone, "a clone recovered to a point in time")
    finally:
        clone.stop("immediate")

    tables(c, "files")
    c.stop()
    double = Copy(c, "double", lambda s: subprocess.run(["cp", "-a", c.data, s.data], check=True), start=False)
    c.start()
    double.start()
    try:
        copied(c, "files", double, "a copy of the stopped server's files")
    finally:
        double.stop("immediate")

    c.sql("CREATE ROLE plain; GRANT USAGE ON SCHEMA icecat TO plain; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA icecat TO plain")
    for function in ("adopt_storage", "adopt_tasks"):
        expect("permission denied" in c.sql("SET ROLE plain; SELECT icecat.%s()" % function, check=False),
               "only who has the owner's rights may call %s()" % function)
    said = c.log_text().count("no file is deleted")
    expect(said <= 20, "the log says it once in a process, not for every file", said)
