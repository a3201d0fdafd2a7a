/*
 * adopt.c
 *		Makes this database the one of all copies of its catalog that deletes files.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xlog.h"
#include "nodes/pg_list.h"

#include "maint/adopt.h"
#include "storage/file_path.h"
#include "storage/mark.h"
#include "storage/storage.h"
#include "store/store_location.h"

/* A mark can also stand at what is a root for another copy: at, or above, a warehouse's location. */
void
ice_adopt_storage(void)
{
	char     *catalog = ice_catalog_id(true);
	List     *folders = list_concat(ice_file_roots(false), ice_holds_warehouses());
	ListCell *cell;

	if (catalog == NULL)
		return;
	foreach (cell, folders)
	{
		char *folder = ice_storage_canonical(lfirst(cell));

		if (folder != NULL)
			ice_mark_adopt(folder, catalog);
	}
}

char *
ice_storage_problems(void)
{
	char          *catalog = RecoveryInProgress() ? NULL : ice_catalog_id(false);
	StringInfoData text;
	ListCell      *cell;

	initStringInfo(&text);
	foreach (cell, ice_file_roots(false))
	{
		char *where;

		if (catalog != NULL && ice_mark_look(psprintf("file://%s", (char *) lfirst(cell)), catalog,
											 &where) == ICE_MARK_OTHER)
			appendStringInfo(&text,
							 "%sNo file is deleted: %s is the mark of another database, of which "
							 "this one is a copy; see icecat.adopt_storage().",
							 text.len > 0 ? "\n" : "", where);
	}
	return text.len > 0 ? text.data : NULL;
}
