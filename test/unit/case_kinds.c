/*
 * case_kinds.c
 *		What each kind of case does, and how it is judged.
 *
 * "expect" is "ok", "unchanged", {"error": code, "message": text}, or {"/path": value, ...}. A
 * case of updates runs twice: on the whole document, and on what ice_commit_needs() says, as the
 * store loads it; both ways must give the same document or the same error.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "case.h"

#include "trap.h"

#define FALLBACK_UUID "00000000-0000-4000-8000-000000000000"
#define TEST_NOW_MS INT64CONST(1700000000000)
#define UPDATES_MAX 1000

/* What came out of a run: a document, or an error. */
typedef struct Outcome
{
	IceJson     *document; /* NULL: an error, or nothing to show */
	bool         changed;
	bool         raised;
	IceErrorCode code;
	const char  *message;
	const char  *detail;
} Outcome;

typedef void (*Action)(const IceJson *file, Outcome *outcome);

/* Runs an action with a trap of its own. */
static Outcome
attempt(Action action, const IceJson *file)
{
	Outcome  outcome = {.changed = false};
	IceTrap *outer = ice_trap;
	IceTrap  trap = {.message = NULL};

	ice_trap = &trap;
	if (setjmp(trap.jump) == 0)
		action(file, &outcome);
	else
	{
		outcome = (Outcome){
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
judge_place(const Outcome *outcome, const char *place, const char *how)
{
	const char *detail = outcome->detail != NULL ? outcome->detail : "(none)";
	size_t      len = strlen(place);

	if (strncmp(detail, "At ", 3) != 0 || strncmp(detail + 3, place, len) != 0 ||
		(detail[3 + len] != ',' && detail[3 + len] != '.'))
		case_fail("%s: expected an error at %s, found \"%s\"", how, place, detail);
}

static void
judge(const Outcome *outcome, const IceJson *expected, const char *how)
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

static void
judge_case(Action action, const IceJson *file)
{
	Outcome outcome = attempt(action, file);

	judge(&outcome, ice_json_get(file, "expect"), "result");
}

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
run_json(const IceJson *file, Outcome *outcome)
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
	judge_case(run_json, file);
}

/* -- metadata --------------------------------------------------------------------------------- */

static IceTableMetadata *
parse_document(IceJson *document)
{
	char *text = ice_json_text(document);

	return ice_table_metadata_parse(ice_json_parse(text, strlen(text), ICE_JSON_DEPTH_MAX_DEFAULT),
									FALLBACK_UUID);
}

static void
run_metadata(const IceJson *file, Outcome *outcome)
{
	outcome->document = written(parse_document(case_document(file)));
}

/* Every member of the document must come back equal, except for those named in "changes". */
static void
expect_same_members(IceJson *document, IceJson *result, const IceJson *changes)
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

void
case_metadata_valid(const IceJson *file)
{
	Outcome outcome = attempt(run_metadata, file);

	judge(&outcome, ice_json_get(file, "expect"), "result");
	expect_same_members(case_document(file), outcome.document, ice_json_opt_array(file, "changes"));

	IceJson *again = written(parse_document(outcome.document));

	if (!ice_json_equal(again, outcome.document))
		case_fail("reading what was written gives another document");
}

void
case_metadata_invalid(const IceJson *file)
{
	judge_case(run_metadata, file);
}

/* -- documents of other libraries ------------------------------------------------------------- */

static void
run_fixture(const IceJson *file, Outcome *outcome)
{
	size_t      len;
	const char *path = ice_json_string(file, "path");
	char       *text = case_read_file(path, &len);
	IceJson    *document = ice_json_parse(text, len, ICE_JSON_DEPTH_MAX_DEFAULT);

	outcome->document = written(ice_table_metadata_parse(document, FALLBACK_UUID));
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

	Outcome outcome = attempt(run_fixture, file);

	if (valid && outcome.raised)
		case_fail("refused: %s", outcome.message);
	if (!valid && !outcome.raised)
		case_fail("accepted");
}

/* -- create ----------------------------------------------------------------------------------- */

static void
run_create(const IceJson *file, Outcome *outcome)
{
	IceCreateTable   *request = ice_create_table_parse(ice_json_get(file, "request"));
	IceTableMetadata *metadata = ice_table_metadata_new(
		request, FALLBACK_UUID, request->location == NULL ? "file:///w/t" : request->location,
		TEST_NOW_MS);

	outcome->document = written(metadata);
	parse_document(outcome->document);
}

void
case_create(const IceJson *file)
{
	judge_case(run_create, file);
}

/* -- requirements ----------------------------------------------------------------------------- */

static void
run_requirement(const IceJson *file, Outcome *outcome pg_attribute_unused())
{
	IceCommitRequest *request = ice_commit_request_parse(ice_json_member(file, "requirements"),
														 NULL, UPDATES_MAX);
	IceJson *document = case_document(file);

	ice_requirements_check(request, document == NULL ? NULL : parse_document(document));
}

void
case_requirement(const IceJson *file)
{
	judge_case(run_requirement, file);
}

/* -- updates ---------------------------------------------------------------------------------- */

static IceCommitRequest *
parse_request(const IceJson *file)
{
	IceJson *requirements = ice_json_member(file, "requirements");

	if (ice_json_get(file, "metadata") == NULL && requirements == NULL)
		requirements = ice_json_parse("[{\"type\":\"assert-create\"}]", 26, 8);
	return ice_commit_request_parse(requirements, ice_json_member(file, "updates"), UPDATES_MAX);
}

static int64
now_of(const IceJson *file)
{
	int64 now_ms = TEST_NOW_MS;

	ice_json_opt_int64(file, "now-ms", &now_ms);
	return now_ms;
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
				ice_part_stored(stored, kind, part->id, part->key, i + 1, part->body,
								part->body_len);
		}
	}
	return stored;
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
				ice_part_stored(result, kind, part->id, part->key, i + 1, part->body,
								part->body_len);
		}
		for (int j = 0; j < after->count; j++)
			if (ice_part_is_new(after->items[j]))
				ice_part_stored(result, kind, after->items[j]->id, after->items[j]->key, 0,
								after->items[j]->body, after->items[j]->body_len);
	}
	return result;
}

static void
run_update_whole(const IceJson *file, Outcome *outcome)
{
	IceCommitRequest *request = parse_request(file);
	IceJson          *document = case_document(file);
	IceTableMetadata *metadata;

	if (document == NULL)
		metadata = ice_table_metadata_empty(ice_commit_initial_format_version(request),
											FALLBACK_UUID);
	else
		metadata = as_stored(parse_document(document), NULL);
	outcome->changed = ice_updates_apply(request, metadata, now_of(file));
	outcome->document = written(metadata);
	parse_document(outcome->document);
}

static void
run_update_partial(const IceJson *file, Outcome *outcome)
{
	IceCommitRequest *request = parse_request(file);
	IceTableMetadata *parsed = parse_document(case_document(file));
	IceTableMetadata *metadata;
	IceCommitNeeds    needs;

	ice_commit_needs(request, &needs);
	metadata = as_stored(parsed, &needs);
	outcome->changed = ice_updates_apply(request, metadata, now_of(file));
	outcome->document = written(as_written(parsed, metadata));
}

void
case_update(const IceJson *file)
{
	IceJson *expected = ice_json_get(file, "expect");
	Outcome  whole = attempt(run_update_whole, file);

	judge(&whole, expected, "whole");
	if (ice_json_get(file, "metadata") == NULL)
		return;

	Outcome partial = attempt(run_update_partial, file);

	judge(&partial, expected, "partial");
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
run_needs(const IceJson *file, Outcome *outcome)
{
	IceCommitRequest *request = parse_request(file);
	IceCommitNeeds    needs;
	IceJson          *lists = ice_json_make_array();
	IceJson          *ids = ice_json_make_array();

	ice_commit_needs(request, &needs);
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
	judge_case(run_needs, file);
}
