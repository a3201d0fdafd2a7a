"""Tokens of our own before a streaming standby, and in maintenance mode: a client whose refresh fails once is lost to some engines.

SPDX-License-Identifier: PostgreSQL
"""
import harness
import oauth
import pytest
from expectations import expect, expect_equal, wait_until
from tests_standby import Standby, caught_up

SETTINGS = ["max_worker_processes = 8"]
LIST = "/v1/w/namespaces"
SET_UP = """
CREATE ROLE writers; SELECT icecat.grant_writer('writers');
CREATE ROLE gate LOGIN NOINHERIT; SELECT icecat.grant_gateway('gate'); GRANT writers TO gate;
"""


def prepare(c):
    c.make_warehouse("w")
    c.sql(SET_UP)


class World:
    def __init__(self, c, program):
        self.c, self.standby, self.primary, self.replica = c, None, None, None
        self.program = program

    def start(self):
        c, program = self.c, self.program
        self.secret = c.sql("SELECT client_secret FROM icecat.create_client('airflow', 'writers')")
        self.key = c.sql("SELECT api_key FROM icecat.create_api_key('nightly', 'writers', '90 days')")
        self.primary = self.gateway(program, c)
        oauth.ready(self.primary, "airflow", self.secret)       # makes the first signing key
        self.standby = Standby(c)
        caught_up(c, self.standby)
        self.replica = self.gateway(program, self.standby, ready_without_writes="on")

    @staticmethod
    def gateway(program, cluster, **settings):
        return harness.Gateway(program, cluster.dsn.replace("user=postgres", "user=gate"), cluster.dir, oauth_tokens="on", auth_api_keys="on",
                               auth_keys_pause_s=1, auth_cache_s=1, **settings)

    def close(self):
        for gateway in (self.primary, self.replica):
            if gateway is not None:
                gateway.stop()
        if self.standby is not None:
            self.standby.run("pg_ctl", "-D", self.standby.data, "-m", "immediate", "-w", "stop", check=False)


@pytest.fixture(scope="module", name="world")
def make_world(c, program):
    world = World(c, program)
    try:
        world.start()
        yield world
    finally:
        world.close()


def lists(gateway, token):
    return gateway.request("GET", LIST, headers=[f"Authorization: Bearer {token}"]).status


def refresh(gateway, token):
    answer = oauth.send(gateway, {"grant_type": "refresh_token", "refresh_token": token})
    expect_equal(answer.status, 200, f"{answer.body[:200]}")
    return answer.json()


def test_a_client_logs_in_and_goes_on_before_a_standby(world):
    answer = oauth.login(world.replica, "airflow", world.secret, scope="catalog offline_access")
    token = oauth.token_of(answer)
    expect_equal(lists(world.replica, token), 200)
    for _ in range(3):
        token = oauth.token_of(oauth.exchange(world.replica, token))
        expect_equal(lists(world.replica, token), 200, "an exchanged one")
    more = refresh(world.replica, answer.json()["refresh_token"])
    expect_equal(lists(world.replica, more["access_token"]), 200, "a refreshed one")
    expect_equal(lists(world.replica, world.key), 200, "an API key")
    expect_equal(oauth.login(world.replica, "airflow", "ics_" + "0" * 64).status, 401, "a wrong secret")


def test_tokens_are_those_of_the_primary(world):
    there = oauth.token_of(oauth.login(world.primary, "airflow", world.secret))
    here = oauth.token_of(oauth.login(world.replica, "airflow", world.secret))
    expect_equal((lists(world.replica, there), lists(world.primary, here)), (200, 200))
    world.c.sql("SELECT * FROM icecat.rotate_signing_key('0')")
    caught_up(world.c, world.standby)
    expect(wait_until(lambda: lists(world.replica, here) == 401, "tokens of a key that became known end before the standby, too"), "")
    token = wait_until(lambda: (a := oauth.login(world.replica, "airflow", world.secret)).status == 200 and a.json()["access_token"], "the new key")
    expect_equal(lists(world.replica, token), 200)
    expect(wait_until(lambda: lists(world.primary, token) == 200, "and the primary knows it"), "")


def test_maintenance_mode_ends_no_session(world, program):
    answer = oauth.login(world.primary, "airflow", world.secret, scope="offline_access")
    token, more = oauth.token_of(answer), answer.json()["refresh_token"]
    world.c.sql("SELECT icecat.set_maintenance('w', true)")
    with World.gateway(program, world.c, maintenance="on") as gateway:
        expect(wait_until(lambda: oauth.login(gateway, "airflow", world.secret).status == 200, "a log-in"), "")
        expect_equal(lists(gateway, oauth.token_of(oauth.exchange(gateway, token))), 200, "an exchange")
        expect_equal(lists(gateway, refresh(gateway, more)["access_token"]), 200, "a refresh")
        change = gateway.request("POST", LIST, {"namespace": ["x"]}, [f"Authorization: Bearer {token}"])
        expect_equal(change.status, 503, "a change")
    world.c.sql("SELECT icecat.set_maintenance('w', false)")


def test_the_primary_is_gone(world):
    answer = oauth.login(world.replica, "airflow", world.secret, scope="offline_access")
    token, more = oauth.token_of(answer), answer.json()["refresh_token"]
    world.c.stop("immediate")
    for _ in range(3):
        token = oauth.token_of(oauth.exchange(world.replica, token))
        more = refresh(world.replica, more)["refresh_token"] if "refresh_token" in refresh(world.replica, more) else more
        expect_equal(lists(world.replica, token), 200)
    expect_equal(oauth.login(world.replica, "airflow", world.secret).status, 200)
    log = world.replica.log()
    expect("does not tell" not in log and "was not told" not in log, "nothing failed in silence", log[-2000:])
