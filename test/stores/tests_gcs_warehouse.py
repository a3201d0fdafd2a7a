"""A warehouse in a store like Google's: its files, and what becomes of them while the store fails.

./check stores-gcs; ./check stores leaves this file out.

SPDX-License-Identifier: PostgreSQL
"""
import http.client
import json
import subprocess
import urllib.parse

import pytest
import stores
from expectations import expect, expect_equal, wait_until

SETTINGS = ["icecat.secret_key_file = 'secret.keys'"]
WAIT_S = 60
QUICK = {"connect-timeout-ms": "500", "request-timeout-ms": "1500", "retries-max": "1"}


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; echo 'k1 %s' >secret.keys" % ("5a" * 32)], cwd=c.data, user=c.user, check=True)


@pytest.fixture(scope="module")
def gcs(tmp_path_factory):
    with stores.FakeGcs(str(tmp_path_factory.mktemp("gcs"))) as running:
        yield running


@pytest.fixture
def broken(gcs):
    with stores.Faults(gcs.port) as proxy:
        yield proxy


def make_warehouse(c, name, endpoint, properties="{}"):
    """A warehouse with a profile of its own, both of one name."""
    said = {"endpoint": endpoint, "allow-private-endpoints": "true", "login": "none", **QUICK}
    c.sql("SELECT icecat.create_storage_profile('%s', 'gs://lake/%s', '%s')" % (name, name, json.dumps(said)))
    c.sql("SELECT icecat.create_warehouse('%s', 'gs://lake/%s/w', '%s', '%s'); SELECT icecat.create_namespace('%s', '{ns}')" % (name, name, properties, name, name))


@pytest.fixture(scope="module")
def whole(c, gcs):
    """A warehouse in a store that works."""
    make_warehouse(c, "whole", gcs.url)
    return "whole"


def get(gcs, target):
    request = http.client.HTTPConnection("127.0.0.1", gcs.port, timeout=10)
    request.request("GET", target)
    reply = request.getresponse()
    body = reply.read()
    request.close()
    return body if reply.status == 200 else None


def content(gcs, location):
    return get(gcs, "/storage/v1/b/lake/o/%s?alt=media" % urllib.parse.quote(location[len("gs://lake/"):], safe=""))


def names(gcs, prefix):
    return [item["name"] for item in json.loads(get(gcs, "/storage/v1/b/lake/o?prefix=" + urllib.parse.quote(prefix, safe=""))).get("items", ())]


def current(c, warehouse, table):
    """Location and document of a table."""
    row = c.sql("SELECT t #>> '{metadata-location}', t -> 'metadata' FROM icecat.load_table('%s', '{ns}', '%s') AS t" % (warehouse, table))
    location, document = row.split("|", 1)
    return location, json.loads(document)


def drained(c, warehouse, seconds=WAIT_S):
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task WHERE warehouse_id = (SELECT warehouse_id FROM icecat.warehouses WHERE warehouse = '%s')" % warehouse,
                      "0", seconds=seconds), "the queue drains: " + c.sql("SELECT kind, last_error FROM icecat_data.metadata_task LIMIT 1"))


def check_files(c, gcs, warehouse, tables):
    """Every file that a table names is there; the newest holds what a load answers."""
    for table in tables:
        location, document = current(c, warehouse, table)
        for name in [location] + [entry["metadata-file"] for entry in document.get("metadata-log", ())]:
            expect(content(gcs, name) is not None, "missing: " + name)
        expect_equal(json.loads(content(gcs, location)), document, "document of " + table)


def test_a_profile_that_works_is_valid(c, gcs, whole):
    expect_equal(c.sql("SELECT string_agg(step || ': ' || error, ' ') FROM icecat.validate_storage_profile('%s') WHERE NOT ok" % whole), "")
    expect_equal([name for name in names(gcs, "whole") if "probe" in name], [], "the object is gone")


def test_files_follow_the_commits(c, gcs, whole):
    for table in ("a", "b"):
        c.sql(c.changed_table_sql(table, whole) + c.property_commit_sql(table, "more", "x", whole))
    drained(c, whole)
    check_files(c, gcs, whole, ("a", "b"))
    expect_equal(len(names(gcs, "whole/.icecat/")), 1, "the root has the mark of this database")


def test_a_file_is_registered_and_exported(c, gcs, whole):
    location, document = current(c, whole, "a")
    c.sql("SELECT icecat.register_table('%s', '{ns}', 'copy', '%s')" % (whole, location))
    expect_equal(current(c, whole, "copy")[1], document)
    expect("IC104" in c.sql("\\set VERBOSITY verbose\nSELECT icecat.register_table('%s', '{ns}', 'none', 'gs://lake/whole/w/none.metadata.json')" % whole, check=False),
           "a file that is not there")
    expect("may not reach" in c.sql("SELECT icecat.register_table('%s', '{ns}', 'none', 'gs://other/x.metadata.json')" % whole, check=False),
           "nothing outside of the root is read")
    c.sql("SELECT icecat.unregister_table('%s', '{ns}', 'copy')" % whole)


def test_a_drop_with_purge_deletes_what_is_the_tables(c, gcs, whole):
    c.sql(c.changed_table_sql("gone", whole))
    drained(c, whole)
    folder = current(c, whole, "gone")[0].rsplit("/", 2)[0][len("gs://lake/"):]
    expect(names(gcs, folder + "/") != [], "it has files")
    c.sql("SELECT icecat.drop_table('%s', '{ns}', 'gone', p_purge => true)" % whole)
    drained(c, whole)
    expect_equal(names(gcs, folder + "/"), [])
    check_files(c, gcs, whole, ("a", "b"))


@pytest.mark.parametrize("fault", ["503", "hang", "cut", "denied"])
def test_commits_go_on_while_the_store_fails_and_the_files_arrive_after_it(c, gcs, broken, fault):
    name = "out" + fault
    make_warehouse(c, name, broken.url)
    c.sql(c.changed_table_sql("t", name))
    drained(c, name)
    broken.set(fault)
    for i in range(3):
        c.sql(c.property_commit_sql("t", "k%d" % i, "v", name))
    c.sql(c.create_table_sql("new", name))
    wait_until(lambda: c.sql("SELECT bool_or(last_error IS NOT NULL) FROM icecat_data.metadata_task") == "t", "the error is kept", 20)
    broken.set("pass")
    drained(c, name)
    check_files(c, gcs, name, ("t", "new"))
