"""What the tests of users' asks share.

SPDX-License-Identifier: PostgreSQL
"""

import concurrent.futures
import contextlib
import threading
import time
import uuid

import icecat_client as client
import world

SCHEMA = world.SCHEMA


def in_parallel(count, work):
    """work(0) … work(count - 1) at the same moment; results in that order."""
    barrier = threading.Barrier(count)

    def one(i):
        barrier.wait()
        return work(i)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def new_key():
    """A UUID of version 7."""
    value = int(time.time() * 1000) << 80 | uuid.uuid4().int & ((1 << 80) - 1)
    value = value & ~(0xF << 76) | 0x7 << 76
    return str(uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62))


def snapshot(number, sequence=None, parent=None):
    """An add-snapshot update."""
    made = {"snapshot-id": number, "sequence-number": sequence or number, "timestamp-ms": int(time.time() * 1000),
            "manifest-list": f"file:///nowhere/{number}.avro", "summary": {"operation": "append"}, "schema-id": 0}
    if parent is not None:
        made["parent-snapshot-id"] = parent
    return {"action": "add-snapshot", "snapshot": made}


def ref(number, name="main"):
    return {"action": "set-snapshot-ref", "ref-name": name, "type": "branch", "snapshot-id": number}


def expects(number, name="main"):
    """The requirement that a branch is at a snapshot; None: that there is none."""
    return {"type": "assert-ref-snapshot-id", "ref": name, "snapshot-id": number}


def properties(**values):
    return {"action": "set-properties", "updates": values}


def error(answer):
    return answer.status_code, answer.json()["error"]["type"]


class Space:
    """A namespace, and plain requests in it."""

    def __init__(self, warehouse=client.WAREHOUSE):
        self.api = world.Api(client.URL, warehouse)
        self.name = client.unique("ask")

    def __enter__(self):
        made = self.api.call("POST", "/{prefix}/namespaces", {"namespace": [self.name]})
        assert made.status_code == 200, made.text
        return self

    def __exit__(self, *unused):
        with contextlib.suppress(Exception):
            client.remove_namespace(client.connect(warehouse=self.api.prefix), (self.name,))

    def path(self, table=None, kind="tables"):
        base = f"/{{prefix}}/namespaces/{self.name}/{kind}"
        return base if table is None else f"{base}/{client.quote(table)}"

    def create(self, table="t", **more):
        made = self.api.call("POST", self.path(), {"name": table, "schema": SCHEMA, **more})
        assert made.status_code == 200, made.text
        return made.json()

    def load(self, table="t", query="", **options):
        return self.api.call("GET", self.path(table) + query, **options)

    def metadata(self, table="t"):
        return self.load(table).json()["metadata"]

    def commit(self, table="t", updates=(), requirements=(), **options):
        return self.api.call("POST", self.path(table), {"requirements": list(requirements), "updates": list(updates)}, **options)

    def change(self, table, updates=(), requirements=()):
        """One change of a transaction."""
        return {"identifier": {"namespace": [self.name], "name": table}, "requirements": list(requirements),
                "updates": list(updates)}

    def transaction(self, changes, **options):
        return self.api.call("POST", "/{prefix}/transactions/commit", {"table-changes": changes}, **options)

    def other(self):
        """The same namespace through a connection of its own, for another thread."""
        copy = Space(self.api.prefix)
        copy.name = self.name
        return copy


@contextlib.contextmanager
def own_warehouse(**more):
    name = client.unique("ask")
    mode = ", ".join(f'"{k}": "{v}"' for k, v in {"icecat.metadata-write-mode": "none", **more}.items())
    world.sql(f"SELECT icecat.create_warehouse('{name}', 's3://nowhere/{name}', '{{{mode}}}')")
    with Space(name) as made:
        try:
            yield made
        finally:    # by SQL: there may be ten thousand tables
            world.sql(f"DO $$ BEGIN PERFORM icecat.drop_table(warehouse, namespace, table_name) FROM icecat.tables "
                      f"WHERE warehouse = '{name}'; END $$")
