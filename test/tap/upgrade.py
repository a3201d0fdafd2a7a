#!/usr/bin/env python3
"""ALTER EXTENSION icecat UPDATE: an upgraded database is like a fresh one, object by object, and keeps its data.

From every released version, and from a 0.0.9 that is made of the present script by taking things away, so that
the machinery is tried before there is anything to upgrade from. Works in a private tree of PostgreSQL.
"""
# SPDX-License-Identifier: PostgreSQL
import glob
import os
import re
import shutil
import subprocess
import tempfile

import cluster
import contents

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

# What 0.0.9 did not have yet, and how the step to the present version makes it.
MISSING = (
    (r"CREATE INDEX metrics_report_table_idx [^;]*;\n", ""),
    (r"\treport_type text NOT NULL,\n", "\told_column integer,\n"),
    (r"COMMENT ON COLUMN icecat_data\.metrics_report\.report_type [^;]*;\n", ""),
    (r"CREATE FUNCTION icecat\.adopt_tasks\(\).*?END;\nCOMMENT ON FUNCTION icecat\.adopt_tasks\(\) IS\n.*?';\n",
     "CREATE FUNCTION icecat.former(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';\n"),
    (r"(CREATE FUNCTION icecat\.version\(\)[^;]*PARALLEL )SAFE", r"\1RESTRICTED"),
)
STATE_PART = """
ALTER TABLE icecat_data.metrics_report DROP COLUMN old_column;
ALTER TABLE icecat_data.metrics_report ADD COLUMN report_type text NOT NULL DEFAULT 'scan-report';
ALTER TABLE icecat_data.metrics_report ALTER COLUMN report_type DROP DEFAULT;
COMMENT ON COLUMN icecat_data.metrics_report.report_type IS 'scan-report, commit-report or what the client calls it';
CREATE INDEX metrics_report_table_idx ON icecat_data.metrics_report (warehouse_id, table_id, received_at);
DROP FUNCTION icecat.former(integer);
"""


def private_tree(folder):
    """A PostgreSQL whose extension folder is ours to write to; returns its pg_config."""
    script = ('. "$0/scripts/lib.sh"; HOME_DIR=$1; locate_postgres; make_tree "$1/log" >&2; '
              'printf %s "$PGBIN/pg_config"')
    return subprocess.check_output(["bash", "-c", script, ROOT, folder], text=True)


def extension_folder(pg_config):
    return os.path.join(subprocess.check_output([pg_config, "--sharedir"], text=True).strip(), "extension")


def present_version():
    with open(os.path.join(ROOT, "icecat.control")) as file:
        return re.search(r"default_version = '(.*)'", file.read()).group(1)


def put_scripts(folder, t):
    """The released scripts, the steps that are not frozen yet, and 0.0.9. Returns the versions to start from."""
    now = present_version()
    versions = []
    for path in sorted(glob.glob(os.path.join(ROOT, "sql", "released", "icecat--*.sql"))):
        name = os.path.basename(path)
        if name != "icecat--%s.sql" % now:
            shutil.copy(path, os.path.join(folder, name))
            if name.count("--") == 1:
                versions.append(name[len("icecat--"):-len(".sql")])
    with open(os.path.join(folder, "icecat--%s.sql" % now)) as file:
        script = file.read()
    for pattern, replacement in MISSING:
        script, count = re.subn(pattern, replacement, script, flags=re.S)
        t.equal(count, 1, "0.0.9 is made: " + pattern[:50])
    with open(os.path.join(folder, "icecat--0.0.9.sql"), "w") as file:
        file.write(script)
    with tempfile.TemporaryDirectory() as state:
        parts = glob.glob(os.path.join(ROOT, "sql", "upgrade", "icecat--*--*.sql"))
        parts.append(os.path.join(state, "icecat--0.0.9--%s.sql" % now))
        with open(parts[-1], "w") as file:
            file.write(STATE_PART)
        for part in parts:
            target = os.path.join(folder, os.path.basename(part))
            if not os.path.exists(target):
                with open(target, "w") as file:
                    subprocess.check_call([os.path.join(ROOT, "sql", "upgrade", "print"), part], stdout=file)
    return versions + ["0.0.9"]


def test_version(c, t, version, owner, updater):
    """Installed by owner, filled, updated by updater."""
    now = present_version()
    name = "of_%s_from_%s_by_%s" % (owner, version.replace(".", "_"), updater)
    fresh = "fresh_" + owner
    c.sql("CREATE DATABASE %s OWNER %s" % (name, owner))
    c.sql("SET ROLE %s; CREATE EXTENSION icecat VERSION '%s'" % (owner, version), name)
    c.sql("SET ROLE %s;\n%s" % (owner, contents.fill_sql(c, name, metrics=False)), name)
    before = contents.fingerprint(c, name, owner)
    kept = c.spawn("SET ROLE %s; %s SELECT pg_sleep(3); %s SELECT icecat.version();" % (
        owner, contents.DOCUMENTS_SQL + ";", c.property_commit_sql("t2", "later", "x")), name)
    c.sql("SELECT pg_sleep(1)")
    if owner != updater:    # grants would be a difference to the fresh one
        c.sql("SET ROLE %s; GRANT EXECUTE ON FUNCTION icecat.version TO etl" % owner, name)
    result = c.sql("SET ROLE %s; ALTER EXTENSION icecat UPDATE" % updater, name, check=False)
    t.equal(result, "", "%s: updated" % name)
    t.equal(c.sql("SELECT extversion FROM pg_extension WHERE extname = 'icecat'", name), now, "to the newest")
    if owner != updater:
        dump = c.run("pg_dump", "-h", c.dir, "-p", "5432", "-U", "postgres", "--schema-only", name).stdout
        t.ok("GRANT ALL ON FUNCTION icecat.version() TO etl" in dump, "what was granted is kept, and dumped",
             [line for line in dump.splitlines() if "GRANT" in line])
        c.sql("SET ROLE %s; REVOKE EXECUTE ON FUNCTION icecat.version FROM etl" % owner, name)
    t.equal(contents.difference(contents.objects(c, fresh), contents.objects(c, name)), "",
            "%s: every object is as in a fresh database" % name)
    out, error = kept.communicate(timeout=60)
    t.equal((kept.returncode, out.splitlines()[-1:] == [now]), (0, True),
            "%s: a session with plans of before goes on%s" % (name, " " + error if error else ""))
    after = contents.fingerprint(c, name, owner)
    changed = ("icecat_data.metrics_report", "icecat_data.table_head", "icecat_data.table_part",
               "icecat_data.metadata_task", "icecat_data.event_pending", "documents")
    t.equal([key for key in before if before[key] != after.get(key) and key not in changed], [],
            "%s: every other row is the same" % name)
    t.equal(len(set(before["documents"].splitlines()) - set(after["documents"].splitlines())), 1,
            "%s: every document but that of the commit in between, too" % name)
    c.sql("SET ROLE %s; SELECT icecat.report_metrics('w', '{ns}', 't1', '%s'); SELECT icecat.run_worker_once()"
          % (owner, contents.REPORT), name)
    t.equal(c.sql("SELECT count(*) FROM icecat_data.metadata_task", name), "0", "%s: the queue is done" % name)
    t.equal(c.sql("SELECT * FROM icecat.check_integrity()", name), "", "%s: check_integrity() finds nothing" % name)


def test(c, t, versions):
    c.sql("CREATE ROLE bob NOSUPERUSER; CREATE ROLE etl")
    for owner in ("postgres", "bob"):
        c.sql("CREATE DATABASE fresh_%s OWNER %s" % (owner, owner))
        c.sql("SET ROLE %s; CREATE EXTENSION icecat" % owner, "fresh_" + owner)
    frozen = subprocess.run([os.path.join(ROOT, "test", "upgrade", "freeze"), "--check"], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, env=dict(os.environ))
    t.equal((frozen.returncode, frozen.stdout), (0, ""), "what is frozen has not changed")
    for version in versions:
        test_version(c, t, version, "postgres", "postgres")
        test_version(c, t, version, "bob", "bob")
    test_version(c, t, "0.0.9", "bob", "postgres")


def main():
    tap = cluster.Tap()
    folder = tempfile.mkdtemp(prefix="icecat_tree_", dir="/tmp")
    os.chmod(folder, 0o755)
    running = None
    try:
        os.environ["PG_CONFIG"] = private_tree(folder)
        versions = put_scripts(extension_folder(os.environ["PG_CONFIG"]), tap)
        running = cluster.Cluster(["max_worker_processes = 1"], ())
        test(running, tap, versions)
    except Exception as error:  # a test that broke is a failed test
        tap.ok(False, "runs to its end", "%s: %s" % (type(error).__name__, error))
    finally:
        if running is not None:
            if tap.failed:
                print("# " + "\n# ".join(running.log_text().splitlines()[-40:]))
            running.close()
        shutil.rmtree(folder, ignore_errors=True)
    tap.finish()


if __name__ == "__main__":
    main()
