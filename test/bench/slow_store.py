"""The experiment of test/bench/slow_store, against the database of PG*.

The store is a process of its own: it keeps objects in memory, takes its time for a PUT, however many are under way, and notes when each
metadata file was there, and how much later than the "last-updated-ms" in it. It looks at no signature.
"""
# SPDX-License-Identifier: PostgreSQL
import argparse
import asyncio
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from session import Session  # noqa: E402  # pylint: disable=wrong-import-position

ROW = "{:<34} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9} {:>10} {:>9}"
LONGEST_S = 300
UPDATED = re.compile(rb'"last-updated-ms":(\d+)')
SCHEMA = '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}'
COMMIT = ("\\set n random(1, 1000000000)\nSELECT icecat.commit_table('{warehouse}', '{{b}}', 't' || :client_id, '[]', "
          "('[{{\"action\":\"set-properties\",\"updates\":{{\"n\":\"' || :n || '\"}}}}]')::json) IS NOT NULL;\n")


# -- the store -------------------------------------------------------------------------------------------------

class Store:
    def __init__(self, put_s):
        self.put_s = put_s
        self.objects = {}
        self.lags = []
        self.under_way = self.most = 0

    async def answer(self, method, path, body):
        """Status and body of the answer."""
        name = urllib.parse.unquote(path.partition("?")[0])
        if path == "/stats":
            reply = json.dumps({"lags": self.lags, "most": self.most, "files": len(self.lags)}).encode()
            self.lags, self.most = [], 0
            return "200 OK", reply
        if method == "PUT":
            return await self.put(name, body)
        if method == "GET" and "list-type=2" in path:
            return "200 OK", b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
        if method == "DELETE" or (method == "POST" and path.partition("?")[2].startswith("delete")):
            for key in [name] if method == "DELETE" else re.findall(r"<Key>(.*?)</Key>", body.decode()):
                self.objects.pop(key if method == "DELETE" else f"{name.rstrip('/')}/{key}", None)
            return "200 OK", b"<DeleteResult></DeleteResult>"
        if method in ("GET", "HEAD") and name in self.objects:
            return "200 OK", self.objects[name]
        return "404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>"

    async def put(self, name, body):
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(self.put_s)
        self.under_way -= 1
        if name in self.objects:
            return "412 Precondition Failed", b"<Error><Code>PreconditionFailed</Code></Error>"
        self.objects[name] = body
        if name.endswith(".metadata.json"):
            self.lags.append(time.time() * 1000 - int(UPDATED.search(body)[1]))
        return "200 OK", b""

    async def serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                method, path, _ = lines[0].split(" ")
                fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
                if fields.get("expect") == "100-continue":
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                status, reply = await self.answer(method, path, body)
                writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\nETag: \"x\"\r\n\r\n" % (status.encode(), len(reply)))
                if method != "HEAD":
                    writer.write(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def run_store(put_s, pipe):
    async def main():
        server = await asyncio.start_server(Store(put_s).serve, "127.0.0.1", 0, limit=1 << 20, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()
    asyncio.run(main())


def stats(port):
    import http.client
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/stats")
    try:
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


# -- the writers -----------------------------------------------------------------------------------------------

def make(session, warehouse, mode, writers):
    session.ask("SELECT icecat.create_warehouse('%s', 's3://lake/base/%s', '{\"icecat.metadata-write-mode\": \"%s\"}', 'slow');"
                % (warehouse, warehouse, mode))
    session.ask("SELECT icecat.create_namespace('%s', '{b}');" % warehouse)
    for i in range(writers):
        session.ask("SELECT icecat.create_table('%s', '{b}', 't%d', '%s') IS NOT NULL;" % (warehouse, i, SCHEMA))


def commit(options, warehouse):
    """Runs the writers: (commits/s, commits, p50 and p99 of a commit in ms)."""
    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(folder, "commit.sql")
        with open(script, "w") as file:
            file.write(COMMIT.format(warehouse=warehouse))
        done = subprocess.run([options.pgbench, "-n", "-f", script, "-c", str(options.writers), "-j", "2", "-T", str(options.seconds), "-l",
                               "--log-prefix", os.path.join(folder, "log"), "-M", "simple"], text=True, stdout=subprocess.PIPE, check=True)
        times = sorted(int(line.split()[2]) / 1000 for name in os.listdir(folder) if name.startswith("log")
                       for line in open(os.path.join(folder, name)))
    return float(re.search(r"tps = ([\d.]+)", done.stdout)[1]), len(times), times[len(times) // 2], times[len(times) * 99 // 100]


def drain(session, warehouse):
    """Until nothing is queued: seconds."""
    begin = time.monotonic()
    while time.monotonic() - begin < LONGEST_S:
        if session.ask("SELECT count(*) FROM icecat_data.metadata_task WHERE warehouse_id = (SELECT warehouse_id FROM icecat.warehouses "
                       "WHERE warehouse = '%s');" % warehouse) == "0":
            break
        time.sleep(0.05)
    return time.monotonic() - begin


def show(name, rate, p50, p99, lags, most, queue):
    lags = sorted(lags)
    print(ROW.format(name, "%.0f" % rate, "%.1f" % p50, "%.1f" % p99, *(
        ("%.0f" % lags[len(lags) // 2], "%.0f" % lags[len(lags) * 99 // 100], str(most), "%.2f" % queue, str(len(lags))) if lags else ("-",) * 5)), flush=True)


def run_async(session, options, port, warehouse, requests):
    session.ask("ALTER SYSTEM SET icecat.store_requests_max = %d;" % requests)
    session.ask("SELECT pg_reload_conf();")
    make(session, warehouse, "async", options.writers)
    drain(session, warehouse)
    stats(port)
    rate, commits, p50, p99 = commit(options, warehouse)
    queue = drain(session, warehouse)
    seen = stats(port)
    show("async, %d requests at once" % requests, rate, p50, p99, seen["lags"], seen["most"], queue)
    return p50, commits - seen["files"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--psql", default="psql")
    parser.add_argument("--pgbench", default="pgbench")
    parser.add_argument("--writers", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--put-ms", type=int, default=100)
    parser.add_argument("--requests", type=int, nargs="+", default=[100])
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    store = multiprocessing.Process(target=run_store, args=(options.put_ms / 1000, there), daemon=True)
    store.start()
    port = here.recv()
    session = Session(options.psql)
    session.ask("SELECT icecat.create_storage_profile('slow', 's3://lake/base', '{\"endpoint\": \"http://127.0.0.1:%d\", \"region\": \"us-east-1\", "
                "\"allow-private-endpoints\": \"true\"}', '{\"access-key-id\": \"bench\", \"secret-access-key\": \"bench\"}');" % port)
    print("%d writers on %d tables, %d s, a PUT takes %d ms" % (options.writers, options.writers, options.seconds, options.put_ms))
    print(ROW.format("mode", "commits/s", "p50 ms", "p99 ms", "lag p50", "lag p99", "at once", "queue s", "files"))
    make(session, "none", "none", options.writers)
    rate, _, least, p99 = commit(options, "none")
    show("none", rate, least, p99, [], 0, 0)
    failed = 0
    for requests in options.requests:
        p50, missing = run_async(session, options, port, "async%d" % requests, requests)
        failed += missing != 0 or (p50 > least * 5 and p50 > least + 50)
        if missing:
            print("%d files are missing" % missing)
    store.terminate()
    print("%d passed, %d failed" % (len(options.requests) - failed, failed))
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
