/*
 * fuzz_view.c
 *		A case of a view, in the form of test/data/view: refused, or the result is a valid document.
 *
 * The ways themselves are the case runner's, with what they demand: the marks that the store writes
 * give the same document, and an unchanged view stays as it is.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"

#include "../unit/case_view.c"

static void
demand_sound(CaseAction action, const IceJson *file)
{
	CaseOutcome outcome = case_attempt(action, file);
	CaseOutcome again = case_attempt(action, file);

	FUZZ_DEMAND(outcome.raised == again.raised, "once refused, once not");
	if (outcome.raised)
		return;
	FUZZ_DEMAND(ice_json_equal(outcome.document, again.document),
				"the same input gives another document");
	FUZZ_DEMAND(ice_json_equal(outcome.document, written(parse_view(outcome.document))),
				"reading what was written gives another document");
}

/* What the runner calls a failed case is a finding. */
static void
demand_no_failure(CaseAction action, const IceJson *file)
{
	IceTrap *outer = ice_trap;
	IceTrap  trap = {.message = NULL};

	ice_trap = &trap;
	if (setjmp(trap.jump) == 0)
		demand_sound(action, file);
	else
		FUZZ_DEMAND(false, "%s", trap.message);
	ice_trap = outer;
}

void
fuzz_one(const char *text, size_t len)
{
	IceJson *file = ice_json_parse(text, len, ICE_JSON_DEPTH_MAX_DEFAULT - 8);
	IceJson *metadata = ice_json_get(file, "metadata");

	case_data_dir = getenv("ICE_FUZZ_DATA");
	FUZZ_DEMAND(case_data_dir != NULL, "ICE_FUZZ_DATA names the folder test/data");
	if (ice_json_get(file, "request") != NULL)
		demand_no_failure(run_create, file);
	if (metadata == NULL ||
		(metadata->kind != ICE_JSON_OBJECT &&
		 (metadata->kind != ICE_JSON_STRING || strcmp(metadata->string, "view") != 0)))
		return;
	case_document(file); /* leaves if there is none */
	demand_no_failure(run_document, file);
	demand_no_failure(run_commit, file);
}
