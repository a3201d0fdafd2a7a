/*
 * case_scale.c
 *		Many updates in one commit: memory and steps grow as their number does.
 *
 * Steps are what ice_step() counts, in every loop, so nothing here depends on the clock. A commit
 * is parsed and applied as it is in the server; the text of the result is written, too.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "case.h"

#include <stdlib.h>

#include "memory.h"
#include "spec/view_metadata.h"

#define UPDATES_FEW  400
#define TIMES        4
#define UPDATES_MAX  1000000
#define FIRST_NUMBER 1000000 /* all numbers are equally long */
#define TOLERANCE    1.25

/* For each update, whatever the kind: a bound on what 100,000 take. */
#define BYTES_EACH_MAX 4500
#define STEPS_EACH_MAX 300

typedef struct Cost
{
	size_t bytes;
	uint64 steps;
} Cost;

/* Appends a text with a number in the place of "#". */
static void
append_each(StringInfo out, const char *each, int number)
{
	for (const char *c = each; *c != '\0'; c++)
	{
		if (*c == '#')
			appendStringInfo(out, "%d", FIRST_NUMBER + number);
		else
			appendStringInfoChar(out, *c);
	}
}

/* The updates as a text. */
static char *
make_updates(const IceJson *file, int count)
{
	const char    *before = ice_json_string(file, "before");
	const char    *each = ice_json_string(file, "each");
	int            times = count / ice_json_int32(file, "updates");
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "[%s", before);
	for (int i = 0; i < times; i++)
	{
		if (text.len > 1)
			appendStringInfoChar(&text, ',');
		append_each(&text, each, i);
	}
	appendStringInfoChar(&text, ']');
	return text.data;
}

static IceJson *
base(const char *name)
{
	return case_read_json(psprintf("%s/base/%s.json", case_data_dir, name));
}

static void
commit_table(IceTableMetadata *metadata, const char *updates)
{
	IceJson          *json = ice_json_parse(updates, strlen(updates), ICE_JSON_DEPTH_MAX_DEFAULT);
	IceCommitRequest *request = ice_commit_request_parse(NULL, json, UPDATES_MAX);
	IceCommitNeeds    needs;

	ice_commit_request_needs(request, &needs);
	(void) ice_commit_request_apply(request, metadata, CASE_NOW_MS);
}

static void
commit_view(IceViewMetadata *view, const char *updates)
{
	IceJson       *json = ice_json_parse(updates, strlen(updates), ICE_JSON_DEPTH_MAX_DEFAULT);
	IceViewCommit *commit = ice_view_update_parse_commit(NULL, json, UPDATES_MAX);

	(void) ice_view_updates_apply(commit, view, CASE_NOW_MS);
}

static Cost
measure(const IceJson *file, bool is_view, int count)
{
	char  *updates = make_updates(file, count);
	size_t before;

	if (is_view)
	{
		IceViewMetadata *view = ice_view_metadata_parse(base("view"));

		before = memory_used;
		memory_start(0);
		commit_view(view, updates);
	}
	else
	{
		IceTableMetadata *metadata = ice_table_metadata_parse(base("v2-empty"), CASE_UUID);

		before = memory_used;
		memory_start(0);
		commit_table(metadata, updates);
	}
	return (Cost){memory_peak - before, memory_steps()};
}

/* -- one text under a limit ------------------------------------------------------------------- */

#define SLACK_BYTES 65536 /* errors, and what the allocator's caller rounds up */

/* start, each so many times, end. */
static char *
repeated_text(const IceJson *file)
{
	const char    *each = ice_json_string(file, "each");
	int            times = ice_json_int32(file, "times");
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, ice_json_string(file, "start"));
	for (int i = 0; i < times; i++)
		append_each(&text, each, i);
	appendStringInfoString(&text, ice_json_string(file, "end"));
	return text.data;
}

static void
run_budget(const IceJson *file, CaseOutcome *outcome)
{
	char  *text = repeated_text(file);
	size_t before = memory_used;
	size_t limit = (size_t) ice_json_int32(file, "memory-kb") * 1024;

	(void) outcome;
	memory_start(limit);
	(void) ice_json_parse(text, strlen(text), ICE_JSON_DEPTH_MAX_DEFAULT);
	memory_limit = 0;
	if (getenv("ICE_SCALE_SHOW") != NULL)
		printf("%.3f bytes for each of text\n", (double) (memory_peak - before) / strlen(text));
}

void
case_budget(const IceJson *file)
{
	CaseOutcome outcome = case_attempt(run_budget, file);
	size_t      peak = memory_peak - memory_limit;

	if (outcome.raised && memory_limit > 0 && memory_peak > memory_limit + SLACK_BYTES)
		case_fail("%zu bytes over the limit were in use", peak);
	memory_limit = 0;
	case_judge(&outcome, ice_json_member(file, "expect"), "result");
}

/* -- many updates under one another ----------------------------------------------------------- */

static int32
limit(const IceJson *file, const char *name, int32 absent)
{
	int32 value = absent;

	(void) ice_json_opt_int32(file, name, &value);
	return value;
}

void
case_scale(const char *name, const IceJson *file)
{
	bool   is_view = strncmp(name, "view-", 5) == 0;
	Cost   few = measure(file, is_view, UPDATES_FEW);
	Cost   many = measure(file, is_view, UPDATES_FEW * TIMES);
	size_t each = many.bytes / (UPDATES_FEW * TIMES);

	if (getenv("ICE_SCALE_SHOW") != NULL)
		printf("%-36s %6zu bytes, %4.1f steps each; %.2f and %.2f times as much for %d times\n",
			   name, each, (double) many.steps / (UPDATES_FEW * TIMES),
			   (double) many.bytes / few.bytes, (double) many.steps / few.steps, TIMES);
	if (many.bytes > few.bytes * TIMES * TOLERANCE)
		case_fail("%d updates take %zu bytes, %d take %zu", UPDATES_FEW, few.bytes,
				  UPDATES_FEW * TIMES, many.bytes);
	if (many.steps > few.steps * TIMES * TOLERANCE)
		case_fail("%d updates take " UINT64_FORMAT " steps, %d take " UINT64_FORMAT, UPDATES_FEW,
				  few.steps, UPDATES_FEW * TIMES, many.steps);
	if (each > (size_t) limit(file, "bytes-max", BYTES_EACH_MAX))
		case_fail("each update takes %zu bytes", each);
	if (many.steps > (uint64) limit(file, "steps-max", STEPS_EACH_MAX) * UPDATES_FEW * TIMES)
		case_fail("each update takes " UINT64_FORMAT " steps", many.steps / (UPDATES_FEW * TIMES));
}
