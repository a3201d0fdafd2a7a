/*
 * test_conf_database.c
 *		Unit tests of base/conf_database.c: files of a folder, and rules that no two may share.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf_database.h"
#include "check.h"

static char            folder[64];
static GwDatabaseConfs confs;
static GwText          error;

static int
set_up(void **state)
{
	(void) state;
	strcpy(folder, "/tmp/gw-databases-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static void
remove_file(const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	(void) unlink(path);
}

static void
write_file(const char *name, const char *text, mode_t mode)
{
	char  path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static bool
load(int64_t max)
{
	gw_conf_database_free_all(&confs);
	gw_text_free(&error);
	return gw_conf_database_load(folder, max, &confs, &error);
}

static int
tear_down(void **state)
{
	static const char *const names[] = {"acme.conf", "beta.conf", "Bad.conf", ".acme.conf.swp",
										"acme.conf~"};

	(void) state;
	gw_conf_database_free_all(&confs);
	gw_text_free(&error);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove_file(names[i]);
	return rmdir(folder);
}

static void
test_files_are_databases(void **state)
{
	(void) state;
	write_file("beta.conf", "dsn = 'dbname=b'\nhosts = b.example.com\n", 0600);
	write_file("acme.conf", "dsn = 'dbname=a'\npaths = /t/acme, /acme\nread_connections = 2\n",
			   0600);
	write_file("acme.conf~", "nonsense\n", 0600);
	write_file(".acme.conf.swp", "nonsense\n", 0600);
	assert_true(load(2));
	assert_int_equal(confs.count, 2);
	assert_string_equal(confs.list[0].name, "acme");
	assert_int_equal(confs.list[0].read_connections, 2);
	assert_int_equal(confs.list[1].read_connections, 4);
	assert_string_equal(confs.list[1].dsn, "dbname=b");
	assert_false(load(1));
	assert_non_null(strstr(error.data, "databases_max is 1"));
}

static void
test_rules_have_one_form(void **state)
{
	static const char *const bad[] = {
		"hosts = 'Acme.example.com'",
		"hosts = 'a/b'",
		"paths = 't/acme'",
		"paths = '/t/acme/'",
		"paths = '/t//acme'",
		"paths = '/'",
		"paths = '/v1'",
		"paths = '/v1/acme'",
		"paths = '/t/../acme'",
		"paths = '/t/%61'",
		"warehouses = 'a/b'",
		"warehouses = 'a%2Fb'",
		"no_such_setting = 1",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		char text[160];

		snprintf(text, sizeof(text), "hosts = h\n%s\n", bad[i]);
		write_file("acme.conf", text, 0600);
		if (load(10))
			fail_msg("%s is taken", bad[i]);
		assert_non_null(strstr(error.data, "acme.conf:2"));
	}
	write_file("acme.conf", "paths = /v1x, /t/acme-1_2.3~4\nwarehouses = 'Acme, b'\n", 0600);
	assert_true(load(10));
	write_file("acme.conf", "dsn = ''\n", 0600);
	assert_false(load(10));
	assert_non_null(strstr(error.data, "no request is for it"));
}

static void
test_no_two_share_a_rule(void **state)
{
	(void) state;
	write_file("acme.conf", "hosts = 'a, b'\npaths = /x\n", 0600);
	write_file("beta.conf", "hosts = 'c, b'\npaths = /y\n", 0600);
	assert_false(load(10));
	assert_non_null(strstr(error.data, "both have \"b\" in hosts"));
	write_file("beta.conf", "hosts = c\npaths = /x/y\n", 0600);
	assert_true(load(10));
	write_file("Bad.conf", "hosts = d\n", 0600);
	assert_false(load(10));
}

static void
test_what_makes_other_connections(void **state)
{
	GwDatabaseConf one;
	GwDatabaseConf other;

	(void) state;
	gw_conf_database_defaults(&one, "x");
	gw_conf_database_defaults(&other, "x");
	assert_true(gw_conf_database_set(&other, "hosts", "h", &error));
	assert_true(gw_conf_database_set(&other, "maintenance", "on", &error));
	assert_true(gw_conf_database_connects_alike(&one, &other));
	assert_true(gw_conf_database_set(&other, "dsn", "dbname=y", &error));
	assert_false(gw_conf_database_connects_alike(&one, &other));
	gw_conf_database_free(&one);
	gw_conf_database_free(&other);
}

static void
test_shown_passwords(void **state)
{
	GwText shown = {0};

	(void) state;
	write_file("acme.conf", "dsn = 'password=x'\nhosts = a\n", 0644);
	write_file("beta.conf", "dsn = 'password=x'\nhosts = b\n", 0600);
	assert_true(load(10));
	gw_conf_database_shown(folder, &confs, &shown);
	assert_non_null(strstr(shown.data, "acme.conf\n"));
	assert_null(strstr(shown.data, "beta.conf"));
	gw_text_free(&shown);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files_are_databases, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rules_have_one_form, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_two_share_a_rule, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_makes_other_connections, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_shown_passwords, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
