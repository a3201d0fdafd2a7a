#!/usr/bin/env python3
"""Random calls of one tenant's roles, over SQL functions, views and REST, against another tenant that shares the database.

    tenant_fuzz.py [SECONDS [SEED]]        20 seconds, one seed; "any" takes another, which is printed

Three things must hold. No answer, notice or header has a byte of what only the other tenant knows: all of that is marked. A call
that names what the attacker may know (names, ids, files of the other tenant) is answered as the same call with a twin of
the name that nothing has, character by character. And at the end the other tenant's rows and files are what they were.
"""
# SPDX-License-Identifier: PostgreSQL
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import time
import uuid

import cluster
import harness
from issuer import Issuer

SECRET, KNOWN, TWIN = "zqsecret", "knwn", "fake"
ROUTES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src", "routes.def")
BATCH = 150
NEW = re.compile(r"\b(new|x)\d+\b")
SCHEMA = '{"type":"struct","fields":[{"id":1,"name":"%s","type":"long","required":false,"doc":"%s"}]}'
VERSION = ('{"version-id":1,"timestamp-ms":1,"schema-id":0,"summary":{"of":"%(s)s"},"default-namespace":["%(s)s"],'
           '"representations":[{"type":"sql","sql":"SELECT %(s)s","dialect":"x"}]}')
SETUP = """
CREATE ROLE users; SELECT icecat.grant_user('users');
CREATE ROLE acme_admin IN ROLE users; CREATE ROLE acme_user IN ROLE users;
CREATE ROLE knwn_admin IN ROLE users; CREATE ROLE fake_admin IN ROLE users; CREATE ROLE fake_owner;
SELECT icecat.create_tenant('acme', 'file://{files}/acme'), icecat.create_tenant('knwn-t', 'file://{files}/knwn-root');
SELECT icecat.assign_role('acme', 'acme_admin'), icecat.assign_role('acme', 'acme_user'), icecat.assign_role('knwn-t', 'knwn_admin');
SELECT icecat.grant_tenant('acme_admin', 'manage', 'acme'), icecat.grant_tenant('knwn_admin', 'manage', 'knwn-t');
SET ROLE acme_admin;
SELECT icecat.create_warehouse('lake', 'file://{files}/acme/lake');
SELECT icecat.create_namespace('lake', '{{n}}'), icecat.create_namespace('lake', '{{n,m}}');
SELECT icecat.create_table('lake', '{{n}}', 't', '{own}') IS NULL, icecat.create_view('lake', '{{n}}', 'v', '{own}', '{version}') IS NULL;
SELECT icecat.grant('acme_user', 'write', 'lake', '{{n}}');
RESET ROLE; SET ROLE knwn_admin;
SELECT icecat.create_warehouse('knwn-w', 'file://{files}/knwn-root/w', '{{"k":"zqsecret1"}}'), icecat.create_warehouse('lake', 'file://{files}/knwn-root/lake');
SELECT icecat.create_warehouse('zqsecretw', 'file://{files}/knwn-root/zqsecret');
SELECT icecat.create_namespace('knwn-w', '{{knwn_n}}', '{{"p":"zqsecret2"}}'), icecat.create_namespace('lake', '{{knwn_n}}', '{{"p":"zqsecret3"}}');
SELECT icecat.create_namespace('knwn-w', '{{zqsecretn}}'), icecat.create_namespace('lake', '{{n}}', '{{"p":"zqsecret4"}}');
SELECT icecat.create_table(w, n::text[], t, '{secret}', p_properties => '{{"p":"zqsecret5"}}') IS NULL
FROM (VALUES ('knwn-w', '{{knwn_n}}', 'knwn_x'), ('knwn-w', '{{knwn_n}}', 'zqsecrett'), ('lake', '{{knwn_n}}', 'knwn_x'), ('lake', '{{n}}', 't')) AS v (w, n, t);
SELECT icecat.create_view('knwn-w', '{{knwn_n}}', 'knwn_v', '{secret}', '{secret_version}') IS NULL;
SELECT icecat.commit_table('lake', '{{n}}', 't', '[]', '[{{"action":"set-properties","updates":{{"zqsecret6":"x"}}}}]') IS NULL;
SELECT icecat.report_metrics('lake', '{{n}}', 't', '{{"report-type":"scan-report","snapshot-id":1,"metrics":{{}},"table-name":"zqsecret7","filter":true,"schema-id":0,"projected-field-ids":[],"projected-field-names":["zqsecret8"]}}');
RESET ROLE;
CREATE FUNCTION public.probe(p_role name, p_call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	v_answer text;
	v_detail text;
	v_hint text;
	v_context text;
BEGIN
	EXECUTE pg_catalog.format('SET LOCAL ROLE %I', p_role);
	BEGIN
		IF p_call LIKE 'SELECT %' THEN
			EXECUTE p_call INTO v_answer;
		ELSE
			EXECUTE p_call;
		END IF;
		RAISE EXCEPTION USING ERRCODE = 'ZZ000';
	EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
		v_answer := 'done ' || coalesce(v_answer, '-');
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT, v_context = PG_EXCEPTION_CONTEXT;
		v_answer := pg_catalog.concat_ws(' | ', SQLSTATE, SQLERRM, v_detail, v_hint, v_context);
	END;
	RESET ROLE;
	RETURN v_answer;
END $$;
"""
# All of one tenant: its rows, whatever table they are in.
SEED = 538059271       # of ./check, so that a run tells of the change that it is for; others by hand, or "any"
# What is of no warehouse and names the other tenant is its own, but in the audit log: there calls are named that were refused.
STATE = """
SELECT pg_catalog.md5(pg_catalog.string_agg(x.row, E'\\n' ORDER BY x.row)) FROM (
	SELECT c.relname || ' ' || r.row AS row FROM pg_catalog.pg_class AS c
	CROSS JOIN LATERAL (SELECT (pg_catalog.xpath('/table/row/r/text()', pg_catalog.query_to_xml(pg_catalog.format(
		'SELECT t::text AS r FROM icecat_data.%I AS t WHERE warehouse_id IN (SELECT warehouse_id FROM icecat_data.warehouse WHERE name LIKE ''knwn-t/%%'')'
		|| ' OR warehouse_id = ''00000000-0000-0000-0000-000000000000'' AND t::text LIKE ''%%knwn%%'' AND %L NOT LIKE ''audit%%''', c.relname, c.relname), false, false, ''))) AS rows) AS q
	CROSS JOIN LATERAL (SELECT pg_catalog.unnest(q.rows)::text AS row) AS r
	WHERE c.relnamespace = 'icecat_data'::regnamespace AND c.relkind = 'r' AND c.relname NOT IN ('metadata_task', 'event_counter')) AS x
"""
VOLATILE = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\b\d{13}\b"), "MS"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.0-9]*([+-]\d\d)?"), "TIME"),
    (re.compile(r'"next-page-token" ?: ?"[^"]*"'), "PAGE"),
    (re.compile(r"\b[0-9a-f]{32,64}\b"), "HASH"),
    (re.compile(r"-[0-9a-f]{8}(?=[/\"])"), "FOLD"),
    (re.compile(r"\w{0,4}\.\.\."), "CUT"),
    (re.compile(r"\b(new|x)_\d+[ab]"), "NEW"),
]


def literal(value):
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


class World:
    def __init__(self, c, t, seed):
        self.c, self.t = c, t
        self.random = random.Random(seed)
        secret_schema = SCHEMA % (SECRET + "c", SECRET + "d")
        c.sql(SETUP.format(files=c.files, own=SCHEMA % ("x", "y"), version=VERSION % {"s": "own"}, secret=secret_schema,
                           secret_version=VERSION % {"s": SECRET}))
        c.sql("SELECT icecat.run_worker_once()")
        c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task WHERE kind <> 'trim'", "0")
        c.wait_sql("SELECT count(*) FROM icecat_data.event_pending", "0")
        self.twins = {}     # of what has no known part in it: ids, tokens, keys
        self.learn()
        self.calls = self.pairs = self.serial = 0
        self.outcomes = {}

    def learn(self):
        """What the attacker may know of the other one, and a twin of each that nothing has."""
        ids = self.c.sql("SELECT warehouse_id FROM icecat_data.warehouse WHERE name LIKE 'knwn-t/%' UNION ALL SELECT namespace_id FROM icecat_data.namespace "
                         "WHERE levels[1] LIKE 'knwn%' UNION ALL SELECT relation_id FROM icecat_data.relation WHERE name LIKE 'knwn%' "
                         "UNION ALL SELECT tenant_id FROM icecat_data.tenant WHERE name = 'knwn-t'").splitlines()
        for value in ids:
            self.twins[value] = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        self.ids = ids
        token = self.c.sql("SET ROLE knwn_admin; SELECT icecat.list_tables('knwn-w', '{knwn_n}', '', 1) ->> 'next-page-token'")
        self.twins[token] = "".join(self.random.choice("ABCDEFGHIJKLMNOP") for _ in token)
        self.token = token
        self.files = self.c.sql("SELECT metadata_location FROM icecat_data.table_head WHERE location LIKE '%knwn%' UNION ALL "
                                "SELECT location FROM icecat_data.table_head WHERE location LIKE '%knwn%'").splitlines()
        self.files = [file for file in self.files if SECRET not in file] + ["file://%s/knwn-root/w/none.metadata.json" % self.c.files,
                                                                           "file://%s/knwn-root" % self.c.files]

    def twin(self, text):
        for real, fake in self.twins.items():
            text = text.replace(real, fake)
        return text.replace(KNOWN, TWIN)

    def plain(self, text):
        """An answer with all that differs from call to call put away."""
        text = self.twin(text)
        for pattern, word in VOLATILE:
            text = pattern.sub(word, text)
        return text

    def judge(self, call, answers, compare=True):
        """The answers to a call and to its twin."""
        self.calls += len(answers)
        for answer in answers:
            if SECRET in answer:
                raise AssertionError("revealed by %s\n%s" % (call, answer[:600]))
        if len(answers) == 2 and compare:
            self.pairs += 1
            if self.plain(answers[0]) != self.plain(answers[1]):
                raise AssertionError("told apart by %s\n%s\n%s" % (call, answers[0][:600], answers[1][:600]))
        kind = answers[0].split(" ", 1)[0][:5]
        self.outcomes[kind] = self.outcomes.get(kind, 0) + 1

    # -- what is put into calls

    def names(self):
        return ["n", "t", "v", "m", "knwn_n", "knwn_x", "knwn_v", "knwn-w", "x%d" % self.random.randrange(50), ""]

    def warehouse(self):
        return self.random.choice(["lake", "lake", "lake", "lake", "acme/lake", "knwn-w", "knwn-t/knwn-w", "knwn-t/lake", "knwn-t", "acme/knwn-w", "knwn-t/"])

    def namespace(self):
        return self.random.choice([["n"], ["n"], ["n", "m"], ["knwn_n"], ["knwn_n", "knwn_x"], ["n", "knwn_n"], ["new%d" % self.random.randrange(20)]])

    def location(self):
        own = "file://%s/acme/%s" % (self.c.files, self.random.choice(["x1/a", "lake/x2", "knwn", "../knwn-root/x", "lake/../../knwn-root"]))
        return self.random.choice(self.files + [own, own, "file:///etc/passwd", "s3://knwn/x"])

    def updates(self):
        return self.random.choice([
            [{"action": "set-properties", "updates": {"k": "v"}}],
            [{"action": "set-properties", "updates": {self.random.choice(["write.metadata.path", "write.data.path"]): self.location()}}],
            [{"action": "set-location", "location": self.location()}],
            [{"action": "remove-properties", "removals": ["k", "knwn"]}],
            [{"action": "assign-uuid", "uuid": self.random.choice(self.ids)}],
        ])

    def json(self, name):
        identifier = {"namespace": self.namespace(), "name": self.random.choice(self.names())}
        schema = json.loads(SCHEMA % ("x", "y"))
        choices = {
            "p_requirements": lambda: [],
            "p_updates": self.updates,
            "p_changes": lambda: [{"action": self.random.choice(["grant", "revoke"]), "role": self.role(), "privilege": self.privilege(),
                                   "warehouse": self.warehouse(), "namespace": self.namespace()}],
            "p_properties": lambda: {"location": self.location(), "k": "v"},
            "p_schema": lambda: schema,
            "p_version": lambda: json.loads(VERSION % {"s": "own"}),
            "p_report": lambda: {"report-type": "x", "metrics": {}},
        }
        requests = [
            {"namespace": self.namespace(), "properties": {"location": self.location()}},
            {"name": identifier["name"], "schema": schema, "location": self.location(), "stage-create": self.random.random() < 0.3},
            {"name": identifier["name"], "schema": schema},
            {"name": identifier["name"], "metadata-location": self.location(), "overwrite": self.random.random() < 0.5},
            {"requirements": [], "updates": self.updates(), "identifier": identifier},
            {"table-changes": [{"identifier": identifier, "requirements": [], "updates": self.updates()}]},
            # To no known name: the table would be gone for the twin, and its new name be one that the attacker has.
            {"source": identifier, "destination": {"namespace": self.namespace(), "name": self.random.choice([n for n in self.names() if KNOWN not in n])}},
            {"updates": {"k": "v"}, "removals": ["knwn"]},
            {"name": identifier["name"], "schema": schema, "view-version": json.loads(VERSION % {"s": "own"}), "properties": {}, "location": self.location()},
        ]
        return json.dumps(choices.get(name, lambda: self.random.choice(requests))())

    def role(self):
        return self.random.choice(["acme_admin", "acme_user", "knwn_admin", "postgres"])

    def privilege(self):
        return self.random.choice(["usage", "select", "write", "create", "drop", "manage"])

    def argument(self, name, kind):
        """A value of a parameter, as SQL."""
        if kind == "text" and name in ("p_warehouse", "p_name", "p_new_name", "p_tenant"):
            return literal(self.random.choice([self.warehouse(), self.random.choice(self.names()), "knwn-t", "acme", None]))
        if kind == "text" and "location" in name:
            return literal(self.location())
        if kind == "text":
            return literal({"p_privilege": self.privilege(), "p_page_token": self.random.choice(["", self.token])}.get(
                name, self.random.choice(self.names() + [None, "refs", "all", "select"])))
        if kind in ("text[]", "_text"):
            return "ARRAY[%s]::text[]" % ", ".join(literal(level) for level in self.namespace())
        if kind == "regrole":
            return literal(self.role()) + "::regrole"
        if kind in ("json", "jsonb"):
            return literal(self.json(name)) + "::" + kind
        if kind == "uuid":
            return literal(self.random.choice(self.ids)) + "::uuid"
        if kind == "boolean":
            return self.random.choice(["true", "false"])
        if kind in ("integer", "bigint", "smallint"):
            return self.random.choice(["0", "1", "2", "1000"])
        if kind == "interval":
            return "'1 hour'::interval"
        return "NULL::" + kind

    # -- SQL

    def functions(self, role):
        """Name, types and names of the parameters of each function that a role may execute."""
        rows = self.c.sql("SELECT p.oid::regproc, pg_catalog.array_to_string(ARRAY(SELECT t.t::regtype::text FROM unnest(p.proargtypes) WITH ORDINALITY AS t (t, n) "
                          "ORDER BY n), ';'), pg_catalog.array_to_string(p.proargnames, ';') FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = 'icecat'::regnamespace "
                          "AND p.prorettype <> 'trigger'::regtype AND p.proname NOT IN ('wait_for_metadata', 'read_events', 'run_worker_once', 'start_worker') "
                          "AND pg_catalog.has_function_privilege('%s', p.oid, 'EXECUTE')" % role)
        found = []
        for row in rows.splitlines():
            name, types, names = row.split("|")
            types = [kind for kind in types.split(";") if kind]
            found.append((name, list(zip(names.split(";")[:len(types)] if names else [""] * len(types), types))))
        return found

    def columns(self):
        rows = self.c.sql("SELECT c.oid::regclass, a.attname, a.atttypid::regtype FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid "
                          "AND a.attnum > 0 WHERE c.relnamespace = 'icecat'::regnamespace AND c.relkind = 'v'")
        return [row.split("|") for row in rows.splitlines()]

    def sql_call(self):
        kind = self.random.random()
        if kind < 0.7:
            name, parameters = self.random.choice(self.all_functions if self.random.random() < 0.1 else self.known_functions)
            return "SELECT pg_catalog.array_agg(r::text)::text FROM %s(%s) AS r" % (name, ", ".join(self.argument(n or "", k) for n, k in parameters))
        if kind < 0.72:
            return "SELECT pg_catalog.array_agg(r::text)::text FROM icecat.read_events(%s) AS r" % literal(self.warehouse())
        view, column, of = self.random.choice(self.known_columns)
        if kind < 0.95:
            condition = {"text": "= " + literal(self.random.choice([self.warehouse()] + self.names())), "uuid": "= %s" % literal(self.random.choice(self.ids)),
                         "text[]": "= ARRAY[%s]" % literal(self.random.choice(self.names()))}.get(of, "IS NOT NULL")
            return "SELECT pg_catalog.json_agg(r)::text FROM %s AS r%s" % (view, " WHERE r.%s %s" % (column, condition) if self.random.random() < 0.7 else "")
        return self.random.choice([
            "UPDATE icecat.iceberg_tables SET metadata_location = %s WHERE table_name = %s" % (literal(self.location()), literal(self.random.choice(self.names()))),
            "INSERT INTO icecat.iceberg_tables (catalog_name, table_namespace, table_name, metadata_location) VALUES (%s, %s, %s, %s)" % tuple(map(literal, (
                self.warehouse(), ".".join(self.namespace()), self.random.choice(self.names()), self.location()))),
            "DELETE FROM icecat.iceberg_tables WHERE catalog_name = %s" % literal(self.warehouse()),
            "INSERT INTO icecat.iceberg_namespace_properties (catalog_name, namespace, property_key, property_value) VALUES (%s, %s, 'k', 'v')" % (
                literal(self.warehouse()), literal(".".join(self.namespace()))),
            "DELETE FROM icecat.iceberg_namespace_properties WHERE catalog_name = %s AND namespace = %s" % (literal(self.warehouse()), literal(self.namespace()[0])),
        ])

    def sql_batch(self):
        """Calls and their twins, each rolled back, in one statement."""
        calls = [(self.random.choice(["acme_admin", "acme_user"]), self.sql_call()) for _ in range(BATCH)]
        rows, asked = [], []
        for role, call in calls:
            twin = self.twin(call)
            for text in [call] if twin == call else [call, twin]:
                rows.append("(%d, %s, %s)" % (len(rows), literal(role), literal(text)))
            asked.append((role + ": " + call, 1 if twin == call else 2))
        script = ("SELECT pg_catalog.replace(public.probe(v.r, v.c), E'\\n', ' ') FROM (SELECT * FROM (VALUES %s) AS x (n, r, c) ORDER BY n OFFSET 0) AS v" % ",\n".join(rows))
        done = subprocess.run(self.c.psql_command("postgres"), input=script, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise AssertionError(done.stderr[-800:])
        if SECRET in done.stderr:
            raise AssertionError("a notice reveals: " + done.stderr[-800:])
        answers = done.stdout.split("\n")
        for call, count in asked:
            self.judge(call, [answers.pop(0) for _ in range(count)])

    # -- REST

    def rest_call(self):
        method, template = self.random.choice(self.routes)
        q = lambda text: text.replace("/", "%2F")
        path = template.replace("{prefix}", q(self.warehouse())).replace("{namespace}", "%1F".join(self.namespace()))
        path = path.replace("{table}", self.random.choice(["t", "knwn_x", "x1"])).replace("{view}", self.random.choice(["v", "knwn_v", "x2"]))
        query = []
        if "config" in path:
            query.append("warehouse=" + q(self.random.choice([self.warehouse(), self.location()])))
        elif method == "GET" and self.random.random() < 0.4:
            query.append("pageToken=%s&pageSize=1" % self.random.choice(["", self.token]))
        if template.endswith("/namespaces") and method == "GET" and self.random.random() < 0.4:
            query.append("parent=" + "%1F".join(self.namespace()))
        headers = ["Idempotency-Key: " + self.random.choice(list(self.keys))] if method != "GET" and self.random.random() < 0.2 else []
        body = self.json("") if method == "POST" else None
        return method, path + ("?" + "&".join(query) if query else ""), body, headers

    def rest_answer(self, who, call):
        method, path, body, headers = call
        answer = self.gateway.request(method, path, json.loads(body) if body else None, ["Authorization: Bearer " + self.bearer[who], *headers])
        told = {name: value for name, value in answer.headers.items() if name.lower() not in ("date", "x-request-id", "content-length", "etag")}
        return "%d %s %s" % (answer.status, json.dumps(told), answer.body.decode())

    def rest_one(self):
        """What succeeds stays: so the names and places that a call and its twin make are not the same, and a change of one's own is not compared."""
        who, call = self.random.choice(["ann", "ulf"]), json.dumps(self.rest_call())
        self.serial += 1
        call, twin = [NEW.sub(r"\1_%d%s" % (self.serial, which), text) for text, which in ((call, "a"), (self.twin(call), "b"))]
        calls = [json.loads(text) for text in ([call] if self.twin(call) == call else [call, twin])]
        answers = [self.rest_answer(who, one) for one in calls]
        changed = calls[0][0] not in ("GET", "HEAD") and answers[0].startswith("2")
        self.judge("%s: %s" % (who, call), answers, compare=not changed)

    # -- all of it

    def state(self):
        root = os.path.join(self.c.files, "knwn-root")
        files = sorted((os.path.relpath(os.path.join(d, n), root), hashlib.md5(open(os.path.join(d, n), "rb").read()).hexdigest())
                       for d, _, names in os.walk(root) for n in names)
        folders = sorted(d for d, _, _ in os.walk(root))
        return self.c.sql(STATE), files, folders

    def prepare(self):
        self.known_functions = self.functions("acme_admin")
        self.all_functions = self.functions("postgres")
        self.known_columns = self.columns()
        with open(ROUTES) as file:
            self.routes = re.findall(r'GW_ROUTE\((\w+), "([^"]+)"', file.read())
        # One that the other tenant has used, and its twin.
        self.keys = ["017f22e2-79b0-7cc3-98c4-dc0c0c073a%02d" % n for n in range(3)]
        for key in self.keys:
            self.twins[key] = key.replace("3a", "4b")


def use_keys(w):
    """The other tenant uses the keys, by requests that are its own."""
    for n, key in enumerate(w.keys):
        answer = w.gateway.request("POST", "/v1/knwn-w/namespaces", {"namespace": ["zqsecretk%d" % n]}, ["Authorization: Bearer " + w.bearer["bea"], "Idempotency-Key: " + key])
        w.t.equal(answer.status, 200, "the other tenant uses a key")


def asked_seed():
    if len(sys.argv) < 3:
        return SEED
    return random.SystemRandom().randrange(1 << 30) if sys.argv[2] == "any" else int(sys.argv[2])


def test(c, t):
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = asked_seed()
    print("# seed %d" % seed, flush=True)
    w = World(c, t, seed)
    c.sql("CREATE ROLE gate LOGIN NOINHERIT; SELECT icecat.grant_gateway('gate'); GRANT acme_admin, acme_user, knwn_admin TO gate;"
          "SELECT icecat.map_principal('corp', 'sub', 'ann', 'acme_admin'), icecat.map_principal('corp', 'sub', 'ulf', 'acme_user'), "
          "icecat.map_principal('corp', 'sub', 'bea', 'knwn_admin')")
    dsn = f"host={c.dir} port=5432 user=gate dbname=postgres"
    with Issuer() as issuer, harness.Gateway(os.environ["ICECAT_GATEWAY"], dsn, c.dir, auth_issuers=f"corp={issuer.url}", auth_audiences="icecat") as gateway:
        w.gateway = gateway
        w.bearer = {name: issuer.token(name) for name in ("ann", "ulf", "bea")}
        w.prepare()
        use_keys(w)
        c.wait_sql("SELECT count(*) FROM icecat_data.event_pending", "0")
        before = w.state()
        t.ok(len(before[1]) >= 5 and before[0], "the other tenant has rows and files")
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                w.sql_batch()
                for _ in range(BATCH // 3):
                    w.rest_one()
        except AssertionError as error:
            t.ok(False, "seed %d" % seed, str(error))
        c.wait_sql("SELECT count(*) FROM icecat_data.event_pending", "0")
        print("# %d calls, %d of them with a twin; outcomes: %s" % (w.calls, w.pairs, json.dumps(w.outcomes, sort_keys=True)), flush=True)
        t.ok(w.calls > 100 and w.pairs > 50, "enough was tried")
        after = w.state()
        t.ok(after == before, "the other tenant's rows and files are what they were", [set(a) ^ set(b) for a, b in zip(after[1:], before[1:])])
        t.ok(SECRET.encode() not in gateway.get("/metrics").body, "the metrics name nothing of it")
        t.equal(c.sql("SELECT * FROM icecat.check_integrity()"), "", "the rows agree")


if __name__ == "__main__":
    cluster.main(test)
