"""Removed rows stay as long as a queued metadata file needs them, and no longer; no load or commit reads them.

test/bench/backlog prints what this is worth.
"""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import signal
import subprocess

import plans
from expectations import expect, expect_equal

SETTINGS = ["autovacuum = off"]

COMMITS = 300
BLOCKED = 150               # the version whose file cannot be written
LOG_MAX = 100               # entries of the metadata log
LIVE_ROWS_MAX = LOG_MAX + 20
LIFE = 600                  # commits that add a snapshot and remove one

COMMIT_MANY = """DO $$ BEGIN FOR i IN %d .. %d LOOP
	PERFORM icecat.commit_table('w', '{ns}', '%s', '[]', ('[{"action":"set-properties","updates":{"v":"' || i || '"}}]')::json);
	COMMIT;
END LOOP; END $$;
"""
REPLACE_MANY = """DO $$ BEGIN FOR i IN 1 .. %d LOOP
	PERFORM icecat.commit_table('w', '{ns}', 'life', '[]', ('[{"action":"add-snapshot","snapshot":{"snapshot-id":' || i
		|| ',"sequence-number":' || i || ',"timestamp-ms":' || (extract(epoch FROM clock_timestamp()) * 1000)::bigint
		|| ',"manifest-list":"file:///nowhere/' || i || '.avro","summary":{"operation":"append"},"schema-id":0}},'
		|| '{"action":"set-snapshot-ref","ref-name":"main","type":"branch","snapshot-id":' || i || '},'
		|| '{"action":"remove-snapshots","snapshot-ids":[' || i - 10 || ']}]')::json);
	COMMIT;
END LOOP; END $$;
"""
COUNT = ("SELECT count(*) FILTER (WHERE removed_version IS NULL), count(*) FILTER (WHERE removed_version IS NOT NULL), "
         "coalesce(min(removed_version), 0) FROM icecat_data.table_part p JOIN icecat_data.relation r "
         "ON r.relation_id = p.table_id WHERE r.name = '%s'")


def rows(c, table):
    """(live, removed, lowest removed_version) rows of a table."""
    return [int(n) for n in c.sql(COUNT % table).split("|")]


def rows_read(c, sql):
    """What is wrong with the plans of a call if a scan reads more than a table's live rows."""
    result = subprocess.run(c.psql_command("postgres"), input=plans.SETTINGS + sql + ";\n", text=True,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return plans.faults(result.stderr, LIVE_ROWS_MAX)[0] if result.returncode == 0 else [result.stderr[-500:]]


def check_not_read(c):
    """The worker is stopped: every commit leaves two removed rows."""
    c.sql(c.create_table_sql("stalled"))
    pid = c.wait_worker()
    c.freeze(pid)
    c.sql(COMMIT_MANY % (2, COMMITS, "stalled"))
    expect(rows(c, "stalled")[1] >= COMMITS, "a queue that stands still keeps what its files are made of")
    expect_equal(rows_read(c, "SELECT icecat.load_table('w', '{ns}', 'stalled')"), [], "a load reads no removed row, nor the queue")
    expect_equal(rows_read(c, c.property_commit_sql("stalled", "v", "last").rstrip(";\n")), [], "nor does a commit")
    c.sql("VACUUM ANALYZE")
    expect_equal(rows_read(c, "SELECT icecat.load_table('w', '{ns}', 'stalled')"), [], "nor with statistics")
    return pid


def place_of(c, table, version):
    """Path of the file of a queued version."""
    return c.sql("SELECT location FROM icecat_data.metadata_task t JOIN icecat_data.relation r ON r.relation_id = t.table_id "
                 "WHERE r.name = '%s' AND version = %d AND t.kind = 'write'" % (table, version))[len("file://"):]


def check_kept_while_needed(c, pid):
    """One file cannot be written: what it and later ones need is kept, what only earlier ones needed is gone."""
    places = {v: place_of(c, "stalled", v) for v in range(2, COMMITS + 1)}
    subprocess.run(["mkdir", places[BLOCKED]], user=c.user, check=True)
    os.kill(pid, signal.SIGCONT)
    expect(c.wait_sql("SELECT min(version) FROM icecat_data.metadata_task WHERE attempts > 0", str(BLOCKED)),
           "files are written up to the one that cannot be")
    live, removed, lowest = rows(c, "stalled")
    expect_equal(lowest, BLOCKED + 1, "what was removed up to the oldest queued version is deleted, and nothing that came later")
    expect(removed > COMMITS - BLOCKED, "what the queued files need is still there", (live, removed))
    subprocess.run(["rmdir", places[BLOCKED]], user=c.user, check=True)
    expect(c.queue_is_empty(), "the file is written once it can be")
    wrong = []
    for version, place in places.items():
        with open(place) as file:
            document = json.load(file)
        found = (document["properties"].get("v"), len(document["metadata-log"]))
        if found != (str(version), min(version - 1, LOG_MAX)):
            wrong.append((version, found))
    expect_equal(wrong, [], "every file holds its own version, with the log of then")
    expect_equal(rows(c, "stalled")[1], 0, "nothing removed is left when the queue is empty")


def check_constant_life(c):
    """As many snapshots go as come: the number of rows stays, whatever the number of commits."""
    c.sql(c.create_table_sql("life"))
    seen = []
    process = c.spawn(REPLACE_MANY % LIFE)
    while process.poll() is None:
        live, removed, _ = rows(c, "life")
        queued = int(c.sql("SELECT count(*) FROM icecat_data.metadata_task WHERE kind = 'write'"))
        # One commit may come between the two looks; each removes a snapshot, log entries and perhaps its place in a log.
        seen.append((live, removed, queued))
    expect_equal(process.returncode, 0, "commits that add a snapshot and remove one")
    expect(all(live <= LIVE_ROWS_MAX + 30 for live, _, _ in seen), "live rows stay as many as they are", max(seen))
    expect(c.queue_is_empty(), "all files are written")
    live, removed, _ = rows(c, "life")
    expect_equal(removed, 0, "%d commits leave no removed row" % LIFE)
    expect(live <= LIVE_ROWS_MAX + 30, "and %d live ones" % live)


def removed_by_commit(c, table):
    """Removed rows that are left when a commit is through, seen before the worker sees them."""
    return int(c.sql("BEGIN;\n%s%s;\nCOMMIT;\n" % (c.property_commit_sql(table, "v", "x"), COUNT % table)).splitlines()[-1].split("|")[1])


def check_gone_at_once(c):
    """Where no file is queued the row that a commit removes goes with the commit; where one may be, it is kept for that. A table
    whose files are written at once queues deletions only, and these wait: only some tasks are looked at."""
    c.sql(c.create_table_sql("quiet"))
    for _ in range(3):
        expect_equal(removed_by_commit(c, "quiet"), 0, "nothing is queued: nothing is kept")
        expect(c.queue_is_empty(), "its file is written")
    c.sql(c.create_table_sql("deletions", extra=", p_properties => '{\"icecat.metadata-write-mode\": \"sync\", "
                             "\"write.metadata.delete-after-commit.enabled\": \"true\", \"write.metadata.previous-versions-max\": \"1\"}'"))
    pid = c.wait_worker()
    c.freeze(pid)
    few = [removed_by_commit(c, "deletions") for _ in range(8)]
    expect_equal(few, [0] * 8, "a few deletions are no reason to keep rows")
    many = [removed_by_commit(c, "deletions") for _ in range(8)]
    expect(many[-1] > 0, "behind many there may be a file", many)
    two = [removed_by_commit(c, "quiet") for _ in range(2)]
    expect_equal(two, [0, 1], "the second commit keeps what the queued file of the first has")
    os.kill(pid, signal.SIGCONT)
    expect(c.queue_is_empty(), "all is done")
    for table in ("quiet", "deletions"):
        expect_equal(rows(c, table)[1], 0, "no removed row is left")
        expect_equal(c.sql("SELECT (SELECT count(*) FROM icecat.metadata_files WHERE table_name = '%s') = (SELECT json_array_length("
                           "icecat.load_table('w', '{ns}', '%s') -> 'metadata' -> 'metadata-log') + 1)" % (table, table)), "t", "its log is whole")


def check_overwritten(c):
    """A document that is registered over a table takes away all rows, of which the queued file of an earlier version is made."""
    c.sql(c.create_table_sql("over"))
    expect(c.queue_is_empty(), "its file is written")
    first = c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 'over'")
    pid = c.wait_worker()
    c.freeze(pid)
    c.sql(c.property_commit_sql("over", "v", "kept"))
    queued = c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 'over'")
    c.sql("SELECT icecat.register_table('w', '{ns}', 'over', '%s', true) IS NOT NULL" % first)
    os.kill(pid, signal.SIGCONT)
    expect(c.queue_is_empty(), "all is written")
    with open(queued[len("file://"):], encoding="utf-8") as file:
        document = json.load(file)
    expect_equal((document["properties"].get("v"), len(document["schemas"]), len(document["partition-specs"])), ("kept", 1, 1), "the queued file is whole")


def test_removed_rows(c):
    c.make_warehouse()
    pid = check_not_read(c)
    check_kept_while_needed(c, pid)
    check_constant_life(c)
    check_gone_at_once(c)
    check_overwritten(c)
    expect_equal(c.sql("SELECT * FROM icecat.check_integrity()"), "", "check_integrity finds nothing")
