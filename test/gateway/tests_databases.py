"""Several databases behind one gateway: which one a request is for, and that none answers for another one.

SPDX-License-Identifier: PostgreSQL
"""
import contextlib
import os
import shutil
import signal
import tempfile
import time

import oauth
import pytest
from environment import Mock
from harness import Gateway, expect, expect_equal, in_background, wait_until
from issuer import Issuer
from tests_auth import T, bearer, load, prepare

RULES = {"acme": "hosts = 'acme.example.com'\npaths = '/t/acme'\nwarehouses = 'acme'\n",
         "beta": "hosts = 'beta.example.com'\npaths = '/t/beta, /t/beta/deep'\nwarehouses = 'beta, b2'\n"}
LOAD = T + "same"


class Other(Mock):
    """One more cluster, in which the same names are other things."""

    def __init__(self, env, name):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix=name + "-", dir=env.root)
        super().__init__(env.pg_config, self.folder)
        self.sql("CREATE ROLE reader; GRANT USAGE ON SCHEMA icecat TO reader;"
                 " GRANT SELECT ON icecat.answer, icecat.version, icecat.file_of TO reader;"
                 f" ALTER DATABASE postgres SET mock.of = '{name}'")


class Pair:
    """What an Environment is to the helpers of other tests, for one of the two further databases."""

    def __init__(self, env, pg):
        self.binary, self.root, self.pg = env.binary, env.root, pg


@pytest.fixture(scope="module", name="others")
def make_others(env):
    found = {}
    try:
        for name in RULES:
            found[name] = Other(env, name)
            prepare(Pair(env, found[name]))
        prepare(env)
        yield found
    finally:
        for pg in found.values():
            pg.stop("immediate")


def write(folder, name, pg, more="", rules=None):
    dsn = pg.dsn.replace("user=tester", "user=gate") if "gate" in more else pg.dsn
    path = os.path.join(folder, name + ".conf")
    with open(path, "w") as file:
        file.write(f"dsn = '{dsn}'\n" + (RULES[name] if rules is None else rules) + more.replace("gate", ""))
    os.chmod(path, 0o600)


@contextlib.contextmanager
def gateway(env, others, more=None, **settings):
    """One in front of the default database and the further ones. more: lines of the files."""
    folder = tempfile.mkdtemp(prefix="databases-", dir=env.root)
    for name, pg in others.items():
        write(folder, name, pg, (more or {}).get(name, ""))
    dsn = env.pg.dsn.replace("user=tester", "user=gate") if any("gate" in text for text in (more or {}).values()) else env.pg.dsn
    with Gateway(env.binary, dsn, env.root, databases_dir=folder, log_repeat_ms=0, **settings) as running:
        running.folder = folder
        wait_until(lambda: ready(running) == len(others), "all databases are ready")
        yield running
    shutil.rmtree(folder, ignore_errors=True)


def ready(running):
    return running.get("/ready").json().get("databases_ready", 0)


def at(host):
    return [f"Host: {host}"]


def request(running, path, host=None, method="GET", body=None, headers=()):
    """One request by a host. The harness adds a Host of its own where there is none."""
    return running.request(method, path, body, [*(at(host) if host else []), *headers])


def note(others, env, name):
    """In how many rows of each database's log the name is."""
    count = f"SELECT count(*) FROM icecat.effect WHERE name = '{name}'"
    return {"": int(env.pg.sql(count)), **{key: int(pg.sql(count)) for key, pg in others.items()}}


def test_host_path_and_warehouse_lead_to_a_database(env, others):
    with gateway(env, others) as running:
        ways = {"": [("", None), ("", "other.example.com"), ("", "acme.example.com.evil.org"), ("", "xacme.example.com")],
                "acme": [("", "acme.example.com"), ("", "ACME.Example.COM:8181"), ("", "acme.example.com."), ("/t/acme", None),
                         ("/t/acme", "acme.example.com")],
                "beta": [("", "beta.example.com"), ("/t/beta", None), ("/t/beta/deep", "other.example.com")]}
        for name, list_ in ways.items():
            for number, (path, host) in enumerate(list_):
                table = f"way_{name or 'default'}_{number}"
                answer = request(running, f"{path}/v1/w/namespaces/n/tables/{table}", host, "POST", {"a": 1})
                expect_equal(answer.status, 200, f"{path} at {host}")
                expected = {key: int(key == name) for key in ("", "acme", "beta")}
                expect_equal(note(others, env, table), expected, f"{path} at {host}")


def test_a_rule_of_one_database_does_not_lead_out_of_another(env, others):
    with gateway(env, others) as running:
        expect_equal(request(running, "/t/beta" + LOAD, "acme.example.com").status, 404, "another's path under a host")
        expect_equal(request(running, "/t/betax" + LOAD).status, 404, "a path that only begins so")
        expect_equal(request(running, "/t/%62eta" + LOAD).status, 404, "an encoded one")
        answer = request(running, "/v1/config?warehouse=beta/lake", "acme.example.com")
        expect_equal(answer.json()["overrides"]["prefix"], "beta/lake", "a warehouse of that name, in the host's own database")
        running.request("POST", "/v1/beta%2Flake/namespaces/n/tables/word_at_host", {"a": 1}, at("acme.example.com"))
        expect_equal(note(others, env, "word_at_host"), {"": 0, "acme": 1, "beta": 0})


def test_config_leads_back_to_the_same_database(env, others):
    with gateway(env, others) as running:
        for word, rest, name in (("acme", "lake", "acme"), ("beta", "lake", "beta"), ("b2", "a/b", "beta")):
            answer = running.get(f"/v1/config?warehouse={word}%2F{rest.replace('/', '%2F')}")
            expect_equal(answer.json()["defaults"]["warehouse"], rest, "the database does not see the word")
            prefix = answer.json()["overrides"]["prefix"]
            expect_equal(prefix, f"{word}%2F{rest}")
            table = f"config_{word}"
            running.request("POST", f"/v1/{prefix.replace('/', '%2F')}/namespaces/n/tables/{table}", {"a": 1})
            expect_equal(note(others, env, table), {key: int(key == name) for key in ("", "acme", "beta")})
            pg = others[name]
            expect_equal(pg.sql(f"SELECT warehouse FROM icecat.effect WHERE name = '{table}'"), rest)
        expect_equal(running.get("/v1/config?warehouse=acmex").json()["overrides"]["prefix"], "acmex", "another word")
        expect_equal(running.get("/v1/config?warehouse=acme").status, 200, "the default warehouse of the database")
        answer = running.get("/v1/acme%2Fla+ke/namespaces/no+name")
        expect_equal(answer.json()["warehouse"] if answer.status == 200 else answer.status, "la+ke", "names are read as before")


def test_an_absolute_target_decides_before_host(env, others):
    with gateway(env, others) as running, running.connect() as client:
        client.send(b"POST http://beta.example.com/v1/w/namespaces/n/tables/absolute HTTP/1.1\r\nHost: acme.example.com\r\n"
                    b"Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}")
        expect_equal(client.answer().status, 200)
        expect_equal(note(others, env, "absolute"), {"": 0, "acme": 0, "beta": 1})


def test_what_a_proxy_says_of_the_host_counts_only_if_it_is_trusted(env, others):
    for trusted, expected in (("", ""), ("127.0.0.1", "acme")):
        with gateway(env, others, trusted_proxies=trusted) as running:
            table = "proxied_" + (expected or "default")
            request(running, T + table, "inner", "POST", {"a": 1}, ["X-Forwarded-Host: acme.example.com"])
            expect_equal(note(others, env, table), {key: int(key == expected) for key in ("", "acme", "beta")})


def test_an_answer_of_one_database_is_not_another_ones(env, others):
    """Same names, same tags: what differs is the database."""
    with gateway(env, others) as running:
        for pg in (env.pg, *others.values()):
            pg.sql("INSERT INTO icecat.version VALUES ('same', 1) ON CONFLICT DO NOTHING")
        for _ in range(3):
            for name, prefix in ((None, ""), ("acme", "/t/acme"), ("beta", "/t/beta")):
                expect_equal(running.get(prefix + LOAD).json()["of"], name)
        expect_equal(running.metric('icecat_cache_loads_total{found="hit"}'), 6.0)


def test_a_lost_database_makes_only_its_own_requests_fail(env, others):
    with gateway(env, others, pool_wait_ms=300, reconnect_delay_max_ms=200) as running:
        others["acme"].stop("immediate")
        try:
            wait_until(lambda: ready(running) == 1, "one is not ready")
            lost = running.get("/t/acme" + LOAD)
            expect_equal(lost.status, 503)
            expect("retry-after" in lost.headers, "Retry-After")
            started = time.monotonic()
            waiting = [in_background(lambda: running.get("/t/acme" + LOAD).status) for _ in range(20)]
            expect_equal([running.get(path + LOAD).status for path in ("", "/t/beta") for _ in range(10)], [200] * 20)
            expect(time.monotonic() - started < 5, "nobody else waits for it")
            expect_equal({answer() for answer in waiting}, {503})
            expect_equal(running.get("/ready").status, 200, "the gateway is ready")
            expect_equal(request(running, "/ready", "acme.example.com").status, 503, "the database is not")
            expect_equal(request(running, "/ready", "beta.example.com").status, 200)
            expect_equal(running.metric('icecat_database_connections_ready_read{database="acme"}'), 0.0)
        finally:
            others["acme"].start()
        wait_until(lambda: running.get("/t/acme" + LOAD).status == 200, "it is back")


def test_a_token_of_one_database_is_worth_nothing_in_another(env, others):
    for number, (_, pg) in enumerate(others.items()):
        pg.sql(f"DELETE FROM icecat.signing_key; INSERT INTO icecat.signing_key VALUES ('key{number}', repeat('a{number}', 32), 0)")
    secrets = {name: oauth.add_client(Pair(env, pg), "ann") for name, pg in others.items()}
    gate = {name: "gate" for name in others}
    with gateway(env, others, gate, oauth_tokens="on", auth_keys_pause_s=1, auth_wait_ms=2500) as running:
        tokens = {}
        for name, secret in secrets.items():
            form = {"grant_type": "client_credentials", "client_id": "ann", "client_secret": secret}
            answer = wait_until(lambda form=form, name=name: good(oauth.send(running, form, path=f"/t/{name}/v1/oauth/tokens")), "a token")
            tokens[name] = answer.json()["access_token"]
            other = "beta" if name == "acme" else "acme"
            expect_equal(oauth.send(running, form, path=f"/t/{other}/v1/oauth/tokens").status, 401, "the secret elsewhere")
            expect_equal(oauth.send(running, form).status, 401, "the secret at the default database")
        for name, token in tokens.items():
            expect_equal(running.request("GET", f"/t/{name}" + LOAD, headers=bearer(token)).status, 200, f"{name}: its own")
        for name, token in tokens.items():
            other = "beta" if name == "acme" else "acme"
            for prefix in ("", f"/t/{other}"):
                expect_equal(running.request("GET", prefix + LOAD, headers=bearer(token)).status, 401, f"the token of {name} at {prefix}")
            expect_equal(running.request("GET", f"/t/{name}" + LOAD, headers=bearer(token)).status, 200, f"{name}: still good")


def test_a_token_is_bound_to_its_database_also_where_the_keys_are_a_copy(env, others):
    """A copy of a database has its keys and clients, too. What differs is what the database says that it is; for a copy of a cluster's
    files, which says the same, the setting oauth_audience."""
    secret = "ics_" + "5a" * 32
    for number, pg in enumerate(others.values()):
        pg.sql(f"DELETE FROM icecat.signing_key; INSERT INTO icecat.signing_key VALUES ('same', repeat('b7', 32), 0);"
               f" UPDATE icecat.token_audience SET audience = 'urn:icecat:copy{number}'")
    for name, pg in others.items():
        oauth.add_client(Pair(env, pg), "ann", secret)
    settings = {"oauth_tokens": "on", "auth_keys_pause_s": 1, "auth_wait_ms": 2500}

    def cross(running, what):
        tokens = {name: wait_until(lambda name=name: good(oauth.send(running, form("ann", secret), path=f"/t/{name}/v1/oauth/tokens")),
                                   "a token").json()["access_token"] for name in others}
        for name, token in tokens.items():
            other = "beta" if name == "acme" else "acme"
            expect_equal(running.request("GET", f"/t/{name}" + LOAD, headers=bearer(token)).status, 200, f"{what}: {name}, its own")
            answer = running.request("GET", f"/t/{other}" + LOAD, headers=bearer(token))
            expect_equal((answer.status, b"not for this catalog" in answer.body), (401, True), f"{what}: the token of {name} at {other}")
            exchange = {"grant_type": oauth.EXCHANGE, "subject_token": token, "subject_token_type": oauth.ACCESS_TOKEN}
            expect_equal(oauth.send(running, exchange, path=f"/t/{other}/v1/oauth/tokens").status, 400, f"{what}: exchanged at {other}")
        return tokens

    with gateway(env, others, {name: "gate" for name in others}, **settings) as running:
        cross(running, "another database")
    for pg in others.values():
        pg.sql("UPDATE icecat.token_audience SET audience = 'urn:icecat:one'")
    more = {name: f"gate\noauth_audience = '{name}'\n" for name in others}
    with gateway(env, others, more, **settings) as running:
        tokens = cross(running, "a copy of the files")
        expect_equal(oauth.claims_of(tokens["acme"])["aud"], "urn:icecat:one:acme")
    with gateway(env, others, {name: "gate" for name in others}, **settings, oauth_audience="elsewhere") as running:
        for name, token in tokens.items():
            expect_equal(running.request("GET", f"/t/{name}" + LOAD, headers=bearer(token)).status, 401, "another setting")


def form(client, secret):
    return {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}


def good(answer):
    return answer if answer.status == 200 else None


def test_a_principal_has_the_role_of_each_database(env, others):
    """The token is remembered, and what it was found to be is not that in the next database."""
    others["acme"].sql("TRUNCATE icecat.mapping; INSERT INTO icecat.mapping VALUES ('ann', 'bob')")
    others["beta"].sql("TRUNCATE icecat.mapping")
    gate = {name: "gate" for name in others}
    with Issuer() as issuer, gateway(env, others, gate, auth_issuers=f"test={issuer.url}", auth_audiences="icecat") as running:
        token = issuer.token("ann")
        for _ in range(2):
            expect_equal(load(running, token).json()["role"], "ann")
            expect_equal(running.request("GET", "/t/acme" + LOAD, headers=bearer(token)).json()["role"], "bob")
            expect_equal(running.request("GET", "/t/beta" + LOAD, headers=bearer(token)).status, 403)


def test_a_database_may_ask_for_an_audience_of_its_own(env, others):
    prepare(Pair(env, others["acme"]))
    prepare(Pair(env, others["beta"]))
    more = {"acme": "gate\nauth_audiences = 'acme-lake'\n", "beta": "gate"}
    with Issuer() as issuer, gateway(env, others, more, auth_issuers=f"test={issuer.url}", auth_audiences="icecat") as running:
        for audience, statuses in (("icecat", (200, 401, 200)), ("acme-lake", (401, 200, 401))):
            token = issuer.token("ann", aud=audience)
            got = tuple(running.request("GET", path + LOAD, headers=bearer(token)).status for path in ("", "/t/acme", "/t/beta"))
            expect_equal(got, statuses, audience)


def test_anonymous_is_only_where_the_file_says_so(env, others):
    more = {"acme": "gate", "beta": "gate\nauth_anonymous = on\n"}
    with gateway(env, others, more, auth_anonymous_role="ann") as running:
        got = [running.get(path + LOAD).status for path in ("", "/t/acme", "/t/beta")]
        expect_equal(got, [200, 401, 200])


def test_maintenance_of_one_database(env, others):
    with gateway(env, others, {"acme": "maintenance = on\n"}) as running:
        change = [running.request("POST", path + T + "maintained", {"a": 1}) for path in ("", "/t/acme", "/t/beta")]
        expect_equal([answer.status for answer in change], [200, 503, 200])
        expect("retry-after" in change[1].headers, "Retry-After")
        expect_equal(running.get("/t/acme" + LOAD).status, 200, "reads go on")
        expect_equal(running.metric('icecat_database_held_off_total{database="acme"}'), 1.0)
        write(running.folder, "acme", others["acme"])
        reload(running)
        expect_equal(running.request("POST", "/t/acme" + T + "maintained", {"a": 1}).status, 200)


def reload(running, kept=False):
    text = "settings kept" if kept else "settings reloaded"
    before = running.log().count(text)
    running.signal(signal.SIGHUP)
    wait_until(lambda: running.log().count(text) > before, text)


def test_sighup_adds_and_removes_databases(env, others):
    with gateway(env, {"acme": others["acme"]}) as running:
        expect_equal(running.get("/t/beta" + LOAD).status, 404)
        write(running.folder, "beta", others["beta"])
        reload(running)
        expect_equal(running.get("/t/beta" + LOAD).status, 200, "added: the request waits for its connection")
        os.unlink(os.path.join(running.folder, "acme.conf"))
        slow = in_background(lambda: running.request("POST", "/t/acme/v1/w/namespaces/n/tables/leaving", {"act": "sleep_1500"}))
        wait_until(lambda: running.metric('icecat_database_requests_in_flight{database="acme"}') == 1, "a call is under way")
        reload(running)
        expect_equal(running.get("/t/acme" + LOAD).status, 404, "removed")
        expect_equal(slow().status, 200, "what was under way is answered")
        wait_until(lambda: others["acme"].sql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'icecat-gateway%'") == "0",
                   "its connections are closed")
        write(running.folder, "acme", others["acme"])
        reload(running)
        expect_equal(running.get("/t/acme" + LOAD).status, 200, "it is back")


def test_another_dsn_is_another_database(env, others):
    with gateway(env, {"acme": others["acme"]}) as running:
        for pg in others.values():
            pg.sql("INSERT INTO icecat.version VALUES ('moved', 1) ON CONFLICT DO NOTHING")
        expect_equal(running.get("/t/acme" + T + "moved").json()["of"], "acme")
        write(running.folder, "acme", others["beta"], rules=RULES["acme"])
        reload(running)
        for _ in range(3):
            expect_equal(running.get("/t/acme" + T + "moved").json()["of"], "beta", "no answer of the database before")


def test_files_that_are_wrong_change_nothing(env, others):
    with gateway(env, others) as running:
        for name, text, word in (("bad", "dsn = ''\nhosts = 'x y/z'\n", "hosts"), ("none", "dsn = ''\n", "no request is for it"),
                                 ("twice", "paths = '/t/acme'\n", "both have"), ("Bad", "hosts = 'x'\n", "small letters"),
                                 ("v", "paths = '/v1/x'\n", "paths"), ("dsn", "dsn = 'port'\nhosts = 'y'\n", "dsn is not")):
            path = os.path.join(running.folder, name + ".conf")
            with open(path, "w") as file:
                file.write(text)
            reload(running, kept=True)
            expect(word in running.log(), f"{name}: {word}")
            expect_equal(running.get("/t/acme" + LOAD).status, 200)
            os.unlink(path)


def test_more_than_databases_max_are_an_error(env, others):
    with gateway(env, others, databases_max=2) as running:
        write(running.folder, "third", others["beta"], rules="hosts = 'third'\n")
        reload(running, kept=True)
        expect("databases_max is 2" in running.log(), "it says so")


def test_without_a_default_database_unknown_requests_are_404(env, others):
    with gateway(env, others, default_database="off") as running:
        expect_equal(running.get(LOAD).status, 404)
        expect_equal(running.get("/t/acme" + LOAD).status, 200)
        expect_equal(running.get("/v1/config?warehouse=acme").status, 404)
        expect_equal(running.get("/ready").status, 200)
        expect_equal(oauth.send(running, {"grant_type": "client_credentials"}).status, 404)


def test_metrics_and_log_name_the_database(env, others):
    with gateway(env, others) as running:
        expect_equal(running.get("/t/acme" + LOAD).status, 200)
        running.get(LOAD)
        expect_equal(running.metric('icecat_database_requests_total{database="acme"}'), 1.0)
        expect_equal(running.metric('icecat_database_requests_total{database="beta"}'), 0.0)
        lines = [line for line in running.log_lines() if line.get("path", "").endswith(LOAD)]
        expect_equal([line.get("database") for line in lines], ["acme", None])
        body = running.get("/ready").json()
        expect_equal((body["databases"], body["databases_ready"]), (2, 2))
        expect("acme" not in str(body), "no names for strangers")


def test_commits_on_tables_of_one_name_do_not_wait_for_each_other(env, others):
    with gateway(env, others) as running:
        with others["acme"].held():
            slow = in_background(lambda: running.request("POST", "/t/acme/v1/w/namespaces/n/tables/gated", {"act": "hold_1"}))
            others["acme"].wait_held(1)
            expect_equal(running.request("POST", "/t/beta/v1/w/namespaces/n/tables/gated", {"a": 1}).status, 200, "it does not wait")
        expect_equal(slow().status, 200)


def test_files_are_announced_by_each_database(env, others):
    """Two databases make the same keys; an announcement in one does not let the other's answers go."""
    with gateway(env, others, metadata_wait_ms=30000) as running:
        for pg in others.values():
            pg.sql("INSERT INTO icecat.queued VALUES ('same-key')")
        wait_until(lambda: '"announced"' in request(running, "/ready", "acme.example.com").body.decode(), "acme listens")
        wait_until(lambda: '"announced"' in request(running, "/ready", "beta.example.com").body.decode(), "beta listens")
        answers = {name: in_background(lambda name=name: timed(running, f"/t/{name}")) for name in others}
        wait_until(lambda: running.metric("icecat_metadata_waiting") == 2, "both wait")
        others["acme"].sql("DELETE FROM icecat.queued; NOTIFY icecat_files, 'same-key'")
        expect(answers["acme"]() < 15, "announced")
        time.sleep(0.5)
        expect_equal(running.metric("icecat_metadata_waiting"), 1.0, "the other one still waits")
        others["beta"].sql("DELETE FROM icecat.queued; NOTIFY icecat_files, 'same-key'")
        answers["beta"]()


def timed(running, prefix):
    started = time.monotonic()
    expect_equal(running.request("POST", prefix + T + "waits", {"act": "wait_same-key"}).status, 200)
    return time.monotonic() - started
