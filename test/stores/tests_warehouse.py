"""A warehouse in an S3 store: its files, and what becomes of them while the store fails.

SPDX-License-Identifier: PostgreSQL
"""
import json
import os
import subprocess
import time

import pytest
import stores
from expectations import expect, expect_equal, wait_until

SETTINGS = ["icecat.secret_key_file = 'secret.keys'"]
WAIT_S = 60
QUICK_S = 1.5        # a commit while the store fails
CANCEL_S = 1         # after pg_cancel_backend()
QUICK = {"connect-timeout-ms": "500", "request-timeout-ms": "1500", "retries-max": "1"}
SECRET = stores.Versitygw.secret_key


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; echo 'k1 %s' >secret.keys" % ("5a" * 32)], cwd=c.data, user=c.user, check=True)
    c.make_warehouse("disk")


def profile_sql(store, name, root, endpoint=None, **options):
    said = {"endpoint": endpoint or store.url, "region": store.region, "allow-private-endpoints": "true", **QUICK, **options}
    return "SELECT icecat.create_storage_profile('%s', '%s', '%s', '%s')" % (
        name, root, json.dumps(said), json.dumps({"access-key-id": store.access_key, "secret-access-key": SECRET}))


def make_warehouse(c, store, name, endpoint=None, properties="{}"):
    """A warehouse with a profile of its own, both of one name."""
    c.sql(profile_sql(store, name, "s3://lake/" + name, endpoint))
    c.sql("SELECT icecat.create_warehouse('%s', 's3://lake/%s/w', '%s', '%s'); SELECT icecat.create_namespace('%s', '{ns}')"
          % (name, name, properties, name, name))


@pytest.fixture(scope="module")
def whole(c, store):
    """A warehouse in a store that works."""
    make_warehouse(c, store, "whole")
    return "whole"


def file_of(store, location):
    return os.path.join(store.data, location[len("s3://"):])


def current(c, warehouse, table):
    """Location and document of a table."""
    row = c.sql("SELECT t #>> '{metadata-location}', t -> 'metadata' FROM icecat.load_table('%s', '{ns}', '%s') AS t" % (warehouse, table))
    location, document = row.split("|", 1)
    return location, json.loads(document)


def drained(c, warehouse=None, seconds=WAIT_S):
    condition = "" if warehouse is None else " WHERE warehouse_id = (SELECT warehouse_id FROM icecat.warehouses WHERE warehouse = '%s')" % warehouse
    return c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task" + condition, "0", seconds=seconds)


def check_files(c, store, warehouse, tables):
    """Every file that a table names is there; the newest holds what a load answers."""
    for table in tables:
        location, document = current(c, warehouse, table)
        for name in [location] + [entry["metadata-file"] for entry in document.get("metadata-log", ())]:
            expect(os.path.exists(file_of(store, name)), "missing: " + name)
        with open(file_of(store, location)) as file:
            expect_equal(json.load(file), document, "document of " + table)


def test_a_profile_that_works_is_valid(c, store, whole):
    rows = c.sql("SELECT step, ok, error FROM icecat.validate_storage_profile('%s')" % whole).splitlines()
    expect_equal(rows, [s + "|t|" for s in ("open", "write", "not-overwrite", "read", "read-range", "list", "delete", "look")])
    expect(not [n for _, _, names in os.walk(store.data) for n in names if n.startswith("probe")], "the object is gone")


@pytest.mark.parametrize("fault, step, words", [
    ("denied", "write", "AccessDenied"), ("expired", "write", "ExpiredToken"), ("503", "write", "503"), ("hang", "write", ""),
    ("redirect", "write", "307"), ("cut", "write", "")])
def test_what_is_wrong_with_a_profile_is_said(c, store, faults, fault, step, words):
    name = "valid_" + fault
    c.sql(profile_sql(store, name, "s3://lake/valid", faults.url))
    faults.set(fault)
    rows = dict(row.split("|", 1) for row in c.sql(
        "SELECT step, ok, error FROM icecat.validate_storage_profile('%s')" % name).splitlines() if "|" in row)
    expect(rows[step].startswith("f|") and words in rows[step], f"{fault}: {rows}")
    expect_equal(rows["read"], "|", "not tried")
    expect(SECRET not in str(rows), "no secret in it")


def test_a_wrong_key_and_a_missing_bucket_are_said(c, store):
    c.sql(profile_sql(store, "bucket", "s3://no-such-bucket/x"))
    expect("NoSuchBucket" in c.sql("SELECT error FROM icecat.validate_storage_profile('bucket')"), "the bucket")
    c.sql("SELECT icecat.alter_storage_profile('bucket', p_secrets => '{\"secret-access-key\":\"wrong\"}')")
    expect("SignatureDoesNotMatch" in c.sql("SELECT error FROM icecat.validate_storage_profile('bucket')"), "the key")


def test_files_follow_the_commits(c, store, whole):
    for table in ("a", "b"):
        c.sql(c.changed_table_sql(table, whole) + c.property_commit_sql(table, "more", "x", whole))
    expect(drained(c, whole), "the queue drains")
    check_files(c, store, whole, ("a", "b"))
    marks = os.listdir(os.path.join(store.data, "lake/whole/.icecat"))
    expect_equal(len(marks), 1, "the root has the mark of this database: " + str(marks))


def test_packed_files(c, store, whole):
    c.sql(c.create_table_sql("packed", whole, ", p_properties => '{\"write.metadata.compression-codec\":\"gzip\"}'"))
    expect(drained(c, whole), "the queue drains")
    location, document = current(c, whole, "packed")
    expect(location.endswith(".gz.metadata.json"), location)
    found = json.loads(subprocess.check_output(["gzip", "-dc"], stdin=open(file_of(store, location), "rb")))
    expect_equal(found, document)
    c.sql("SELECT icecat.register_table('%s', '{ns}', 'again', '%s')" % (whole, location))
    expect_equal(current(c, whole, "again")[1], document, "a packed file is registered")


def test_a_file_is_registered_and_exported(c, store, whole):
    location, document = current(c, whole, "a")
    c.sql("SELECT icecat.register_table('%s', '{ns}', 'copy', '%s')" % (whole, location))
    expect_equal(current(c, whole, "copy")[1], document)
    expect("IC104" in c.sql("\\set VERBOSITY verbose\nSELECT icecat.register_table('%s', '{ns}', 'none', 's3://lake/whole/w/none.metadata.json')" % whole, check=False),
           "a file that is not there")
    expect("may not reach" in c.sql("SELECT icecat.register_table('%s', '{ns}', 'none', 's3://other/x.metadata.json')" % whole, check=False),
           "nothing outside of the root is read")
    os.remove(file_of(store, location))
    c.sql("SELECT * FROM icecat.export_metadata('%s', false)" % whole)
    check_files(c, store, whole, ("a", "b"))


def test_a_load_asks_no_store(c, store, faults):
    make_warehouse(c, store, "load", faults.url)
    c.sql(c.changed_table_sql("t", "load"))
    expect(drained(c, "load"), "the queue drains")
    asked = len(faults.requests)
    current(c, "load", "t")
    expect_equal(len(faults.requests), asked)


def test_a_drop_with_purge_deletes_what_is_the_tables(c, store, whole):
    c.sql(c.changed_table_sql("gone", whole))
    expect(drained(c, whole), "the queue drains")
    folder = file_of(store, current(c, whole, "gone")[0]).rsplit("/", 2)[0]
    c.sql("SELECT icecat.drop_table('%s', '{ns}', 'gone', p_purge => true)" % whole)
    expect(drained(c, whole), "the purge ends")
    left = [os.path.join(d, n) for d, _, names in os.walk(folder) for n in names]
    expect_equal(left, [])
    check_files(c, store, whole, ("a", "b"))


def test_a_purge_deletes_many_files_with_one_request(c, store, faults):
    make_warehouse(c, store, "many", faults.url)
    c.sql(c.create_table_sql("t", "many") + "".join(c.property_commit_sql("t", "k", i, "many") for i in range(90)))
    expect(drained(c, "many"), "the queue drains")
    folder = file_of(store, current(c, "many", "t")[0]).rsplit("/", 1)[0]
    expect_equal(len(os.listdir(folder)), 91)
    faults.requests.clear()
    c.sql("SELECT icecat.drop_table('many', '{ns}', 't', p_purge => true)")
    expect(drained(c, "many"), "the purge ends")
    expect_equal([n for d, _, names in os.walk(folder) for n in names], [])
    deletions = [r for r in faults.requests if "delete" in r]
    expect(len(deletions) <= 4, "%d requests: one for each kind of file" % len(deletions))


def test_old_files_go_after_the_commit(c, store, whole):
    c.sql(c.create_table_sql("old", whole, ", p_properties => '{\"write.metadata.delete-after-commit.enabled\":\"true\",\"write.metadata.previous-versions-max\":\"1\"}'"))
    for i in range(4):
        c.sql(c.property_commit_sql("old", "k", i, whole))
    expect(drained(c, whole), "the queue drains")
    folder = file_of(store, current(c, whole, "old")[0]).rsplit("/", 1)[0]
    expect_equal(len(os.listdir(folder)), 2)
    check_files(c, store, whole, ("old",))


def test_a_copy_of_the_database_deletes_nothing_before_it_is_adopted(c, store, whole):
    c.sql(c.changed_table_sql("kept", whole))
    expect(drained(c, whole), "the queue drains")
    file = file_of(store, current(c, whole, "kept")[0])
    dump = c.run("pg_dump", "-h", c.dir, "-p", "5432", "-U", "postgres", "-f", os.path.join(c.dir, "dump"), "postgres")
    c.sql("CREATE DATABASE copy TEMPLATE template0")
    c.run("psql", "-X", "-q", "-o", "/dev/null", "-h", c.dir, "-p", "5432", "-U", "postgres", "-d", "copy", "-f", os.path.join(c.dir, "dump"))
    c.sql("SELECT icecat.drop_table('%s', '{ns}', 'kept', p_purge => true); SELECT icecat.run_worker_once()" % whole, "copy")
    wait_until(lambda: "mark of another database" in c.sql("SELECT string_agg(last_error, '') FROM icecat_data.metadata_task", "copy"), "it is said why", 20)
    expect(os.path.exists(file), "the file is there: %s" % dump.stdout)
    check_files(c, store, whole, ("kept",))
    c.sql("SELECT icecat.adopt_storage(); SELECT icecat.run_worker_once()", "copy")
    wait_until(lambda: not os.path.exists(file), "once it is adopted, it deletes", 20)
    c.sql("DROP DATABASE copy WITH (FORCE)")
    c.sql("SELECT icecat.adopt_storage()")


def timed(action):
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


@pytest.mark.parametrize("fault", ["503", "hang", "cut", "slow", "corrupt", "expired", "denied", "nonsense", "redirect"])
def test_commits_go_on_while_the_store_fails_and_the_files_arrive_after_it(c, store, faults, fault):
    name = "out" + fault
    make_warehouse(c, store, name, faults.url)
    c.sql(c.changed_table_sql("t", name))
    expect(drained(c, name), "the queue drains")
    faults.set(fault)
    for i in range(5):
        took = timed(lambda i=i: c.sql(c.property_commit_sql("t", "k%d" % i, "v", name)))
        expect(took < QUICK_S, f"a commit took {took:.1f} s")
    c.sql(c.create_table_sql("new", name))
    if fault not in ("slow", "nonsense"):        # a PUT has no body to be slow or nonsense in
        wait_until(lambda: c.sql("SELECT bool_or(last_error IS NOT NULL) FROM icecat_data.metadata_task") == "t", "the error is kept", 20)
    c.sql(c.changed_table_sql("beside_" + fault, "disk"))
    expect(drained(c, "disk", 10), "a store that fails does not hold up others")
    faults.set("pass")
    faults.requests.clear()
    expect(drained(c, name), "the files arrive: " + c.sql("SELECT last_error FROM icecat_data.metadata_task"))
    check_files(c, store, name, ("t", "new"))
    puts = [r for r in faults.requests if r.startswith("PUT") and ".metadata.json" in r]
    expect_equal(len(puts), len(set(puts)), "none is written twice after it")


def test_a_store_that_refuses_connections(c, store):
    with stores.Faults(store.port) as proxy:
        make_warehouse(c, store, "refused", proxy.url)
    took = timed(lambda: c.sql(c.changed_table_sql("t", "refused")))
    expect(took < QUICK_S, f"commits took {took:.1f} s")
    wait_until(lambda: c.sql("SELECT bool_or(last_error IS NOT NULL) FROM icecat_data.metadata_task") == "t", "the error is kept", 20)
    c.sql("SELECT icecat.alter_storage_profile('refused', p_options => '{\"endpoint\":\"%s\"}')" % store.url)
    expect(drained(c, "refused"), "the files arrive by the changed profile")
    check_files(c, store, "refused", ("t",))


def test_a_store_that_knows_no_condition(c, store, faults):
    make_warehouse(c, store, "plain", faults.url)
    faults.set("unconditional")
    c.sql(c.changed_table_sql("t", "plain"))
    wait_until(lambda: "NotImplemented" in c.sql("SELECT string_agg(last_error, '') FROM icecat_data.metadata_task"), "the error says so", 20)
    c.sql("SELECT icecat.alter_storage_profile('plain', p_options => '{\"conditional-writes\":\"false\"}')")
    expect(drained(c, "plain"), "the files arrive: " + c.sql("SELECT string_agg(last_error, '') FROM icecat_data.metadata_task"))
    check_files(c, store, "plain", ("t",))
    expect_equal(c.sql("SELECT count(*) FROM icecat.validate_storage_profile('plain') WHERE NOT ok"), "0")


def test_a_store_that_passes_over_the_condition_is_found(c, store, faults):
    make_warehouse(c, store, "careless", faults.url)
    faults.set("careless")
    expect_equal(c.sql("SELECT step, error FROM icecat.validate_storage_profile('careless') WHERE NOT ok"),
                 "not-overwrite|the store has written over an object although it was told not to (If-None-Match)")


@pytest.mark.parametrize("fault", ["503", "hang", "denied"])
def test_sync_fails_and_changes_nothing(c, store, faults, fault):
    name = "sync" + fault
    make_warehouse(c, store, name, faults.url, '{"icecat.metadata-write-mode": "sync"}')
    c.sql(c.create_table_sql("t", name))
    before = current(c, name, "t")
    events = c.sql("SELECT count(*) FROM icecat.events WHERE warehouse = '%s'" % name)
    faults.set(fault)
    said = c.sql("\\set VERBOSITY verbose\n" + c.property_commit_sql("t", "k", "v", name), check=False)
    expect("IC501" in said and SECRET not in said, said)
    said = c.sql("\\set VERBOSITY verbose\n" + c.create_table_sql("new", name), check=False)
    expect("IC501" in said, said)
    faults.set("pass")
    expect_equal(current(c, name, "t"), before, "the table")
    expect_equal(c.sql("SELECT json_array_length(icecat.list_tables('%s', '{ns}') -> 'identifiers')" % name), "1", "tables")
    expect_equal(c.sql("SELECT count(*) FROM icecat.events WHERE warehouse = '%s'" % name), events, "events")
    c.sql(c.property_commit_sql("t", "k", "v", name))
    check_files(c, store, name, ("t",))


@pytest.mark.parametrize("statement", ["SELECT * FROM icecat.validate_storage_profile('cancel')",
                                       "SELECT icecat.register_table('cancel', '{ns}', 'x', 's3://lake/cancel/w/x.metadata.json')",
                                       "SELECT icecat.commit_table('cancel', '{ns}', 't', '[]', '[{\"action\":\"set-properties\",\"updates\":{\"k\":\"v\"}}]')",
                                       "SELECT icecat.adopt_storage()"])
def test_who_waits_for_a_store_is_cancelled_at_once(c, store, faults, statement):
    if c.sql("SELECT count(*) FROM icecat.storage_profiles WHERE storage_profile = 'cancel'") == "0":
        make_warehouse(c, store, "cancel", faults.url, '{"icecat.metadata-write-mode": "sync"}')
        c.sql(c.create_table_sql("t", "cancel"))
    c.sql("SELECT icecat.alter_storage_profile('cancel', p_options => '{\"endpoint\":\"%s\",\"request-timeout-ms\":\"60000\"}')" % faults.url)
    faults.set("hang")
    asked = len(faults.requests)
    session = c.spawn("SET application_name = 'waits'; " + statement)
    wait_until(lambda: len(faults.requests) > asked, "it asks the store", 10)
    c.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'waits'")
    begin = time.monotonic()
    _, said = session.communicate(timeout=20)
    took = time.monotonic() - begin
    faults.set("pass")
    expect("canceling statement" in said, said)
    expect(took < CANCEL_S, f"it took {took:.1f} s")


def resident_kb(pid):
    with open("/proc/%d/status" % pid) as file:
        return int(next(line for line in file if line.startswith("RssAnon")).split()[1])


def test_the_workers_memory_stays_bounded_while_a_store_fails(c, store, faults):
    make_warehouse(c, store, "memory", faults.url)
    c.sql("".join(c.create_table_sql("t%d" % i, "memory") for i in range(20)))
    expect(drained(c, "memory"), "the queue drains")
    faults.set("503")
    before = None
    for i in range(15):
        c.sql("".join(c.property_commit_sql("t%d" % n, "k%d" % i, "v" * 2000, "memory") for n in range(20)))
        if i == 5:
            before = resident_kb(c.worker_pid())
    grown = resident_kb(c.worker_pid()) - before
    faults.set("pass")
    expect(grown < 30000, f"grown by {grown} kB")
    expect(drained(c, "memory"), "the files arrive")
    check_files(c, store, "memory", ["t%d" % n for n in range(20)])


def test_no_secret_is_in_the_log(c):
    expect(SECRET not in c.log_text(), "the log has the secret key")
