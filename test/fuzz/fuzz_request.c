/*
 * fuzz_request.c
 *		A commit request, to a table and to a view, repeated until it is long: memory and steps grow
 *		as its length does.
 *
 * The input is an array of updates, as clients send it. It is applied some times as long, and eight
 * times as long as that: whatever was refused, the longer one may take at most so many times the
 * memory and the steps of the shorter one, and never more memory than the limit, which ends it with
 * LIMIT_EXCEEDED. Numbers in the text count on in each repetition, so that not only the first one
 * adds something.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"

#include "../unit/case.h"
#include "spec/view_metadata.h"

#define TIMES_FEW_SHORT 32 /* of a short text */
#define TIMES_FEW_LONG  4
#define SHORT_BYTES     500
#define TIMES           8
#define MEMORY_MAX      ((size_t) 64 * 1024 * 1024)
#define SLACK_BYTES     ((size_t) 1024 * 1024) /* the limit is looked at in steps */
#define SMALL_BYTES     200000                 /* memory and steps that say nothing */
#define SMALL_STEPS     20000
#define TOLERANCE       2.0
#define LEAST_DIGITS    2 /* of a number that counts */

typedef struct Cost
{
	size_t bytes;
	uint64 steps;
} Cost;

typedef void (*Commit)(const char *updates);

static IceJson *
base(const char *name)
{
	return case_read_json(psprintf("%s/base/%s.json", case_data_dir, name));
}

static void
commit_table(const char *updates)
{
	IceTableMetadata *metadata = ice_table_metadata_parse(base("v2-empty"), CASE_UUID);
	IceJson          *json = ice_json_parse(updates, strlen(updates), ICE_JSON_DEPTH_MAX_DEFAULT);
	IceCommitRequest *request = ice_commit_request_parse(NULL, json, CASE_UPDATES_MAX * 100);
	IceCommitNeeds    needs;
	StringInfoData    out;

	ice_commit_request_needs(request, &needs);
	(void) ice_commit_request_apply(request, metadata, CASE_NOW_MS);
	initStringInfo(&out);
	ice_table_metadata_write(&out, metadata);
}

static void
commit_view(const char *updates)
{
	IceViewMetadata *view = ice_view_metadata_parse(base("view"));
	IceJson         *json = ice_json_parse(updates, strlen(updates), ICE_JSON_DEPTH_MAX_DEFAULT);
	IceViewCommit   *commit = ice_view_update_parse_commit(NULL, json, CASE_UPDATES_MAX * 100);

	(void) ice_view_updates_apply(commit, view, CASE_NOW_MS);
}

/* The text with every number of several digits raised, as far as it has room. */
static void
append_counted(StringInfo out, const char *text, size_t len, int by)
{
	for (size_t at = 0; at < len;)
	{
		size_t digits = 0;

		while (at + digits < len && digits < 18 && text[at + digits] >= '0' &&
			   text[at + digits] <= '9')
			digits++;
		if (digits >= LEAST_DIGITS && text[at] != '0')
			appendStringInfo(out, INT64_FORMAT,
							 (int64) strtoll(pnstrdup(text + at, digits), NULL, 10) + by);
		else
			appendBinaryStringInfo(out, text + at, (int) Max(digits, 1));
		at += Max(digits, 1);
	}
}

/* What is between the brackets of the array, so many times. */
static char *
repeated(const IceJson *updates, int times)
{
	const char    *text = updates->text + 1;
	size_t         len = updates->text_len - 2;
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < times; i++)
	{
		appendStringInfoChar(&out, i == 0 ? '[' : ',');
		append_counted(&out, text, len, i);
	}
	appendStringInfoChar(&out, ']');
	return out.data;
}

/* Runs one commit with a trap and a limit of its own. */
static Cost
run(Commit commit, const char *updates)
{
	IceTrap *outer = ice_trap;
	IceTrap  trap = {.message = NULL};
	size_t   before = memory_used;
	Cost     cost;

	memory_start(MEMORY_MAX);
	ice_trap = &trap;
	if (setjmp(trap.jump) == 0)
		commit(updates);
	ice_trap = outer;
	memory_limit = 0;
	cost = (Cost){memory_peak - before, memory_steps()};
	FUZZ_DEMAND(cost.bytes <= MEMORY_MAX + SLACK_BYTES, "%zu bytes in spite of the limit",
				cost.bytes);
	return cost;
}

static void
demand_linear(Commit commit, const IceJson *updates)
{
	int  first = updates->text_len < SHORT_BYTES ? TIMES_FEW_SHORT : TIMES_FEW_LONG;
	Cost few = run(commit, repeated(updates, first));
	Cost many = run(commit, repeated(updates, first * TIMES));

	FUZZ_DEMAND(many.bytes <= few.bytes * TIMES * TOLERANCE + SMALL_BYTES, "%zu and %zu bytes",
				few.bytes, many.bytes);
	FUZZ_DEMAND(many.steps <= few.steps * TIMES * TOLERANCE + SMALL_STEPS, "%llu and %llu steps",
				(unsigned long long) few.steps, (unsigned long long) many.steps);
}

void
fuzz_one(const char *text, size_t len)
{
	IceJson *updates = ice_json_parse(text, len, ICE_JSON_DEPTH_MAX_DEFAULT);

	case_data_dir = getenv("ICE_FUZZ_DATA");
	FUZZ_DEMAND(case_data_dir != NULL, "ICE_FUZZ_DATA names the folder test/data");
	if (updates->kind != ICE_JSON_ARRAY || updates->count == 0)
		return;
	demand_linear(commit_table, updates);
	demand_linear(commit_view, updates);
}
