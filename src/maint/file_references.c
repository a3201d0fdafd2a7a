/*
 * file_references.c
 *		Notes which files of others a snapshot refers to. See file_references.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "maint/file_references.h"
#include "storage/storage.h"
#include "store/store_hold.h"
#include "store/store_reference.h"
#include "store/store_tenant.h"

#define FLUSH_AT 500

static List *
keep(List *kept, const List *paths, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	ListCell     *cell;

	foreach (cell, paths)
		kept = lappend(kept, pstrdup(lfirst(cell)));
	MemoryContextSwitchTo(old);
	return kept;
}

/* A manifest names very many: what it takes to find the paths of one goes at once. */
void
ice_file_references_note(void *arg, const char *location, bool unread)
{
	IceReferences *references = arg;
	MemoryContext  scratch = AllocSetContextCreate(CurrentMemoryContext, "icecat reference",
												   ALLOCSET_SMALL_SIZES);
	MemoryContext  old = MemoryContextSwitchTo(scratch);
	List          *paths = ice_storage_spellings(location);
	ListCell      *cell;

	if (!unread)
		references->paths = keep(references->paths, paths, references->context);
	else
		foreach (cell, paths)
			references->unread = keep(references->unread, ice_hold_line(lfirst(cell)),
									  references->context);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

static bool
is_below_any(const char *path, const List *folders)
{
	ListCell *cell;

	foreach (cell, folders)
		if (ice_storage_is_below(path, lfirst(cell)))
			return true;
	return false;
}

/* Those that may be kept: see file_references.h. root: the tenant's, NIL for no tenant. */
static List *
allowed(const List *paths, const List *root)
{
	List     *kept = NIL;
	ListCell *cell;

	foreach (cell, paths)
		if (root != NIL ? is_below_any(lfirst(cell), root)
						: !ice_tenant_has_one_of(ice_hold_line(lfirst(cell))))
			kept = lappend(kept, lfirst(cell));
	return kept;
}

void
ice_file_references_write(IceReferences *references)
{
	const IceInspection *inspection = references->inspection;
	List                *paths = references->paths;
	List                *unread = references->unread;
	MemoryContext        context;
	MemoryContext        old;

	if (paths == NIL && unread == NIL)
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "icecat references",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	if (ice_tenants_exist())
	{
		IceTenant tenant;
		List     *root = ice_tenant_of_warehouse(&inspection->warehouse_id, &tenant)
							 ? ice_storage_spellings(tenant.location)
							 : NIL;

		paths = allowed(paths, root);
		unread = allowed(unread, root);
	}
	ice_references_add(inspection, paths);
	ice_references_add_places(inspection, unread);
	references->paths = NIL;
	references->unread = NIL;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static void
write_some(void *arg)
{
	ice_file_references_write(arg);
}

void
ice_file_references_flush(IceReferences *references)
{
	List *paths = references->paths;
	List *unread = references->unread;

	if (list_length(paths) + list_length(unread) < FLUSH_AT)
		return;
	ice_transaction_run(references->transactions, write_some, references);
	list_free_deep(paths);
	list_free_deep(unread);
}
