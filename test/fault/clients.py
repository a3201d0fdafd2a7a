"""Clients that commit appends and note each outcome, and what must be true of these notes afterwards."""
# SPDX-License-Identifier: PostgreSQL
import collections
import itertools
import json
import os
import random
import threading
import time

import host

PAUSE_S = (0.002, 0.012)
LOAD_RETRY_S = 0.05
UNKNOWN_STATUSES = (500, 502, 504)
PASSING_STATUSES = (*UNKNOWN_STATUSES, 503)  # with a key: the same is sent again
KEYED_LIMIT_S = 90
UNKNOWN_TYPE = "CommitStateUnknownException"

snapshot_ids = itertools.count(1_000_000_000_001)


class Notes:
    """What the clients of one round were told. Lists and counters are appended to under the lock."""

    def __init__(self, tables):
        self.lock = threading.Lock()
        self.tables = tables
        self.acknowledged = {table: {} for table in tables}  # snapshot -> answer, None where it has no body
        self.refused = {table: set() for table in tables}
        self.unknown = {table: set() for table in tables}
        self.pairs = []  # [(table, snapshot), ...] of each multi-table commit
        self.answers = []  # bodies that name a metadata-location
        self.unreadable = []  # locations that could not be read when their answer came
        self.errors = collections.Counter()  # (what, status or "connection", type)
        self.acknowledged_count = 0

    def add(self, parts, status, kind, content):
        """Notes one commit; parts are its (table, snapshot)."""
        with self.lock:
            if status in (200, 204):
                self.acknowledged_count += 1
                for table, snapshot in parts:
                    self.acknowledged[table][snapshot] = True
                if status == 200:
                    self.answers.append((parts[0][0], content))
                return
            self.errors["commit", status, kind] += 1
            unknown = status == "connection" or status in UNKNOWN_STATUSES
            for table, snapshot in parts:
                (self.unknown if unknown else self.refused)[table].add(snapshot)

    def look(self, content):
        """Can the file that an answer names be read, now that it is told?"""
        location = json.loads(content)["metadata-location"]
        if not os.path.exists(location[len("file://"):]):
            with self.lock:
                self.unreadable.append(location)

    def add_read_error(self, status, kind):
        with self.lock:
            self.errors["load", status, kind] += 1


def error_type(content):
    try:
        return json.loads(content)["error"]["type"]
    except (ValueError, KeyError, TypeError):
        return "?"


class Writer(threading.Thread):
    """Appends to tables in turn, or to two at once in one transaction, until it is told to stop."""

    def __init__(self, port, notes, stop, together, keyed=False):
        super().__init__(daemon=True)
        self.rest = host.Rest(port)
        self.notes = notes
        self.stop = stop
        self.together = together
        self.keyed = keyed
        self.random = random.Random()
        self.known = {}  # table -> (current snapshot or None, last sequence number)

    def run(self):
        try:
            while not self.stop.is_set():
                count = 2 if self.together else 1
                self.append(self.random.sample(self.notes.tables, count))
                time.sleep(self.random.uniform(*PAUSE_S))
        finally:
            self.rest.close()

    def remember(self, table, content):
        metadata = json.loads(content)["metadata"]
        current = metadata.get("current-snapshot-id")
        self.known[table] = (None if current == -1 else current, metadata["last-sequence-number"])

    def load(self, table):
        """False when told to stop before there was an answer."""
        while not self.stop.is_set():
            try:
                status, content = self.rest.call("GET", host.table_path(table))
            except OSError:
                self.notes.add_read_error("connection", "")
            else:
                if status == 200:
                    self.notes.look(content)
                    with self.notes.lock:
                        self.notes.answers.append((table, content))
                    self.remember(table, content)
                    return True
                self.notes.add_read_error(status, error_type(content))
            time.sleep(LOAD_RETRY_S)
        return False

    def append(self, tables):
        for table in tables:
            if table not in self.known and not self.load(table):
                return
        parts = [(table, next(snapshot_ids)) for table in tables]
        requests = []
        for table, snapshot in parts:
            current, sequence = self.known.pop(table)
            requests.append(host.append_request(snapshot, current, sequence + 1))
        status, content = self.send_keyed(parts, requests) if self.keyed else self.send_once(parts, requests)
        if status == 200:
            self.notes.look(content)
        self.notes.add(parts, status, error_type(content) if status not in (200, 204) else "", content)
        if status == 200:
            self.remember(tables[0], content)

    def send_once(self, parts, requests, headers=()):
        try:
            return self.send(parts, requests, headers)
        except OSError:
            return "connection", b""

    def send_keyed(self, parts, requests):
        """Sends the same with the same key until the answer says what became of it."""
        key = "017f22e2-79b0-7cc3-98c4-%012x" % parts[0][1]
        end = time.monotonic() + KEYED_LIMIT_S
        while True:
            status, content = self.send_once(parts, requests, {"Idempotency-Key": key})
            if (status != "connection" and status not in PASSING_STATUSES) or time.monotonic() > end:
                return status, content
            with self.notes.lock:
                self.notes.errors["repeat", status, error_type(content)] += 1
            time.sleep(LOAD_RETRY_S)

    def send(self, parts, requests, headers):
        if not self.together:
            return self.rest.call("POST", host.table_path(parts[0][0]), requests[0], headers)
        with self.notes.lock:
            if parts not in self.notes.pairs[-100:]:
                self.notes.pairs.append(parts)
        for (table, _), request in zip(parts, requests):
            request["identifier"] = {"namespace": [host.NAMESPACE], "name": table}
        return self.rest.call("POST", "/%s/transactions/commit" % host.WAREHOUSE, {"table-changes": requests}, headers)


class Verdict:
    def __init__(self):
        self.violations = []
        self.landed = 0
        self.not_landed = 0

    def demand(self, condition, text):
        if not condition:
            self.violations.append(text)


def verify(server, notes):
    """Holds the catalog against the notes; the clients have ended and the queue is empty."""
    verdict = Verdict()
    landed = {}
    rest = host.Rest(server.gateway_port)
    for table in notes.tables:
        status, content = rest.call("GET", host.table_path(table))
        verdict.demand(status == 200, "load of %s: %s" % (table, status))
        if status == 200:
            answer = json.loads(content)
            notes.answers.append((table, content))
            landed[table] = verify_lineage(verdict, table, answer["metadata"])
            verify_outcomes(verdict, notes, table, landed[table])
            verify_events(verdict, server, table, len(set(landed[table])))
    rest.close()
    unknown = {part for table in notes.tables for part in ((table, s) for s in notes.unknown[table])}
    verdict.landed = sum(s in landed.get(table, ()) for table, s in unknown)
    verdict.not_landed = len(unknown) - verdict.landed
    for pair in notes.pairs:
        there = [snapshot in landed.get(table, ()) for table, snapshot in pair]
        verdict.demand(len(set(there)) == 1, "transaction landed by halves: %s %s" % (pair, there))
    verify_files(verdict, notes)
    rows = server.sql("SELECT warehouse || ' ' || object || ': ' || problem FROM icecat.check_integrity()")
    verdict.demand(rows == "", "check_integrity: " + rows)
    rows = server.sql("SELECT file FROM icecat.metadata_files WHERE is_queued")
    verdict.demand(rows == "", "still queued: " + rows)
    return verdict


def verify_lineage(verdict, table, metadata):
    """Snapshot ids in order; main must be one line of descent without gaps."""
    snapshots = metadata.get("snapshots", [])
    ids = [s["snapshot-id"] for s in snapshots]
    parents = [s.get("parent-snapshot-id") for s in snapshots]
    verdict.demand([s["sequence-number"] for s in snapshots] == list(range(1, len(snapshots) + 1)),
                   "%s: sequence numbers %s" % (table, [s["sequence-number"] for s in snapshots]))
    verdict.demand(parents == [None, *ids][:len(ids)], "%s: parents are not a line" % table)
    verdict.demand(metadata["last-sequence-number"] == len(ids), "%s: last-sequence-number" % table)
    verdict.demand([entry["snapshot-id"] for entry in metadata.get("snapshot-log", [])] == ids,
                   "%s: snapshot-log is not the line" % table)
    if ids:
        verdict.demand(metadata["refs"]["main"]["snapshot-id"] == ids[-1] == metadata["current-snapshot-id"],
                       "%s: main is not the last snapshot" % table)
    return ids


def verify_outcomes(verdict, notes, table, ids):
    counts = collections.Counter(ids)
    for snapshot in notes.acknowledged[table]:
        verdict.demand(counts[snapshot] == 1, "%s: acknowledged %d is there %d times" % (table, snapshot, counts[snapshot]))
    for snapshot in notes.unknown[table]:
        verdict.demand(counts[snapshot] <= 1, "%s: unknown %d is there %d times" % (table, snapshot, counts[snapshot]))
    for snapshot in notes.refused[table]:
        verdict.demand(counts[snapshot] == 0, "%s: refused %d is there" % (table, snapshot))
    strange = set(ids) - set(notes.acknowledged[table]) - notes.unknown[table] - notes.refused[table]
    verdict.demand(not strange, "%s: nobody sent %s" % (table, strange))


def verify_events(verdict, server, table, commits):
    """One event for the creation and for each commit, numbered."""
    found = server.sql(
        "SELECT count(*), count(DISTINCT version), max(version) FROM icecat.read_events('%s', greatest(0, ("
        "SELECT last_number FROM icecat_data.event_counter LIMIT 1) - 100000), 100000) WHERE name = '%s'"
        % (host.WAREHOUSE, table))
    expected = "|".join([str(commits + 1)] * 3)
    verdict.demand(found == expected, "%s: events (count, versions, last) %s, expected %s" % (table, found, expected))


def verify_files(verdict, notes):
    """Every location that an answer named is a file with what the answer said."""
    seen = {}
    for table, content in notes.answers:
        answer = json.loads(content)
        location = answer["metadata-location"]
        if location in seen:
            verdict.demand(seen[location] == answer["metadata"], "%s: two answers differ" % location)
            continue
        seen[location] = answer["metadata"]
        try:
            with open(location[len("file://"):]) as file:
                verdict.demand(json.load(file) == answer["metadata"],
                               "%s: %s differs from the answer" % (table, os.path.basename(location)))
        except (OSError, ValueError) as error:
            verdict.demand(False, "%s: %s: %s" % (table, location, error))
