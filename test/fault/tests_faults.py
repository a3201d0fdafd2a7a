"""Rounds of each kind of fault: nothing that was acknowledged is lost, nothing comes twice. See faults.py."""
# SPDX-License-Identifier: PostgreSQL
import collections
import os
import time

import faults
import proxy
import pytest
from expectations import Failure, expect_equal

SETTINGS = ["icecat.dropped_retention_s = 1"]
VIOLATIONS_SHOWN = 8


def pytest_generate_tests(metafunc):
    """A test for each round, those of one kind one after the other."""
    if "number" in metafunc.fixturenames:
        option = metafunc.config.getoption
        rounds = [(kind, number) for kind in option("kinds").split() or faults.KINDS for number in range(option("rounds"))
                  if kind in faults.KINDS]
        metafunc.parametrize("kind, number", rounds, ids=["%s-%d" % one for one in rounds])


def prepare(server):
    server.proxy = proxy.Proxy(os.path.join(server.dir, ".s.PGSQL.5432"))


class Sums:
    """What came of the rounds of one kind, for a line of figures."""

    def __init__(self):
        self.kind, self.rounds, self.counts, self.errors, self.began = None, 0, collections.Counter(), collections.Counter(), 0

    def begin(self, kind):
        if kind != self.kind:
            self.show()
            self.__init__()
            self.kind, self.began = kind, time.monotonic()

    def add(self, notes, verdict):
        self.rounds += 1
        self.counts.update({"acknowledged": notes.acknowledged_count, "landed": verdict.landed, "not": verdict.not_landed,
                            "violations": len(verdict.violations), "unreadable": len(notes.unreadable), "given up": max(0, notes.given_up)})
        self.errors.update(notes.errors)

    def show(self):
        if self.rounds == 0:
            return
        counts = self.counts
        print("\n%-16s %3d rounds %6d acknowledged %5d unknown-landed %5d unknown-not %3d violations %5.0f s" % (
            self.kind, self.rounds, counts["acknowledged"], counts["landed"], counts["not"], counts["violations"], time.monotonic() - self.began))
        print("    files not there when they were named: %d; answers that gave up waiting: %d" % (counts["unreadable"], counts["given up"]))
        print("    " + (", ".join("%s %s %s: %d" % (*error, count) for error, count in sorted(self.errors.items(), key=str)) or "no errors"),
              flush=True)


@pytest.fixture(scope="module", name="sums")
def made_sums(server):
    sums = Sums()
    yield sums
    sums.show()
    print("cuts: " + ", ".join("%s %d" % cut for cut in server.proxy.cuts.items()))


def test_round(server, sums, keyed, kind, number):
    if kind == "fsync" and not server.has_shim:
        pytest.skip("no compiler for the shim")
    sums.begin(kind)
    faults.point_gateway(server, kind)
    notes, verdict = faults.run_round(server, kind, number, keyed)
    sums.add(notes, verdict)
    if verdict.violations:
        raise Failure("\n".join(text[:600] for text in verdict.violations[:VIOLATIONS_SHOWN]))


def test_the_counting_sees_what_it_must(server, keyed):
    """A round without a fault passes; each planted fault is found."""
    if keyed:
        pytest.skip("as without keys")
    faults.point_gateway(server, "none")
    notes, broken = faults.run_clients(server, "none", -1)
    verdict = faults.clients.verify(server, notes)
    expect_equal((broken, verdict.violations, notes.acknowledged_count > 0), ([], [], True), "nothing planted")
    missed = []
    for name, plant, word in faults.plants(server, notes):
        plant()
        server.stop_gateway()       # which keeps answers by their tag: rows changed by hand have the same one
        server.restart_gateway()
        if not server.wait_healthy():
            raise Failure("the gateway does not get ready")
        if not any(word in text for text in faults.clients.verify(server, notes).violations):
            missed.append(name)
    expect_equal(missed, [], "planted faults that were not found")
