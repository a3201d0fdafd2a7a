"""Files are deleted although commits that name files outside of their table's folders follow each other without a gap.

Such a commit shares the lock of a folder until its transaction ends, and a deletion there needs it alone: it has its turn between them.
"""
# SPDX-License-Identifier: PostgreSQL
import os
import time

from expectations import expect, expect_equal

SESSIONS = 4
HELD_S = 0.03
LOAD_S = 40     # the sessions end by themselves
DONE_S = 15
COMMITS = 12
TRIMMED = """, p_properties => '{"write.metadata.delete-after-commit.enabled":"true","write.metadata.previous-versions-max":"1"}'"""

# Each transaction but the first moments of it shares the lock.
SHARES = """
DO $$ DECLARE n bigint := 0; until timestamptz := clock_timestamp() + interval '%d s'; BEGIN
	WHILE clock_timestamp() < until LOOP
		n := n + 1;
		PERFORM icecat.commit_table('w', '{ns}', '%s', '[]', json_build_array(json_build_object('action', 'add-snapshot',
			'snapshot', json_build_object('snapshot-id', n, 'sequence-number', n, 'timestamp-ms',
				(extract(epoch FROM clock_timestamp()) * 1000)::bigint, 'manifest-list', 'file:///none/' || n,
				'summary', json_build_object('operation', 'append'), 'schema-id', 0))));
		PERFORM pg_sleep(%g);
		COMMIT;
	END LOOP;
END $$;
"""


def metadata_files(folder):
    return [name for name in os.listdir(folder + "/metadata") if name.endswith(".metadata.json")]


def prepare(c):
    c.make_warehouse()


def test_turn(c):
    for i in range(SESSIONS):
        c.sql(c.create_table_sql("s%d" % i))
    c.sql(c.create_table_sql("trimmed", extra=TRIMMED) + c.create_table_sql("purged"))
    expect(c.queue_is_empty(), "nothing is queued yet")
    folder = c.sql("SELECT location FROM icecat.tables WHERE table_name = 'trimmed'")[len("file://"):]
    sessions = [c.spawn(SHARES % (LOAD_S, "s%d" % i, HELD_S)) for i in range(SESSIONS)]
    try:
        time.sleep(1)
        for i in range(COMMITS):
            c.sql(c.property_commit_sql("trimmed", "k", str(i)))
        c.sql("SELECT icecat.drop_table('w', '{ns}', 'purged', true)")
        expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task WHERE kind IN ('delete', 'purge')", "0", seconds=DONE_S),
               "files are deleted, and a table is purged", c.sql("SELECT kind, attempts, last_error FROM icecat_data.metadata_task"))
        expect_equal(len(metadata_files(folder)), 2, "old metadata files are gone")
        expect(all(session.poll() is None for session in sessions), "while commits went on")
    finally:
        for session in sessions:
            session.kill()
            session.wait()
