/*
 * call.c
 *		Building a call; see call.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "db/call.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/conf.h"

/* Holds also where assertions are left out: what is behind the array is the call's own state. */
static void
stay_below(int count, int max, const char *what)
{
	if (count < max)
		return;
	fprintf(stderr, "icecat-gateway: more than %d %s of one call\n", max, what);
	abort();
}

void
gw_call_begin(GwCall *call, size_t weight)
{
	assert(call->state == GW_CALL_IDLE);
	call->step_count = 0;
	call->weight = weight;
}

GwPgStep *
gw_call_step(GwCall *call, int statement)
{
	stay_below(call->step_count, GW_STEPS_MAX, "statements");
	call->steps[call->step_count] = (GwPgStep){.statement = statement};
	return &call->steps[call->step_count++];
}

void
gw_call_param(GwPgStep *step, const char *value)
{
	stay_below(step->param_count, GW_PARAMS_MAX, "parameters of a statement");
	step->params[step->param_count++] = value;
}

void
gw_call_param_bytes(GwPgStep *step, const char *value, size_t len)
{
	gw_call_param(step, value);
	step->lengths[step->param_count - 1] = (int) len;
}

void
gw_call_role(GwCall *call)
{
	if (gw_conf.database_role[0] != '\0')
		gw_call_param(gw_call_step(call, GW_STATEMENT_ROLE), gw_conf.database_role);
}

void
gw_call_identity(GwCall *call, const char *role, const char *principal)
{
	GwPgStep *step = gw_call_step(call, GW_STATEMENT_IDENTITY);

	gw_call_param(step, role);
	gw_call_param(step, principal);
}
