"""Code that the owner of the database hangs on icecat's tables never gets more than the owner's rights.

The owner is no superuser. Every hook calls one function, which says as whom it runs and tries to become more. It runs in
the worker, and in the sessions of a superuser who calls the catalog's functions.
"""
# SPDX-License-Identifier: PostgreSQL
import os
import time

import contents
from expectations import expect, expect_equal

DATABASES = ()

# What the owner's code tries, wherever it gets to run. An attempt that is refused leaves no trace.
PAYLOAD = """
CREATE SCHEMA evil;
CREATE FUNCTION evil.payload(hook text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	attempt text;
BEGIN
	RAISE LOG 'payload % runs as % of %', hook, current_user, session_user;
	FOREACH attempt IN ARRAY ARRAY[
		'CREATE ROLE stolen SUPERUSER', 'ALTER ROLE bob SUPERUSER', 'UPDATE pg_catalog.pg_authid SET rolsuper = true',
		'COPY (SELECT 1) TO PROGRAM ''touch %MARKER%''', 'SET SESSION AUTHORIZATION postgres',
		'RESET SESSION AUTHORIZATION', 'SET ROLE postgres', 'RESET ROLE', 'SET LOCAL ROLE postgres', 'SET log_statement = ''all''',
		'SET icecat.file_roots = ''/''']
	LOOP
		BEGIN
			EXECUTE attempt;
			RAISE LOG 'payload % was let do %', hook, attempt;
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
	RETURN true;
END $$;
CREATE FUNCTION evil.fire() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM evil.payload(TG_ARGV[0]);
	RETURN CASE WHEN TG_LEVEL = 'STATEMENT' THEN NULL WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE FUNCTION evil.hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('DECLARE %I CURSOR WITH HOLD FOR SELECT evil.payload(%L)', 'c' || txid_current(), TG_ARGV[0]);
	RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE FUNCTION evil.leave() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM evil.payload(TG_ARGV[0]);
	SET search_path = evil, pg_catalog;
	CREATE TEMP TABLE IF NOT EXISTS pg_class (relname text);
	RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE FUNCTION evil.always(v anyelement, hook text) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	PERFORM evil.payload(hook);
	RETURN v;
END $$;
"""

DEFERRED = ("CREATE CONSTRAINT TRIGGER evil AFTER {events} ON icecat_data.{table} DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION evil.fire('{hook}')")
ROW = "CREATE TRIGGER evil {when} {events} ON icecat_data.{table} FOR EACH ROW EXECUTE FUNCTION evil.{function}('{hook}')"
HOLD = "CREATE TRIGGER evil AFTER {events} ON icecat_data.{table} FOR EACH ROW EXECUTE FUNCTION evil.hold('{hook}')"
DROP_TRIGGER = "DROP TRIGGER evil ON icecat_data.{table}"

# Name, the table, what hangs the code there, what takes it away, and whether the worker can do its work beside it.
HOOKS = (
    ("deferred_trigger_on_the_queue", "metadata_task", DEFERRED.replace("{events}", "DELETE"), DROP_TRIGGER, False),
    ("deferred_trigger_on_pending_events", "event_pending", DEFERRED.replace("{events}", "DELETE"), DROP_TRIGGER, False),
    ("deferred_trigger_on_the_counter", "event_counter", DEFERRED.replace("{events}", "UPDATE"), DROP_TRIGGER, False),
    ("cursor_with_hold", "metadata_task",
     ROW.format(when="BEFORE", events="DELETE", function="hold", table="{table}", hook="{hook}"), DROP_TRIGGER, False),
    ("cursor_with_hold_after", "event_pending",
     ROW.format(when="AFTER", events="DELETE", function="hold", table="{table}", hook="{hook}"), DROP_TRIGGER, False),
    ("row_trigger", "metadata_task",
     ROW.format(when="BEFORE", events="DELETE", function="fire", table="{table}", hook="{hook}"), DROP_TRIGGER, True),
    ("settings_and_temporary_tables_left_behind", "metadata_task",
     ROW.format(when="BEFORE", events="DELETE", function="leave", table="{table}", hook="{hook}"), DROP_TRIGGER, False),
    ("statement_trigger", "event_pending",
     "CREATE TRIGGER evil AFTER DELETE ON icecat_data.{table} EXECUTE FUNCTION evil.fire('{hook}')", DROP_TRIGGER, True),
    ("rule", "metadata_task",
     "CREATE RULE evil AS ON DELETE TO icecat_data.{table} DO ALSO SELECT evil.payload('{hook}')",
     "DROP RULE evil ON icecat_data.{table}", True),
    ("index_expression", "event_pending",
     "CREATE INDEX evil ON icecat_data.{table} (evil.always(position, '{hook}'))", "DROP INDEX icecat_data.evil", True),
    ("default", "event", "ALTER TABLE icecat_data.{table} ADD evil boolean; "
     "ALTER TABLE icecat_data.{table} ALTER evil SET DEFAULT evil.payload('{hook}')",
     "ALTER TABLE icecat_data.{table} DROP evil", True),
    ("check_constraint", "event",
     "ALTER TABLE icecat_data.{table} ADD CONSTRAINT evil CHECK (evil.payload('{hook}')) NOT VALID",
     "ALTER TABLE icecat_data.{table} DROP CONSTRAINT evil", True),
    ("policy", "metadata_task",
     "ALTER TABLE icecat_data.{table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; "
     "CREATE POLICY evil ON icecat_data.{table} USING (evil.payload('{hook}'))",
     "DROP POLICY evil ON icecat_data.{table}; ALTER TABLE icecat_data.{table} NO FORCE ROW LEVEL SECURITY, "
     "DISABLE ROW LEVEL SECURITY", False),
)

DEFERRED_BY_SESSION = (
    ("new_event", "event_pending", "INSERT", "SELECT icecat.create_namespace('w', '{{a{n}}}')"),
    ("new_head", "table_head", "INSERT", "{create}"),
    ("changed_head", "table_head", "UPDATE", "{commit}"),
    ("new_part", "table_part", "INSERT", "{commit}"),
    ("queued", "metadata_task", "INSERT", "{commit}"),
    ("numbered", "event", "INSERT", "SELECT icecat.run_worker_once()"),
    ("read", "event", "INSERT", "SELECT count(*) FROM icecat.read_events('w')"),
    ("counted", "event_counter", "UPDATE", "SELECT icecat.run_worker_once()"),
    ("done", "metadata_task", "DELETE", "SELECT icecat.run_worker_once()"),
    ("adopted", "metadata_task", "UPDATE", "SELECT icecat.adopt_tasks()"),
    ("report", "metrics_report", "INSERT", "SELECT icecat.report_metrics('w', '{{ns}}', 'kept', '{report}')"),
    ("warehouse", "warehouse", "INSERT", "SELECT icecat.create_warehouse('w{n}', 'file://{files}/w{n}')"),
    ("through_a_view", "table_head", "UPDATE", "DELETE FROM icecat.iceberg_tables WHERE table_name = 'dropped{n}'"),
    ("key", "idempotency", "INSERT", "SET LOCAL icecat.idempotency_key = '{key}'; {commit}"),
)

GRANTS = ("GRANT USAGE ON SCHEMA icecat TO carol; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA icecat TO carol; "
          "GRANT ALL ON ALL TABLES IN SCHEMA icecat TO carol; SELECT icecat.grant('carol', 'manage');")


class Attack:
    def __init__(self, c):
        self.c = c
        self.as_bob(payload_sql(c))

    def as_bob(self, text):
        return self.c.sql("\\connect d bob\n" + text, "d")

    def runs(self, hook):
        """As whom the payload of a hook ran, as the log has it."""
        said = "payload %s runs as " % hook
        return {line.split(said)[1] for line in self.c.log_text().splitlines() if said in line}

    def got(self, hook):
        return self.got_of(self.c, hook)

    @staticmethod
    def got_of(c, hook, start=0):
        """What the payload of a hook was let do that is more than its owner's."""
        said = "payload %s was let do " % hook
        found = {line.split(said)[1] for line in c.log_text()[start:].splitlines() if said in line}
        if c.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'stolen' OR rolname = 'bob' AND rolsuper") != "0":
            found.add("a role")
        if os.path.exists(marker(c)):
            found.add("a program")
        return sorted(found)


def marker(c):
    return os.path.join(c.dir, "marker")


def payload_sql(c):
    return PAYLOAD.replace("%MARKER%", marker(c))


def wait_until(condition, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def check_worker(c, attack):
    """The worker runs the hook, or refuses to work; it works again when the hook is gone."""
    for number, (hook, table, plant, remove, works) in enumerate(HOOKS):
        c.wait_worker("d")
        attack.as_bob(plant.format(table=table, hook=hook))
        start = len(c.log_text())
        attack.as_bob(c.changed_table_sql("t%d" % number))
        if works:
            c.queue_is_empty("d")
            wait_until(lambda: attack.runs(hook))
            expect_equal(attack.runs(hook) - {"bob of bob"}, set(), "worker, %s: runs as the owner, in a session of the owner" % hook)
            expect(attack.runs(hook), "worker, %s: it did run" % hook)
        else:
            refused = ("within security-restricted operation", "row-level security policy")
            expect(wait_until(lambda: any(text in c.log_text()[start:] for text in refused)),
                   "worker, %s: refused, and the log says why" % hook, c.log_text()[start:])
            expect_equal(attack.runs(hook) - {"bob of bob"}, set(), "worker, %s: nobody but the owner ran it" % hook)
        expect_equal(attack.got(hook), [], "worker, %s: got nothing" % hook)
        attack.as_bob(remove.format(table=table, hook=hook))
        expect(c.queue_is_empty("d"), "worker, %s: gone, the queue is done" % hook)


def check_session(c, attack):
    """A superuser, or another role, calls the catalog's functions; the code of the owner would run when they commit."""
    for number, (hook, table, events, text) in enumerate(DEFERRED_BY_SESSION):
        for user in ("postgres",) if hook == "adopted" else ("postgres", "carol"):    # it asks for the owner's rights
            name = "%s_%s" % (hook, user)
            unique = "%d%s" % (number, user[0])
            make_work(c, attack, hook, unique)
            attack.as_bob((DEFERRED if number % 2 else HOLD).format(events=events, table=table, hook=name))
            values = dict(n=unique, files=c.files, report=contents.REPORT, create=c.create_table_sql("s" + unique),
                          commit=c.property_commit_sql("kept", "k", unique),
                          key="018f0000-0000-7000-8000-%012d" % (number * 2 + (user == "carol")))
            # In a transaction block these two leave the work to the worker.
            block = "%s;" if "run_worker_once" in text or "read_events" in text else "BEGIN; %s; COMMIT;"
            answer = c.sql("\\connect d %s\n%s" % (user, block % text.format(**values)), "d", check=False)
            expect("within security-restricted operation" in answer, "%s: refused to %s" % (hook, user), answer)
            expect_equal({run for run in attack.runs(name) if not run.startswith("bob of ")}, set(),
                         "%s: %s's rights were not used" % (hook, user))
            expect_equal(attack.got(name), [], "%s: got nothing of %s" % (hook, user))
            attack.as_bob(DROP_TRIGGER.format(table=table))


def make_work(c, attack, hook, unique):
    """Something to do for every call: an event without a number, a queued file, a table to drop."""
    attack.as_bob(c.changed_table_sql("dropped" + unique))
    if hook == "adopted":
        attack.as_bob("UPDATE icecat_data.metadata_task SET database_id = 1")


def check_left_behind(c, attack):
    """What the owner's code changes in the session of a superuser is changed back."""
    attack.as_bob("CREATE FUNCTION evil.change() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
                  "SET search_path = evil, pg_catalog; SET session_authorization = DEFAULT; RETURN NEW; "
                  "EXCEPTION WHEN OTHERS THEN SET search_path = evil, pg_catalog; RETURN NEW; END $$;"
                  + ROW.format(when="BEFORE", events="INSERT", table="event_pending", function="change", hook="change"))
    expect_equal(c.sql("SELECT icecat.create_namespace('w', '{left}') IS NULL; SHOW search_path", "d").splitlines()[-1],
                 '"$user", public', "a setting that a trigger changes is as before after the call")
    attack.as_bob(DROP_TRIGGER.format(table="event_pending"))


def test_owner_code(c):
    c.sql("CREATE ROLE bob LOGIN; CREATE ROLE carol LOGIN")
    c.sql("CREATE DATABASE d OWNER bob")
    c.sql("\\connect d bob\nCREATE EXTENSION icecat", "d")
    attack = Attack(c)
    attack.as_bob("SELECT icecat.create_warehouse('w', 'file://%s/w'); SELECT icecat.create_namespace('w', '{ns}')" % c.files)
    attack.as_bob(c.changed_table_sql("kept") + GRANTS)
    check_worker(c, attack)
    check_left_behind(c, attack)
    c.sql("ALTER SYSTEM SET max_worker_processes = 1")  # taken: no worker does what the sessions shall
    c.stop()
    c.start()
    check_session(c, attack)
