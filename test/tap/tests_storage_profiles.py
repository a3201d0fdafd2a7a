"""Storage profiles: who makes and gives them, what they may say, and that their secrets are nobody's to read."""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import re
import subprocess

from expectations import expect, expect_equal

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SECRETS = {"access-key-id": "AKIDEXAMPLE", "secret-access-key": SECRET}
KEYS = ("k1 " + "1f" * 32, "k2 " + "a0" * 32)
SETTINGS = ["icecat.secret_key_file = 'secret.keys'"]


def write_keys(c, text, mode=0o600):
    path = os.path.join(c.data, "secret.keys")
    if os.path.exists(path):
        os.remove(path)
    subprocess.run(["sh", "-c", "umask 077; cat >secret.keys; chmod %o secret.keys" % mode], input=text, text=True, cwd=c.data, user=c.user, check=True)


def create(name, root, options=None, secrets=None):
    return "SELECT icecat.create_storage_profile('%s', '%s', '%s', %s)" % (
        name, root, json.dumps(options or {}), "'%s'" % json.dumps(secrets) if secrets else "NULL")


def run(c, role, text):
    """What psql prints, or the SQLSTATE, message and detail."""
    done = subprocess.run(c.psql_command("postgres") + ["-v", "VERBOSITY=verbose"], input="SET ROLE %s;\n%s" % (role, text), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.stdout.strip() if done.returncode == 0 else done.stderr.split("ERROR:")[1].strip()


def fails(c, role, text, code, words=""):
    said = run(c, role, text)
    expect(said.startswith(code) and words in said, f"{text}: expected {code} {words}", said)


def prepare(c):
    c.sql("CREATE ROLE users; SELECT icecat.grant_user('users'); CREATE ROLE admin; SELECT icecat.grant_admin('admin');"
          "CREATE ROLE writer; SELECT icecat.grant_writer('writer'); CREATE ROLE acme IN ROLE users; CREATE ROLE globex IN ROLE users;"
          "SELECT icecat.create_tenant('acme', 's3://lake/acme'), icecat.create_tenant('globex', 's3://lake/globex');"
          "SELECT icecat.assign_role('acme', 'acme'), icecat.assign_role('globex', 'globex');"
          "SELECT icecat.grant_tenant('acme', 'manage', 'acme'), icecat.grant_tenant('globex', 'manage', 'globex')")
    write_keys(c, "# keys\n%s\n" % KEYS[0])


def test_a_profile_has_all_that_its_login_needs(c):
    fails(c, "postgres", create("p", "s3://lake", {"region": "eu-west-1"}), "IC301", "secret-access-key")
    fails(c, "postgres", create("p", "s3://lake", {}, SECRETS), "IC301", "region")
    fails(c, "postgres", create("p", "s3://lake", {"region": "x.evil.example/"}, SECRETS), "IC301", "region")
    fails(c, "postgres", create("p", "gs://lake", {"region": "x"}), "IC301", "No such option")
    fails(c, "postgres", create("p", "s3://lake", {"secret-access-key": SECRET}), "IC301", "It is a secret")
    fails(c, "postgres", create("p", "s3://lake", {"region": ["x"]}, SECRETS), "IC301", "Not a text")
    fails(c, "postgres", create("p", "s3://lake", {"region": "x", "retries-max": "21"}, SECRETS), "IC301", "from 0 to 20")
    fails(c, "postgres", create("p", "s3://lake", {"endpoint": "store.example"}, SECRETS), "IC301", "Expected http(s)")
    for root in ("s3://", "s3://la", "s3://LAKE", "s3://lake/a//b", "s3://lake/../x", "http://lake/x", "abfss://lake/x"):
        fails(c, "postgres", create("p", root, {"region": "x"}, SECRETS), "IC301", "root")
    expect_equal(c.sql("SELECT count(*) FROM icecat.storage_profiles"), "0")


def test_secrets_are_kept_encrypted_and_shown_to_nobody(c):
    c.sql(create("main", "s3://lake/", {"region": "eu-west-1"}, SECRETS))
    expect_equal(c.sql("SELECT storage_profile, store, root, options, secrets FROM icecat.storage_profiles"),
                 'main|s3|s3://lake|{"region": "eu-west-1"}|{access-key-id,secret-access-key}')
    expect_equal(c.sql("SELECT count(*), min(key_id) FROM icecat_data.storage_secret"), "2|k1")
    dump = c.run("pg_dump", "-h", c.dir, "-p", "5432", "-U", "postgres", "postgres").stdout
    expect("storage_secret" in dump, "the rows are in a dump")
    expect(SECRET not in dump and SECRET.encode().hex() not in dump, "their secrets are not")
    for role in ("admin", "writer", "acme"):
        expect("42501" in run(c, role, "SELECT * FROM icecat_data.storage_secret"), f"{role} reads no secret")
    expect(SECRET not in c.sql("SELECT string_agg(a::text, '') FROM icecat.audit_log AS a WHERE action LIKE '%storage%'"), "the audit log has none")
    expect_equal(c.sql("SELECT details ->> 'before', details -> 'after' ->> 'secrets' FROM icecat.audit_log WHERE object_kind = 'storage-profile'"),
                 '|["access-key-id", "secret-access-key"]')


def test_each_change_tells_what_was_and_what_is_and_no_secret(c):
    c.sql(create("told", "s3://lake", {"region": "eu-west-1"}, SECRETS))
    other = "Other" + SECRET[5:]
    c.sql("SELECT icecat.alter_storage_profile('told', 'said', '{\"region\":\"eu-west-2\"}')")
    c.sql("SELECT icecat.alter_storage_profile('said', p_secrets => '%s')" % json.dumps({"secret-access-key": other}))
    c.sql("SELECT icecat.drop_storage_profile('said')")
    found = c.sql("SELECT action, name, details -> 'before' ->> 'name', details #>> '{before,options,region}', details #>> '{before,revision}', "
                  "details -> 'after' ->> 'name', details #>> '{after,options,region}', details #>> '{after,revision}', details #>> '{after,root}', "
                  "object_id IS NOT NULL FROM icecat.audit_log WHERE object_kind = 'storage-profile' AND name IN ('told', 'said') ORDER BY occurred_at")
    expect_equal(found.split("\n"), ["create-storage-profile|told||||told|eu-west-1|1|s3://lake|t", "alter-storage-profile|told|told|eu-west-1|1|said|eu-west-2|2|s3://lake|t",
                                     "alter-storage-profile|said|said|eu-west-2|2|said|eu-west-2|3|s3://lake|t", "drop-storage-profile|said|said|eu-west-2|3|||||t"])
    text = c.sql("SELECT string_agg(a::text, '') FROM icecat.audit_log AS a WHERE object_kind = 'storage-profile'")
    expect(SECRET not in text and other not in text, "no secret, new or old")


def test_a_statement_with_secrets_is_in_no_error_of_the_log_and_not_shown_while_it_runs(c):
    c.sql(create("main", "s3://lake", {"region": "x"}, SECRETS), check=False)
    c.sql(create("bad", "s3://lake", {"nonsense": "x"}, SECRETS), check=False)
    c.sql("SET icecat.log_refusals = on; " + create("bad", "s3://lake", {"nonsense": "x"}, SECRETS), check=False)
    expect("No such option" in c.log_text(), "the error is in the log")
    expect(SECRET not in c.log_text(), "its secrets are not")
    shown = c.sql("WITH made AS MATERIALIZED (%s) SELECT query FROM made, pg_stat_activity WHERE pid = pg_backend_pid()"
                  % create("seen", "s3://lake", {"region": "x"}, SECRETS))
    expect_equal(shown, "<a storage profile is being written>")
    c.sql("SELECT icecat.drop_storage_profile('seen')")


def test_a_key_file_that_others_may_read_is_not_used(c):
    alter = "SELECT icecat.alter_storage_profile('main', p_secrets => '%s')" % json.dumps(SECRETS)
    for mode in (0o644, 0o640, 0o660):
        write_keys(c, KEYS[0], mode)
        fails(c, "postgres", alter, "IC501", "0600")
    for text, words in (("", 'has no key "k1"'), ("k1 abc\n", "64 hexadecimal"), ("%s zz\n" % KEYS[0], "64 hexadecimal")):
        write_keys(c, text)
        fails(c, "postgres", alter, "IC501", words)
    write_keys(c, "k1 " + "00" * 32)
    fails(c, "postgres", alter, "IC501", "was not encrypted by the key")
    os.remove(os.path.join(c.data, "secret.keys"))
    fails(c, "postgres", alter, "IC501", "could not be opened")
    write_keys(c, KEYS[0])
    c.sql(alter)


def test_keys_are_changed_by_rotation(c):
    write_keys(c, "%s\n%s\n" % (KEYS[1], KEYS[0]))
    expect_equal(c.sql("SELECT icecat.rotate_storage_secrets()"), "2")
    expect_equal(c.sql("SELECT icecat.rotate_storage_secrets()"), "0")
    expect_equal(c.sql("SELECT DISTINCT key_id FROM icecat_data.storage_secret"), "k2")
    write_keys(c, KEYS[1])
    c.sql("SELECT icecat.alter_storage_profile('main', p_options => '{\"session-name\":\"x\"}')")
    expect("42501" in run(c, "admin", "SELECT icecat.rotate_storage_secrets()"), "only the owner rotates")


def test_a_secret_opens_as_no_other(c):
    c.sql("UPDATE icecat_data.storage_secret AS s SET sealed = o.sealed FROM icecat_data.storage_secret AS o "
          "WHERE s.name = 'access-key-id' AND o.name = 'secret-access-key'")
    fails(c, "postgres", "SELECT icecat.alter_storage_profile('main', p_options => '{}')", "IC501", "was not encrypted by the key")
    c.sql("DELETE FROM icecat_data.storage_secret")
    c.sql("SELECT icecat.alter_storage_profile('main', p_secrets => '%s')" % json.dumps(SECRETS))


def test_only_the_owner_has_the_server_log_in_as_itself_or_go_where_it_likes(c):
    for options in ({"login": "instance"}, {"login": "container"}, {"login": "web-identity", "role-arn": "arn:x"},
                    {"login": "assume-role", "role-arn": "arn:x"}):
        fails(c, "admin", create("p", "s3://other", {"region": "x", **options}), "IC401", "Only the owner")
    fails(c, "admin", create("p", "gs://other", {"login": "metadata-server"}), "IC401", "Only the owner")
    for options in ({"allow-private-endpoints": True}, {"ca-file": "/etc/passwd"}):
        fails(c, "admin", create("p", "s3://other", {"region": "x", **options}, SECRETS), "IC401", "Only the owner")
    for option in ("endpoint", "endpoint-sts", "endpoint-external"):
        fails(c, "admin", create("p", "s3://other", {"region": "x", option: "https://store.example"}, SECRETS), "IC401", "not allowed")
    fails(c, "admin", create("p", "abfss://box@acc.evil.example/x", {}, {"shared-key": "eA=="}), "IC401", "not allowed")
    expect_equal(run(c, "admin", create("az", "abfss://box@acc.dfs.core.windows.net/x", {}, {"shared-key": "eA=="})), "")
    expect_equal(run(c, "postgres", create("own", "s3://other", {"login": "instance", "endpoint": "http://10.0.0.1:9000", "allow-private-endpoints": True})), "")
    for host in ("169.254.169.254", "metadata.google.internal", "[fd00:ec2::254]", "[fe80::1]"):
        fails(c, "postgres", create("p", "s3://other", {"endpoint": "http://" + host}, SECRETS), "IC401", "Not an endpoint")
    c.sql("SELECT icecat.drop_storage_profile('az'), icecat.drop_storage_profile('own')")


def test_a_secret_that_is_sent_goes_where_it_was_given_for(c):
    """Who changes a profile without knowing its secret has it sent nowhere else."""
    application = {"login": "client-secret", "tenant-id": "t", "client-id": "i", "authority": "https://login.example"}
    root = "abfss://box@acc.dfs.core.windows.net/app"
    fails(c, "postgres", create("app", root, {**application, "authority": "http://login.example"}, {"client-secret": "x"}), "IC301", "must be https")
    expect_equal(run(c, "postgres", create("app", root, application, {"client-secret": "x"})), "")
    alter = "SELECT icecat.alter_storage_profile('app', p_options => '{\"authority\":%s}'%s)"
    for authority in ('"https://elsewhere.example"', "null"):
        fails(c, "postgres", alter % (authority, ""), "IC301", "together with its client-secret")
        expect_equal(run(c, "postgres", alter % (authority, ", p_secrets => '{\"client-secret\":\"y\"}'")), "")
    expect_equal(run(c, "postgres", "SELECT icecat.alter_storage_profile('app', p_options => '{\"client-id\":\"j\"}')"), "")
    expect_equal(run(c, "postgres", "SELECT icecat.drop_storage_profile('app')"), "")


def test_endpoints_of_others_are_in_the_list_of_those_allowed(c):
    c.sql("LOAD 'icecat'; ALTER SYSTEM SET icecat.store_endpoints_allowed = 'one.example, *.two.example, three.example:9000'")
    c.sql("SELECT pg_reload_conf()")
    for endpoint, allowed in (("https://one.example", True), ("https://ONE.example", True), ("https://one.example:444", False),
                              ("https://x.one.example", False), ("https://a.b.two.example", True), ("https://two.example", False),
                              ("https://eviltwo.example", False), ("http://three.example:9000", True), ("http://three.example", False),
                              ("https://one.example.evil.example", False)):
        text = create("p", "s3://other", {"endpoint": endpoint}, SECRETS)
        if allowed:
            expect_equal(run(c, "admin", text), "", endpoint)
            c.sql("SELECT icecat.drop_storage_profile('p')")
        else:
            fails(c, "admin", text, "IC401", "not allowed")
    for endpoint in ("https://user@one.example", "https://one.example/path", "https://one.example?x", "https://one.example:0", "ftp://one.example"):
        fails(c, "admin", create("p", "s3://other", {"endpoint": endpoint}, SECRETS), "IC301", "Expected http(s)")


def test_a_profile_of_a_tenant_is_the_tenants(c):
    fails(c, "acme", create("own", "s3://lake/globex/x", {"region": "x"}, SECRETS), "IC306", "not below that of the tenant")
    fails(c, "acme", create("own", "s3://lake", {"region": "x"}, SECRETS), "IC306", "not below that of the tenant")
    expect_equal(run(c, "acme", create("own", "s3://lake/acme/x", {"region": "x"}, SECRETS)), "")
    expect_equal(run(c, "globex", create("own", "s3://lake/globex/x", {"region": "y"}, SECRETS)), "")
    fails(c, "acme", create("own", "s3://lake/acme/x", {"region": "x"}, SECRETS), "IC201")
    expect_equal(run(c, "acme", "SELECT storage_profile, tenant, options FROM icecat.storage_profiles ORDER BY tenant"), 'own|acme|{"region": "x"}\nmain||')
    expect_equal(run(c, "users", "SELECT count(*) FROM icecat.storage_profiles"), "0")
    fails(c, "acme", "SELECT icecat.alter_storage_profile('main', p_options => '{\"region\":\"z\"}')", "IC401")
    fails(c, "acme", "SELECT icecat.drop_storage_profile('globex/own')", "IC108")
    fails(c, "writer", create("p", "s3://other", {"region": "x"}, SECRETS), "42501")
    fails(c, "postgres", "SELECT icecat.drop_tenant('acme')", "IC207", "storage profile")
    expect_equal(run(c, "postgres", "SELECT icecat.alter_storage_profile('acme/own', 'acme/ours')"), "")
    expect_equal(run(c, "acme", "SELECT icecat.alter_storage_profile('ours', 'own')"), "")


def test_a_warehouse_has_a_profile_that_its_location_is_in(c):
    fails(c, "acme", "SELECT icecat.create_warehouse('w', 's3://lake/acme/y', p_storage_profile => 'own')", "IC301", "not in the root")
    fails(c, "acme", "SELECT icecat.create_warehouse('w', 's3://lake/acme/x/w', p_storage_profile => 'globex/own')", "IC108")
    fails(c, "postgres", "SELECT icecat.create_warehouse('acme/w', 's3://lake/acme/x/w', p_storage_profile => 'globex/own')", "IC301", "another tenant")
    expect_equal(json.loads(run(c, "acme", "SELECT icecat.create_warehouse('w', 's3://lake/acme/x/w', p_storage_profile => 'own')"))["storage-profile"], "own")
    expect_equal(run(c, "acme", "SELECT warehouse, storage_profile FROM icecat.warehouses"), "acme/w|own")
    fails(c, "acme", "SELECT icecat.drop_storage_profile('own')", "IC208")
    fails(c, "acme", "SELECT icecat.alter_warehouse('w', p_location => 's3://lake/acme/y')", "IC301", "not in the root")
    expect_equal(run(c, "acme", "SELECT icecat.alter_warehouse('w', p_storage_profile => 'main') ->> 'storage-profile'"), "main")
    expect_equal(run(c, "acme", "SELECT icecat.alter_warehouse('w', p_storage_profile => '') ->> 'storage-profile'"), "")
    expect_equal(run(c, "acme", "SELECT icecat.drop_storage_profile('own')"), "")
    fails(c, "writer", "SELECT icecat.create_warehouse('x', 's3://lake/x', p_storage_profile => 'main')", "42501")
    c.sql("GRANT EXECUTE ON FUNCTION icecat.create_warehouse TO writer")
    fails(c, "writer", "SELECT icecat.create_warehouse('x', 's3://lake/x', p_storage_profile => 'main')", "IC401")


def test_a_table_lies_in_the_root_of_its_warehouses_profile(c):
    c.sql("SELECT icecat.create_warehouse('g', 's3://lake/g', p_storage_profile => 'main'), icecat.create_namespace('g', '{ns}')")
    fails(c, "postgres", c.create_table_sql("t", "g", ", p_location => 's3://elsewhere/t'"), "IC306", "may not reach")
    fails(c, "postgres", c.create_table_sql("t", "g", ", p_location => 'gs://lake/g/t'"), "IC306", "may not reach")
    expect_equal(c.sql(c.create_table_sql("t", "g")), "t")
    expect(re.match("^s3://lake/g/ns/t-", c.sql("SELECT location FROM icecat_data.metadata_task")),
           "its first file is queued, for no network is asked in its transaction")
