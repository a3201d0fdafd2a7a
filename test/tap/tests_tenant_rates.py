"""A tenant's rate over REST: its own requests are refused, and those of others are as quick as before.

SPDX-License-Identifier: PostgreSQL
"""
import threading
import time

import harness
import pytest
from expectations import expect, expect_equal, wait_until
from issuer import Issuer

SET_UP = """
CREATE ROLE users; SELECT icecat.grant_user('users');
CREATE ROLE gate LOGIN NOINHERIT; SELECT icecat.grant_gateway('gate');
CREATE ROLE fast IN ROLE users; CREATE ROLE slow IN ROLE users; GRANT fast, slow TO gate;
SELECT icecat.create_tenant(t, 'file://{files}/' || t), icecat.assign_role(t, r), icecat.grant_tenant(r, 'manage', t)
FROM (VALUES ('greedy', 'fast'::regrole), ('modest', 'slow')) AS v (t, r);
SELECT icecat.create_warehouse(t || '/lake', 'file://{files}/' || t || '/lake') FROM (VALUES ('greedy'), ('modest')) AS v (t);
SELECT icecat.map_principal('test', 'sub', r, r::regrole) FROM (VALUES ('fast'), ('slow')) AS v (r);
"""


def prepare(c):
    c.sql(SET_UP.format(files=c.files))


@pytest.fixture(scope="module", name="served")
def make_served(c, program):
    with Issuer() as issuer, harness.Gateway(program, c.dsn.replace("user=postgres", "user=gate"), c.dir, auth_issuers=f"test={issuer.url}",
                                             auth_audiences="icecat", rate_refresh_s=1, rate_burst_s=1) as gateway:
        tokens = {name: [f"Authorization: Bearer {issuer.token(name)}"] for name in ("fast", "slow")}
        yield gateway, lambda name: gateway.request("GET", "/v1/lake/namespaces", headers=tokens[name])


def took(ask, count=15):
    """The median of some requests."""
    times = []
    for _ in range(count):
        start = time.monotonic()
        expect_equal(ask("slow").status, 200)
        times.append(time.monotonic() - start)
    return sorted(times)[count // 2]


def test_a_change_takes_effect_within_the_bound(c, served):
    _, ask = served
    expect_equal({ask("fast").status for _ in range(30)}, {200}, "no limit")
    c.sql("SELECT icecat.set_tenant_quota('greedy', 'requests_per_second', 5)")
    wait_until(lambda: ask("fast").status == 429, "the limit", 3)
    c.sql("SELECT icecat.set_tenant_quota('greedy', 'requests_per_second', NULL)")
    wait_until(lambda: {ask("fast").status for _ in range(10)} == {200}, "none again", 3)


def test_others_are_not_slowed(c, served):
    gateway, ask = served
    before = took(ask)
    c.sql("SELECT icecat.set_tenant_quota('greedy', 'requests_per_second', 5)")
    wait_until(lambda: ask("fast").status == 429, "the limit", 3)
    over = threading.Event()
    answers = []

    def flood():
        while not over.is_set():
            answers.append(ask("fast").status)

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        during = took(ask)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    refused = answers.count(429)
    expect(refused > answers.count(200), f"most of the flood is refused: {refused} of {len(answers)}")
    expect(during < before * 20 + 0.1, f"the other tenant: {before * 1000:.1f} ms before, {during * 1000:.1f} ms during it")
    expect(gateway.metric("icecat_rate_refused_total") >= refused, "counted")
    c.sql("SELECT icecat.set_tenant_quota('greedy', 'requests_per_second', NULL)")
