/*
 * test_conf.c
 *		Settings: forms of values, sources and their order, reloading, secrets.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "base/conf.h"

static GwConf conf;
static GwText error;

static int
set_up(void **state)
{
	(void) state;
	gw_conf_defaults(&conf);
	error = (GwText){0};
	return 0;
}

static int
tear_down(void **state)
{
	(void) state;
	gw_conf_free(&conf);
	gw_text_free(&error);
	return 0;
}

static void
test_defaults(void **state)
{
	(void) state;
	assert_string_equal(conf.listen, "127.0.0.1");
	assert_int_equal(conf.port, 8181);
	assert_int_equal(conf.body_bytes_max, 32 * 1024 * 1024);
	assert_true(conf.prepared_statements);
	assert_int_equal(conf.commit_gate_width, 1);
}

static void
test_units(void **state)
{
	(void) state;
	assert_true(gw_conf_set(&conf, "body_bytes_max", "64MB", &error));
	assert_int_equal(conf.body_bytes_max, 64 * 1024 * 1024);
	assert_true(gw_conf_set(&conf, "body_bytes_max", "2 kB", &error));
	assert_int_equal(conf.body_bytes_max, 2048);
	assert_true(gw_conf_set(&conf, "idle_timeout_ms", "2min", &error));
	assert_int_equal(conf.idle_timeout_ms, 120000);
	assert_true(gw_conf_set(&conf, "retry_after_s", "1min", &error));
	assert_int_equal(conf.retry_after_s, 60);
	assert_false(gw_conf_set(&conf, "port", "8181MB", &error));
	assert_false(gw_conf_set(&conf, "idle_timeout_ms", "2MB", &error));
}

static void
test_bad_values(void **state)
{
	static const char *const pairs[][2] = {
		{"port", "65536"},
		{"port", "-1"},
		{"port", ""},
		{"port", "x"},
		{"port", "1x"},
		{"port", "99999999999999999999"},
		{"prepared_statements", "maybe"},
		{"log_level", "loud"},
		{"base_path", "iceberg"},
		{"base_path", "/a//b"},
		{"base_path", "/a b"},
		{"commit_gate_width", "0"},
		{"body_bytes_max", "9000000GB"},
		{"no_such_setting", "1"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
	{
		error.len = 0;
		assert_false(gw_conf_set(&conf, pairs[i][0], pairs[i][1], &error));
		assert_non_null(strstr(error.data, pairs[i][0]));
	}
}

static void
test_file(void **state)
{
	const char *text = "# comment\n\nport = 9000  # behind\n dsn = 'host=a password=b#c'\n"
					   "log_level=ERROR\nprepared_statements = off\nbase_path = /iceberg\n";

	(void) state;
	assert_true(gw_conf_parse(&conf, text, "file", &error));
	assert_int_equal(conf.port, 9000);
	assert_string_equal(conf.dsn, "host=a password=b#c");
	assert_int_equal(conf.log_level, 3);
	assert_false(conf.prepared_statements);
	assert_string_equal(conf.base_path, "/iceberg");
}

static void
test_file_errors_name_the_line(void **state)
{
	(void) state;
	assert_false(gw_conf_parse(&conf, "port = 1\nport 2\nnope = 3\n", "file", &error));
	assert_non_null(strstr(error.data, "file:2: expected name = value"));
	assert_non_null(strstr(error.data, "file:3: there is no setting \"nope\""));
}

static void
test_environment(void **state)
{
	char *good[] = {"ICECAT_PORT=9001", "ICECAT_DSN=host=x", "ICECAT_URL=http://other", "PATH=/bin",
					NULL};
	char *bad[] = {"ICECAT_PORT=many", NULL};

	(void) state;
	assert_true(gw_conf_load(&conf, NULL, good, &error));
	assert_int_equal(conf.port, 9001);
	assert_string_equal(conf.dsn, "host=x");
	assert_false(gw_conf_load(&conf, NULL, bad, &error));
	assert_false(gw_conf_load(&conf, "/no/such/file", good, &error));
}

/* A file with a password that others may read is told; one without, or for the owner alone, is
 * not. */
static void
test_shown_secret(void **state)
{
	static const struct
	{
		const char *dsn;
		mode_t      mode;
		bool        shown;
	} cases[] = {
		{"host=x password=y", 0644, true},        {"host=x password=y", 0640, true},
		{"host=x password=y", 0600, false},       {"postgresql://u:p@h/d", 0604, true},
		{"postgresql://u@h:5432/d", 0644, false}, {"host=/run dbname=d", 0644, false},
	};
	char path[] = "/tmp/icecat-test-conf-XXXXXX";
	int  fd = mkstemp(path);

	(void) state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		assert_true(gw_conf_set(&conf, "dsn", cases[i].dsn, &error));
		assert_int_equal(fchmod(fd, cases[i].mode), 0);
		assert_int_equal(gw_conf_shows_secret(&conf, path), cases[i].shown);
	}
	assert_false(gw_conf_shows_secret(&conf, NULL));
	close(fd);
	unlink(path);
}

static void
test_reload(void **state)
{
	GwConf fresh;

	(void) state;
	gw_conf_defaults(&fresh);
	assert_true(gw_conf_set(&fresh, "port", "9002", &error));
	assert_true(gw_conf_set(&fresh, "pool_queue_max", "5", &error));
	assert_true(gw_conf_set(&fresh, "database_role", "reader", &error));
	gw_conf_reload(&conf, &fresh, &error);
	assert_int_equal(conf.port, 8181);
	assert_int_equal(conf.pool_queue_max, 5);
	assert_string_equal(conf.database_role, "reader");
	assert_non_null(strstr(error.data, "\"port\" needs a restart"));
	assert_non_null(strstr(error.data, "\"pool_queue_max\" changed"));
	assert_null(strstr(error.data, "listen"));
}

/* What is printed as a file is read back as the defaults. */
static void
test_printed_file_is_valid(void **state)
{
	char  *text = NULL;
	size_t size = 0;
	FILE  *out = open_memstream(&text, &size);

	(void) state;
	gw_conf_print(out, GW_CONF_FILE);
	fclose(out);
	for (char *p = text; (p = strstr(p, "\n#")) != NULL; p++)
		if (strncmp(p, "\n# ", 3) != 0)
			p[1] = ' '; /* uncomment the settings */
	assert_true(gw_conf_parse(&conf, text, "printed", &error));
	assert_int_equal(conf.port, 8181);
	assert_string_equal(conf.dsn, "");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_units, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_file_errors_name_the_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_environment, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_shown_secret, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reload, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_printed_file_is_valid, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
