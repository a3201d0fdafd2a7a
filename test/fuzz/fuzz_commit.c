/*
 * fuzz_commit.c
 *		A commit or a creation, in the form of test/data: refused, or the result is a valid
 *		document.
 *
 * A commit is applied to the whole document and to what it needs of it, as the store loads it. Both
 * ways must give the same document or the same error. The ways themselves are the case runner's.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"

#include "../unit/case_kinds.c"

static const char *const bases[] = {"v1", "v2", "v3", "v2-empty"};

static bool
is_base(const IceJson *metadata)
{
	for (size_t i = 0; metadata->kind == ICE_JSON_STRING && i < lengthof(bases); i++)
		if (strcmp(metadata->string, bases[i]) == 0)
			return true;
	return metadata->kind == ICE_JSON_OBJECT;
}

/* A result that cannot be read again, or an error of the runner itself. */
static void
demand_sound(const CaseOutcome *outcome, CaseAction action, const IceJson *file)
{
	CaseOutcome again;

	if (outcome->raised)
		return;
	FUZZ_DEMAND(outcome->document != NULL, "no document");
	again = case_attempt(action, file);
	FUZZ_DEMAND(!again.raised && ice_json_equal(outcome->document, again.document),
				"the same commit gives another document");
}

static void
run_requirements(const IceJson *file, CaseOutcome *outcome pg_attribute_unused())
{
	IceCommitRequest *request = ice_commit_request_parse(
		ice_json_member(file, "requirements"), ice_json_member(file, "updates"), CASE_UPDATES_MAX);

	ice_commit_request_check(request, parse_document(case_document(file)));
}

static void
commit(const IceJson *file)
{
	CaseOutcome whole = case_attempt(run_update_whole, file);
	CaseOutcome partial = case_attempt(run_update_partial, file);

	FUZZ_DEMAND(whole.raised == partial.raised, "whole: %s, partial: %s",
				whole.raised ? whole.message : "passed",
				partial.raised ? partial.message : "passed");
	if (whole.raised)
		FUZZ_DEMAND(whole.code == partial.code && strcmp(whole.message, partial.message) == 0,
					"whole: %s, partial: %s", whole.message, partial.message);
	else
		FUZZ_DEMAND(ice_json_equal(whole.document, partial.document), "whole: %s\npartial: %s",
					ice_json_text(whole.document), ice_json_text(partial.document));
	demand_sound(&whole, run_update_whole, file);
	case_attempt(run_requirements, file);
}

void
fuzz_one(const char *text, size_t len)
{
	IceJson *file = ice_json_parse(text, len, ICE_JSON_DEPTH_MAX_DEFAULT - 8);
	IceJson *metadata = ice_json_get(file, "metadata");

	case_data_dir = getenv("ICE_FUZZ_DATA");
	FUZZ_DEMAND(case_data_dir != NULL, "ICE_FUZZ_DATA names the folder test/data");
	if (ice_json_get(file, "request") != NULL)
	{
		CaseOutcome outcome = case_attempt(run_create, file);

		demand_sound(&outcome, run_create, file);
	}
	if (ice_json_get(file, "updates") == NULL)
		return;
	if (metadata == NULL)
	{
		CaseOutcome outcome = case_attempt(run_update_whole, file);

		demand_sound(&outcome, run_update_whole, file);
	}
	else if (is_base(metadata))
		commit(file);
}
