"""CREATE EXTENSION, ALTER EXTENSION UPDATE and first use under settings that a database may have and nobody expects."""
# SPDX-License-Identifier: PostgreSQL
import os
import shutil

import contents
from expectations import expect_equal

SETTINGS = ["max_worker_processes = 1"]

# Settings that change how the text of a script is read, what its statements make, or how values are printed.
ODD = """
SET standard_conforming_strings = off; SET escape_string_warning = off; SET backslash_quote = off;
SET search_path = odd, public; SET client_min_messages = error; SET check_function_bodies = off;
SET quote_all_identifiers = on; SET transform_null_equals = on; SET array_nulls = off; SET xmloption = document;
SET DateStyle = 'SQL, DMY'; SET IntervalStyle = iso_8601; SET TimeZone = 'Pacific/Chatham'; SET bytea_output = escape;
SET extra_float_digits = -10; SET default_tablespace = side; SET default_table_access_method = heap;
SET default_toast_compression = pglz; SET default_transaction_isolation = serializable;
SET default_transaction_deferrable = on; SET row_security = off; SET plpgsql.variable_conflict = error;
SET plpgsql.extra_errors = 'all'; SET enable_seqscan = off; SET enable_indexscan = off; SET plan_cache_mode = force_generic_plan;
"""
# What an unqualified name would find first.
PLANTED = """
CREATE SCHEMA odd;
CREATE FUNCTION odd.format(text, VARIADIC "any") RETURNS text LANGUAGE internal IMMUTABLE AS 'text_format';
CREATE FUNCTION odd.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz';
CREATE FUNCTION odd.coalesce(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE TABLE odd.warehouse (x integer); CREATE DOMAIN odd.uuid AS text; CREATE DOMAIN odd.json AS text;
"""
VERSION = "0.1.0"


def make_database(c, name, owner):
    c.sql("CREATE DATABASE %s OWNER %s" % (name, owner))
    c.sql(PLANTED + "GRANT USAGE ON SCHEMA odd TO PUBLIC", name)


def works(c, owner, name):
    """A catalog made and used under the settings is as one made without them."""
    c.sql("SET ROLE %s; %s SELECT icecat.create_warehouse('w', 'file://%s/%s'); SELECT icecat.create_namespace('w', '{ns}');"
          % (owner, ODD, c.files, name), name)
    under = "SET ROLE %s; %s SET default_transaction_isolation = 'read committed'; " % (owner, ODD)
    c.sql(under + c.create_table_sql("t1").replace("\\", "") + contents.snapshots_sql("t1", 1, 3), name)
    c.sql(under + "SELECT icecat.report_metrics('w', '{ns}', 't1', '%s'); SELECT icecat.run_worker_once()" % contents.REPORT, name)
    expect_equal(c.sql(under + "SELECT * FROM icecat.check_integrity()", name), "", "%s: check_integrity() finds nothing" % name)
    expect_equal(c.sql(under + "SELECT count(*) FROM icecat.snapshots; SELECT count(*) FROM icecat.scan_reports; "
                       "SELECT count(*) FROM icecat.events WHERE number IS NOT NULL", name).split(), ["3", "1", "6"],
                 "%s: and it can be read" % name)


def test_odd_settings(c):
    c.sql("CREATE ROLE bob NOSUPERUSER")
    os.mkdir(os.path.join(c.dir, "side"))
    if c.user:
        shutil.chown(os.path.join(c.dir, "side"), c.user)
    c.sql("CREATE TABLESPACE side LOCATION '%s/side'" % c.dir)
    c.sql("GRANT CREATE ON TABLESPACE side TO bob")
    for owner in ("postgres", "bob"):
        fresh, odd, updated = ("%s_%s" % (kind, owner) for kind in ("fresh", "odd", "updated"))
        for name in (fresh, odd, updated):
            make_database(c, name, owner)
        c.sql("SET ROLE %s; CREATE EXTENSION icecat" % owner, fresh)
        c.sql("SET ROLE %s; CREATE EXTENSION icecat VERSION '%s'" % (owner, VERSION), updated)
        expected = contents.objects(c, fresh)
        expect_equal(c.sql("SET ROLE %s; %s CREATE EXTENSION icecat" % (owner, ODD), odd, check=False), "", "%s: created" % odd)
        expect_equal(contents.difference(expected, contents.objects(c, odd)), "", "%s: every object is as without the settings" % odd)
        works(c, owner, odd)
        expect_equal(c.sql("SET ROLE %s; %s ALTER EXTENSION icecat UPDATE" % (owner, ODD), updated, check=False), "",
                     "%s: updated" % updated)
        expect_equal(contents.difference(expected, contents.objects(c, updated)), "",
                     "%s: every object is as without the settings" % updated)
        works(c, owner, updated)
