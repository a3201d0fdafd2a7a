/*
 * group.c
 *		Commits that go together; see group.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/group.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "catalog/principal.h"
#include "catalog/statements.h"
#include "db/text_array.h"

#define FAILED_PAUSE_US 60000000 /* after a call that this database does not take */

/* SQLSTATEs that say so. One that concerns the caller (42501) keeps nobody else from groups. */
#define UNDEFINED_FUNCTION "42883"
#define LIMIT_EXCEEDED     "IC305"

/* What each request has of its own: the arrays of the statement, behind the parameters of all. */
typedef enum Part
{
	PART_BODY,
	PART_ID,
	PART_CLIENT,
	PART_KEY,
	PART_DEDUPLICATE,
	PART_TAG,
	PART_COUNT
} Part;

typedef TAILQ_HEAD(Members, GwRequest) Members;

typedef struct GwGroup
{
	GwCall   call;
	GwTicket ticket; /* inside */
	Members  members;
	int      count;
	GwText   parts[PART_COUNT];
	void (*over)(GwTicket *ticket);
} GwGroup;

static GwRequest *
request_of_ticket(GwTicket *ticket)
{
	return (GwRequest *) ((char *) ticket - offsetof(GwRequest, ticket));
}

/* -- who goes together ------------------------------------------------------------------------- */

static bool
is_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
may_group(const GwRequest *request, const GwPool *pool)
{
	return gw_conf.commit_group_max > 1 && !request->alone && !request->waits &&
		   gw_clock_us() >= request->database->grouped_us &&
		   gw_pool_offers(pool, GW_STATEMENT_GROUP_OF(request->operation));
}

/* Both wait at one gate, so they are of one database, and their paths say the same names. Commits
 * have no wish for access. */
static bool
goes_with(const GwRequest *first, const GwRequest *other)
{
	return !other->alone && other->route == first->route && is_same(other->role, first->role) &&
		   is_same(other->principal, first->principal);
}

/* The one that waits first, if it may go with the others. */
static GwRequest *
next_member(const GwGroup *group, size_t bytes)
{
	const GwRequest *first = TAILQ_FIRST(&group->members);
	GwTicket        *ticket = gw_gate_next(&group->ticket);
	GwRequest       *next = ticket != NULL ? request_of_ticket(ticket) : NULL;

	if (next == NULL || group->count >= gw_conf.commit_group_max || !goes_with(first, next) ||
		bytes + next->body.len > (size_t) gw_conf.commit_group_bytes_max)
		return NULL;
	return next;
}

static void
add_member(GwGroup *group, GwRequest *request)
{
	gw_state_set(&request->state, GW_STATE_GROUP);
	request->group = group;
	TAILQ_INSERT_TAIL(&group->members, request, in_group);
	group->count++;
}

static void
remove_member(GwGroup *group, GwRequest *request)
{
	TAILQ_REMOVE(&group->members, request, in_group);
	request->group = NULL;
	group->count--;
}

/* Those that wait and fit come in. */
static void
gather(GwGroup *group)
{
	size_t     bytes = TAILQ_FIRST(&group->members)->body.len;
	uint64_t   now = gw_clock_us();
	GwRequest *next;

	while ((next = next_member(group, bytes)) != NULL)
	{
		gw_gate_cancel(gw_catalog.gates, &next->ticket);
		next->gate_us = gw_clock_since(now, next->ticket.since_us);
		gw_counters.gate_wait_us += next->gate_us;
		bytes += next->body.len;
		add_member(group, next);
	}
}

/* -- the call ---------------------------------------------------------------------------------- */

static const char *
part_of(const GwRequest *request, Part part)
{
	switch (part)
	{
		case PART_BODY:
			return request->values[GW_PARAM_BODY];
		case PART_ID:
			return request->exchange.id;
		case PART_CLIENT:
			return request->exchange.client;
		case PART_KEY:
			return request->key[0] != '\0' ? request->key : NULL;
		case PART_DEDUPLICATE:
			return request->deduplicate ? "on" : NULL;
		default:
			return gw_conf.database_request_id == GW_REQUEST_ID_OFF ? NULL : request->tag;
	}
}

static void
add_parts(GwGroup *group, GwPgStep *step)
{
	const GwRequest *member;

	for (int part = 0; part < PART_COUNT; part++)
	{
		GwText *array = &group->parts[part];

		array->len = 0;
		gw_text_array_begin(array, group->count);
		TAILQ_FOREACH (member, &group->members, in_group)
			gw_text_array_add(array, part_of(member, (Part) part));
		gw_call_param_bytes(step, array->data, array->len);
	}
}

/* All statements; what is the same for all, as the first one says it. Also of a call that waits for
 * a connection: the first one may have left. */
static void
build(GwGroup *group)
{
	GwCall          *call = &group->call;
	const GwRequest *first = TAILQ_FIRST(&group->members);
	GwPgStep        *step;

	call->step_count = 0;
	gw_principal_step(first, call);
	if (gw_database_in_maintenance(first->database))
		gw_call_step(call, GW_STATEMENT_MAINTENANCE);
	step = gw_call_step(call, GW_STATEMENT_GROUP_OF(first->operation));
	for (int i = 0; i < GW_PARAMS_MAX && first->route->params[i] != GW_PARAM_NONE; i++)
		if (first->route->params[i] != GW_PARAM_BODY)
			gw_call_param(step, first->values[first->route->params[i]]);
	add_parts(group, step);
	call->weight = group->parts[PART_BODY].len;
}

static void
free_group(GwGroup *group)
{
	for (int part = 0; part < PART_COUNT; part++)
		gw_text_free(&group->parts[part]);
	free(group);
}

/* -- its end ----------------------------------------------------------------------------------- */

/* Each of its requests has the times of the call. */
static void
tell_times(GwGroup *group)
{
	GwRequest *member;

	TAILQ_FOREACH (member, &group->members, in_group)
	{
		member->call.queued_us = group->call.queued_us;
		member->call.sent_us = group->call.sent_us;
		member->call.done_us = group->call.done_us;
	}
}

/* Goes back to the gate, to the first place. */
static void
send_alone(GwGroup *group, GwRequest *request)
{
	remove_member(group, request);
	gw_counters.commits_ungrouped++;
	request->alone = true;
	gw_state_set(&request->state, GW_STATE_RESULT);
	gw_state_set(&request->state, GW_STATE_GATE);
	gw_gate_go_first(gw_catalog.gates, &request->ticket, &group->ticket);
}

/* The call failed as a whole, and has changed nothing. Where there is no such function, or it takes
 * no such group, every other group of the database would fail, too. */
static void
dissolve(GwGroup *group, const GwPgResult *error)
{
	GwRequest *last = TAILQ_LAST(&group->members, Members);

	gw_log(GW_INFO, "%d commits of one table go alone: %s (%s)", group->count, error->message,
		   error->sqlstate);
	if (strcmp(error->sqlstate, UNDEFINED_FUNCTION) == 0 ||
		strcmp(error->sqlstate, LIMIT_EXCEEDED) == 0)
		last->database->grouped_us = gw_clock_us() + FAILED_PAUSE_US;
	while ((last = TAILQ_LAST(&group->members, Members)) != NULL)
		send_alone(group, last);
}

/* Those that were not made leave the group, the last first; results has what the others hear. */
static void
sort_out(GwGroup *group, const GwPgResult *all, GwPgResult *results)
{
	GwRequest *member = TAILQ_LAST(&group->members, Members);

	for (int row = group->count - 1; member != NULL; row--)
	{
		GwRequest *before = TAILQ_PREV(member, Members, in_group);

		if (gw_pg_result_row(all, row, &results[row]))
		{
			gw_pg_result_free(&results[row]);
			send_alone(group, member);
		}
		member = before;
	}
}

/* Each hears of its outcome. What one answers may be the reason why another's client leaves, so the
 * list is begun again each time. */
static void
tell_all(GwGroup *group, GwOutcome outcome, GwPgResult *results)
{
	GwRequest *member;
	int        row = 0;

	while ((member = TAILQ_FIRST(&group->members)) != NULL)
	{
		GwPgResult *result = NULL;

		if (outcome == GW_CALL_ANSWERED)
		{
			while (results[row].handle == NULL)
				row++;
			result = &results[row++];
		}
		remove_member(group, member);
		member->call.done(&member->call, outcome, result);
	}
}

static void
group_done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwGroup   *group = (GwGroup *) call; /* its first member */
	GwPgResult results[GW_GROUP_MAX] = {{0}};

	tell_times(group);
	if (outcome == GW_CALL_ANSWERED && result->is_error)
		dissolve(group, result);
	else if (outcome == GW_CALL_ANSWERED && gw_pg_result_rows(result) == group->count)
		sort_out(group, result, results);
	else if (outcome == GW_CALL_ANSWERED)
		outcome = GW_CALL_LOST; /* of another function: nobody knows what it has done */
	if (result != NULL)
		gw_pg_result_free(result);
	group->over(&group->ticket);
	tell_all(group, outcome, results);
	free_group(group);
}

/* -- from outside ------------------------------------------------------------------------------ */

bool
gw_group_start(GwRequest *request, GwPool *pool, void (*over)(GwTicket *ticket))
{
	GwTicket *waiting = gw_gate_next(&request->ticket);
	GwGroup  *group;

	if (waiting == NULL || !may_group(request, pool) ||
		!goes_with(request, request_of_ticket(waiting)) ||
		request->body.len + request_of_ticket(waiting)->body.len >
			(size_t) gw_conf.commit_group_bytes_max)
		return false;
	group = gw_alloc(sizeof(*group));
	group->over = over;
	TAILQ_INIT(&group->members);
	gw_gate_hand_over(&request->ticket, &group->ticket);
	add_member(group, request);
	gather(group);
	gw_counters.commit_groups++;
	gw_counters.commits_grouped += (uint64_t) group->count;
	gw_call_begin(&group->call, 0);
	build(group);
	group->call.done = group_done;
	(void) gw_pool_submit(pool, &group->call, true);
	return true;
}

bool
gw_group_leave(GwRequest *request)
{
	GwGroup *group = request->group;

	if (group == NULL || group->call.state != GW_CALL_QUEUED)
		return false;
	remove_member(group, request);
	gw_state_set(&request->state, GW_STATE_RESULT);
	if (group->count > 0)
	{
		build(group);
		return true;
	}
	(void) gw_pool_cancel(&group->call);
	group->over(&group->ticket);
	free_group(group);
	return true;
}
