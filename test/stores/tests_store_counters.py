"""What was written to each store: there is room for a number of profiles, and it does not run out.

SPDX-License-Identifier: PostgreSQL
"""
import subprocess

from expectations import expect, expect_equal
from memory_store import MemoryStore

SETTINGS = ["icecat.secret_key_file = 'secret.keys'", "log_statement = 'none'"]
ROOM = 256           # ICE_STORE_COUNTERS_ROOM
MORE = ROOM + 20
DROPPED = 50
SCHEMA = '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}'
MAKE = """DO $do$ BEGIN
FOR i IN %d..%d LOOP
	PERFORM icecat.create_storage_profile('p' || i, 's3://lake/base', '{"endpoint": "%s", "region": "us-east-1", "allow-private-endpoints": "true"}',
		'{"access-key-id": "a", "secret-access-key": "b"}');
	PERFORM icecat.create_warehouse('w' || i, 's3://lake/base/w' || i, '{}', 'p' || i);
	PERFORM icecat.create_namespace('w' || i, '{n}');
	PERFORM icecat.create_table('w' || i, '{n}', 't', '%s');
END LOOP; END $do$"""


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; echo 'k1 %s' >secret.keys" % ("5a" * 32)], cwd=c.data, user=c.user, check=True)


def make(c, store, first, last):
    c.sql(MAKE % (first, last, store.url, SCHEMA))
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task", "0", seconds=120), "the files are written")


def written(c, profile):
    return c.sql("SELECT coalesce(files_written, 0) FROM icecat.storage_status() WHERE storage_profile = '%s'" % profile)


def counted(c):
    return int(c.sql("SELECT count(*) FROM icecat._store_counters()"))


def drop(profiles):
    """Their warehouses get another profile of the same root."""
    return "".join("SELECT icecat.alter_warehouse('w%d', p_storage_profile => 'p%d'); SELECT icecat.drop_storage_profile('p%d');\n" % (i, MORE, i) for i in profiles)


def test_room_does_not_run_out(c):
    with MemoryStore() as store:
        make(c, store, 1, ROOM // 2)
        before = counted(c)
        expect(before >= ROOM // 2, "each has its own: %d" % before)
        c.sql("BEGIN; SELECT icecat.create_storage_profile('p%d', 's3://lake/base', '{\"region\": \"x\"}', '{\"access-key-id\": \"a\", \"secret-access-key\": \"b\"}'); %s ROLLBACK"
              % (MORE, drop([1])))
        expect_equal((counted(c), written(c, "p1")), (before, "1"), "a drop that is rolled back takes nothing")
        make(c, store, ROOM // 2 + 1, MORE)
        expect_equal(counted(c), ROOM, "all is taken")
        expect_equal(written(c, "p%d" % MORE), "1", "the last one is counted all the same")
        expect_equal(written(c, "p1"), "0", "in the place of the one to which nothing was written for longest")
        c.sql(drop(range(MORE - DROPPED, MORE)))
        expect_equal(counted(c), ROOM - DROPPED, "what is dropped is free")
        make(c, store, MORE + 1, MORE + DROPPED)
        expect_equal(counted(c), ROOM, "and is taken again")
        expect_equal([written(c, "p%d" % i) for i in (MORE - DROPPED - 1, MORE, MORE + 1, MORE + DROPPED)], ["1"] * 4, "nobody lost anything for it")
