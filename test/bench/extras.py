"""What the benchmark measures besides its table: commits on a slow object store, reads beside many writers of one table, more commits than can be done."""
# SPDX-License-Identifier: PostgreSQL
import argparse
import multiprocessing
import resource
import time

from loads import Drive, drive, pgbench
from rows import ROTATE
from servers import cpu_ns
import slow_store as slow

OVERLOAD = 4            # times the peak
OVERLOAD_CLIENTS = 2000
QUEUED = 1024           # calls that the gateway lets wait (pool_queue_max): they must be there before anybody is turned away
OVERLOAD_S_MAX = 60


def measure(bench):
    """Prints what it finds; returns it by name."""
    return {"slow store": slow_store(bench), "reads beside writers": beside_writers(bench), "overload": overload(bench)}


# -- a store that takes its time -----------------------------------------------------------------------------------

def make_slow_warehouse(bench, port):
    ask = bench.session.ask
    ask("SELECT icecat.create_storage_profile('slow', 's3://lake/base', '{\"endpoint\": \"http://127.0.0.1:%d\", \"region\": \"us-east-1\", "
        "\"allow-private-endpoints\": \"true\"}', '{\"access-key-id\": \"bench\", \"secret-access-key\": \"bench\"}');" % port)
    ask("SELECT icecat.create_warehouse('slow', 's3://lake/base/slow', '{\"icecat.metadata-write-mode\": \"none\"}', 'slow');")
    ask("SELECT icecat.create_namespace('slow', '{bench}') IS NOT NULL;")
    ask("SELECT icecat.adopt_storage();")       # it is the first file of a store that marks it, and in mode none there is none
    ask("SELECT count(pg_temp.make_table('slow', 't' || i, 1, 's3://lake/base/slow/t' || i)) FROM generate_series(0, %d) AS i;" % (bench.options.writers - 1))


def set_mode(bench, warehouse, mode):
    bench.session.ask("SELECT icecat.alter_warehouse('%s', p_updates => '{\"icecat.metadata-write-mode\": \"%s\"}') IS NOT NULL;" % (warehouse, mode))


def slow_store(bench):
    """Commits to a table each, where a file is there only after put_ms: over HTTP, where the answer waits for the file, and in SQL, where it does not; each
    beside the same without files."""
    options = bench.options
    here, there = multiprocessing.Pipe()
    store = multiprocessing.Process(target=slow.run_store, args=(options.put_ms / 1000, there), daemon=True)
    store.start()
    port = here.recv()
    make_slow_warehouse(bench, port)
    try:
        return {"http": slow_over_http(bench, port, store.pid), "sql": slow_in_sql(bench, port)}
    finally:
        store.terminate()
        store.join()


def appends(bench):
    """Of all writers; exactly what is acknowledged must be there. queue_s: from the last answer until no file is queued."""
    options, servers = bench.options, bench.servers

    def run():
        found = drive(options, kind="append", warehouse="slow", clients=options.writers, seconds=2 * options.seconds, tag=bench.next_tag())
        begin = time.monotonic()
        servers.drain()
        found["queue_s"] = time.monotonic() - begin
        return found
    versions = servers.versions("slow")
    found = servers.around(run)
    if servers.versions("slow") - versions != found["landed"]:
        found["failed"] = "not all that was acknowledged is there"
    return found


def add_lags(found, seen, commits):
    """How late files were, as the store saw it; each commit has one."""
    lags = sorted(seen["lags"])
    if len(lags) != commits and "failed" not in found:
        found["failed"] = "%d commits, %d files" % (commits, len(lags))
    found["lag_p50_ms"], found["lag_p99_ms"] = (lags[len(lags) // 2], lags[len(lags) * 99 // 100]) if lags else (0, 0)
    found["at_once"] = seen["most"]


def slow_over_http(bench, port, store_pid):
    options = bench.options
    baseline = pgbench(options, "plain_call", {}, True)
    none = appends(bench)
    set_mode(bench, "slow", "async")
    slow.stats(port)
    store_before = cpu_ns(store_pid)
    found = appends(bench)
    found["store_cpu_ms"] = (cpu_ns(store_pid) - store_before) / 1e6 / max(1, found["landed"])
    add_lags(found, slow.stats(port), found["landed"])
    found["ratio"], found["to_none"] = found["rate"] / baseline["rate"], found["rate"] / max(none["rate"], 1e-9)
    bench.note("slow store", found)
    bench.note("slow store, mode none", none)
    print("append, %d writers, a PUT takes %d ms: %.0f/s, p50 %.0f ms, p99 %.0f ms, ratio %.2f; CPU gateway %.3f, backends %.3f, worker %.3f, the store %.3f" % (
        options.writers, options.put_ms, found["rate"], found["p50_ms"], found["p99_ms"], found["ratio"], found["cpu_ms"]["gateway"],
        found["cpu_ms"]["backends"], found["cpu_ms"]["worker"], found["store_cpu_ms"]))
    show_slow("    over HTTP", found, none["rate"])
    return found


def show_slow(name, found, none):
    print("%s: %.0f commits/s, %.0f in mode none (%.2f); files are late by p50 %.0f ms, p99 %.0f ms; the queue ends %.2f s after the last commit; %d PUTs at once" % (
        name, found["rate"], none, found["to_none"], found["lag_p50_ms"], found["lag_p99_ms"], found["queue_s"], found["at_once"]), flush=True)


def slow_in_sql(bench, port):
    """Properties of a table each, by pgbench."""
    session = bench.session
    options = argparse.Namespace(pgbench=bench.options.pgbench, writers=bench.options.writers, seconds=max(1, round(2 * bench.options.seconds)))
    rates = {}
    for mode in ("none", "async"):
        warehouse = "slow_sql_" + mode
        slow.make(session, warehouse, mode, options.writers)
        slow.drain(session, warehouse)
        slow.stats(port)
        rates[mode], commits, p50, p99 = slow.commit(options, warehouse)
        queue_s = slow.drain(session, warehouse)
    found = {"rate": rates["async"], "to_none": rates["async"] / rates["none"], "p50_ms": p50, "p99_ms": p99, "queue_s": queue_s, "landed": commits}
    add_lags(found, slow.stats(port), commits)
    bench.note("slow store in SQL", found)
    show_slow("    in SQL", found, rates["none"])
    return found


# -- reads beside many writers of one table ------------------------------------------------------------------------

def reads(options):
    return drive(options, kind="get", path="/v1/read/namespaces/bench/tables/t{}", tables=options.clients * ROTATE, expect='"metadata-location"')


def beside_writers(bench):
    """Loads alone, and beside writers who all append to one other table."""
    options = bench.options
    bench.make("demo", 1, name="one")
    bench.servers.drain()
    alone = reads(options)
    writers = Drive(options, kind="append", shared="one", clients=options.writers, seconds=options.seconds + 1, tag=bench.next_tag())
    beside = reads(options)
    wrote = writers.result()
    for name, found in (("reads alone", alone), ("reads beside writers", beside), ("writers beside reads", wrote)):
        bench.note(name, found)
    print("loads alone: %.0f/s, p99 %.1f ms; beside %d writers of one other table: %.0f/s, p99 %.1f ms, and %.0f appends/s, %.1f refusals each" % (
        alone["rate"], alone["p99_ms"], options.writers, beside["rate"], beside["p99_ms"], wrote["rate"], wrote["refused"] / max(1, wrote["landed"])), flush=True)
    return {"alone": alone, "beside": beside, "writers": wrote}


# -- more than can be done -----------------------------------------------------------------------------------------

def overload(bench):
    """Property commits on any of many tables: the most that clients get who wait for their answers; then so many times more begin in each second."""
    options = bench.options
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < OVERLOAD_CLIENTS + 100:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, OVERLOAD_CLIENTS * 2), hard))
    peak = 0.0
    for clients in (options.clients, options.writers, 4 * options.writers):
        found = drive(options, kind="property", warehouse="many", clients=clients, rotate=max(1, options.listed // clients), tag=bench.next_tag())
        bench.note("peak", found)
        peak = max(peak, found["rate"])
    bench.servers.drain()
    before = bench.servers.versions("many")
    filled_s = QUEUED / ((OVERLOAD - 1) * max(peak, 1)) if options.rounds > 1 else 0
    found = drive(options, kind="property", warehouse="many", clients=OVERLOAD_CLIENTS, tables=options.listed, rate=OVERLOAD * peak,
                  seconds=min(OVERLOAD_S_MAX, 2 * options.seconds + 2 * filled_s), tag=bench.next_tag())
    bench.servers.drain()
    if bench.servers.versions("many") - before != found["landed"]:
        found["failed"] = "not all that was acknowledged is there"
    bench.note("overload", found)
    found["peak"], found["goodput"] = peak, found["rate"] / peak if peak else 0
    print("overload: peak %.0f commits/s; at %d times that %.0f/s (%.2f of the peak), p99 %.0f ms; %d turned away with Retry-After, %d without, %d had no client" % (
        peak, OVERLOAD, found["rate"], found["goodput"], found["p99_ms"], found["turned_away"], found["bare"], found["late"]), flush=True)
    return found
