"""A warehouse in a store of Azure's: its files, and what becomes of them while the store fails.

./check stores-adls; ./check stores leaves this file out.

SPDX-License-Identifier: PostgreSQL
"""
import json
import re
import subprocess

import pytest
import stores
from expectations import expect, expect_equal, wait_until

SETTINGS = ["icecat.secret_key_file = 'secret.keys'"]
WAIT_S = 60
QUICK = {"connect-timeout-ms": "500", "request-timeout-ms": "1500", "retries-max": "1"}
KEY = stores.Azurite.key


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; echo 'k1 %s' >secret.keys" % ("5a" * 32)], cwd=c.data, user=c.user, check=True)


@pytest.fixture(scope="module")
def azurite(tmp_path_factory):
    with stores.Azurite(str(tmp_path_factory.mktemp("azurite"))) as running:
        yield running


@pytest.fixture
def broken(azurite):
    with stores.Faults(azurite.port) as proxy:
        yield proxy


def make_warehouse(c, azurite, name, endpoint=None, properties="{}", scheme="abfss", host="dfs"):
    """A warehouse with a profile of its own, both of one name."""
    said = {"endpoint": endpoint or azurite.url, "allow-private-endpoints": "true", **QUICK}
    root = "%s://lake@%s.%s.core.windows.net/%s" % (scheme, azurite.account, host, name)
    c.sql("SELECT icecat.create_storage_profile('%s', '%s', '%s', '%s')" % (name, root, json.dumps(said), json.dumps({"shared-key": KEY})))
    c.sql("SELECT icecat.create_warehouse('%s', '%s/w', '%s', '%s'); SELECT icecat.create_namespace('%s', '{ns}')"
          % (name, root, properties, name, name))


@pytest.fixture(scope="module")
def whole(c, azurite):
    """A warehouse in a store that works."""
    make_warehouse(c, azurite, "whole")
    return "whole"


def blob(azurite, location):
    status, body = azurite.ask("GET", re.sub(r"^\w+://([^@]+)@[^/]+", r"\1", location))
    return body if status == 200 else None


def blobs(azurite, prefix):
    return re.findall("<Name>(.*?)</Name>", azurite.ask("GET", "lake", "comp:list", "prefix:" + prefix, "restype:container")[1].decode())


def current(c, warehouse, table):
    """Location and document of a table."""
    row = c.sql("SELECT t #>> '{metadata-location}', t -> 'metadata' FROM icecat.load_table('%s', '{ns}', '%s') AS t" % (warehouse, table))
    location, document = row.split("|", 1)
    return location, json.loads(document)


def drained(c, warehouse, seconds=WAIT_S):
    condition = " WHERE warehouse_id = (SELECT warehouse_id FROM icecat.warehouses WHERE warehouse = '%s')" % warehouse
    return c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task" + condition, "0", seconds=seconds)


def check_files(c, azurite, warehouse, tables):
    """Every file that a table names is there; the newest holds what a load answers."""
    for table in tables:
        location, document = current(c, warehouse, table)
        for name in [location] + [entry["metadata-file"] for entry in document.get("metadata-log", ())]:
            expect(blob(azurite, name) is not None, "missing: " + name)
        expect_equal(json.loads(blob(azurite, location)), document, "document of " + table)


def test_a_profile_that_works_is_valid(c, azurite, whole):
    rows = c.sql("SELECT step, ok, error FROM icecat.validate_storage_profile('%s')" % whole).splitlines()
    expect_equal(rows, [s + "|t|" for s in ("open", "write", "not-overwrite", "read", "read-range", "list", "delete", "look")])
    expect(not [n for n in blobs(azurite, "whole") if "probe" in n], "the object is gone")


def test_what_is_wrong_with_a_profile_is_said(c, azurite, broken):
    make_warehouse(c, azurite, "wrong", broken.url)
    broken.set("denied")
    said = c.sql("SELECT ok, error FROM icecat.validate_storage_profile('wrong') WHERE step = 'write'")
    expect(said.startswith("f|") and "AccessDenied" in said, said)
    broken.set("pass")
    c.sql("SELECT icecat.alter_storage_profile('wrong', p_secrets => '{\"shared-key\":\"bm90IGl0\"}')")
    said = c.sql("SELECT ok, error FROM icecat.validate_storage_profile('wrong') WHERE step = 'write'")
    expect("AuthorizationFailure" in said and "bm90IGl0" not in said, said)


def test_files_follow_the_commits(c, azurite, whole):
    for table in ("a", "b"):
        c.sql(c.changed_table_sql(table, whole) + c.property_commit_sql(table, "more", "x", whole))
    expect(drained(c, whole), "the queue drains")
    check_files(c, azurite, whole, ("a", "b"))
    expect_equal(len(blobs(azurite, "whole/.icecat/")), 1, "the root has the mark of this database")


def test_a_file_is_registered(c, azurite, whole):
    c.sql(c.changed_table_sql("first", whole))
    expect(drained(c, whole), "the queue drains")
    location, document = current(c, whole, "first")
    wasbs = location.replace("abfss://", "wasbs://").replace(".dfs.", ".blob.")
    c.sql("SELECT icecat.register_table('%s', '{ns}', 'copy', '%s')" % (whole, wasbs))
    expect_equal(current(c, whole, "copy"), (wasbs, document), "as the client wrote it")
    expect("IC104" in c.sql("\\set VERBOSITY verbose\nSELECT icecat.register_table('%s', '{ns}', 'none', '%s')" % (whole, location + "x"), check=False),
           "a file that is not there")


def test_a_purge_deletes_what_is_the_tables(c, azurite, whole):
    c.sql(c.changed_table_sql("gone", whole))
    expect(drained(c, whole), "the queue drains")
    folder = re.sub(r"^abfss://[^/]+/", "", current(c, whole, "gone")[0]).rsplit("/", 2)[0]
    expect(blobs(azurite, folder), "its files are there")
    c.sql("SELECT icecat.drop_table('%s', '{ns}', 'gone', p_purge => true)" % whole)
    expect(drained(c, whole), "the purge ends")
    expect_equal(blobs(azurite, folder), [], "nothing is left")
    check_files(c, azurite, whole, ("a", "b", "first"))


def test_locations_stay_as_they_were_written(c, azurite):
    make_warehouse(c, azurite, "wasbs", scheme="wasbs", host="blob")
    c.sql(c.changed_table_sql("t", "wasbs"))
    expect(drained(c, "wasbs"), "the queue drains")
    location, document = current(c, "wasbs", "t")
    expect(location.startswith("wasbs://lake@%s.blob.core.windows.net/wasbs/w/" % azurite.account), location)
    expect(document["location"].startswith("wasbs://"), document["location"])
    check_files(c, azurite, "wasbs", ("t",))


@pytest.mark.parametrize("fault", ["503", "hang", "denied", "cut", "corrupt", "late"])
def test_commits_go_on_while_the_store_fails(c, azurite, broken, fault):
    name = "fails-" + fault
    make_warehouse(c, azurite, name, broken.url)
    c.sql(c.changed_table_sql("t", name))
    expect(drained(c, name), "the queue drains")
    broken.set(fault)
    for i in range(5):
        c.sql(c.property_commit_sql("t", "k%d" % i, "v", name))
    wait_until(lambda: len(broken.requests) > 3, "the worker tries", 10)
    broken.set("pass")
    expect(drained(c, name), "the files arrive")
    check_files(c, azurite, name, ("t",))


@pytest.mark.parametrize("fault", ["503", "hang"])
def test_sync_fails_and_changes_nothing(c, azurite, broken, fault):
    name = "sync-" + fault
    make_warehouse(c, azurite, name, broken.url, '{"icecat.metadata-write-mode": "sync"}')
    c.sql(c.create_table_sql("t", name))
    before = current(c, name, "t")
    broken.set(fault)
    said = c.sql("\\set VERBOSITY verbose\n" + c.property_commit_sql("t", "k", "v", name), check=False)
    expect("IC501" in said and KEY not in said, said)
    broken.set("pass")
    expect_equal(current(c, name, "t"), before, "the table")
    c.sql(c.property_commit_sql("t", "k", "v", name))
    check_files(c, azurite, name, ("t",))


def test_no_secret_is_in_the_log(c):
    expect(KEY not in c.log_text(), "the log has the key")
