"""Tokens of Kubernetes service accounts: an issuer with a certificate of its cluster, which tells its keys to who shows a token.

SPDX-License-Identifier: PostgreSQL
"""
import os

import pytest
from harness import Gateway, expect, expect_equal, wait_until
from issuer import Issuer, Key, certificate
from tests_auth import expect_challenge, load, prepare
from tests_tls import check_config

CLUSTER = "https://kubernetes.default.svc.cluster.local"
ACCOUNT = "system:serviceaccount:data:airflow"


class Cluster(Issuer):
    """Its API server, as far as tokens go."""

    def __init__(self, folder):
        os.makedirs(folder)
        self.ca_file = certificate(folder)
        super().__init__("cluster", self.ca_file)
        self.address, self.url = self.url, CLUSTER
        self.token_file = os.path.join(folder, "token")
        self.show("first")

    def show(self, token):
        """The token that the gateway's pod has from now on."""
        with open(self.token_file + ".new", "w", encoding="ascii") as file:
            file.write(token + "\n")
        os.rename(self.token_file + ".new", self.token_file)
        self.bearer = token

    def settings(self):
        return {"auth_issuers": f"k8s={CLUSTER}", "auth_audiences": "icecat", "auth_keys_pause_s": 1,
                "auth_issuer_keys_urls": f"k8s={self.address}/openid/v1/jwks", "auth_issuer_ca_files": f"k8s={self.ca_file}",
                "auth_issuer_token_files": f"k8s={self.token_file}"}

    def account(self, **changes):
        claims = {"aud": [ "icecat" ], "jti": "ea28ed49", "kubernetes.io": {
            "namespace": "data", "node": {"name": "n1", "uid": "58456cb0"}, "pod": {"name": "airflow-0", "uid": "5e0bd49b"},
            "serviceaccount": {"name": "airflow", "uid": "14ee3fa4"}, "warnafter": 1700003607}, "nbf": 1700000000, **changes}
        return self.token(ACCOUNT, **claims)


@pytest.fixture
def cluster(env):
    folder = os.path.join(env.root, f"cluster{len(os.listdir(env.root))}")
    with Cluster(folder) as one:
        yield one


def own(env, cluster, **settings):
    prepare(env)
    env.pg.sql(f"INSERT INTO icecat.mapping VALUES ('{ACCOUNT}', 'ann')")
    return Gateway(env.binary, env.pg.dsn.replace("user=tester", "user=gate"), env.root, **dict(cluster.settings(), **settings))


def test_a_service_account_works_as_its_role(env, cluster):
    with own(env, cluster) as gateway:
        answer = load(gateway, cluster.account())
        expect_equal((answer.status, answer.json()["role"]), (200, "ann"))
        expect_equal({path for _, path in cluster.asked}, {"/openid/v1/jwks"}, "nothing else is asked for")
        expect_challenge(load(gateway, cluster.account(aud=["https://kubernetes.default.svc"])))
        expect("first" not in gateway.log(), "the token is in no log")


def test_the_pods_token_changes(env, cluster):
    """Kubernetes replaces the file long before the token expires."""
    with own(env, cluster) as gateway:
        expect_equal(load(gateway, cluster.account()).status, 200)
        cluster.show("second")
        cluster.keys.append(Key("cluster2"))
        expect_equal(load(gateway, cluster.account()).status, 200, "a token of the new key")


def test_without_its_token_the_cluster_tells_nothing(env, cluster):
    for content, words in ((None, "No such file"), ("two words", "does not hold a token"), ("", "does not hold a token"),
                           ("wrong", "status 401")):
        if content is None:
            os.unlink(cluster.token_file)
        else:
            cluster.show(content)
        cluster.bearer = "first"
        with own(env, cluster) as gateway:
            expect_equal(load(gateway, cluster.account()).status, 503, repr(content))
            wait_until(lambda: words in gateway.log(), words)
            expect("two words" not in gateway.log() and "wrong" not in gateway.log(), "what is in the file is not in the log")
            cluster.show("first")
            wait_until(lambda: load(gateway, cluster.account()).status == 200, "later it does")


def test_another_authority_is_not_believed(env, cluster):
    folder = os.path.join(env.root, f"other{len(os.listdir(env.root))}")
    os.makedirs(folder)
    with own(env, cluster, auth_issuer_ca_files=f"k8s={certificate(folder)}") as gateway:
        expect_equal(load(gateway, cluster.account()).status, 503)
        expect("SSL" in gateway.log() or "certificate" in gateway.log(), gateway.log()[-1000:])


def test_settings_of_single_issuers(env):
    issuers = {"auth_issuers": "a=https://a.example, b=https://b.example", "auth_audiences": "x"}
    for name in ("auth_issuer_keys_urls", "auth_issuer_ca_files", "auth_issuer_token_files"):
        for value, good in (("", True), ("a=https://x.example/keys", True), ("a=https://x/1, b=https://x/2", True), ("c=https://x/1", False),
                            ("a", False), ("=x", False), ("a=", False), ("a=https://x/1,a=https://x/2", False)):
            status, said = check_config(env, **issuers, **{name: value})
            expect_equal((value, status), (value, 0 if good else 1), said)
            expect(good or name in said, said)
    status, said = check_config(env, **issuers, auth_issuer_keys_urls="a=ftp://x/1")
    expect(status == 1 and "auth_issuer_keys_urls" in said, said)
