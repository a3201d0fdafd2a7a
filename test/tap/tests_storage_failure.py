"""Storage that fails delays metadata files and nothing else; when it is back they are written."""
# SPDX-License-Identifier: PostgreSQL
import os
import subprocess

from expectations import expect, expect_equal


def chmod(c, mode, path):
    subprocess.run(["chmod", mode, path], user=c.user, check=True)


def test_storage_failure(c):
    c.make_warehouse()
    c.sql(c.create_table_sql("broken") + c.create_table_sql("sound"))
    expect(c.queue_is_empty(), "both tables' files are written")
    location = c.sql("SELECT location FROM icecat.tables WHERE table_name = 'broken'")[len("file://"):]
    folder = os.path.join(location, "metadata")
    chmod(c, "0500", folder)

    for i in range(3):
        c.sql(c.property_commit_sql("broken", "k", i))
    c.sql(c.property_commit_sql("sound", "k", "v"))
    expect_equal(c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 'sound', 10000)"), "t",
                 "another table is not held up")
    expect_equal(c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 'broken', 1500)"), "f",
                 "the broken one waits")
    expect(c.wait_sql("SELECT failing > 0 AND last_error LIKE '%Permission denied%' "
                      "FROM icecat.worker_status()", "t"), "worker_status() says why",
           c.sql("SELECT * FROM icecat.worker_status()"))
    expect_equal(c.sql("SELECT json_extract_path_text(icecat.load_table('w', '{ns}', 'broken'), "
                       "'metadata', 'properties', 'k')"), "2", "loading goes on meanwhile")
    expect_equal(c.sql("SELECT count(*) FROM icecat.metadata_files WHERE is_queued"), "3",
                 "three files wait")

    chmod(c, "0755", folder)
    expect(c.queue_is_empty(), "with the folder writable again the queue becomes empty")
    paths = c.metadata_paths()
    expect_equal([p for p in paths if not os.path.exists(p)], [], "and every file is there")
    expect_equal([n for n in os.listdir(folder) if n.startswith(".")], [], "no temporary file is left")
