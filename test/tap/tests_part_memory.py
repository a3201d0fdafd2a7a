"""A session remembers the parts of tables that it committed to: its answers are what a load reads, whatever came between: other sessions'
commits, rollbacks, changes of the table of parts; and what it remembers is bounded. The catalog belongs to a role that is no superuser."""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import shlex
import time

from expectations import expect, expect_equal

DB = "remembered"
OFF = "SET icecat.remembered_bytes_max = 0; "
PARTS = "icecat_data.table_part"
SNAPSHOT = ('{"action":"add-snapshot","snapshot":{"snapshot-id":%(id)d,"sequence-number":%(id)d,"timestamp-ms":%(at)d,'
            '"manifest-list":"%(files)s/w/m%(id)d.avro","summary":{"operation":"append"},"schema-id":0}}')
REF = '{"action":"set-snapshot-ref","ref-name":"%s","type":"%s","snapshot-id":%d}'
PROPERTIES = '{"action":"set-properties","updates":{"%s":"%s"}}'
BYTES = "SELECT 'bytes ' || coalesce(sum(total_bytes), 0) FROM pg_backend_memory_contexts WHERE name = 'icecat remembered table'; "
TABLES = "SELECT 'tables ' || count(*) FROM pg_backend_memory_contexts WHERE name = 'icecat remembered table'; "


def prepare(c):
    c.sql("CREATE ROLE modest LOGIN; CREATE DATABASE remembered OWNER modest")
    c.sql("SET ROLE modest; CREATE EXTENSION icecat; SELECT icecat.create_warehouse('w', 'file://%s/w');"
          "SELECT icecat.create_namespace('w', '{ns}');" % c.files + c.create_table_sql("t"), DB)


def snapshot(c, number):
    return SNAPSHOT % {"id": number, "at": int(time.time() * 1000) + number, "files": "file://" + c.files}


def commit(updates, table="t", shown=True):
    """A commit; its answer is the line "answer …"."""
    return ("SELECT 'answer ' || icecat.commit_table('w', '{ns}', '%s', '[]', '[%s]'); " if shown else
            "SELECT icecat.commit_table('w', '{ns}', '%s', '[]', '[%s]') IS NOT NULL; ") % (table, ",".join(updates))


def load(table="t"):
    return "SELECT 'loaded ' || json_build_object('metadata-location', l -> 'metadata-location', 'metadata', l -> 'metadata') " \
           "FROM icecat.load_table('w', '{ns}', '%s') l; " % table


def history(c):
    """Commits of every kind, each of which works with what the ones before it have left."""
    steps = [[PROPERTIES % ("write.metadata.previous-versions-max", "4")]]
    for n in range(1, 13):
        steps.append([snapshot(c, n), REF % ("main", "branch", n)])
        steps.append([PROPERTIES % ("turn%d" % (n % 3), str(n))])
    steps += [[REF % ("a-tag", "tag", 3)], [REF % ("z-branch", "branch", 5)], [REF % ("m-tag", "tag", 4), REF % ("a-tag", "tag", 6)],
              ['{"action":"remove-snapshot-ref","ref-name":"m-tag"}'],
              ['{"action":"remove-snapshots","snapshot-ids":[1,2,4]}'],
              ['{"action":"remove-properties","removals":["turn1"]}', PROPERTIES % ("\\u00e4 ", " 1.10 ")],
              ['{"action":"add-schema","schema":{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false},'
               '{"id":2,"name":"y","type":"string","required":false}]},"last-column-id":2}', '{"action":"set-current-schema","schema-id":-1}'],
              ['{"action":"add-spec","spec":{"fields":[{"name":"x","transform":"identity","source-id":1,"field-id":1000}]}}',
               '{"action":"set-default-spec","spec-id":-1}'],
              ['{"action":"add-sort-order","sort-order":{"order-id":1,"fields":[{"transform":"identity","source-id":1,"direction":"asc","null-order":"nulls-first"}]}}',
               '{"action":"set-default-sort-order","sort-order-id":-1}'],
              ['{"action":"set-statistics","snapshot-id":7,"statistics":{"snapshot-id":7,"statistics-path":"file://%s/w/s.puffin","file-size-in-bytes":4,'
               '"file-footer-size-in-bytes":2,"blob-metadata":[]}}' % c.files],
              ['{"action":"remove-statistics","snapshot-id":7}'],
              [snapshot(c, 20), snapshot(c, 21), REF % ("main", "branch", 20), REF % ("main", "branch", 21)],
              ['{"action":"remove-snapshots","snapshot-ids":[21]}'],
              [PROPERTIES % ("write.metadata.previous-versions-max", "1")], [PROPERTIES % ("last", "1")]]
    return steps


def pairs(said):
    """(what a commit answered, what a load right after it read)"""
    lines = [line for line in said.splitlines() if line.startswith(("answer ", "loaded ")) or "ERROR" in line]
    return list(zip(lines[::2], lines[1::2]))


def as_text(line):
    """Without the name of the line and the blanks that json_build_object() puts between members."""
    return line.split(" ", 1)[1].replace(" : ", ":").replace('}, "metadata"', '},"metadata"').replace('", "metadata":', '","metadata":')


def expect_same(said, count):
    found = pairs(said)
    expect_equal(len(found), count)
    for answer, loaded in found:
        expect(answer.startswith("answer ") and loaded.startswith("loaded "), answer[:300] + "\n" + loaded[:300])
        expect_equal(as_text(answer), as_text(loaded))


def test_every_answer_is_what_a_load_reads(c):
    steps = history(c)
    said = c.sql("".join(commit(step) + load() for step in steps) + TABLES, DB, check=False)
    expect_same(said, len(steps))
    expect("tables 1" in said, "it is remembered")
    expect_equal(c.sql("SELECT count(*) FROM icecat.check_integrity()", DB), "0")


def test_the_files_are_the_same(c):
    """The worker writes what the answers say."""
    c.sql(c.create_table_sql("files"), DB)
    said = c.sql("".join(commit([PROPERTIES % ("p", str(n))], "files") for n in range(5)), DB)
    expect(c.queue_is_empty(DB), "files are written")
    for line in said.splitlines():
        answer = line.split(" ", 1)[1]
        with open(answer.split('"')[3].removeprefix("file://"), encoding="utf-8") as file:
            expect_equal('{"metadata-location":"%s","metadata":%s}' % (answer.split('"')[3], file.read()), answer)


def test_the_same_with_and_without(c):
    """Rows, too: in two tables, but for ids, times and random numbers."""
    c.sql(c.create_table_sql("with") + c.create_table_sql("without"), DB)
    for table, way in (("with", ""), ("without", OFF)):
        c.sql(way + "".join(commit(step, table, False) for step in history(c)), DB)
    rows = ("SELECT p.kind, ordinal, id, target, removed_version, regexp_replace(body::text, '[0-9a-f]{8}-[0-9a-f-]{27}|\\d{13}|/(with|without)-?', '', 'g') "
            "FROM %s p JOIN icecat_data.relation r ON r.relation_id = p.table_id WHERE r.name = '%s' AND removed_version IS NULL ORDER BY p.kind, ordinal")
    found = [c.sql(rows % (PARTS, table), DB) for table in ("with", "without")]
    expect(len(found[0].splitlines()) > 15, found[0])
    expect_equal(found[0], found[1])


def other_session(c, script):
    """A line of psql that has another session do something meanwhile."""
    return "\n\\! %s -q -o /dev/null -c %s\n" % (shlex.join(c.psql_command(DB)), shlex.quote(script))


def test_what_others_commit_is_seen(c):
    step = [PROPERTIES % ("mine", "1")]
    script = commit(step) + load()
    for n in range(3):
        script += other_session(c, commit([PROPERTIES % ("others", str(n))], shown=False)) + commit([PROPERTIES % ("mine", "x%d" % n)]) + load()
    said = c.sql(script, DB, check=False)
    expect_same(said, 4)
    expect('"others":"2"' in said, said[-500:])


def test_what_was_taken_back_is_not_remembered(c):
    """Another session, or the same, makes a version of the number that one had which was rolled back."""
    gone = commit([PROPERTIES % ("gone", "1")], shown=False)
    step = [PROPERTIES % ("kept", "1")]
    script = commit(step) + load() + "BEGIN; " + gone + "ROLLBACK; " + commit([PROPERTIES % ("kept", "2")]) + load()
    script += "BEGIN; " + gone + "ROLLBACK; " + other_session(c, commit([PROPERTIES % ("kept", "3")], shown=False)) + commit([PROPERTIES % ("more", "4")]) + load()
    script += "BEGIN; SAVEPOINT s; " + gone + "ROLLBACK TO s; " + commit([PROPERTIES % ("kept", "5")]) + load() + "SAVEPOINT s; " + gone + "ROLLBACK TO s; COMMIT; "
    script += commit([PROPERTIES % ("kept", "6")]) + load()
    said = c.sql(script, DB, check=False)
    expect_same(said, 5)
    expect('"gone"' not in said and '"kept":"3"' in said and '"kept":"6"' in said, said[-500:])


def test_a_file_that_is_taken_back_and_changed(c):
    """A client that writes the metadata files itself gives a location a second time, with another content."""
    place = c.files + "/w/named"
    os.mkdir(place)
    present = json.loads(c.sql("SELECT icecat.load_table('w', '{ns}', 't')", DB))
    document = present["metadata"]
    document["metadata-log"].append({"metadata-file": present["metadata-location"], "timestamp-ms": document["last-updated-ms"]})
    document["last-updated-ms"] += 1
    for n in (1, 2):
        document["properties"]["written"] = str(n)
        with open(f"{place}/{n}", "w", encoding="utf-8") as file:
            json.dump(document, file)
    take = "\n\\! cp %s/%%d %s/named.metadata.json\n" % (place, place)
    name = "SELECT icecat.commit_metadata_file('w', '{ns}', 't', 'file://%s/named.metadata.json'); " % place
    refused = "SELECT icecat.commit_table('w', '{ns}', 't', '[{\"type\":\"assert-current-schema-id\",\"current-schema-id\":99}]', '[]'); "
    script = take % 1 + "BEGIN; " + name + commit([PROPERTIES % ("mine", "1")]) + load() + "ROLLBACK; BEGIN; " + name + load() + load() + "SAVEPOINT s; " + refused
    script += "ROLLBACK TO s; ROLLBACK; " + take % 2 + other_session(c, name) + commit([PROPERTIES % ("mine", "2")]) + load()
    said = c.sql("\\set ON_ERROR_STOP off\n" + script, DB, check=False)
    answer, loaded = pairs(said.replace("ERROR", "E"))[-1]
    expect_equal(as_text(answer), as_text(loaded))
    expect('"written":"2"' in answer and '"mine":"2"' in answer, answer[:800])


def test_what_the_owner_of_the_table_sets_up_holds(c):
    """A trigger that changes what is written, a policy that hides, a privilege that goes: the next commit reads, and is refused, as ever."""
    before = commit([PROPERTIES % ("a", "1")], shown=False)
    after = commit([PROPERTIES % ("a", "2")]) + load()
    trigger = ("CREATE FUNCTION public.change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF new.kind = 3 THEN new.body := '{\"a\":\"changed\"}'; END IF; "
               "RETURN new; END $$; CREATE TRIGGER n BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION public.change(); " % PARTS)
    policy = ("ALTER TABLE %s ENABLE ROW LEVEL SECURITY; ALTER TABLE %s FORCE ROW LEVEL SECURITY; CREATE POLICY p ON %s FOR SELECT USING (kind <> 7); "
              "CREATE POLICY i ON %s FOR INSERT WITH CHECK (true); CREATE POLICY u ON %s FOR UPDATE USING (true); " % (5 * (PARTS,)))
    said = c.sql("SET ROLE modest; " + before + before + "BEGIN; " + trigger + after + after + "ROLLBACK; " + after, DB, check=False)
    expect_same(said, 3)
    expect_equal(said.count('"a":"changed"'), 4)
    said = c.sql("SET ROLE modest; " + before + before + "BEGIN; " + policy + after + "ROLLBACK; " + after, DB, check=False)
    expect('"metadata-log":[]' in pairs(said)[0][0], said[:600])
    said = c.sql("SET ROLE modest; " + commit([PROPERTIES % ("hidden", "1")], shown=False) + before + "BEGIN; " + policy.replace("kind <> 7", "kind <> 3")
                 + commit([PROPERTIES % ("a", "2")], shown=False) + "ALTER TABLE %s NO FORCE ROW LEVEL SECURITY; " % PARTS
                 + "SELECT 'written ' || body FROM %s WHERE kind = 3 ORDER BY ordinal DESC LIMIT 1; ROLLBACK; " % PARTS + after, DB, check=False)
    expect('written {"a":"2"}' in said and '"hidden":"1"' in said, said[:900])
    said = c.sql("SET ROLE modest; " + before + before + "BEGIN; REVOKE SELECT ON %s FROM modest; " % PARTS + after + "ROLLBACK; " + after, DB, check=False)
    expect("permission denied for table table_part" in said, said[:600])


def test_a_transaction_of_one_snapshot_reads(c):
    for level in ("REPEATABLE READ", "SERIALIZABLE"):
        said = c.sql(commit([PROPERTIES % ("a", level)]) + load() + "BEGIN ISOLATION LEVEL %s; " % level + commit([PROPERTIES % ("a", "x")]) + load() + "COMMIT; "
                     + commit([PROPERTIES % ("a", "y")]) + load(), DB, check=False)
        expect_same(said, 3)


def test_the_executor_remembers_nothing(c):
    for way in ("key_writes", "key_scans"):
        said = c.sql("SET icecat.%s = off; " % way + 2 * (commit([PROPERTIES % ("a", "1")]) + load()) + TABLES, DB, check=False)
        expect_same(said, 2)
        expect("tables 0" in said, said[-100:])


def test_what_is_remembered_is_bounded(c):
    """By bytes, of all tables together; what was used longest ago goes first."""
    names = ["b%d" % n for n in range(12)]
    c.sql("".join(map(c.create_table_sql, names)), DB)
    step = [PROPERTIES % ("long", "x" * 8000)]
    said = c.sql("SET icecat.remembered_bytes_max = 65536; " + 3 * "".join(commit(step, name) + load(name) for name in names) + BYTES + TABLES, DB, check=False)
    expect_same(said, 36)
    held = int(said.split("bytes ")[1].split()[0])
    expect(0 < held <= 65536, held)
    large = commit([PROPERTIES % ("long", "x" * 70000)]) + load()
    said = c.sql("SET icecat.remembered_bytes_max = 65536; " + commit([PROPERTIES % ("a", "1")]) + load() + large + large + TABLES, DB, check=False)
    expect_same(said, 3)
    expect("tables 0" in said, said[-100:])
    said = c.sql(OFF + 2 * (commit([PROPERTIES % ("a", "1")]) + load()) + TABLES, DB, check=False)
    expect("tables 0" in said, said[-100:])
