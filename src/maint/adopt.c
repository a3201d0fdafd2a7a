/*
 * adopt.c
 *		Makes this database the one of all copies of its catalog that deletes files.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <sys/stat.h>

#include "access/xlog.h"
#include "nodes/pg_list.h"

#include "maint/adopt.h"
#include "maint/task_outcome.h"
#include "storage/file_path.h"
#include "storage/mark.h"
#include "storage/storage.h"
#include "store/store_profile.h"
#include "store/store_hold.h"

/* Marks the root of a profile. A store that cannot be reached keeps none of the others from it. */
static void
adopt_store(const IceProfileRow *row, const char *catalog)
{
	MemoryContext context = CurrentMemoryContext;
	char *volatile error = NULL;

	PG_TRY();
	{
		ice_mark_make_in_store(ice_profile_open(row), catalog, true);
	}
	PG_CATCH();
	{
		error = ice_task_outcome_take_error(context);
	}
	PG_END_TRY();
	if (error != NULL)
		ereport(WARNING, (errmsg("could not mark the root of storage profile \"%s\"", row->name),
						  errdetail("%s", error),
						  errhint("Call icecat.adopt_storage() again when its store is there.")));
}

/* A mark can also stand at what is a root for another copy: at, or above, a warehouse's
 * location. */
void
ice_adopt_storage(void)
{
	char     *catalog = ice_hold_catalog_id(true);
	List     *folders = list_concat(ice_file_path_roots(false), ice_holds_warehouses());
	ListCell *cell;

	if (catalog == NULL)
		return;
	foreach (cell, folders)
	{
		char *folder =
			ice_storage_is_local(lfirst(cell)) ? ice_storage_canonical(lfirst(cell), NULL) : NULL;

		if (folder != NULL)
			ice_mark_adopt(folder, catalog);
	}
	foreach (cell, ice_profile_all())
	{
		const IceProfileRow *row = lfirst(cell);

		if (ice_profile_kind(row->root) != ICE_STORE_FILE)
			adopt_store(row, catalog);
	}
}

/* Begins the next sentence. */
static void
next_line(StringInfo text)
{
	if (text->len > 0)
		appendStringInfoChar(text, '\n');
}

/* Adds what is wrong with a root that is used. */
static void
check_root(StringInfo text, const char *root, const char *catalog)
{
	struct stat status;
	char       *where;

	if (stat(root, &status) == 0 && (status.st_mode & S_IWOTH))
	{
		next_line(text);
		appendStringInfo(text, "Everybody may write to the root %s.", root);
	}
	if (catalog != NULL &&
		ice_mark_look(psprintf("file://%s", root), catalog, &where) == ICE_MARK_OTHER)
	{
		next_line(text);
		appendStringInfo(text,
						 "No file is deleted: %s is the mark of another database, of which this "
						 "one is a copy; see icecat.adopt_storage().",
						 where);
	}
}

char *
ice_adopt_problems(void)
{
	char          *catalog = RecoveryInProgress() ? NULL : ice_hold_catalog_id(false);
	StringInfoData text;
	ListCell      *cell;

	initStringInfo(&text);
	foreach (cell, ice_file_path_refused_roots())
	{
		next_line(&text);
		appendStringInfo(&text,
						 "The root %s is not used, because it holds or lies in a directory of "
						 "PostgreSQL's.",
						 (char *) lfirst(cell));
	}
	foreach (cell, ice_file_path_roots(false))
		check_root(&text, lfirst(cell), catalog);
	return text.len > 0 ? text.data : NULL;
}

void
ice_adopt_say_problems(void)
{
	static bool looked = false;
	char       *problems;

	if (looked)
		return;
	looked = true;
	(void) ice_spi_begin();
	problems = ice_adopt_problems();
	if (problems != NULL)
		ereport(LOG, (errmsg("file storage: %s", problems), errhidestmt(true)));
	ice_spi_end();
}
