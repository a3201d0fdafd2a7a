/*
 * place.c
 *		May the caller have a table's or view's files there? See place.h.
 *
 * A table in another's folder would share what the storage grants to it; a table above the folders
 * of others, too; and one where the tables of a namespace are going to be would keep these from
 * being made.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"

#include "commit/holdings.h"
#include "commit/location.h"
#include "commit/place.h"
#include "commit/tenant_root.h"
#include "errors.h"
#include "storage/storage.h"
#include "store/access.h"
#include "store/caller.h"
#include "store/store_hold.h"
#include "store/store_restriction.h"

typedef struct Placement
{
	const IceWarehouse *warehouse;
	const pg_uuid_t    *id;
	const pg_uuid_t    *namespace_id;
	const List         *held; /* what it holds already */
	const char         *base; /* the namespace's location, spelled canonically; "": not read yet */
} Placement;

static void
pg_attribute_noreturn() refuse(const char *location, const char *why)
{
	ice_raise(ICE_ERR_FORBIDDEN, "Not allowed: %s may not place files at %s, %s",
			  GetUserNameFromId(ice_caller().role, false), location, why);
}

static bool
is_held(const Placement *placement, const char *spelling)
{
	ListCell *cell;

	foreach (cell, placement->held)
		if (strcmp(((IceHold *) lfirst(cell))->path, spelling) == 0)
			return true;
	return false;
}

/* Is one folder the other, or in it? */
static bool
meet(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || ice_storage_is_below(a, b) || ice_storage_is_below(b, a);
}

/* Is the folder where tables of some warehouse are, or above that? */
static bool
is_shared(const char *spelling)
{
	ListCell *cell;

	foreach (cell, ice_holds_warehouses())
		if (meet(spelling, ice_storage_spelling(lfirst(cell))))
			return true;
	return false;
}

/* The location of the namespace; NULL: it has none. */
static const char *
base_of(Placement *placement)
{
	IceNamespacePath path;
	IceNamespace     space;
	const char      *location;

	if (placement->base == NULL || *placement->base != '\0')
		return placement->base;
	placement->base = NULL;
	if (!ice_namespace_get_by_id(&placement->warehouse->id, placement->namespace_id, &path, &space))
		return NULL;
	location = ice_location_of_namespace(placement->warehouse, &path, &space, false);
	if (location != NULL)
		placement->base = ice_storage_spelling(location);
	return placement->base;
}

/* The tenant's part comes first: a refusal outside of it must not tell whether others are there. */
static void
check_folder(Placement *placement, const char *location)
{
	const char *spelling;
	ListCell   *cell;

	if (location == NULL || location[0] == '\0')
		return;
	spelling = ice_storage_spelling(location);
	if (is_held(placement, spelling))
		return;
	ice_tenant_root_check(&placement->warehouse->id, location);
	if (!ice_access_may(ICE_CREATE, (IceObject){.warehouse_id = &placement->warehouse->id}) &&
		is_shared(spelling) &&
		(base_of(placement) == NULL || strcmp(spelling, placement->base) == 0 ||
		 !ice_storage_is_below(spelling, placement->base)))
		refuse(location, "which is not below the location of the namespace");
	foreach (cell, ice_storage_spellings(location))
		if (ice_holds_unwritable(&placement->warehouse->id, placement->id, lfirst(cell)))
			refuse(location, "where files of another table or view are");
}

/* Nobody asks the owner, and those who may write everything and read all of it. */
static bool
is_free(void)
{
	return !ice_holds_known() || ice_caller().owns ||
		   (ice_restrictions_none() &&
			ice_access_may(ICE_WRITE | ICE_CREATE, (IceObject){.warehouse_id = NULL}));
}

void
ice_place_check_table(const IceWarehouse *warehouse, const IceTable *table)
{
	Placement placement = {warehouse, &table->id, &table->namespace_id, NIL, ""};

	if (is_free())
		return;
	placement.held = ice_holds_of(&warehouse->id, &table->id);
	check_folder(&placement, table->metadata->location);
	for (int i = 0; i < ICE_FOLDER_PROPERTIES; i++)
		check_folder(&placement, ice_table_property(table->metadata, ice_folder_properties[i]));
}

void
ice_place_check_view(const IceWarehouse *warehouse, const IceView *view)
{
	Placement placement = {warehouse, &view->id, &view->namespace_id, NIL, ""};

	if (is_free())
		return;
	placement.held = ice_holds_of(&warehouse->id, &view->id);
	check_folder(&placement, view->metadata->location);
	check_folder(&placement, ice_view_property(view->metadata, ice_folder_properties[0]));
}
