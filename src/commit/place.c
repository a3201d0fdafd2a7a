/*
 * place.c
 *		May a table's or view's files be there? See place.h.
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
#include "store/store_lock.h"
#include "store/store_restriction.h"
#include "store/warehouse_rules.h"

typedef struct Placement
{
	const IceWarehouse *warehouse;
	const pg_uuid_t    *id;
	const pg_uuid_t    *namespace_id;
	IcePlaceChoice      choice;
	const char         *copied; /* the uuid in a document that is registered, else NULL */
	IceWarehouseRules   rules;
	const List         *held;     /* what it holds already */
	bool                is_free;  /* the caller's rights need not be looked at */
	bool                unlocked; /* it is only a look */
	const char         *location; /* its own, spelled canonically, once it was checked */
	const char         *base;     /* the namespace's, spelled canonically; "": not read yet */
} Placement;

/* A warehouse's template may do without the uuid. */
IcePlaceChoice
ice_place_choice(const char *location, const char *uuid)
{
	return strstr(location, uuid) != NULL ? ICE_PLACE_SERVER : ICE_PLACE_DERIVED;
}

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

/* Who may not create in the whole warehouse keeps to the namespace's part of it, and everybody out
 * of folders that are not theirs to write. */
static void
check_rights(Placement *placement, const char *location, const char *spelling)
{
	ListCell *cell;

	if (placement->choice != ICE_PLACE_SERVER && placement->choice != ICE_PLACE_DERIVED &&
		!ice_access_may(ICE_CREATE, (IceObject){.warehouse_id = &placement->warehouse->id}) &&
		is_shared(spelling) &&
		(base_of(placement) == NULL || strcmp(spelling, placement->base) == 0 ||
		 !ice_storage_is_below(spelling, placement->base)))
		refuse(location, "which is not below the location of the namespace");
	foreach (cell, ice_storage_spellings(location))
		if (ice_holds_unwritable(&placement->warehouse->id, placement->id, lfirst(cell)))
			refuse(location, "where files of another table or view are");
}

/* Is a location, by every spelling, below the warehouse's? */
static bool
is_in_warehouse(const IceWarehouse *warehouse, const char *location)
{
	ListCell *cell;
	ListCell *around;

	foreach (cell, ice_storage_spellings(location))
	{
		bool inside = false;

		if (warehouse->location == NULL)
			return false;
		foreach (around, ice_storage_spellings(warehouse->location))
			inside |= strcmp(lfirst(cell), lfirst(around)) != 0 &&
					  ice_storage_is_below(lfirst(cell), lfirst(around));
		if (!inside)
			return false;
	}
	return true;
}

/* Is a location, by every spelling, in the object's own? */
static bool
is_in_own(const Placement *placement, const char *location)
{
	ListCell *cell;

	if (placement->location == NULL)
		return false;
	foreach (cell, ice_storage_spellings(location))
		if (!ice_storage_is_below(lfirst(cell), placement->location))
			return false;
	return true;
}

/* What the warehouse lets clients choose. */
static void
check_choice(const Placement *placement, const char *location)
{
	IceClientLocation allowed = placement->rules.client_location;
	bool              chosen = placement->choice == ICE_PLACE_CLIENT || placement->location != NULL;

	if (allowed == ICE_CLIENT_LOCATION_ANYWHERE)
		return;
	if (chosen && allowed == ICE_CLIENT_LOCATION_REFUSE)
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Clients choose no location in this warehouse: %s",
				  location);
	if (!is_in_warehouse(placement->warehouse, location))
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Location is not below that of the warehouse: %s",
				  location);
}

/* Folders above a location are shared by those who place something in them, and a location belongs
 * to one. A uuid that nobody knows needs no lock: so a transaction that creates many tables takes
 * no lock for each. */
static void
lock_line(const Placement *placement, const char *spelling)
{
	List *line = ice_hold_line(spelling);

	for (int i = list_length(line) - 1; i > 0; i--)
		ice_lock_place(list_nth(line, i), false);
	if (placement->choice != ICE_PLACE_SERVER)
		ice_lock_place(spelling, true);
}

/* Is a folder the location of a namespace of the warehouse, said or derived, or around one? Where
 * folders have other names than the levels, the namespace's own is known (base_of). */
static bool
is_of_namespace(Placement *placement, const char *spelling)
{
	const char *base = base_of(placement);
	const char *root = placement->warehouse->location;
	List       *levels = NIL;
	char       *rest;

	if (base != NULL && (strcmp(spelling, base) == 0 || ice_storage_is_below(base, spelling)))
		return true;
	if (ice_namespace_location_in(&placement->warehouse->id, spelling))
		return true;
	root = root != NULL ? ice_storage_spelling(root) : NULL;
	if (root == NULL || strcmp(spelling, root) == 0 || !ice_storage_is_below(spelling, root))
		return false;
	rest = pstrdup(spelling + strlen(root));
	for (char *level = strtok_r(rest, "/", &rest); level != NULL;
		 level = strtok_r(NULL, "/", &rest))
		levels = lappend(levels, level);
	return ice_namespace_derives(&placement->warehouse->id, levels);
}

/* What lies there keeps everybody else from placing anything in it. */
static void
check_roots(Placement *placement, const char *location, const char *spelling)
{
	const char *root = placement->warehouse->location;
	bool        own = placement->rules.overlap; /* may be taken */
	ListCell   *cell;

	if (placement->choice == ICE_PLACE_SERVER)
		return;
	foreach (cell, ice_holds_warehouses())
	{
		const char *other = lfirst(cell);
		const char *folder = ice_storage_spelling(other);

		if (own && root != NULL && strcmp(root, other) == 0)
			continue;
		if (strcmp(spelling, folder) == 0 || ice_storage_is_below(folder, spelling))
			ice_raise(ICE_ERR_FORBIDDEN_LOCATION,
					  "Location is that of a warehouse, or around it: %s", location);
	}
	if (!own && is_of_namespace(placement, spelling))
		ice_raise(ICE_ERR_FORBIDDEN_LOCATION, "Location is that of a namespace, or around it: %s",
				  location);
}

static void
check_overlap(const Placement *placement, const char *location)
{
	List     *spellings = ice_storage_spellings(location);
	ListCell *cell;

	if (!placement->unlocked)
		foreach (cell, spellings)
			lock_line(placement, lfirst(cell));
	foreach (cell, spellings)
		if (ice_holds_placed(&placement->warehouse->id, placement->id, lfirst(cell),
							 placement->copied))
			ice_raise_full(
				ICE_ERR_FORBIDDEN_LOCATION,
				psprintf("Location overlaps with that of another table or view: %s", location),
				NULL,
				"Name another one. The property " ICE_OVERLAP_PROPERTY
				" of the warehouse (refuse, allow) decides.");
}

/* The tenant's part comes first: a refusal outside of it must not tell whether others are there. */
static void
check_folder(Placement *placement, const char *location)
{
	const char *spelling;
	bool        own;

	if (location == NULL || location[0] == '\0')
		return;
	spelling = ice_storage_spelling(location);
	if (is_held(placement, spelling))
		return;
	ice_storage_check_place(location);
	ice_tenant_root_check(&placement->warehouse->id, location);
	own = is_in_own(placement, location);
	if (!own)
		check_choice(placement, location);
	if (!placement->is_free)
		check_rights(placement, location, spelling);
	if (!own && !placement->rules.overlap)
		check_overlap(placement, location);
	if (!own)
		check_roots(placement, location, spelling);
}

/* Nobody asks the owner, and those who may write everything and read all of it. */
static bool
is_free(void)
{
	return ice_caller().owns ||
		   (ice_restrictions_none() &&
			ice_access_may(ICE_WRITE | ICE_CREATE, (IceObject){.warehouse_id = NULL}));
}

/* False where there is nothing to check yet: the library comes before ALTER EXTENSION UPDATE. */
static bool
begin(Placement *placement)
{
	if (!ice_holds_known())
		return false;
	ice_warehouse_rules_read(placement->warehouse->properties, &placement->rules);
	placement->is_free = is_free();
	placement->held = ice_holds_of(&placement->warehouse->id, placement->id);
	return true;
}

/* A table's location, and the folders that its properties name. */
static void
check_table(const IceWarehouse *warehouse, const IceTable *table, IcePlaceChoice choice,
			bool unlocked)
{
	Placement placement = {.warehouse = warehouse,
						   .id = &table->id,
						   .namespace_id = &table->namespace_id,
						   .choice = choice,
						   .unlocked = unlocked,
						   .base = ""};

	if (choice == ICE_PLACE_DOCUMENT)
		placement.copied = table->metadata->table_uuid;
	if (!begin(&placement))
		return;
	check_folder(&placement, table->metadata->location);
	placement.location = ice_storage_spelling(table->metadata->location);
	placement.choice = ICE_PLACE_CLIENT;
	for (int i = 0; i < ICE_FOLDER_PROPERTIES; i++)
		check_folder(&placement, ice_table_property(table->metadata, ice_folder_properties[i]));
}

void
ice_place_check_table(const IceWarehouse *warehouse, const IceTable *table, IcePlaceChoice choice)
{
	check_table(warehouse, table, choice, false);
}

void
ice_place_expect_table(const IceWarehouse *warehouse, const IceTable *table, IcePlaceChoice choice)
{
	check_table(warehouse, table, choice, true);
}

void
ice_place_check_view(const IceWarehouse *warehouse, const IceView *view, IcePlaceChoice choice)
{
	Placement placement = {.warehouse = warehouse,
						   .id = &view->id,
						   .namespace_id = &view->namespace_id,
						   .choice = choice,
						   .base = ""};

	if (choice == ICE_PLACE_DOCUMENT)
		placement.copied = view->metadata->view_uuid;
	if (!begin(&placement))
		return;
	check_folder(&placement, view->metadata->location);
	placement.location = ice_storage_spelling(view->metadata->location);
	placement.choice = ICE_PLACE_CLIENT;
	check_folder(&placement, ice_view_property(view->metadata, ice_folder_properties[0]));
}
