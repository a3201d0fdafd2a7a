/*
 * test_call.c
 *		A call: its statements in order, and what is too much for it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "base/conf.h"
#include "db/call.h"

static void
test_steps_are_kept_in_order(void **state)
{
	GwCall call = {0};

	(void) state;
	gw_call_begin(&call, 7);
	for (int i = 0; i < GW_STEPS_MAX; i++)
		gw_call_param(gw_call_step(&call, i + 10), "x");
	assert_int_equal(call.step_count, GW_STEPS_MAX);
	assert_int_equal(call.weight, 7);
	for (int i = 0; i < GW_STEPS_MAX; i++)
	{
		assert_int_equal(call.steps[i].statement, i + 10);
		assert_int_equal(call.steps[i].param_count, 1);
		assert_null(call.steps[i].params[1]);
	}
}

static void
test_a_call_begins_without_the_steps_before(void **state)
{
	GwCall call = {0};

	(void) state;
	gw_call_begin(&call, 0);
	gw_call_param(gw_call_step(&call, 1), "x");
	gw_call_begin(&call, 0);
	assert_int_equal(call.step_count, 0);
	assert_int_equal(gw_call_step(&call, 2)->param_count, 0);
}

static void
test_a_role_is_a_step_only_where_one_is_set(void **state)
{
	GwCall call = {0};

	(void) state;
	gw_conf_defaults(&gw_conf);
	gw_call_begin(&call, 0);
	gw_call_role(&call);
	assert_int_equal(call.step_count, 0);
	assert_true(gw_conf_set(&gw_conf, "database_role", "reader", NULL));
	gw_call_role(&call);
	assert_int_equal(call.step_count, 1);
	assert_string_equal(call.steps[0].params[0], "reader");
	gw_conf_free(&gw_conf);
}

static void
add_steps(int count)
{
	GwCall call = {0};

	gw_call_begin(&call, 0);
	for (int i = 0; i < count; i++)
		gw_call_step(&call, i);
}

static void
add_params(int count)
{
	GwCall    call = {0};
	GwPgStep *step;

	gw_call_begin(&call, 0);
	step = gw_call_step(&call, 1);
	for (int i = 0; i < count; i++)
		gw_call_param(step, "x");
}

/* The signal that ends a process which does that; 0 when it ends by itself. */
static int
signal_of(void (*act)(int), int count)
{
	int   status;
	pid_t child = fork();

	if (child == 0)
	{
		signal(SIGABRT, SIG_DFL);
		fclose(stderr);
		act(count);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
test_one_step_too_many_ends_the_process(void **state)
{
	(void) state;
	assert_int_equal(signal_of(add_steps, GW_STEPS_MAX), 0);
	assert_int_equal(signal_of(add_steps, GW_STEPS_MAX + 1), SIGABRT);
}

static void
test_one_parameter_too_many_ends_the_process(void **state)
{
	(void) state;
	assert_int_equal(signal_of(add_params, GW_PARAMS_MAX), 0);
	assert_int_equal(signal_of(add_params, GW_PARAMS_MAX + 1), SIGABRT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps_are_kept_in_order),
		cmocka_unit_test(test_a_call_begins_without_the_steps_before),
		cmocka_unit_test(test_a_role_is_a_step_only_where_one_is_set),
		cmocka_unit_test(test_one_step_too_many_ends_the_process),
		cmocka_unit_test(test_one_parameter_too_many_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
