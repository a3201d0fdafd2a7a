"""What the planner knows of rows shows them to nobody.

For a condition with an operator of a user's, the planner calls the operator's function with the most common values of a column,
and with the bounds of its histogram. A role that sees nothing asks in this way about each column of each view."""
# SPDX-License-Identifier: PostgreSQL
import json

from expectations import expect, expect_equal

SCHEMA = json.dumps({"type": "struct", "fields": [{"id": 1, "name": "hidden", "type": "long", "required": False}]})
COUNT = 120                                # of the things of each kind: enough for common values and for histograms
TYPES = {"text": "x", "text[]": "{}", "uuid": "00000000-0000-0000-0000-000000000001", "bigint": "1500", "integer": "1", "boolean": "t", "timestamp with time zone": "2020-01-01",
         "regrole": "pg_monitor", "json": "{}"}

OPERATORS = """
CREATE FUNCTION nosy.tell(a %(type)s, b %(type)s) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $f$
BEGIN PERFORM pg_catalog.set_config('nosy.told', a::text, false); RETURN false; END $f$;
CREATE OPERATOR nosy.=== (FUNCTION = nosy.tell, LEFTARG = %(type)s, RIGHTARG = %(type)s, RESTRICT = eqsel, JOIN = eqjoinsel);
CREATE OPERATOR nosy.<<< (FUNCTION = nosy.tell, LEFTARG = %(type)s, RIGHTARG = %(type)s, RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
"""

ATTACK = """
CREATE FUNCTION nosy.attack(p_schema text, OUT tries bigint, OUT heard text[]) LANGUAGE plpgsql AS $f$
DECLARE
	v record;
	v_query text;
BEGIN
	tries := 0;
	heard := '{}';
	FOR v IN
		SELECT c.oid::regclass AS view, pg_catalog.quote_ident(a.attname) AS name, t.type FROM pg_class AS c
		JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
		JOIN nosy.type AS t ON t.type = a.atttypid
		WHERE c.relnamespace = p_schema::regnamespace AND c.relkind IN ('r', 'p', 'v') AND has_table_privilege(c.oid, 'SELECT') AND c.relname <> 'role_rights' -- constants
		ORDER BY c.relname, a.attnum
	LOOP
		FOREACH v_query IN ARRAY ARRAY['SELECT 1 FROM %1$s AS a WHERE a.%2$s OPERATOR(nosy.===) nosy.any_%3$s()', 'SELECT 1 FROM %1$s AS a WHERE a.%2$s OPERATOR(nosy.<<<) nosy.any_%3$s()',
			'SELECT 1 FROM %1$s AS a JOIN %1$s AS b ON a.%2$s OPERATOR(nosy.===) b.%2$s']
		LOOP
			v_query := pg_catalog.format('EXPLAIN ' || v_query, v.view, v.name, pg_catalog.translate(v.type::text, ' []', '___'));
			PERFORM pg_catalog.set_config('nosy.told', '', false);
			tries := tries + 1;
			EXECUTE v_query;
			IF pg_catalog.current_setting('nosy.told') <> '' THEN
				heard := heard || (v_query || ': ' || pg_catalog.left(pg_catalog.current_setting('nosy.told'), 60));
			END IF;
		END LOOP;
	END LOOP;
END $f$;
"""


def prepare(c):
    """A catalog of which the role "nosy" sees nothing."""
    each = " FROM generate_series(1, %d) AS i" % COUNT
    c.sql("CREATE ROLE hidden_role; SELECT icecat.grant_user('hidden_role'); CREATE ROLE nosy; SELECT icecat.grant_user('nosy')")
    c.sql("SELECT icecat.create_warehouse('hidden-' || i, 's3://hidden/' || i, '{\"icecat.metadata-write-mode\":\"none\"}')" + each)
    c.sql("SELECT icecat.create_namespace('hidden-' || i, ARRAY['hidden'], '{\"hidden\":\"yes\"}')" + each)
    c.sql("SELECT icecat.create_table('hidden-' || i, '{hidden}', 'hidden', '%s', p_properties => '{\"hidden\":\"value\"}')" % SCHEMA + each)
    for branch in ("main", "hidden"):
        c.sql("SELECT icecat.commit_table('hidden-' || i, '{hidden}', 'hidden', '[]', json_build_array(json_build_object('action', 'add-snapshot', 'snapshot', "
              "json_build_object('snapshot-id', i + %d, 'sequence-number', %d, 'timestamp-ms', (1000 * extract(epoch FROM now()))::bigint, 'manifest-list', 's3://hidden/' || i || '/hidden.avro', "
              "'summary', json_build_object('operation', 'append'), 'schema-id', 0)), json_build_object('action', 'set-snapshot-ref', 'ref-name', '%s', "
              "'type', 'branch', 'snapshot-id', i + %d)))" % ((1000, 1, branch, 1000) if branch == "main" else (2000, 2, branch, 2000)) + each)
    c.sql("SELECT icecat.grant('hidden_role', 'select', 'hidden-' || i)" + each)
    c.sql("SELECT icecat.set_labels('{\"hidden\":\"label\"}', 'hidden-' || i, '{hidden}')" + each)
    c.sql("SELECT icecat.set_quota('hidden-' || i, 'tables', 1000 + i)" + each)
    c.sql("SELECT icecat.create_tenant('hidden-t' || i, 's3://hidden-tenant/' || i)" + each)
    c.sql("SELECT count(*) FROM icecat.read_events('hidden-1', 0)")
    c.sql("ANALYZE; CREATE SCHEMA nosy AUTHORIZATION nosy; GRANT USAGE ON SCHEMA nosy TO PUBLIC")
    c.sql("SET ROLE nosy; CREATE TABLE nosy.type (type regtype); INSERT INTO nosy.type VALUES ('%s');" % "'), ('".join(TYPES)
          + "".join(OPERATORS % {"type": kind} for kind in TYPES) + ATTACK
          + ";".join("CREATE FUNCTION nosy.any_%s() RETURNS %s LANGUAGE sql STABLE AS $f$ SELECT '%s'::%s $f$"
                     % (kind.translate(str.maketrans(" []", "___")), kind, some, kind) for kind, some in TYPES.items()))


def attack(c, role, schema):
    tries, heard = json.loads(c.sql("SET ROLE %s; SELECT json_build_array(tries, heard) FROM nosy.attack('%s')" % (role, schema)))
    return tries, heard


def test_the_attack_hears_what_the_planner_knows_of_rows_that_are_not_hidden(c):
    c.sql("CREATE SCHEMA open; CREATE TABLE open.t AS SELECT 'x' || i %% 3 AS name, i FROM generate_series(1, 1000) AS i; "
          "GRANT USAGE ON SCHEMA open TO nosy; GRANT SELECT ON open.t TO nosy; ANALYZE open.t" % ())
    tries, heard = attack(c, "nosy", "open")
    expect_equal(tries, 6)
    expect(len(heard) >= 4, heard)


def test_no_estimate_asks_an_operator_of_a_user_about_hidden_rows(c):
    tries, heard = attack(c, "nosy", "icecat")
    expect(tries > 400, tries)
    expect_equal(heard, [])


def test_the_first_query_of_a_session_asks_about_none_either(c):
    """The library is loaded when a query is planned that needs it."""
    views = ("history.snapshot_id bigint", "refs.name text", "refs.snapshot_id bigint", "snapshots.warehouse text", "snapshots.namespace text__", "snapshots.table_id uuid",
             "snapshots.snapshot_id bigint")
    for view in views:
        name, kind = view.split()
        for operator in ("===", "<<<"):
            heard = c.sql("SET ROLE nosy; EXPLAIN (COSTS off, FORMAT json) SELECT 1 FROM icecat.%s AS a WHERE a.%s OPERATOR(nosy.%s) nosy.any_%s();"
                          "SELECT 'heard ' || current_setting('nosy.told', true)" % (name.split(".")[0], name.split(".")[1], operator, kind)).splitlines()[-1]
            expect(not heard.startswith("heard") or heard == "heard ", f"{view} {operator}: {heard}")
