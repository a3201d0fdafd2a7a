"""A purge of very many files takes no more memory than one of few: what was deleted is forgotten."""
# SPDX-License-Identifier: PostgreSQL
import time

import avro
import tests_purge as purge
from expectations import expect, expect_equal
from tests_purge_slices import all_done, deleted, drop, memory_mb

FILES = 100000
NAME = "f" * 230            # each takes half a kilobyte in the purge
MEMORY_MB = 20


def test_purge_memory(c):
    c.make_warehouse()
    c.sql(c.create_table_sql("many"))
    location = purge.location_of(c, "many")
    manifest, listed = location + "/metadata/m.avro", location + "/metadata/snap-1.avro"
    avro.manifest(manifest, ["file://%s/data/%s-%d.parquet" % (location, NAME, i) for i in range(FILES)], "deflate", in_block=200)
    avro.manifest_list(listed, ["file://" + manifest])
    c.sql("SELECT icecat.commit_table('w', '{ns}', 'many', '[]', '[%s,%s]')" % (
        purge.SNAPSHOT % (1, 1, int(time.time() * 1000), "file://" + listed), purge.SET_MAIN % 1))
    purge.own(c)
    c.queue_is_empty()
    pid = c.wait_worker()
    before = memory_mb(pid)
    drop(c, "many")
    expect(all_done(c), "the purge gets done")
    expect_equal(c.worker_pid(), pid, "it is the same worker")
    grown = memory_mb(pid) - before
    expect(grown < MEMORY_MB, "its memory does not grow with the table: %.0f MB more" % grown)
    expect_equal(deleted(c, "many"), "4", "only the files that were there are counted")
