/*
 * commit_request.c
 *		A commit request as a whole: reading it, what it needs, checking and applying it.
 *
 * REST, commitTable and commitTransaction.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/table_metadata.h"

#include "spec/commit_read.h"
#include "spec/needs.h"
#include "spec/requirement.h"
#include "spec/update.h"

#define KINDS_MAX 64

/* -- reading ---------------------------------------------------------------------------------- */

static void
parse_requirements(IceCommitRequest *request, const IceJson *requirements)
{
	request->requirement_count = ice_commit_read_requirements(requirements);
	request->requirements = palloc(sizeof(IceRequirement) * Max(request->requirement_count, 1));
	for (int i = 0; i < request->requirement_count; i++)
	{
		ice_step();
		ice_requirement_parse(&request->requirements[i], requirements->items[i]);
		request->is_create |= ice_requirement_is_create(&request->requirements[i]);
	}
}

static void
parse_updates(IceCommitRequest *request, const IceJson *updates, int updates_max)
{
	request->update_count = ice_commit_read_updates(updates, updates_max);
	ice_budget_reserve(sizeof(IceUpdate) * request->update_count);
	request->updates = palloc(sizeof(IceUpdate) * Max(request->update_count, 1));
	for (int i = 0; i < request->update_count; i++)
		ice_update_parse(&request->updates[i], updates->items[i]);
}

/* As in Java, a commit that creates a table can assert nothing else. */
static void
check_create_alone(const IceCommitRequest *request)
{
	for (int i = 0; request->is_create && i < request->requirement_count; i++)
		if (!ice_requirement_is_create(&request->requirements[i]))
			ice_raise(ICE_ERR_BAD_REQUEST,
					  "Invalid create requirements: assert-create must be alone");
}

IceCommitRequest *
ice_commit_request_parse(IceJson *requirements, IceJson *updates, int updates_max)
{
	IceCommitRequest *request = palloc0(sizeof(IceCommitRequest));

	parse_requirements(request, requirements);
	parse_updates(request, updates, updates_max);
	request->requirements_json = requirements;
	request->updates_json = updates;
	check_create_alone(request);
	return request;
}

int32
ice_commit_request_format_version(const IceCommitRequest *request)
{
	for (int i = 0; i < request->update_count; i++)
		if (ice_update_is(&request->updates[i], "upgrade-format-version"))
			return (int32) request->updates[i].id;
	return ICE_FORMAT_VERSION_DEFAULT;
}

/* Names that were written, each once. There are fewer kinds of requirements, and of updates. */
typedef struct Told
{
	const char *names[KINDS_MAX];
	int         count;
} Told;

/* Writes a name into the array of a member, which begins with the first; not twice. */
static void
tell_once(IceJsonWriter *out, const char *member, Told *told, const char *name)
{
	for (int i = 0; i < told->count; i++)
		if (told->names[i] == name)
			return;
	if (told->count == 0)
	{
		ice_json_write_key(out, member);
		ice_json_write_begin_array(out);
	}
	ice_json_write_string(out, name);
	Assert(told->count < KINDS_MAX);
	told->names[told->count++] = name;
}

void
ice_commit_request_tell(const IceCommitRequest *request, IceJsonWriter *out)
{
	Told requirements = {.count = 0};
	Told updates = {.count = 0};

	for (int i = 0; i < request->requirement_count; i++)
		tell_once(out, "requirements", &requirements,
				  ice_requirement_name(&request->requirements[i]));
	if (requirements.count > 0)
		ice_json_write_end_array(out);
	for (int i = 0; i < request->update_count; i++)
		tell_once(out, "updates", &updates, ice_update_name(&request->updates[i]));
	if (updates.count > 0)
		ice_json_write_end_array(out);
}

/* -- needs ------------------------------------------------------------------------------------ */

void
ice_commit_request_requirements_needs(const IceCommitRequest *request, IceCommitNeeds *needs)
{
	memset(needs, 0, sizeof(*needs));
	for (int i = 0; i < request->requirement_count; i++)
		ice_requirement_needs(&request->requirements[i], needs);
}

/* Properties steer the commit itself: how the metadata file is written, how many old ones are
 * kept. */
void
ice_commit_request_needs(const IceCommitRequest *request, IceCommitNeeds *needs)
{
	ice_commit_request_requirements_needs(request, needs);
	ice_needs_list(needs, ICE_PART_PROPERTIES);
	for (int i = 0; i < request->update_count; i++)
		ice_update_needs(&request->updates[i], needs);
	ice_needs_finish(needs);
}

bool
ice_commit_request_needs_log_end(const IceCommitRequest *request, const IceTableMetadata *metadata)
{
	bool moves_main = false;
	bool is_older = false;

	for (int i = 0; i < request->update_count; i++)
	{
		const IceUpdate *update = &request->updates[i];

		if (ice_update_is(update, "add-snapshot"))
			is_older |= update->snapshot.timestamp_ms < metadata->last_updated_ms;
		else if (ice_update_is(update, "set-snapshot-ref"))
			moves_main |= strcmp(update->text, ICE_MAIN_BRANCH) == 0;
	}
	return moves_main && is_older;
}

/* -- checking and applying -------------------------------------------------------------------- */

void
ice_commit_request_check(const IceCommitRequest *request, IceTableMetadata *metadata)
{
	for (int i = 0; i < request->requirement_count; i++)
	{
		ice_step();
		ice_requirement_check(&request->requirements[i], metadata);
	}
}

/* last-updated-ms never goes back, whatever the clock does. */
bool
ice_commit_request_apply(const IceCommitRequest *request, IceTableMetadata *metadata, int64 now_ms)
{
	IceUpdateContext context = {
		.metadata = metadata,
		.now_ms = now_ms,
		.before_ms = metadata->last_updated_ms,
		.before_schema_id = metadata->current_schema_id,
		.before_snapshot_id = metadata->current_snapshot_id,
		.is_create = request->is_create,
		.structure_changed = request->is_create,
		.last_schema_id = ICE_LAST_ADDED,
		.last_spec_id = ICE_LAST_ADDED,
		.last_sort_order_id = ICE_LAST_ADDED,
	};

	for (int i = 0; i < request->update_count; i++)
		ice_update_apply(&context, &request->updates[i]);
	if (!context.changed && !context.is_create)
		return false;
	ice_updates_finish(&context);
	metadata->last_updated_ms = Max(now_ms, metadata->last_updated_ms);
	ice_table_metadata_validate(metadata);
	return true;
}
