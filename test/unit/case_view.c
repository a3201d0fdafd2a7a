/*
 * case_view.c
 *		Cases of views: a document, a creation, or a commit, by the members that the case has.
 *
 * A commit is judged by what the store would have after writing the marks, and the document that is
 * written at once must be the same.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "case.h"

#include "spec/view_metadata.h"

static IceJson *
written(const IceViewMetadata *view)
{
	StringInfoData out;

	initStringInfo(&out);
	ice_view_metadata_write(&out, view);
	return ice_json_parse(out.data, out.len, ICE_JSON_DEPTH_MAX_DEFAULT);
}

static IceViewMetadata *
parse_view(IceJson *document)
{
	char *text = ice_json_text(document);

	return ice_view_metadata_parse(ice_json_parse(text, strlen(text), ICE_JSON_DEPTH_MAX_DEFAULT));
}

/* -- documents -------------------------------------------------------------------------------- */

static void
run_document(const IceJson *file, CaseOutcome *outcome)
{
	outcome->document = written(parse_view(case_document(file)));
}

static void
judge_document(const IceJson *file)
{
	CaseOutcome outcome = case_attempt(run_document, file);

	case_judge(&outcome, ice_json_get(file, "expect"), "result");
	if (outcome.raised)
		return;
	case_expect_same_members(case_document(file), outcome.document,
							 ice_json_opt_array(file, "changes"));
	if (!ice_json_equal(written(parse_view(outcome.document)), outcome.document))
		case_fail("reading what was written gives another document");
	case_leave_document("view", outcome.document);
}

/* -- creations -------------------------------------------------------------------------------- */

static void
run_create(const IceJson *file, CaseOutcome *outcome)
{
	IceCreateView *request = ice_view_parse_create(ice_json_get(file, "request"));

	outcome->document = written(ice_view_metadata_new(
		request, CASE_UUID, request->location == NULL ? "file:///w/v" : request->location,
		CASE_NOW_MS));
	parse_view(outcome->document);
	case_leave_document("view", outcome->document);
}

/* -- commits ---------------------------------------------------------------------------------- */

/* The parts of a document as the database holds them: no marks, numbered. */
static IceViewMetadata *
as_stored(const IceViewMetadata *parsed)
{
	IceViewMetadata *stored = ice_view_metadata_empty();

	stored->format_version = parsed->format_version;
	stored->view_uuid = parsed->view_uuid;
	stored->location = parsed->location;
	stored->current_version_id = parsed->current_version_id;
	for (int kind = 0; kind < ICE_VIEW_PART_KINDS; kind++)
		for (int i = 0; i < parsed->lists[kind].count; i++)
		{
			const IcePart *part = parsed->lists[kind].items[i];

			ice_view_part_stored(stored, kind, part->id, i + 1, part->body, part->body_len);
		}
	return stored;
}

/* What the database holds after the marks were written: of the stored parts those that are not
 * gone, then the new ones. */
static IceViewMetadata *
as_written(const IceViewMetadata *changed)
{
	IceViewMetadata *result = ice_view_metadata_empty();

	result->format_version = changed->format_version;
	result->view_uuid = changed->view_uuid;
	result->location = changed->location;
	result->current_version_id = changed->current_version_id;
	for (int kind = 0; kind < ICE_VIEW_PART_KINDS; kind++)
		for (int i = 0; i < changed->lists[kind].count; i++)
		{
			const IcePart *part = changed->lists[kind].items[i];

			if (part->ordinal > 0 ? !ice_part_is_gone(part) : ice_part_is_new(part))
				ice_view_part_stored(result, kind, part->id, i + 1, part->body, part->body_len);
		}
	return result;
}

static void
run_commit(const IceJson *file, CaseOutcome *outcome)
{
	IceViewMetadata *before = parse_view(case_document(file));
	IceViewMetadata *view = as_stored(before);
	IceJson         *requirements = ice_json_member(file, "requirements");
	IceJson         *updates = ice_json_member(file, "updates");
	IceViewCommit   *commit = ice_view_update_parse_commit(requirements, updates, CASE_UPDATES_MAX);

	ice_view_update_check_requirements(commit, view);
	outcome->changed = ice_view_updates_apply(commit, view, case_now(file));
	outcome->document = written(as_written(view));
	if (!ice_json_equal(outcome->document, written(view)))
		case_fail("the marks give another document: %s", ice_json_text(written(view)));
	if (!outcome->changed && !ice_json_equal(outcome->document, written(before)))
		case_fail("unchanged, but another document: %s", ice_json_text(outcome->document));
	parse_view(outcome->document);
	case_leave_document("view", outcome->document);
}

/* Where values are expected, the commit changes something. */
static void
judge_commit(const IceJson *file)
{
	IceJson    *expected = ice_json_get(file, "expect");
	CaseOutcome outcome = case_attempt(run_commit, file);

	case_judge(&outcome, expected, "result");
	if (!outcome.raised && !outcome.changed && expected->kind == ICE_JSON_OBJECT)
		case_fail("nothing changed");
}

void
case_view(const IceJson *file)
{
	if (ice_json_get(file, "request") != NULL)
		case_judge_run(run_create, file);
	else if (ice_json_get(file, "updates") != NULL || ice_json_get(file, "requirements") != NULL)
		judge_commit(file);
	else
		judge_document(file);
}
