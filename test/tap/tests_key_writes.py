"""Writes by key leave the same rows and index entries, and say the same, without the executor as with it, whatever has become of the
tables: triggers, constraints, columns, indexes, rights. The catalog belongs to a role that is no superuser."""
# SPDX-License-Identifier: PostgreSQL
import re

from expectations import expect, expect_equal

DB = "written"
WAYS = ("on", "off")
WAY = "SET icecat.key_writes = %s; "
REQUIRED = "SET icecat.key_writes_required = on; "
REFUSED = "statement is not written by key"
APPEND = ("SELECT icecat.commit_table('w', '{ns}', 't', '[]', ('[{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":%(id)d,"
          "\"sequence-number\":%(id)d,\"timestamp-ms\":' || (extract(epoch FROM clock_timestamp()) * 1000)::bigint || ',\"manifest-list\":\"%(files)s/w/m%(id)d.avro\","
          "\"summary\":{\"operation\":\"append\"},\"schema-id\":0}},{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\","
          "\"snapshot-id\":%(id)d}]')::json) IS NOT NULL; ")
# What a commit writes, but for times and random numbers.
ROWS = ("SELECT 'row', kind, ordinal, id, key, target, removed_version, body, operation, at_ms IS NULL FROM icecat_data.table_part ORDER BY kind, ordinal; "
        "SELECT 'row', version, current_snapshot_id, metadata_log_count, file_expected, location FROM icecat_data.table_head; "
        "SELECT 'row', version, kind, position - min(position) OVER (), attempts, location, head, document IS NULL FROM icecat_data.metadata_task "
        "WHERE xmin = pg_current_xact_id()::xid ORDER BY version, position; "
        "SELECT 'row', event_type, object_kind, namespace, name, version, actor, details, role, login, source, principal, request_id "
        "FROM icecat_data.event_pending WHERE xmin = pg_current_xact_id()::xid ORDER BY version, position; ")
PARTS = "icecat_data.table_part"
# A change of a table that is no longer plain then, and what a commit does in it: by its output or its error.
NOTE = ("CREATE TABLE public.noted (what text); CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO public.noted VALUES (tg_op || ' of ' || tg_table_name); RETURN new; END $$; ")
NOT_PLAIN = {
    "trigger of parts": (NOTE + "CREATE TRIGGER n BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION public.note(); " % PARTS,
                         "SELECT 'seen ' || what FROM public.noted", "seen INSERT of table_part"),
    "trigger of heads": (NOTE + "CREATE TRIGGER n AFTER UPDATE ON icecat_data.table_head FOR EACH ROW EXECUTE FUNCTION public.note(); ",
                         "SELECT 'seen ' || what FROM public.noted", "seen UPDATE of table_head"),
    "trigger of a statement": (NOTE + "CREATE TRIGGER n AFTER INSERT ON icecat_data.metadata_task EXECUTE FUNCTION public.note(); ",
                               "SELECT 'seen ' || what FROM public.noted", "seen INSERT of metadata_task"),
    "CHECK": ("ALTER TABLE icecat_data.event_pending ADD CONSTRAINT no_commit CHECK (event_type <> 'commit-table') NOT VALID; ", "SELECT 1",
              'violates check constraint "no_commit"'),
    "generated column": ("ALTER TABLE %s ADD COLUMN twice bigint GENERATED ALWAYS AS (id * 2) STORED; " % PARTS,
                         "SELECT 'seen ' || max(twice) FROM %s WHERE kind = 4" % PARTS, "seen 14"),
    "default that is made": ("CREATE SEQUENCE public.s; ALTER TABLE %s ADD COLUMN n bigint; ALTER TABLE %s ALTER n SET DEFAULT nextval('public.s'); " % (PARTS, PARTS),
                             "SELECT 'seen ' || count(n) FROM %s WHERE kind = 4" % PARTS, "seen 1"),
    "deferrable index": ("ALTER TABLE %s ADD CONSTRAINT once UNIQUE (warehouse_id, table_id, kind, ordinal) DEFERRABLE; " % PARTS,
                         "SELECT 'seen ' || count(*) FROM %s WHERE kind = 4" % PARTS, "seen 1"),
    "another kind of index": ("CREATE INDEX h ON %s USING hash (id); " % PARTS, "SELECT 'seen ' || count(*) FROM %s WHERE id = 7 AND kind = 4" % PARTS, "seen 1"),
    "a function in an index": ("CREATE FUNCTION public.f(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1'; CREATE INDEX x ON %s (public.f(id)); " % PARTS,
                               "SELECT 'seen ' || count(*) FROM %s WHERE public.f(id) = 8 AND kind = 4" % PARTS, "seen 1"),
    "row security": ("CREATE POLICY r ON %s FOR SELECT USING (true); CREATE POLICY a ON %s FOR INSERT WITH CHECK (kind <> 4); "
                     "ALTER TABLE %s ENABLE ROW LEVEL SECURITY; ALTER TABLE %s FORCE ROW LEVEL SECURITY; " % (PARTS, PARTS, PARTS, PARTS), "SELECT 1",
                     "new row violates row-level security policy"),
    "rule": ("CREATE TABLE public.copied (LIKE icecat_data.event_pending); CREATE RULE r AS ON INSERT TO icecat_data.event_pending DO ALSO "
             "INSERT INTO public.copied SELECT new.*; ", "SELECT 'seen ' || event_type FROM public.copied", "seen commit-table"),
    "heir": ("CREATE TABLE public.heir () INHERITS (%s); " % PARTS, "SELECT 'seen ' || count(*) FROM %s WHERE kind = 4" % PARTS, "seen 1"),
}
# The same where the table stays a plain one.
PLAIN = {
    "column": ("ALTER TABLE %s ADD COLUMN extra text DEFAULT 'x'; " % PARTS, "SELECT 'seen ' || extra FROM %s WHERE kind = 4" % PARTS, "seen x"),
    "column that went": ("ALTER TABLE %s ADD COLUMN a int, ADD COLUMN extra text DEFAULT 'y'; ALTER TABLE %s DROP COLUMN a; " % (PARTS, PARTS),
                         "SELECT 'seen ' || extra FROM %s WHERE kind = 4" % PARTS, "seen y"),
    "column that must be given": ("ALTER TABLE icecat_data.event_pending ADD COLUMN extra text; DELETE FROM icecat_data.event_pending; "
                                  "ALTER TABLE icecat_data.event_pending ALTER extra SET NOT NULL; ", "SELECT 1", 'null value in column "extra"'),
    "unique index": ("CREATE UNIQUE INDEX one_ref ON %s (warehouse_id, abs(kind)) WHERE kind = 5 AND key > 'a'; INSERT INTO %s (warehouse_id, table_id, kind, "
                     "ordinal, key, body) SELECT warehouse_id, gen_random_uuid(), 5, 1, 'other', '{}' FROM icecat_data.table_head; " % (PARTS, PARTS), "SELECT 1",
                     'duplicate key value violates unique constraint "one_ref"'),
    "index": ("CREATE INDEX more ON %s (lower(key) DESC) INCLUDE (target) WHERE key IS NOT NULL AND (kind = 5 OR target = 7); " % PARTS,
              "SET enable_seqscan = off; SELECT 'seen ' || count(*) FROM %s WHERE lower(key) = 'main' AND key IS NOT NULL AND (kind = 5 OR target = 7)" % PARTS, "seen 1"),
    "index that is as good for few rows": ("CREATE INDEX narrow ON icecat_data.table_head (table_id); ANALYZE icecat_data.table_head; ",
                                           "SELECT 'seen ' || (idx_scan > 0) FROM pg_stat_xact_user_tables WHERE relname = 'table_head'", "seen true"),
    "no privilege": ("REVOKE UPDATE ON icecat_data.table_head FROM modest; ", "SELECT 1", "permission denied for table table_head"),
    "no privilege to insert": ("REVOKE INSERT ON icecat_data.metadata_task FROM modest; ", "SELECT 1", "permission denied for table metadata_task"),
    "publication": ("ALTER TABLE icecat_data.table_head REPLICA IDENTITY NOTHING; CREATE PUBLICATION p FOR TABLE icecat_data.table_head; ", "SELECT 1",
                    'cannot update table "table_head" because it does not have a replica identity'),
    "read only": ("SET TRANSACTION READ ONLY; ", "SELECT 1", "in a read-only transaction"),
}


def prepare(c):
    c.sql("CREATE ROLE modest LOGIN; CREATE DATABASE written OWNER modest")
    c.sql("SET ROLE modest; CREATE EXTENSION icecat; SELECT icecat.create_warehouse('w', 'file://%s/w');"
          "SELECT icecat.create_namespace('w', '{ns}');" % c.files + c.create_table_sql("t"), DB)
    c.sql("CREATE EXTENSION amcheck", DB)


def append(c, snapshot_id=7):
    return APPEND % {"id": snapshot_id, "files": "file://" + c.files}


def work(c):
    return append(c) + c.property_commit_sql("t", "a", "b")


def ask(c, script):
    """In one transaction, which is rolled back; a session has committed before, so that its plans are those of the unchanged tables."""
    return c.sql("SET ROLE modest; BEGIN; %s ROLLBACK; BEGIN; %s; ROLLBACK" % (work(c), script), DB, check=False)


def rows(said):
    """Of a table's rows what does not depend on when they were made."""
    return [re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{13}", "*", line) for line in said.splitlines() if line.startswith("row")]


def test_commits_and_creations_need_no_executor(c):
    said = ask(c, REQUIRED + work(c) + c.changed_table_sql("new") + append(c, 8))
    expect("ERROR" not in said, said)


def test_required_means_that_the_executor_is_not_asked(c):
    said = ask(c, REQUIRED + WAY % "off" + work(c))
    expect(REFUSED in said, said)


def test_the_same_rows(c):
    change = "".join([append(c)] + [c.property_commit_sql("t", "p%d" % (n % 2), str(n)) for n in range(4)])
    change += ("SELECT icecat.commit_table('w', '{ns}', 't', '[]', '[{\"action\":\"set-properties\",\"updates\":{\"write.metadata.previous-versions-max\":\"2\","
               "\"write.metadata.delete-after-commit.enabled\":\"true\"}}, {\"action\":\"remove-snapshot-ref\",\"ref-name\":\"main\"}]') IS NOT NULL; ") + append(c, 8)
    found = [rows(ask(c, WAY % way + change + ROWS)) for way in WAYS]
    expect(len(found[0]) > 20, str(found[0]))
    expect_equal(found[0], found[1])


def same_either_way(c, change, look, expected):
    said = [ask(c, "%s %s %s %s" % (WAY % way, change, work(c), look)) for way in WAYS]
    for words in said:
        expect(expected in words, words[-600:])
    counts = [words.count(expected) for words in said]
    expect_equal(counts[0], counts[1])


def test_a_table_that_is_no_plain_one_is_the_executors(c):
    for name, (change, look, expected) in NOT_PLAIN.items():
        same_either_way(c, change, look, expected)
        said = ask(c, REQUIRED + change + work(c))
        expect(REFUSED in said, name + ": " + said[-600:])


def test_a_plain_table_whatever_was_added(c):
    for name, (change, look, expected) in PLAIN.items():
        same_either_way(c, change, look, expected)
        said = ask(c, REQUIRED + change + work(c))
        expect(REFUSED not in said, name + ": " + said[-600:])


def test_a_creation_answers_what_a_load_answers(c):
    """The answer, and the first file, are made of what is in memory. A snapshot is added and removed again, and a ref replaced, before they are rows."""
    body = ("{\"name\":\"%s\",\"schema\":{\"type\":\"struct\",\"fields\":[{\"id\":7,\"name\":\"a\",\"type\":\"long\",\"required\":true, \"doc\":\"\\u00e4 \"}]},"
            "\"properties\":{\"format-version\":\"%d\",\"z\":\"1\", \"s3.endpoint\":\"x\"}}")
    load = "(icecat.load_table('w', '{ns}', '%s')::jsonb ->> 'metadata')"
    for version in (1, 2, 3):
        name = "c%d" % version
        said = c.sql("ALTER DATABASE written SET icecat.key_writes_required = on; SELECT icecat.create_namespace('w', '{ns%d}'); "
                     "SELECT 'first ' || (icecat.rest_create_table('w', '{ns}', '%s')).body; SELECT 'later ' || icecat.load_table('w', '{ns}', '%s'); "
                     % (version, (body % (name, version)).replace(', \"s3.endpoint\":\"x\"', ''), name) +
                     "SELECT 'file ' || %s; SELECT 'wanted ' || (pg_read_file(substr(icecat.load_table('w', '{ns}', '%s') ->> 'metadata-location', 8))::jsonb)::text; "
                     % (load % name, name), DB)
        lines = dict(line.split(" ", 1) for line in said.splitlines() if line.startswith(("first", "later", "file", "wanted")))
        expect_equal(lines["first"], lines["later"])
        expect_equal(lines["file"], lines["wanted"])


def test_an_error_in_a_subtransaction_leaves_nothing(c):
    """A row of several is refused by an index: none of them is there, and the session goes on."""
    said = ask(c, REQUIRED + "CREATE UNIQUE INDEX one ON %s (warehouse_id, table_id, kind) WHERE kind = 6; " % PARTS + append(c)
               + "DO $$ BEGIN %s EXCEPTION WHEN unique_violation THEN END $$; " % append(c, 8).replace("SELECT", "PERFORM", 1)
               + "SELECT 'left ' || count(*) FROM %s WHERE kind = 4; DROP INDEX icecat_data.one; " % PARTS + append(c, 9)
               + "SELECT 'then ' || count(*) FROM %s WHERE kind = 4" % PARTS)
    expect("left 1" in said and "then 2" in said, said)


def test_every_row_is_in_every_index(c):
    """Also in one that is being made while the session that writes has its plans."""
    for n in range(3):
        c.sql(append(c, 10 + n) + c.property_commit_sql("t", "k", str(n)) + c.create_table_sql("x%d" % n), DB)
    said = c.sql("SELECT 'checked ' || count(bt_index_check(i.indexrelid, true)::text) FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid "
                 "WHERE t.relnamespace = 'icecat_data'::regnamespace AND t.relkind = 'r'", DB)
    expect(re.search(r"checked \d\d", said), said)
    expect_equal(c.sql("SELECT count(*) FROM icecat.check_integrity()", DB), "0")
