"""The audit log calls a change the worker's where icecat's worker made it, and not any process without a client."""
# SPDX-License-Identifier: PostgreSQL
from expectations import expect, expect_equal

SETTINGS = ["wal_level = logical"]
DATABASES = ("postgres", "source")


def test_a_process_of_the_server_that_is_not_the_worker_is_not_called_so(c):
    """Here one that applies the changes of another database."""
    c.make_warehouse()
    c.sql("CREATE TABLE public.wish (name text PRIMARY KEY); CREATE PUBLICATION wishes FOR TABLE public.wish;"
          "SELECT pg_create_logical_replication_slot('wishes', 'pgoutput')", "source")
    c.sql("CREATE TABLE public.wish (name text PRIMARY KEY); CREATE FUNCTION public.fulfil() RETURNS trigger LANGUAGE plpgsql AS "
          "$f$ BEGIN PERFORM icecat.create_namespace('w', ARRAY[NEW.name]); RETURN NEW; END $f$;"
          "CREATE TRIGGER fulfil AFTER INSERT ON public.wish FOR EACH ROW EXECUTE FUNCTION public.fulfil();"
          "ALTER TABLE public.wish ENABLE ALWAYS TRIGGER fulfil")
    c.sql("CREATE SUBSCRIPTION wishes CONNECTION 'host=%s port=5432 user=postgres dbname=source' PUBLICATION wishes "
          "WITH (create_slot = false, slot_name = 'wishes', copy_data = false)" % c.dir)
    c.sql("INSERT INTO public.wish VALUES ('wished')", "source")
    expect(c.wait_sql("SELECT count(*) FROM icecat.namespaces WHERE namespace = '{wished}'", "1"), "applied")
    expect_equal(c.sql("SELECT source FROM icecat.audit_log WHERE action = 'create-namespace' AND namespace = '{wished}'"), "sql")
    c.sql("ALTER SUBSCRIPTION wishes DISABLE")
