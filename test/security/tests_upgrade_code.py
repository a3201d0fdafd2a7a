"""ALTER EXTENSION icecat UPDATE runs as a superuser: code that the owner hung on the tables of a released version must not.

Every released version is installed and filled by an owner who is no superuser; then he hangs code on its tables, and the
update is run, by him and by a superuser.
"""
# SPDX-License-Identifier: PostgreSQL
import contents
import tests_owner_code as owner_code
import upgrade
from expectations import expect, expect_equal

SETTINGS = ["max_worker_processes = 1"]
DATABASES = ()

# Name, and what plants it in the database of the old version.
ON_EVERY_TABLE = """DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'icecat_data'::regnamespace
AND relkind IN ('r', 'p') AND NOT relispartition LOOP %s END LOOP; END $$"""
ON_EVERY_FREE_COLUMN = """DO $$ DECLARE a record; BEGIN FOR a IN SELECT attrelid::regclass AS t, attname, atttypid::regtype AS was
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'icecat_data'::regnamespace AND relkind IN ('r', 'p')
AND NOT relispartition AND attnum > 0 AND NOT attisdropped LOOP BEGIN %s EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $$"""
PLANTS = (
    ("trigger", ON_EVERY_TABLE % "EXECUTE format('CREATE TRIGGER evil AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW "
     "EXECUTE FUNCTION evil.fire(''trigger'')', t);"),
    ("statement_trigger", ON_EVERY_TABLE % "EXECUTE format('CREATE TRIGGER evil BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE "
     "ON %s EXECUTE FUNCTION evil.fire(''statement_trigger'')', t);"),
    ("deferred_trigger", ON_EVERY_TABLE % "EXECUTE format('CREATE CONSTRAINT TRIGGER evil AFTER INSERT OR UPDATE OR DELETE ON %s "
     "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION evil.fire(''deferred_trigger'')', t);"),
    ("held_cursor", ON_EVERY_TABLE % "EXECUTE format('CREATE TRIGGER evil AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW "
     "EXECUTE FUNCTION evil.hold(''held_cursor'')', t);"),
    ("rule", ON_EVERY_TABLE % "EXECUTE format('CREATE RULE evil AS ON INSERT TO %s DO ALSO SELECT evil.payload(''rule'')', t);"),
    ("policy", ON_EVERY_TABLE % "EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t); "
     "EXECUTE format('CREATE POLICY evil ON %s USING (evil.payload(''policy''))', t);"),
    ("check", ON_EVERY_TABLE % "EXECUTE format('ALTER TABLE %s ADD CONSTRAINT evil CHECK (evil.payload(''check'')) NOT VALID', t);"),
    ("default", ON_EVERY_TABLE % "EXECUTE format('ALTER TABLE %s ADD evil boolean', t); "
     "EXECUTE format('ALTER TABLE %s ALTER evil SET DEFAULT evil.payload(''default'')', t);"),
    ("index", ON_EVERY_TABLE % "EXECUTE format('CREATE INDEX ON %s (evil.always(1, ''index''))', t);"),
    ("partial_index", ON_EVERY_TABLE % "EXECUTE format('CREATE INDEX ON %s ((true)) WHERE evil.always(true, ''partial_index'')', t);"),
    ("domains", ON_EVERY_FREE_COLUMN % "EXECUTE format('CREATE DOMAIN evil.%I AS %s CHECK (evil.always(true, ''domains''))', "
     "a.t || a.attname, a.was); EXECUTE format('ALTER TABLE %s ALTER %I TYPE evil.%I', a.t, a.attname, a.t || a.attname);"),
    ("cast", "ALTER TABLE icecat_data.metrics_report ALTER report TYPE evil.report USING ROW(report); "
     "CREATE FUNCTION evil.cast(evil.report) RETURNS json LANGUAGE plpgsql AS $$BEGIN PERFORM evil.payload('cast'); RETURN ($1).v; END$$;"
     "CREATE FUNCTION evil.castb(evil.report) RETURNS jsonb LANGUAGE plpgsql AS $$BEGIN PERFORM evil.payload('cast'); RETURN ($1).v::jsonb; "
     "END$$;"
     "CREATE CAST (evil.report AS json) WITH FUNCTION evil.cast(evil.report) AS IMPLICIT; "
     "CREATE CAST (evil.report AS jsonb) WITH FUNCTION evil.castb(evil.report)"),
    ("shadow", "CREATE FUNCTION icecat.icecat_owner_step(text) RETURNS boolean LANGUAGE sql AS $$SELECT evil.payload('shadow')$$; "
     "CREATE FUNCTION icecat.case_key(character varying) RETURNS text LANGUAGE sql AS $$SELECT evil.payload('shadow')::text$$; "
     "ALTER DATABASE {name} SET search_path = icecat, evil, public"),
    ("view_in_place", "ALTER EXTENSION icecat DROP TABLE icecat_data.metrics_report; "
     "ALTER TABLE icecat_data.metrics_report RENAME TO kept; CREATE VIEW icecat_data.metrics_report AS "
     "SELECT warehouse_id, report_id, table_id, received_at, report_type, report, evil.payload('view_in_place') AS ran "
     "FROM icecat_data.kept WHERE evil.payload('view_in_place'); ALTER EXTENSION icecat ADD VIEW icecat_data.metrics_report"),
)
REFUSED = ("view_in_place",)
MUST_RUN = ("cast",)    # as the owner: what moves rows does so with his rights


def plant(c, template, name, hook, sql):
    c.sql("CREATE DATABASE %s TEMPLATE %s OWNER bob" % (name, template))
    c.sql("\\connect %s bob\n%s" % (name, sql.replace("{name}", name)), name)


def check_update(c, template, hook, sql, updater):
    """One hook, in a copy of the database with the old version."""
    name = "%s_%s_by_%s" % (template, hook, updater)
    title = "%s, %s, updated by %s" % (template, hook, updater)
    plant(c, template, name, hook, sql)
    start = len(c.log_text())
    answer = c.sql("\\connect %s %s\nALTER EXTENSION icecat UPDATE" % (name, updater), name, check=False)
    said = "payload %s runs as " % hook
    runs = {line.split(said)[1].split(" of ")[0] for line in c.log_text()[start:].splitlines() if said in line}
    expect_equal(runs - {"bob"}, set(), "%s: nobody but the owner ran it" % title)
    if hook in MUST_RUN:
        expect_equal((runs, answer), ({"bob"}, ""), "%s: the update ran it as the owner" % title)
    expect_equal(owner_code.Attack.got_of(c, hook, start), [], "%s: got nothing" % title)
    expect_equal("ERROR" in answer, hook in REFUSED, "%s: %s" % (title, answer.splitlines()[0] if answer else "updated"))
    c.sql("DROP DATABASE %s" % name)


def check_others_objects(c, template):
    """What another role has put into the schemas stays that role's."""
    c.sql("CREATE DATABASE others TEMPLATE %s OWNER bob" % template)
    c.sql("\\connect others bob\nGRANT ALL ON SCHEMA icecat, icecat_data TO carol\n;\\connect others carol\n"
          "CREATE TABLE icecat_data.hers (warehouse_id uuid); CREATE FUNCTION icecat.hers() RETURNS int LANGUAGE sql AS 'SELECT 1'; "
          "CREATE VIEW icecat.hers AS SELECT 1 AS one", "others")
    expect_equal(c.sql("\\connect others bob\nALTER EXTENSION icecat UPDATE", "others", check=False), "", "updated beside another's objects")
    expect_equal(c.sql("SELECT count(*) FROM (SELECT relowner AS o FROM pg_class WHERE relname = 'hers' UNION ALL "
                       "SELECT proowner FROM pg_proc WHERE proname = 'hers') s WHERE o::regrole::text = 'carol'", "others"), "3",
                 "a table, a view and a function of another role stay hers")


def check_version(c, version):
    template = "from_" + version.replace(".", "_")
    c.sql("CREATE DATABASE %s OWNER bob" % template)
    c.sql("\\connect %s bob\nCREATE EXTENSION icecat VERSION '%s'" % (template, version), template)
    c.sql("\\connect %s bob\n%s" % (template, contents.fill_sql(c, template, views=False)), template)
    c.sql("\\connect %s bob\n%s" % (template, owner_code.payload_sql(c)), template)
    c.sql("\\connect %s bob\nCREATE TYPE evil.report AS (v json)" % template, template)
    for hook, sql in PLANTS:
        for updater in ("bob", "postgres"):
            check_update(c, template, hook, sql, updater)
    check_others_objects(c, template)


def check_only_in_an_update(c):
    """The function that runs statements as the owner is there for scripts alone."""
    c.sql("CREATE DATABASE fresh OWNER bob")
    c.sql("\\connect fresh bob\nCREATE EXTENSION icecat", "fresh")
    expect_equal(c.sql("SELECT count(*) FROM pg_proc WHERE prosrc = 'sql_ice_owner_step'", "fresh"), "0", "it is not left behind")
    library = c.sql("SELECT probin FROM pg_proc WHERE proname = 'case_key'", "fresh")
    answer = c.sql("CREATE FUNCTION public.step(text) RETURNS void LANGUAGE c STRICT AS '%s', 'sql_ice_owner_step'; "
                   "SELECT public.step('CREATE ROLE stolen')" % library, "fresh", check=False)
    expect("only an upgrade of icecat may call this" in answer, "and refuses elsewhere", answer)


def test_upgrade_code(c):
    c.sql("CREATE ROLE bob LOGIN; CREATE ROLE carol LOGIN")
    for version in upgrade.released_versions():
        check_version(c, version)
    check_only_in_an_update(c)
