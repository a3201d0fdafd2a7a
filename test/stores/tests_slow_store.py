"""A store that takes long to answer holds up nobody who works elsewhere: purges, registrations, commits of other warehouses.

SPDX-License-Identifier: PostgreSQL
"""
import json
import subprocess
import time

import stores
from expectations import expect, expect_equal, wait_until

SETTINGS = ["icecat.secret_key_file = 'secret.keys'"]
QUICK_S = 1.5
SCHEMA = '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}'
SNAPSHOT = ('[{"action":"add-snapshot","snapshot":{"snapshot-id":%d,"sequence-number":%d,"timestamp-ms":%d,"manifest-list":"%s","summary":{"operation":"append"},"schema-id":0}}]')


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; echo 'k1 %s' >secret.keys" % ("5a" * 32)], cwd=c.data, user=c.user, check=True)
    c.make_warehouse("disk")


def make_warehouse(c, store, name, endpoint):
    options = {"endpoint": endpoint, "region": store.region, "allow-private-endpoints": "true", "request-timeout-ms": "30000"}
    c.sql("SELECT icecat.create_storage_profile('%s', 's3://lake/%s', '%s', '%s')" % (
        name, name, json.dumps(options), json.dumps({"access-key-id": store.access_key, "secret-access-key": store.secret_key})))
    c.sql("SELECT icecat.create_warehouse('%s', 's3://lake/%s/w', '{}', '%s'); SELECT icecat.create_namespace('%s', '{ns}')" % (name, name, name, name))


def drained(c, warehouse, seconds):
    return c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task WHERE warehouse_id = (SELECT warehouse_id FROM icecat.warehouses WHERE warehouse = '%s')"
                      % warehouse, "0", seconds=seconds)


def made(c, warehouse, name):
    """A table whose file is there; its metadata location."""
    c.sql("SELECT icecat.create_table('%s', '{ns}', '%s', '%s')" % (warehouse, name, SCHEMA))
    expect(drained(c, warehouse, 30), "the file is written")
    return c.sql("SELECT metadata_location FROM icecat.tables WHERE warehouse = '%s' AND table_name = '%s'" % (warehouse, name))


def timed(action):
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


def waiting_for(faults, c, statement, asked):
    """A session that waits for the store."""
    session = c.spawn(statement)
    wait_until(lambda: len(faults.requests) > asked, "it asks the store", 20)
    return session


def ended(session):
    _, said = session.communicate(timeout=60)
    return session.returncode, said


def test_a_registration_that_waits_for_its_store_keeps_no_file_of_others(c, store, faults):
    make_warehouse(c, store, "late", faults.url)
    make_warehouse(c, store, "near", store.url)
    file = made(c, "late", "t")
    c.sql("SELECT icecat.unregister_table('late', '{ns}', 't')")
    for warehouse in ("disk", "near"):
        made(c, warehouse, "gone")
        made(c, warehouse, "trimmed")
    faults.set("hang")
    session = waiting_for(faults, c, "SELECT icecat.register_table('late', '{ns}', 't', '%s') IS NOT NULL" % file, len(faults.requests))
    for warehouse in ("disk", "near"):
        c.sql("SELECT icecat.drop_table('%s', '{ns}', 'gone', true)" % warehouse)
        expect(drained(c, warehouse, 10), "purged meanwhile, in %s: %s" % (warehouse, c.sql("SELECT kind, last_error FROM icecat_data.metadata_task")))
    expect_equal(session.poll(), None, "the registration waits still")
    faults.set("pass")
    expect_equal(ended(session)[0], 0, "and ends well")


def test_a_purge_that_waits_for_its_store_keeps_no_registration_or_commit_of_others(c, store, faults):
    make_warehouse(c, store, "slow", faults.url)
    made(c, "slow", "gone")
    files = {warehouse: made(c, warehouse, "again") for warehouse in ("disk", "near")}
    for warehouse in files:
        c.sql("SELECT icecat.unregister_table('%s', '{ns}', 'again')" % warehouse)
        made(c, warehouse, "appended")
    beside = made(c, "slow", "beside")
    c.sql("SELECT icecat.adopt_storage()")
    asked = len(faults.requests)
    faults.set("hang")
    c.sql("SELECT icecat.drop_table('slow', '{ns}', 'gone', true)")
    wait_until(lambda: len(faults.requests) > asked, "the purge asks the store", 20)
    for warehouse, file in files.items():
        took = timed(lambda w=warehouse, f=file: c.sql("SELECT icecat.register_table('%s', '{ns}', 'again', '%s') IS NOT NULL" % (w, f)))
        expect(took < QUICK_S, "a registration in %s took %.1f s" % (warehouse, took))
        outside = SNAPSHOT % (1, 1, int(time.time() * 1000), file.rsplit("/", 3)[0] + "/elsewhere/snap.avro")
        took = timed(lambda w=warehouse, o=outside: c.sql("SELECT icecat.commit_table('%s', '{ns}', 'appended', '[]', '%s') IS NOT NULL" % (w, o)))
        expect(took < QUICK_S, "a commit in %s took %.1f s" % (warehouse, took))
    took = timed(lambda: c.sql(c.property_commit_sql("beside", "k", "v", "slow")))
    expect(took < QUICK_S, "a commit in the same store took %.1f s" % took)
    expect(len([r for r in faults.requests[asked:]]) >= 1 and beside, "the purge waits still")
    faults.set("pass")
    expect(drained(c, "slow", 60), "and ends: " + c.sql("SELECT kind, last_error FROM icecat_data.metadata_task"))


def test_who_takes_over_a_file_where_files_are_deleted_waits_for_the_slice(c, store, faults):
    """The guarantee: the lock of a folder is not passed over, from above or from below."""
    make_warehouse(c, store, "kept", faults.url)
    c.sql("SELECT icecat.alter_warehouse('kept', p_updates => '{\"icecat.location-overlap\":\"allow\"}')")
    file = made(c, "kept", "gone")
    made(c, "kept", "other")
    folder = file.rsplit("/", 2)[0]
    asked = len(faults.requests)
    faults.set("hang")
    c.sql("SELECT icecat.drop_table('kept', '{ns}', 'gone', true)")
    wait_until(lambda: len(faults.requests) > asked, "the purge asks the store", 20)
    sessions = [c.spawn("SET icecat.commit_lock_timeout_ms = 60000; SELECT icecat.commit_table('kept', '{ns}', 'other', '[]', '%s') IS NOT NULL"
                        % (SNAPSHOT % (7, 1, int(time.time() * 1000), folder + "/metadata/snap-%d.avro" % n))) for n in range(1)]
    sessions.append(c.spawn("SET icecat.commit_lock_timeout_ms = 60000; SELECT icecat.create_table('kept', '{ns}', 'around', '%s') IS NOT NULL; "
                            "SELECT icecat.commit_table('kept', '{ns}', 'around', '[]', '[{\"action\":\"set-location\",\"location\":\"%s\"}]') IS NOT NULL"
                            % (SCHEMA, folder.rsplit("/", 1)[0])))
    wait_until(lambda: c.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 7395 AND NOT granted") == str(len(sessions)),
               "both wait for the lock", 20)
    said = c.sql("\\set VERBOSITY verbose\nSET icecat.commit_lock_timeout_ms = 100; SELECT icecat.commit_table('kept', '{ns}', 'other', '[]', '%s') IS NOT NULL"
                 % (SNAPSHOT % (8, 1, int(time.time() * 1000), folder + "/data/x.avro")), check=False)
    expect("55P03" in said, said)
    faults.set("pass")
    expect_equal([ended(session)[0] for session in sessions], [0, 0], "they go on after it")


def test_a_strict_commit_that_waits_for_its_store_holds_no_lock(c, store, faults):
    make_warehouse(c, store, "strict", faults.url)
    made(c, "strict", "t")
    c.sql("SELECT icecat.alter_warehouse('strict', p_updates => '{\"icecat.outside-files\":\"strict\"}')")
    place = c.sql("SELECT location FROM icecat.tables WHERE warehouse = 'strict'")
    faults.set("hang")
    session = waiting_for(faults, c, "SELECT icecat.commit_table('strict', '{ns}', 't', '[]', '%s') IS NOT NULL"
                          % (SNAPSHOT % (1, 1, int(time.time() * 1000), place + "/metadata/none.avro")), len(faults.requests))
    took = timed(lambda: c.sql(c.property_commit_sql("t", "k", "v", "strict")))
    expect(took < QUICK_S, "a commit of the same table took %.1f s" % took)
    expect_equal(session.poll(), None, "the other one waits still")
    faults.set("pass")
    status, said = ended(session)
    expect(status != 0 and "none.avro" in said, said)
