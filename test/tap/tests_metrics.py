"""The names of the gateway's metrics: all that it shows are in its README, and all that are named there or in other documents are shown.

With all that adds metrics: issuers, tokens of its own, TLS, a further database, and requests of each class of status.
"""
# SPDX-License-Identifier: PostgreSQL
import glob
import os
import re
import sys

import harness
import pytest
from expectations import expect, expect_equal, wait_until
from issuer import Issuer

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gateway"))
from tls import Authority

DATABASES = ("postgres", "other")
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
NAME = re.compile(r"\b(?:icecat|iceberg|process)_[a-z0-9_]+")
TYPE = re.compile(r"^# TYPE (\S+) (\S+)$", re.M)
SAMPLE = re.compile(r"^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def scrape(gateway):
    return gateway.get("/metrics").body.decode()


@pytest.fixture(scope="module")
def texts(c, program):
    """What two gateways show: one with all but TLS, one with TLS."""
    c.make_warehouse()
    folder = os.path.join(c.dir, "databases")
    os.mkdir(folder)
    with open(os.path.join(folder, "other.conf"), "w", encoding="utf-8") as file:
        file.write("dsn = %s\nhosts = other.example.com\n" % c.dsn.replace("dbname=postgres", "dbname=other"))
    found = []
    with Issuer() as issuer, harness.Gateway(program, c.dsn, c.dir, databases_dir=folder, auth_issuers="corp=" + issuer.url, auth_audiences="icecat",
                                             oauth_tokens="on", probe_interval_ms=100) as gateway:
        expect_equal(gateway.request("GET", "/v1/config").status, 401)
        gateway.request("GET", "/v1/config", headers=["Authorization: Bearer x"])
        wait_until(lambda: "icecat_worker_" in scrape(gateway) and "icecat_database_store{" in scrape(gateway), "the databases were asked", 30)
        found.append(scrape(gateway))
    authority = Authority(c.dir)
    before, harness.TLS = harness.TLS, authority
    try:
        with harness.Gateway(program, c.dsn, c.dir) as gateway:
            found.append(scrape(gateway))
    finally:
        harness.TLS = before
    with harness.Gateway(program, c.dsn, c.dir) as gateway:
        gateway.get("/v1/config?warehouse=w")
        gateway.get("/v1/config?warehouse=nowhere")
        gateway.get("/nowhere")
        found.append(scrape(gateway))
    return found


def test_names(texts):
    shown = {name for text in texts for name, _ in TYPE.findall(text)}
    table = [line for line in read("contrib-gateway/README.md").split("\n## Metrics\n")[1].split("\n") if line.startswith("| `")]
    named = {name for line in table for name in NAME.findall(line.split(" | ")[0])}
    expect_equal(sorted(shown - named), [], "the table in contrib-gateway/README.md names each metric")
    expect_equal(sorted(named - shown), [], "and each that it names is shown")
    parts = {name + end for name in shown for end in ("_bucket", "_sum", "_count")}
    for path in glob.glob(os.path.join(ROOT, "docs", "use", "*.md")) + [os.path.join(ROOT, "CHANGELOG.md")]:
        wrong = {name for name in NAME.findall(read(path)) if name.startswith(tuple(prefix + "_" for prefix in PREFIXES)) and not name.endswith("_")} - shown - parts
        expect_equal(sorted(wrong), [], os.path.basename(path))


# What begins so in a document is meant to be a metric.
PREFIXES = ("icecat_http", "icecat_pool", "icecat_gate", "icecat_cache", "icecat_event", "icecat_events", "icecat_commits", "icecat_commit_groups", "icecat_worker", "icecat_store",
            "icecat_metadata", "icecat_auth", "icecat_tls", "icecat_audit_waiting", "icecat_database", "icecat_oauth", "icecat_reads", "icecat_keyed", "iceberg_db",
            "iceberg_catalog_http")


def test_form(texts):
    """Each sample belongs to a metric whose meaning and type stand before it, and is there once."""
    for text in texts:
        types = dict(TYPE.findall(text))
        expect_equal(sorted(types), sorted(re.findall(r"^# HELP (\S+) .+$", text, re.M)), "a meaning and a type of each")
        seen = set()
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, labels, value = SAMPLE.match(line).groups()
            float(value)
            base = name if name in types else re.sub("_(bucket|sum|count)$", "", name)
            expect(base in types, "of no metric: " + line)
            expect((types[base] == "counter") == base.endswith("_total"), "%s is a %s" % (base, types[base]))
            expect((name, labels) not in seen, "twice: " + line)
            seen.add((name, labels))


def test_durations_by_operation_and_class(texts):
    count = re.compile(r'^icecat_http_request_duration_seconds_count\{operation="(\w+)",class="(\dxx)"\} (\d+)$', re.M)
    found = {(operation, klass): int(value) for operation, klass, value in count.findall(texts[2])}
    expect_equal((found["getConfig", "2xx"], found["getConfig", "4xx"], found["none", "4xx"]), (1, 1, 1), str(found))
    totals = {}
    for operation, status, value in re.findall(r'requests_total\{operation="(\w+)",method="\w+",status="(\d)\d\d"\} (\d+)', texts[2]):
        totals[operation, status + "xx"] = totals.get((operation, status + "xx"), 0) + int(value)
    expect_equal(found, totals, "as many as there are requests")
    buckets = re.findall(r'_bucket\{operation="getConfig",class="2xx",le="([^"]+)"\} (\d+)', texts[2])
    expect(buckets[-1] == ("+Inf", "1") and [int(n) for _, n in buckets] == sorted(int(n) for _, n in buckets), str(buckets))
