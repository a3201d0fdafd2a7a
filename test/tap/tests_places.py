"""Whether a place is free is found by index among 5,000 siblings, with statistics and without, and the answer is right. (What it costs:
test/bench/places.)
"""
# SPDX-License-Identifier: PostgreSQL
import os
import subprocess
import sys

from expectations import expect, expect_equal

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scale"))
import plans  # noqa: E402  pylint: disable=wrong-import-position

SETTINGS = ["autovacuum = off", "fsync = off"]
SIBLINGS, BATCH = 5000, 500
ROWS_MAX = 10            # that one scan may read, however many tables there are
SCHEMA = '{"type":"struct","fields":[]}'
OVERLAP = "Location overlaps with that of another table or view"


def prepare(c):
    c.sql("SELECT icecat.create_warehouse('w', 's3://lake/w', '{\"icecat.metadata-write-mode\":\"none\"}'); SELECT icecat.create_namespace('w', '{a}')")
    for first in range(1, SIBLINGS + 1, BATCH):
        c.sql("SELECT count(icecat.create_table('w', '{a}', 't' || i, '%s', p_location => 's3://lake/w/a/t' || i)) FROM generate_series(%d, %d) AS i"
              % (SCHEMA, first, first + BATCH - 1))
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.location WHERE kind = 'location'"), str(SIBLINGS))


def create(place, name="new"):
    return "SELECT icecat.create_table('w', '{a}', '%s', '%s', p_location => '%s') IS NOT NULL" % (name, SCHEMA, place)


def move(place):
    return ("SELECT icecat.commit_table('w', '{a}', 't7', '[]', '[{\"action\":\"set-location\",\"location\":\"%s\"}]') IS NOT NULL" % place)


def write_path(place):
    return ("SELECT icecat.commit_table('w', '{a}', 't7', '[]', '[{\"action\":\"set-properties\",\"updates\":{\"write.data.path\":\"%s\"}}]') IS NOT NULL" % place)


TAKEN = ("s3://lake/w/a/t2500", "s3://lake/w/a/t2500/", "s3a://lake/w/a/t2500", "s3://lake/w/a/t2500/data", "s3://lake/w/a/t5000/x/y/z")
FREE = ("s3://lake/w/a/t5001", "s3://lake/w/a/t", "s3://lake/w/a/t2500-", "s3://lake/w/a/t25000", "s3://lake/w/a/t2500.x", "s3://lake/w/b/t2500", "s3://lake/w/a/T2500")


def tried(c, sql):
    """What a call says, which is taken back."""
    return c.sql("BEGIN; %s; ROLLBACK" % sql, check=False)


def test_what_is_taken_among_many_is_refused(c):
    for place in TAKEN:
        for call in (create(place), move(place), write_path(place)):
            said = tried(c, call)
            expect(OVERLAP in said, place, said)


def test_what_is_around_a_table_is_refused_and_its_neighbours_are_not(c):
    for call in (create("s3://lake/w/a"), move("s3://lake/w/a"), create("s3://lake/w"), write_path("s3://lake/w/a")):
        said = tried(c, call)
        expect(OVERLAP in said or "Location is that of a warehouse" in said, call, said)
    for place in FREE:
        for call in (create(place), move(place), write_path(place)):
            expect_equal(tried(c, call).split("\n")[-1], "t", place)


def messages(c, sql):
    result = subprocess.run(c.psql_command("postgres"), input=plans.SETTINGS + "BEGIN;\n" + sql + ";\nROLLBACK;\n", text=True,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    return result.stderr


def test_places_are_looked_up_by_index(c):
    for statistics in (None, "ANALYZE", "VACUUM ANALYZE"):
        if statistics:
            c.sql(statistics)
        for name, sql in (("a free place", create("s3://lake/w/a/fresh")), ("a taken one", create("s3://lake/w/a/t2500/x")),
                          ("a move", move("s3://lake/w/a/fresh")), ("a data path", write_path("s3://lake/w/a/fresh"))):
            said = messages(c, sql)
            expect("icecat_data.location" in said, "%s asks for places" % name, said[:500])
            wrong, total = plans.faults(said, ROWS_MAX)
            expect_equal(wrong, [], "%s, after %s: by index, %d rows" % (name, statistics or "nothing", total))
