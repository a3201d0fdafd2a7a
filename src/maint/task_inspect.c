/*
 * task_inspect.c
 *		Reads the manifests of new snapshots. See task_inspect.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "guc.h"
#include "json/json.h"
#include "maint/file_references.h"
#include "maint/store_health.h"
#include "maint/task_inspect.h"
#include "maint/task_outcome.h"
#include "storage/outside.h"
#include "store/store_due.h"
#include "store/store_inspection.h"

#define SLICE_MS       200 /* then others have their turn */
#define ATTEMPTS_MAX   10
#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS   600000
#define AWAITED_MAX    5     /* failures after which purges do not wait any more */
#define UNOPENED_MS    10000 /* a profile that cannot be opened is tried again after that */

typedef struct IceInspectTurn
{
	IceTurn         turn; /* first */
	IceInspection   row;
	TimestampTz     due;
	IceOutside      outside;
	IceOutsideLook *look;
	IceReferences   references;
	char           *error;
	bool            store_fails; /* so it is not the snapshot's fault */
} IceInspectTurn;

/* -- begin ------------------------------------------------------------------------------------ */

static IceJson *
parse(const char *text)
{
	return ice_json_parse(text, strlen(text), ice_guc_json_depth_max);
}

/* The list of a parent whose manifests were read; NULL: it has none, or they were not. */
static const char *
list_of(const IceInspection *row, int64 snapshot_id)
{
	const char *text = NULL;

	if (!ice_inspection_is_queued(&row->warehouse_id, &row->table_id, snapshot_id))
		text = ice_inspection_snapshot(&row->warehouse_id, &row->table_id, snapshot_id);
	return text != NULL ? ice_json_opt_string(parse(text), "manifest-list") : NULL;
}

/* What the rows say of a snapshot; false: it is gone, and nothing is to be read. */
static bool
read_rows(IceInspectTurn *turn)
{
	const IceInspection *row = &turn->row;
	IceOutside          *outside = &turn->outside;
	const char          *text = ice_inspection_snapshot(&row->warehouse_id, &row->table_id,
														row->snapshot_id);
	List                *known = NIL;
	IceJson             *snapshot;
	IceJson             *manifests;
	int64                parent;

	if (text == NULL)
		return false;
	snapshot = parse(text);
	manifests = ice_json_opt_array(snapshot, "manifests");
	outside->list = ice_json_opt_string(snapshot, "manifest-list");
	for (int i = 0; manifests != NULL && i < manifests->count; i++)
		outside->manifests =
			lappend(outside->manifests,
					unconstify(char *, ice_json_to_string(manifests->items[i], "manifests")));
	if (ice_json_opt_int64(snapshot, "parent-snapshot-id", &parent))
		outside->parent_list = list_of(row, parent);
	turn->store_fails = true; /* until its profile is open */
	outside->profile = ice_store_health_profile(&known, &row->warehouse_id);
	turn->store_fails = false;
	outside->folders = ice_inspection_folders(&row->warehouse_id, &row->table_id,
											  ice_inspection_properties(&row->warehouse_id));
	outside->own = ice_inspection_folders(&row->warehouse_id, &row->table_id, NULL);
	outside->refer = ice_file_references_note;
	outside->arg = &turn->references;
	outside->insists = row->attempts + 1 < AWAITED_MAX;
	outside->manifests_max = PG_INT32_MAX;
	outside->files_max = ice_guc_outside_files_max;
	return true;
}

/* read_rows(), and the begin of the look. What goes wrong, such as a secret that cannot be opened,
 * is the error of this snapshot: others have their turn. */
static void
begin_look(IceInspectTurn *turn)
{
	MemoryContext context = turn->turn.context;
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		if (read_rows(turn))
			turn->look = ice_outside_begin(&turn->outside);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		turn->error = ice_task_outcome_take_error(context);
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	CurrentResourceOwner = owner;
}

/* One that is due; false: none. One whose snapshot is gone has nothing to look at. */
static bool
choose(void *chosen, TimestampTz due)
{
	IceInspectTurn *turn = chosen;

	turn->references = (IceReferences){.inspection = &turn->row,
									   .transactions = turn->turn.transactions,
									   .context = turn->turn.context};
	if (!ice_inspection_due(due, &turn->row))
		return false;
	begin_look(turn);
	return true;
}

void
ice_tasks_inspect_forget(IceTaskWork *work)
{
	ice_task_work_end(work->inspection);
	work->inspection = NULL;
}

/* -- run -------------------------------------------------------------------------------------- */

/* False: all was read, or there is an error. */
static bool
run(IceInspectTurn *turn)
{
	TimestampTz   stop_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), SLICE_MS);
	volatile bool more = turn->look != NULL;
	const char   *problem;

	MemoryContextSwitchTo(turn->turn.context);
	problem = more ? ice_store_health_ask(turn->outside.profile) : NULL;
	if (problem != NULL)
	{
		turn->error = pstrdup(problem);
		turn->store_fails = true;
		return false;
	}
	PG_TRY();
	{
		while (more)
		{
			more = ice_outside_step(turn->look);
			ice_store_health_heard(turn->outside.profile);
			ice_file_references_flush(&turn->references);
			if (turn->turn.transactions != NULL &&
				(ice_transaction_is_wanted(turn->turn.transactions) ||
				 GetCurrentTimestamp() >= stop_at))
				break;
		}
	}
	PG_CATCH();
	{
		turn->error = ice_task_outcome_take_error(turn->turn.context);
		more = false;
	}
	PG_END_TRY();
	if (turn->error != NULL && turn->outside.profile != NULL)
		turn->store_fails = ice_store_health_suspect(turn->outside.profile);
	return more;
}

/* -- finish ----------------------------------------------------------------------------------- */

static TimestampTz
retry_at(int32 attempts)
{
	if (attempts + 1 >= ATTEMPTS_MAX)
		return DT_NOEND;
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
									   Min((int64) RETRY_FIRST_MS << attempts, RETRY_MAX_MS));
}

/* While its store is down, or its profile cannot be opened, nobody knows what it names: it is
 * awaited, however long that lasts. What cannot be read otherwise would hold up the purges of
 * all. */
static void
note_failure(const IceInspectTurn *turn)
{
	const IceInspection *row = &turn->row;

	if (turn->store_fails && turn->outside.profile == NULL)
		ice_inspection_postpone(
			row, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), UNOPENED_MS), turn->error);
	else if (turn->store_fails)
		ice_inspection_postpone(row, ice_store_health_until(turn->outside.profile), turn->error);
	else
		ice_inspection_failed(row, retry_at(row->attempts), turn->error,
							  row->attempts + 1 < AWAITED_MAX);
}

static void
finish(IceInspectTurn *turn)
{
	const IceStorageProfile *profile = turn->outside.profile;

	(void) ice_spi_begin();
	ice_file_references_write(&turn->references);
	if (turn->error != NULL)
		note_failure(turn);
	else
		ice_inspection_done(&turn->row, turn->outside.files, turn->outside.count);
	if (ice_store_health_is_back(profile))
		ice_due_release_store(&profile->id);
	ice_spi_end();
}

bool
ice_tasks_inspect(IceTaskWork *work)
{
	MemoryContext old = CurrentMemoryContext;

	if (work->inspection == NULL)
		work->inspection = ice_task_work_begin(work, sizeof(IceInspectTurn), choose);
	if (work->inspection == NULL)
		return false;
	if (!run(work->inspection) && ice_transaction_begin_lazy(work->transactions))
	{
		finish(work->inspection);
		ice_transaction_commit(work->transactions);
		ice_tasks_inspect_forget(work);
		work->done++;
	}
	MemoryContextSwitchTo(old);
	return true;
}
