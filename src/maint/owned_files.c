/*
 * owned_files.c
 *		Deletes files of one table, as far as they are its own.
 *
 * Costs: a slice is one short transaction with a few look-ups by path, however many tables there are.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "errors.h"
#include "maint/owned_files.h"
#include "maint/path_set.h"
#include "storage/mark.h"
#include "storage/storage.h"
#include "store/store_location.h"
#include "store/store_lock.h"

#define LOCK_STEP_US 10000
#define LOCK_STEPS 50

/* What a transaction does for an owner. */
typedef struct Work
{
	IceOwner *owner;
	List     *files; /* canonical */
	List     *tasks;
	List     *go;    /* those of the files that go */
	List     *folders; /* the owner's */
	char     *catalog; /* NULL: not known */
	char     *folder; /* of a prune */
	bool      may_prune;
	void (*run)(struct Work *work);
} Work;

/* -- transactions and the lock ---------------------------------------------------------------- */

/* Runs work->run in SPI, in a transaction: the caller's (and then in a subtransaction, since its error is kept for a task)
 * or one of its own. */
static void
in_transaction(Work *work)
{
	const IceTransactions *transactions = work->owner->transactions;
	MemoryContext          context = CurrentMemoryContext;
	ResourceOwner          resources = CurrentResourceOwner;

	if (transactions == NULL)
		BeginInternalSubTransaction(NULL);
	else if (!transactions->begin())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("extension icecat is not installed")));
	PG_TRY();
	{
		(void) ice_spi_begin();
		MemoryContextSwitchTo(context);
		work->run(work);
		ice_spi_end();
		if (transactions == NULL)
			ReleaseCurrentSubTransaction();
		else
			transactions->commit();
	}
	PG_CATCH();
	{
		if (transactions == NULL)
			RollbackAndReleaseCurrentSubTransaction();
		else
			transactions->abort();
		CurrentResourceOwner = resources;
		MemoryContextSwitchTo(context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	CurrentResourceOwner = resources;
	MemoryContextSwitchTo(context);
}

/* Waits a moment for those who take over files, then gives up: the task is tried again. */
static void
lock_files(void)
{
	for (int i = 0; i < LOCK_STEPS; i++)
	{
		if (ice_lock_take(ICE_LOCK_FILES, true, false))
			return;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(LOCK_STEP_US);
	}
	ice_raise(ICE_ERR_STORAGE,
			  "another transaction is registering a table: files are deleted later");
}

/* -- whose ------------------------------------------------------------------------------------ */

/* Is the folder made for many tables: a root, a warehouse's location, or around one? */
static bool
is_container(const char *folder, const List *warehouses)
{
	ListCell *cell;

	foreach (cell, warehouses)
		if (ice_storage_is_below(ice_storage_spelling(lfirst(cell)), folder))
			return true;
	return ice_storage_holds_root(folder);
}

List *
ice_owned_folders(const IceOwner *owner)
{
	List     *folders = NIL;
	List     *warehouses = ice_holds_warehouses();
	ListCell *cell;

	foreach (cell, ice_holds_of(&owner->warehouse_id, &owner->object_id))
	{
		IceHold *hold = lfirst(cell);

		if (hold->kind != ICE_HOLD_LOCATION && hold->kind != ICE_HOLD_PATH)
			continue;
		if (is_container(hold->path, warehouses))
			continue;
		if (ice_holds_of_others(&owner->warehouse_id, &owner->object_id,
								ice_hold_line(hold->path)) != NIL)
			continue;
		if (hold->kind == ICE_HOLD_PATH &&
			ice_holds_below(&owner->warehouse_id, &owner->object_id, hold->path))
			continue;
		folders = lappend(folders, hold->path);
	}
	return folders;
}

static bool
below_any(const char *path, List *folders)
{
	ListCell *cell;

	foreach (cell, folders)
		if (strcmp(path, lfirst(cell)) != 0 && ice_storage_is_below(path, lfirst(cell)))
			return true;
	return false;
}

/* The spellings of a file if all of them lie in the owner's folders, else NIL. */
static List *
own_spellings(const char *file, List *folders)
{
	List     *spellings = ice_storage_spellings(file);
	ListCell *cell;

	foreach (cell, spellings)
		if (!below_any(lfirst(cell), folders))
			return NIL;
	return spellings;
}

static void
add_paths(path_set_hash *set, List *paths)
{
	ListCell *cell;
	bool      found;

	foreach (cell, paths)
		(void) path_set_insert(set, lfirst(cell), &found);
}

/* Which of these paths, and of the folders above them, do others hold? */
static path_set_hash *
held_by_others(const IceOwner *owner, List *spellings)
{
	path_set_hash    *lines = path_set_create(CurrentMemoryContext, 256, NULL);
	path_set_hash    *held = path_set_create(CurrentMemoryContext, 16, NULL);
	List             *paths = NIL;
	ListCell         *cell;
	path_set_iterator iterator;
	PathEntry        *entry;

	foreach (cell, spellings)
		add_paths(lines, ice_hold_line(lfirst(cell)));
	path_set_start_iterate(lines, &iterator);
	while ((entry = path_set_iterate(lines, &iterator)) != NULL)
		paths = lappend(paths, entry->path);
	add_paths(held, ice_holds_of_others(&owner->warehouse_id, &owner->object_id, paths));
	return held;
}

static bool
any_held(path_set_hash *held, List *spellings)
{
	ListCell *cell;
	ListCell *above;

	foreach (cell, spellings)
		foreach (above, ice_hold_line(lfirst(cell)))
			if (path_set_lookup(held, lfirst(above)) != NULL)
				return true;
	return false;
}

/* Sorts out which files go. */
static void
decide(Work *work)
{
	List          *folders = ice_owned_folders(work->owner);
	List          *spellings = NIL; /* of each file: a List, NIL if it is not own */
	List          *all = NIL;
	ListCell      *cell;
	path_set_hash *held;
	int            i = 0;

	work->folders = folders;
	work->catalog = ice_catalog_id(false);
	foreach (cell, work->files)
	{
		List *own = own_spellings(lfirst(cell), folders);

		spellings = lappend(spellings, own);
		all = list_concat(all, own);
	}
	held = held_by_others(work->owner, all);
	foreach (cell, work->files)
	{
		List *own = list_nth(spellings, i);

		if (own != NIL && !any_held(held, own) &&
			(work->tasks == NIL || !ice_task_file_is_named(list_nth(work->tasks, i))))
			work->go = lappend(work->go, lfirst(cell));
		i++;
	}
}

/* Is this the database that may delete in the owner's folders? */
static bool
check_marks(Work *work)
{
	IceOwner *owner = work->owner;
	ListCell *cell;

	owner->refused = NULL;
	foreach (cell, work->folders)
	{
		char   *where = NULL;
		IceMark mark = work->catalog == NULL ? ICE_MARK_NONE
											 : ice_mark_look(lfirst(cell), work->catalog, &where);

		if (mark == ICE_MARK_OTHER)
			owner->refused = psprintf("no file is deleted: %s is the mark of another database, of "
									  "which this one is a copy; see icecat.adopt_storage()",
									  where);
		else if (mark == ICE_MARK_NONE)
			owner->refused = psprintf("no file is deleted: there is no mark of this catalog in or "
									  "above %s; icecat.adopt_storage() makes one",
									  (char *) lfirst(cell));
		if (owner->refused != NULL)
			return false;
	}
	return true;
}

/* -- deleting --------------------------------------------------------------------------------- */

/* One that cannot be deleted keeps no other from it, and is told at the end. */
static void
remove_files(IceOwner *owner, List *locations)
{
	int             count = list_length(locations);
	IceFileRemoval *files = palloc0(sizeof(IceFileRemoval) * Max(count, 1));
	const char     *error = NULL;

	for (int i = 0; i < count; i++)
		files[i].location = list_nth(locations, i);
	ice_storage_remove_batch(files, count);
	for (int i = 0; i < count; i++)
	{
		owner->deleted_count += files[i].removed;
		if (error == NULL)
			error = files[i].error;
	}
	if (error != NULL)
		ice_raise(ICE_ERR_STORAGE, "%s", error);
}

/* Deletes what is the table's own, under the lock. */
static void
delete_own(Work *work)
{
	int asked = list_length(work->files);

	in_transaction(work);
	if (!check_marks(work))
		return;
	remove_files(work->owner, work->go);
	work->owner->kept_count += asked - list_length(work->go);
}

void
ice_owned_delete(IceOwner *owner, List *files, List *tasks)
{
	Work work = {.owner = owner, .files = files, .tasks = tasks, .run = decide};

	Assert(list_length(files) <= ICE_OWNED_SLICE);
	lock_files();
	PG_TRY();
	{
		delete_own(&work);
	}
	PG_FINALLY();
	{
		ice_lock_release(ICE_LOCK_FILES);
	}
	PG_END_TRY();
}

bool
ice_owned_allowed(IceOwner *owner)
{
	ice_owned_delete(owner, NIL, NIL);
	return owner->refused == NULL;
}

static void
decide_prune(Work *work)
{
	const IceOwner *owner = work->owner;
	ListCell       *cell;
	char           *file = psprintf("%s/x", work->folder);

	work->folders = ice_owned_folders(owner);
	work->catalog = ice_catalog_id(false);
	work->may_prune = own_spellings(file, work->folders) != NIL;
	foreach (cell, ice_storage_spellings(work->folder))
		if (ice_holds_below(&owner->warehouse_id, &owner->object_id, lfirst(cell)))
			work->may_prune = false;
}

void
ice_owned_prune(IceOwner *owner, const char *folder)
{
	Work work = {.owner = owner, .folder = pstrdup(folder), .run = decide_prune};

	lock_files();
	PG_TRY();
	{
		in_transaction(&work);
		if (work.may_prune && check_marks(&work))
		{
			const IceStorage *storage = ice_storage_open(folder, NULL);

			storage->prune(storage, folder);
		}
	}
	PG_FINALLY();
	{
		ice_lock_release(ICE_LOCK_FILES);
	}
	PG_END_TRY();
}
