/*
 * owned_files.c
 *		Deletes files of one table, as far as they are its own.
 *
 * Costs: a slice is one short transaction with a few look-ups by path, however many tables there
 * are.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"

#include "errors.h"
#include "maint/owned_files.h"
#include "maint/path_set.h"
#include "maint/store_health.h"
#include "storage/mark.h"
#include "storage/storage.h"
#include "store/store_file_lock.h"
#include "store/store_hold.h"
#include "store/store_reference.h"

#define LOCK_WAIT_MS        500  /* of a session */
#define LOCK_WAIT_WORKER_MS 50   /* the worker has files to write */
#define REMOVE_BATCH        16   /* on disks of this machine */
#define REMOVE_BATCH_REMOTE 1000 /* in one request, where the store has that */
#define PRUNE_BATCH         8    /* removing a folder takes milliseconds where the disk is busy */

/* What a transaction does for an owner. */
typedef struct Work
{
	IceOwner     *owner;
	IceOwnedFile *files;
	int           count;
	List         *locked;  /* folders of the owner, for this slice; others may have them, too */
	List         *places;  /* of the owner */
	List         *folders; /* those of them that are locked and its own */
	char         *catalog; /* NULL: not known */
	const char   *folder;  /* of a prune */
	bool          may_prune;
	bool          has_lock;
} Work;

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

/* Where it is and was placed, also where others are. */
static List *
placed(const IceOwner *owner)
{
	List     *places = NIL;
	ListCell *cell;

	foreach (cell, ice_holds_of(&owner->warehouse_id, &owner->object_id))
	{
		IceHold *hold = lfirst(cell);

		if (hold->kind == ICE_HOLD_LOCATION || hold->kind == ICE_HOLD_PATH)
			places = lappend(places, hold);
	}
	return places;
}

/* Those that are not made for many. */
static List *
single(const List *places)
{
	List     *folders = NIL;
	List     *warehouses = ice_holds_warehouses();
	ListCell *cell;

	foreach (cell, places)
		if (!is_container(((IceHold *) lfirst(cell))->path, warehouses))
			folders = lappend(folders, lfirst(cell));
	return folders;
}

/* Is a folder that it holds nobody else's? */
static bool
is_own(const IceOwner *owner, const IceHold *hold)
{
	return ice_holds_of_others(&owner->warehouse_id, &owner->object_id,
							   ice_hold_line(hold->path)) == NIL &&
		   (hold->kind != ICE_HOLD_PATH ||
			!ice_holds_below(&owner->warehouse_id, &owner->object_id, hold->path));
}

List *
ice_owned_files_folders(const IceOwner *owner)
{
	List     *folders = NIL;
	ListCell *cell;

	foreach (cell, single(placed(owner)))
		if (is_own(owner, lfirst(cell)))
			folders = lappend(folders, ((IceHold *) lfirst(cell))->path);
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

static List *
paths_of(const List *holds)
{
	List     *paths = NIL;
	ListCell *cell;

	foreach (cell, holds)
		paths = lappend(paths, ((IceHold *) lfirst(cell))->path);
	return paths;
}

/* Which of these paths, and of the folders above them, do others hold? Which of these files, and of
 * the owner's folders, do they refer to? A manifest may name anything as a file: a folder above
 * those of the owner is none. */
static path_set_hash *
held_by_others(const IceOwner *owner, List *spellings, List *places)
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
	add_paths(held, ice_references_of_others(&owner->warehouse_id, &owner->object_id, spellings,
											 spellings != NIL ? paths_of(places) : NIL));
	return held;
}

static bool
any_held(path_set_hash *held, List *spellings)
{
	ListCell *cell;
	ListCell *above;

	foreach (cell, spellings)
		foreach (above, ice_hold_line(lfirst(cell)))
			if (path_set_lookup(held, ice_hold_key(lfirst(above))) != NULL)
				return true;
	return false;
}

/* How the owner's object store is reached. In a transaction. */
void
ice_owned_files_find_profile(IceOwner *owner)
{
	List *known = NIL;

	if (!owner->is_profile_known)
		owner->profile = ice_store_health_profile(&known, &owner->warehouse_id);
	owner->is_profile_known = true;
}

/* -- the lock --------------------------------------------------------------------------------- */

/* Folders that others hold, too, are locked as well: to know whose they are takes the lock. */
static void
read_folders(void *arg)
{
	Work *work = arg;

	work->locked = paths_of(single(placed(work->owner)));
}

static void
wait_for_folders(void *arg)
{
	Work *work = arg;

	(void) ice_file_lock_take(work->locked, work->owner->transactions != NULL ? LOCK_WAIT_WORKER_MS
																			  : LOCK_WAIT_MS);
	work->has_lock = true;
}

/* Waits a moment for those who take over files in the folders, then gives up: the task is tried
 * again. */
static void
wait_in_turn(Work *work)
{
	PG_TRY();
	{
		ice_transaction_run(work->owner->transactions, wait_for_folders, work);
	}
	PG_CATCH();
	{
		if (geterrcode() != ERRCODE_LOCK_NOT_AVAILABLE)
			PG_RE_THROW();
		FlushErrorState();
		ice_raise(ICE_ERR_STORAGE,
				  "another transaction is taking over files: files are deleted later");
	}
	PG_END_TRY();
}

/* What is done in a transaction that has the folders. */
typedef struct Locked
{
	Work *work;
	void (*run)(Work *work);
} Locked;

/* The usual case: nobody has the folders, so one transaction will do. */
static void
lock_and_run(void *arg)
{
	const Locked *locked = arg;

	read_folders(locked->work);
	locked->work->has_lock = ice_file_lock_take(locked->work->locked, 0);
	if (locked->work->has_lock)
		locked->run(locked->work);
}

static void
run_locked(void *arg)
{
	const Locked *locked = arg;

	locked->run(locked->work);
}

/* Takes the owner's folders for itself alone, and looks at them. What becomes a folder of the owner
 * later has no file that goes now. */
static void
lock_folders(Work *work, void (*run)(Work *work))
{
	Locked locked = {work, run};

	PG_TRY();
	{
		ice_transaction_run(work->owner->transactions, lock_and_run, &locked);
		if (!work->has_lock)
		{
			wait_in_turn(work);
			ice_transaction_run(work->owner->transactions, run_locked, &locked);
		}
	}
	PG_CATCH();
	{
		/* They are the session's: the end of a transaction does not release them. */
		if (work->has_lock)
			ice_file_lock_release(work->locked);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/* Reads the owner's places again, under the lock, and which of them are its own and locked. */
static void
find_own(Work *work)
{
	ListCell *cell;
	ListCell *locked;

	work->places = placed(work->owner);
	work->folders = NIL;
	foreach (cell, single(work->places))
	{
		const IceHold *hold = lfirst(cell);

		foreach (locked, work->locked)
			if (strcmp(hold->path, lfirst(locked)) == 0)
				break;
		if (locked != NULL && is_own(work->owner, hold))
			work->folders = lappend(work->folders, hold->path);
	}
}

/* -- which ------------------------------------------------------------------------------------ */

/* Sorts out which files go. */
static void
decide(Work *work)
{
	List         **spellings = palloc(sizeof(List *) * Max(work->count, 1));
	List          *all = NIL;
	path_set_hash *held;

	ice_owned_files_find_profile(work->owner);
	find_own(work);
	work->catalog = ice_hold_catalog_id(false);
	for (int i = 0; i < work->count; i++)
	{
		spellings[i] = own_spellings(work->files[i].location, work->folders);
		all = list_concat(all, spellings[i]);
	}
	held = held_by_others(work->owner, all, work->places);
	for (int i = 0; i < work->count; i++)
	{
		IceOwnedFile *file = &work->files[i];

		file->own = spellings[i] != NIL && !any_held(held, spellings[i]) &&
					(file->task == NULL || !ice_task_file_is_named(file->task));
	}
}

/* The mark of a folder. In an object store it is that of the profile's root, which is asked for
 * once. */
static IceMark
look_for_mark(const Work *work, const char *folder, char **where, IceMark *of_store)
{
	const IceStorageProfile *profile = work->owner->profile;
	const char              *problem;

	if (work->catalog == NULL)
		return ICE_MARK_NONE;
	if (ice_storage_is_local(folder))
		return ice_mark_look(folder, work->catalog, where);
	if (!ice_storage_reaches(profile, folder))
		return ICE_MARK_NONE;
	problem = ice_store_health_ask(profile);
	if (problem != NULL)
		ice_raise(ICE_ERR_STORAGE, "%s", problem);
	if (*of_store == ICE_MARK_NONE)
	{
		*of_store = ice_mark_look_in_store(profile, work->catalog, where);
		ice_store_health_heard(profile);
	}
	return *of_store;
}

/* Is this the database that may delete in the owner's folders? */
static bool
check_marks(Work *work)
{
	IceOwner *owner = work->owner;
	IceMark   of_store = ICE_MARK_NONE;
	ListCell *cell;

	owner->refused = NULL;
	foreach (cell, work->folders)
	{
		char   *where = NULL;
		IceMark mark = look_for_mark(work, lfirst(cell), &where, &of_store);

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

bool
ice_owned_files_must_stop(const IceOwner *owner)
{
	return owner->stop_at != 0 && (ice_transaction_is_wanted(owner->transactions) ||
								   GetCurrentTimestamp() >= owner->stop_at);
}

/* A few files. One that cannot be deleted keeps no other from it. */
static void
remove_some(IceOwner *owner, IceOwnedFile *files, int count)
{
	IceFileRemoval *removals = palloc(sizeof(IceFileRemoval) * Max(count, 1));
	IceOwnedFile  **removed = palloc(sizeof(IceOwnedFile *) * Max(count, 1));
	int             n = 0;

	for (int i = 0; i < count; i++)
	{
		if (!files[i].own)
			continue;
		removed[n] = &files[i];
		removals[n++] = (IceFileRemoval){.location = files[i].location, .profile = owner->profile};
	}
	ice_storage_remove_batch(removals, n);
	for (int i = 0; i < n; i++)
	{
		owner->deleted_count += removals[i].removed;
		removed[i]->error = removals[i].error;
	}
	owner->kept_count += count - n;
	pfree(removals);
	pfree(removed);
}

/* Deletes what was found to be the table's own, under the lock; returns how far it came. */
static int
delete_own(Work *work)
{
	int done = 0;
	int at_once = work->count > 0 && !ice_storage_is_local(work->files[0].location)
					  ? REMOVE_BATCH_REMOTE
					  : REMOVE_BATCH;

	if (!check_marks(work))
		return work->count;
	while (done < work->count)
	{
		int n = Min(work->count - done, at_once);

		remove_some(work->owner, &work->files[done], n);
		done += n;
		if (ice_owned_files_must_stop(work->owner))
			break;
	}
	return done;
}

int
ice_owned_files_delete(IceOwner *owner, IceOwnedFile *files, int count)
{
	Work         work = {.owner = owner, .files = files, .count = count};
	volatile int done = 0;

	lock_folders(&work, decide);
	PG_TRY();
	{
		done = delete_own(&work);
	}
	PG_FINALLY();
	{
		ice_file_lock_release(work.locked);
	}
	PG_END_TRY();
	return done;
}

bool
ice_owned_files_allowed(IceOwner *owner)
{
	(void) ice_owned_files_delete(owner, NULL, 0);
	return owner->refused == NULL;
}

static void
decide_prune(Work *work)
{
	const IceOwner *owner = work->owner;
	ListCell       *cell;
	char           *file = psprintf("%s/x", work->folder);

	ice_owned_files_find_profile(work->owner);
	find_own(work);
	work->catalog = ice_hold_catalog_id(false);
	work->may_prune = own_spellings(file, work->folders) != NIL;
	foreach (cell, ice_storage_spellings(work->folder))
		if (ice_holds_below(&owner->warehouse_id, &owner->object_id, lfirst(cell)))
			work->may_prune = false;
}

/* Walks on, under the lock; true at the end. */
static bool
prune_own(Work *work, IceStorageWalk **walk)
{
	const IceStorage *storage;
	bool              over = false;

	if (!work->may_prune || !check_marks(work))
		return true;
	storage = ice_storage_open(work->folder, work->owner->profile);
	while (!over)
	{
		CHECK_FOR_INTERRUPTS();
		over = storage->prune(storage, work->folder, walk, PRUNE_BATCH);
		if (ice_owned_files_must_stop(work->owner))
			break;
	}
	return over;
}

bool
ice_owned_files_prune(IceOwner *owner, const char *folder, IceStorageWalk **walk)
{
	Work          work = {.owner = owner, .folder = folder};
	volatile bool over = false;

	lock_folders(&work, decide_prune);
	PG_TRY();
	{
		over = prune_own(&work, walk);
	}
	PG_FINALLY();
	{
		ice_file_lock_release(work.locked);
	}
	PG_END_TRY();
	return over;
}
