/*
 * case_judge.c
 *		Runs what a case is about, and judges what came out.
 *
 * "expect" is "ok", "unchanged", {"error": code, "message": text}, or {"/path": value, ...}.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "case.h"

#include "trap.h"

/* Runs an action with a trap of its own. */
CaseOutcome
case_attempt(CaseAction action, const IceJson *file)
{
	CaseOutcome outcome = {.changed = false};
	IceTrap    *outer = ice_trap;
	IceTrap     trap = {.message = NULL};

	ice_trap = &trap;
	if (setjmp(trap.jump) == 0)
		action(file, &outcome);
	else
	{
		outcome = (CaseOutcome){
			.raised = true, .code = trap.code, .message = trap.message, .detail = trap.detail};
		if (trap.code == ICE_ERR_COUNT)
		{
			ice_trap = outer;
			case_fail("%s", trap.message);
		}
	}
	ice_trap = outer;
	return outcome;
}

/* The detail names the place: the path of a field in the case file, or in "text". */
static void
judge_place(const CaseOutcome *outcome, const char *place, const char *how)
{
	const char *detail = outcome->detail != NULL ? outcome->detail : "(none)";
	size_t      len = strlen(place);

	if (strncmp(detail, "At ", 3) != 0 || strncmp(detail + 3, place, len) != 0 ||
		(detail[3 + len] != ',' && detail[3 + len] != '.'))
		case_fail("%s: expected an error at %s, found \"%s\"", how, place, detail);
}

void
case_judge(const CaseOutcome *outcome, const IceJson *expected, const char *how)
{
	const char *code = ice_json_opt_string(expected, "error");

	if (code != NULL)
	{
		const char *message = ice_json_string(expected, "message");

		if (!outcome->raised)
			case_fail("%s: expected %s \"%s\", but it passed", how, code, message);
		if (strcmp(ice_error_name(outcome->code), code) != 0 ||
			strcmp(outcome->message, message) != 0)
			case_fail("%s: expected %s \"%s\", found %s \"%s\"", how, code, message,
					  ice_error_name(outcome->code), outcome->message);
		if (ice_json_get(expected, "at") != NULL)
			judge_place(outcome, ice_json_string(expected, "at"), how);
		return;
	}
	if (outcome->raised)
		case_fail("%s: expected no error, found %s \"%s\"", how, ice_error_name(outcome->code),
				  outcome->message);
	if (expected->kind == ICE_JSON_STRING && strcmp(expected->string, "unchanged") == 0)
	{
		if (outcome->changed)
			case_fail("%s: expected no change", how);
	}
	else if (expected->kind == ICE_JSON_OBJECT)
		case_expect_paths(outcome->document, expected);
	else if (strcmp(expected->string, "ok") != 0)
		case_fail("expect is neither \"ok\", \"unchanged\" nor an object");
}

void
case_judge_run(CaseAction action, const IceJson *file)
{
	CaseOutcome outcome = case_attempt(action, file);

	case_judge(&outcome, ice_json_get(file, "expect"), "result");
}

/* Every member of the document must come back equal, except for those named in "changes". */
void
case_expect_same_members(IceJson *document, IceJson *result, const IceJson *changes)
{
	for (int i = 0; i < document->count; i++)
	{
		const char *key = document->members[i].key;
		IceJson    *other = ice_json_member(result, key);
		bool        excepted = false;

		for (int j = 0; changes != NULL && j < changes->count; j++)
			excepted |= strcmp(changes->items[j]->string, key) == 0;
		if (!excepted && (other == NULL || !ice_json_equal(document->members[i].value, other)))
			case_fail("%s did not come back: %s", key,
					  other == NULL ? "missing" : ice_json_text(other));
	}
}

int64
case_now(const IceJson *file)
{
	int64 now_ms = CASE_NOW_MS;

	ice_json_opt_int64(file, "now-ms", &now_ms);
	return now_ms;
}
