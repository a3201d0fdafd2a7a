/*
 * case_kinds.c
 *		What each kind of case of tables does.
 *
 * A case of updates runs twice: on the whole document, and on what ice_commit_request_needs() says,
 * as the store loads it; both ways must give the same document or the same error.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "case.h"

#include "spec/successor.h"
#include "trap.h"


static IceJson *
written(const IceTableMetadata *metadata)
{
	StringInfoData out;

	initStringInfo(&out);
	ice_table_metadata_write(&out, metadata);
	return ice_json_parse(out.data, out.len, ICE_JSON_DEPTH_MAX_DEFAULT);
}

/* -- json ------------------------------------------------------------------------------------- */

/* A text must come back as it is. */
static void
run_json(const IceJson *file, CaseOutcome *outcome)
{
	const char *text = ice_json_string(file, "text");
	IceJson    *value = ice_json_parse(text, strlen(text), ICE_JSON_DEPTH_MAX_DEFAULT);

	if (strstr(text, ice_json_text(value)) == NULL)
		case_fail("the text changed: %s", ice_json_text(value));
	outcome->document = value;
}

void
case_json(const IceJson *file)
{
	case_judge_run(run_json, file);
}

/* -- metadata --------------------------------------------------------------------------------- */

static IceTableMetadata *
parse_document(IceJson *document)
{
	char *text = ice_json_text(document);

	return ice_table_metadata_parse(ice_json_parse(text, strlen(text), ICE_JSON_DEPTH_MAX_DEFAULT),
									CASE_UUID);
}

static void
run_metadata(const IceJson *file, CaseOutcome *outcome)
{
	outcome->document = written(parse_document(case_document(file)));
}

void
case_metadata_valid(const IceJson *file)
{
	CaseOutcome outcome = case_attempt(run_metadata, file);

	case_judge(&outcome, ice_json_get(file, "expect"), "result");
	case_expect_same_members(case_document(file), outcome.document,
							 ice_json_opt_array(file, "changes"));

	IceJson *again = written(parse_document(outcome.document));

	if (!ice_json_equal(again, outcome.document))
		case_fail("reading what was written gives another document");
	case_leave_document("table", outcome.document);
}

void
case_metadata_invalid(const IceJson *file)
{
	case_judge_run(run_metadata, file);
}

/* -- documents of other libraries ------------------------------------------------------------- */

static void
run_fixture(const IceJson *file, CaseOutcome *outcome)
{
	size_t      len;
	const char *path = ice_json_string(file, "path");
	char       *text = case_read_file(path, &len);
	IceJson    *document = ice_json_parse(text, len, ICE_JSON_DEPTH_MAX_DEFAULT);

	outcome->document = written(ice_table_metadata_parse(document, CASE_UUID));
	for (int i = 0; i < document->count; i++)
	{
		const char *key = document->members[i].key;
		IceJson    *value = document->members[i].value;
		IceJson    *other = ice_json_member(outcome->document, key);

		/* version 1 gets ids that it left out */
		if (strcmp(key, "schema") == 0 || strcmp(key, "partition-spec") == 0)
			continue;
		if (value->kind == ICE_JSON_NULL && strcmp(key, "current-snapshot-id") == 0)
			continue;
		/* raised where the document's own columns have higher ids */
		if (strcmp(key, "last-column-id") == 0)
			continue;
		/* main is added where there is a current snapshot */
		if (strcmp(key, "refs") == 0 && other != NULL && other->count > value->count)
		{
			other = ice_json_copy(other);
			ice_json_remove(other, ICE_MAIN_BRANCH);
		}
		if (other == NULL || !ice_json_equal(value, other))
			case_fail("%s did not come back: %s", key,
					  other == NULL ? "missing" : ice_json_text(other));
	}
}

void
case_fixture(const char *path, bool valid)
{
	IceJson *file = ice_json_make_object();

	ice_json_set(file, "path", ice_json_make_string(path));

	CaseOutcome outcome = case_attempt(run_fixture, file);

	if (valid && outcome.raised)
		case_fail("refused: %s", outcome.message);
	if (!valid && !outcome.raised)
		case_fail("accepted");
	case_leave_document("table", outcome.document);
}

/* -- create ----------------------------------------------------------------------------------- */

static void
run_create(const IceJson *file, CaseOutcome *outcome)
{
	IceCreateTable   *request = ice_new_table_parse(ice_json_get(file, "request"));
	IceTableMetadata *metadata = ice_table_metadata_new(
		request, CASE_UUID, request->location == NULL ? "file:///w/t" : request->location,
		CASE_NOW_MS);

	outcome->document = written(metadata);
	parse_document(outcome->document);
	case_leave_document("table", outcome->document);
}

void
case_create(const IceJson *file)
{
	case_judge_run(run_create, file);
}

/* -- requirements ----------------------------------------------------------------------------- */

static void
run_requirement(const IceJson *file, CaseOutcome *outcome pg_attribute_unused())
{
	IceCommitRequest *request = ice_commit_request_parse(ice_json_member(file, "requirements"),
														 NULL, CASE_UPDATES_MAX);
	IceJson          *document = case_document(file);

	ice_commit_request_check(request, document == NULL ? NULL : parse_document(document));
}

void
case_requirement(const IceJson *file)
{
	case_judge_run(run_requirement, file);
}

/* -- updates ---------------------------------------------------------------------------------- */

static IceCommitRequest *
parse_request(const IceJson *file)
{
	IceJson *requirements = ice_json_member(file, "requirements");

	if (ice_json_get(file, "metadata") == NULL && requirements == NULL)
		requirements = ice_json_parse("[{\"type\":\"assert-create\"}]", 26, 8);
	return ice_commit_request_parse(requirements, ice_json_member(file, "updates"),
									CASE_UPDATES_MAX);
}

/* The parts of a document as the database holds them: no marks, numbered. */
static IceTableMetadata *
as_stored(const IceTableMetadata *parsed, const IceCommitNeeds *needs)
{
	IceTableMetadata *stored = palloc(sizeof(IceTableMetadata));

	*stored = *parsed;
	memset(stored->lists, 0, sizeof(stored->lists));
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
	{
		const IcePartList *list = &parsed->lists[kind];

		stored->lists[kind].loaded = needs == NULL || needs->lists[kind];
		for (int i = 0; stored->lists[kind].loaded && i < list->count; i++)
		{
			const IcePart *part = list->items[i];
			bool           wanted = !part->removed;

			if (kind == ICE_PART_SNAPSHOT && needs != NULL && !needs->all_snapshots)
			{
				wanted = part->id == parsed->current_snapshot_id;
				for (int j = 0; j < needs->snapshot_id_count; j++)
					wanted |= needs->snapshot_ids[j] == part->id;
			}
			if (wanted)
				ice_table_part_stored(stored, kind, part->id, part->key, i + 1, part->body,
									  part->body_len);
		}
	}
	return stored;
}

/* The last entry of the snapshot log, as ice_table_load_log_end() reads it. */
static void
load_log_end(IceTableMetadata *stored, const IceTableMetadata *parsed)
{
	const IcePartList *log = &parsed->lists[ICE_PART_SNAPSHOT_LOG];
	const IcePart     *last = log->count > 0 ? log->items[log->count - 1] : NULL;

	if (last != NULL)
		ice_table_part_stored(stored, ICE_PART_SNAPSHOT_LOG, last->id, NULL, log->count, last->body,
							  last->body_len);
}

/* What the database holds after the changes of a partly loaded value were written. */
static IceTableMetadata *
as_written(const IceTableMetadata *parsed, const IceTableMetadata *changed)
{
	IceTableMetadata *result = palloc(sizeof(IceTableMetadata));

	*result = *changed;
	memset(result->lists, 0, sizeof(result->lists));
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
	{
		const IcePartList *before = &parsed->lists[kind];
		const IcePartList *after = &changed->lists[kind];

		result->lists[kind].loaded = true;
		for (int i = 0; i < before->count; i++)
		{
			const IcePart *part = before->items[i];
			bool           gone = part->removed;

			for (int j = 0; j < after->count; j++)
				gone |= ice_part_is_gone(after->items[j]) && after->items[j]->ordinal == i + 1;
			if (!gone)
				ice_table_part_stored(result, kind, part->id, part->key, i + 1, part->body,
									  part->body_len);
		}
		for (int j = 0; j < after->count; j++)
			if (ice_part_is_new(after->items[j]))
				ice_table_part_stored(result, kind, after->items[j]->id, after->items[j]->key, 0,
									  after->items[j]->body, after->items[j]->body_len);
	}
	return result;
}

static void
run_update_whole(const IceJson *file, CaseOutcome *outcome)
{
	IceCommitRequest *request = parse_request(file);
	IceJson          *document = case_document(file);
	IceTableMetadata *metadata;

	if (document == NULL)
		metadata = ice_table_metadata_empty(ice_commit_request_format_version(request), CASE_UUID);
	else
		metadata = as_stored(parse_document(document), NULL);
	outcome->changed = ice_commit_request_apply(request, metadata, case_now(file));
	outcome->document = written(metadata);
	parse_document(outcome->document);
}

static void
run_update_partial(const IceJson *file, CaseOutcome *outcome)
{
	IceCommitRequest *request = parse_request(file);
	IceTableMetadata *parsed = parse_document(case_document(file));
	IceTableMetadata *metadata;
	IceCommitNeeds    needs;

	ice_commit_request_needs(request, &needs);
	metadata = as_stored(parsed, &needs);
	if (ice_commit_request_needs_log_end(request, parsed) && !needs.lists[ICE_PART_SNAPSHOT_LOG])
		load_log_end(metadata, parsed);
	outcome->changed = ice_commit_request_apply(request, metadata, case_now(file));
	outcome->document = written(as_written(parsed, metadata));
}

void
case_update(const IceJson *file)
{
	IceJson    *expected = ice_json_get(file, "expect");
	CaseOutcome whole = case_attempt(run_update_whole, file);

	case_judge(&whole, expected, "whole");
	case_leave_document("table", whole.document);
	if (ice_json_get(file, "metadata") == NULL)
		return;

	CaseOutcome partial = case_attempt(run_update_partial, file);

	case_judge(&partial, expected, "partial");
	if (!whole.raised && !ice_json_equal(whole.document, partial.document))
		case_fail("partly loaded, the result is another document: %s",
				  ice_json_text(partial.document));
}

/* -- needs ------------------------------------------------------------------------------------ */

static const char *const kind_names[ICE_PART_KINDS] = {
	"schemas",         "partition-specs",
	"sort-orders",     "properties",
	"snapshots",       "refs",
	"snapshot-log",    "metadata-log",
	"statistics",      "partition-statistics",
	"encryption-keys", "extra",
};

static void
run_needs(const IceJson *file, CaseOutcome *outcome)
{
	IceCommitRequest *request = parse_request(file);
	IceCommitNeeds    needs;
	IceJson          *lists = ice_json_make_array();
	IceJson          *ids = ice_json_make_array();

	ice_commit_request_needs(request, &needs);
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
		if (needs.lists[kind])
			ice_json_append(lists, ice_json_make_string(kind_names[kind]));
	for (int i = 0; i < needs.snapshot_id_count; i++)
		ice_json_append(ids, ice_json_make_int(needs.snapshot_ids[i]));
	outcome->document = ice_json_make_object();
	ice_json_set(outcome->document, "lists", lists);
	ice_json_set(outcome->document, "snapshot-ids", ids);
}

void
case_needs(const IceJson *file)
{
	case_judge_run(run_needs, file);
}

/* -- successor -------------------------------------------------------------------------------- */

/* The document that follows: the present one, with the members of "next" replaced and those of
 * "append" longer. */
static IceJson *
next_document(const IceJson *file)
{
	IceJson *document = ice_json_copy(case_document(file));
	IceJson *next = ice_json_opt_object(file, "next");
	IceJson *append = ice_json_opt_object(file, "append");

	for (int i = 0; next != NULL && i < next->count; i++)
		ice_json_set(document, next->members[i].key, ice_json_copy(next->members[i].value));
	for (int i = 0; append != NULL && i < append->count; i++)
	{
		IceJson *list = ice_json_array(document, append->members[i].key);
		IceJson *more = append->members[i].value;

		for (int j = 0; j < more->count; j++)
			ice_json_append(list, ice_json_copy(more->items[j]));
	}
	return document;
}

/* How many parts of each kind are new, resp. gone, where any are. */
static IceJson *
count_marks(const IceTableMetadata *metadata, bool gone)
{
	IceJson *result = ice_json_make_object();

	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
	{
		const IcePartList *list = &metadata->lists[kind];
		int                count = 0;

		for (int i = 0; i < list->count; i++)
			count += gone ? ice_part_is_gone(list->items[i]) : ice_part_is_new(list->items[i]);
		if (count > 0)
			ice_json_set(result, kind_names[kind], ice_json_make_int(count));
	}
	return result;
}

/* What is stored must be the document that came. */
static void
run_successor(const IceJson *file, CaseOutcome *outcome)
{
	IceTableMetadata *present = as_stored(parse_document(case_document(file)), NULL);
	IceTableMetadata *next = parse_document(next_document(file));
	IceJson          *wanted = written(parse_document(next_document(file)));
	IceTableMetadata *merged = ice_successor_of_table(present, next);
	IceJson          *result = ice_json_make_object();

	if (!ice_json_equal(written(merged), wanted))
		case_fail("another document came out: %s", ice_json_text(written(merged)));
	case_leave_document("table", wanted);
	ice_json_set(result, "new", count_marks(merged, false));
	ice_json_set(result, "gone", count_marks(merged, true));
	outcome->document = result;
}

void
case_successor(const IceJson *file)
{
	case_judge_run(run_successor, file);
}
