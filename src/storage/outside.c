/*
 * outside.c
 *		Which files of a snapshot lie outside of some folders. See outside.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "avro/avro.h"
#include "budget.h"
#include "errors.h"
#include "guc.h"
#include "storage/outside.h"
#include "storage/storage.h"

#define STATUS         "status"
#define STATUS_DELETED 2

struct IceOutsideLook
{
	IceOutside   *outside;
	MemoryContext found;     /* of the caller */
	MemoryContext context;   /* of the look */
	MemoryContext file;      /* of the manifest that is read */
	MemoryContext scratch;   /* of one look at a name */
	bool          listed;    /* the lists were read */
	List         *manifests; /* new ones: C strings */
	int           next;      /* the next of them */
	IceAvroFile  *reading;   /* NULL: none */
	const char   *foreign;   /* what is read lies outside; NULL: it does not */
	bool          fetches;   /* it is being asked for */
	bool          quiet;     /* the list did */
};

/* -- names ------------------------------------------------------------------------------------ */

static bool
is_in(const char *path, const List *folders)
{
	ListCell *cell;

	foreach (cell, folders)
		if (strcmp(path, lfirst(cell)) != 0 && ice_storage_is_below(path, lfirst(cell)))
			return true;
	return false;
}

/* By all of its spellings; ".." leads nowhere, for a canonical spelling has none. */
static bool
is_inside(const char *location, const List *folders)
{
	ListCell *cell;

	foreach (cell, ice_storage_spellings(location))
		if (!is_in(lfirst(cell), folders))
			return false;
	return true;
}

/* What can be shown of a name that is no text. */
static char *
shown(const char *name, size_t len)
{
	char *text = palloc(len + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '?';
	text[len] = '\0';
	return text;
}

static void
note_outside(IceOutsideLook *look, const char *location)
{
	IceOutside   *outside = look->outside;
	MemoryContext old = MemoryContextSwitchTo(look->found);

	if (++outside->count <= outside->files_max)
		outside->files = lappend(outside->files, pstrdup(location));
	MemoryContextSwitchTo(old);
}

/* No file can have a name that is no text: it lies nowhere, and nothing else refers to it. */
static void
note_odd(IceOutsideLook *look, const char *name, size_t len)
{
	MemoryContext old = MemoryContextSwitchTo(look->scratch);

	if (look->foreign == NULL && !look->quiet)
		note_outside(look, shown(name, len));
	MemoryContextSwitchTo(old);
	MemoryContextReset(look->scratch);
}

/* Notes a file if it lies outside. */
static void
look_at(IceOutsideLook *look, const char *location)
{
	IceOutside   *outside = look->outside;
	MemoryContext old = MemoryContextSwitchTo(look->scratch);
	bool inside = look->foreign != NULL || look->quiet || is_inside(location, outside->folders);

	CHECK_FOR_INTERRUPTS();
	if (outside->refer != NULL && !is_inside(location, outside->own))
		outside->refer(outside->arg, location, false);
	if (!inside)
		note_outside(look, location);
	MemoryContextSwitchTo(old);
	MemoryContextReset(look->scratch);
}

static void
visit_file(const char *value, size_t len, void *arg)
{
	IceOutsideLook *look = arg;
	MemoryContext   old;
	char           *location;

	if (!ice_storage_is_text(value, len))
	{
		note_odd(look, value, len);
		return;
	}
	old = MemoryContextSwitchTo(look->scratch);
	location = pnstrdup(value, len);
	MemoryContextSwitchTo(old);
	look_at(look, location);
}

/* -- lists ------------------------------------------------------------------------------------ */

/* The names that a manifest list has. */
typedef struct Names
{
	IceOutsideLook *look; /* NULL: names that are no texts are passed over */
	List           *names;
} Names;

static void
visit_manifest(const char *value, size_t len, void *arg)
{
	Names *names = arg;

	if (ice_storage_is_text(value, len))
		names->names = lappend(names->names, pnstrdup(value, len));
	else if (names->look != NULL)
		note_odd(names->look, value, len);
}

static void
read_file(IceOutsideLook *look, const char *location, StringInfo out)
{
	const IceStorage *storage = ice_storage_open(location, look->outside->profile);

	initStringInfo(out);
	look->fetches = true;
	storage->read(storage, location, (size_t) ice_guc_metadata_file_bytes_max, out);
	look->fetches = false;
}

static List *
read_list(IceOutsideLook *look, const char *location, IceOutsideLook *teller)
{
	static const char *const field[] = {"manifest_path", NULL};
	StringInfoData           content;
	Names                    names = {teller, NIL};

	read_file(look, ice_storage_checked(location, look->outside->profile), &content);
	ice_avro_visit(content.data, (size_t) content.len, field, visit_manifest, &names);
	pfree(content.data);
	return names.names;
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* Those of some names that are not among the others; both are sorted here. */
static List *
without(List *names, List *others)
{
	List *left = NIL;
	int   at = 0;

	list_sort(names, compare_names);
	list_sort(others, compare_names);
	for (int i = 0; i < list_length(names); i++)
	{
		char *name = list_nth(names, i);

		ice_step();
		while (at < list_length(others) && strcmp(list_nth(others, at), name) < 0)
			at++;
		if (at >= list_length(others) || strcmp(list_nth(others, at), name) != 0)
			left = lappend(left, name);
	}
	return left;
}

/* A parent whose list is gone, or lies elsewhere, has nothing that need not be read. */
static List *
known_manifests(IceOutsideLook *look)
{
	const IceOutside *outside = look->outside;

	if (outside->parent_list == NULL || !is_inside(outside->parent_list, outside->folders) ||
		!ice_storage_exists(ice_storage_checked(outside->parent_list, outside->profile),
							outside->profile))
		return NIL;
	return read_list(look, outside->parent_list, NULL);
}

/* One that lies outside is read for what it refers to alone. Where nobody asks for that, or it is
 * not there, there is nothing to read. True: it is what is read now. */
static bool
may_read_foreign(IceOutsideLook *look, const char *location)
{
	IceOutside *outside = look->outside;
	char       *file;

	if (outside->refer == NULL)
		return false;
	file = ice_storage_canonical(location, outside->profile);
	if (file == NULL)
	{
		outside->refer(outside->arg, location, true);
		return false;
	}
	look->foreign = location;
	look->fetches = true;
	if (!ice_storage_exists(file, outside->profile))
		look->foreign = NULL;
	look->fetches = false;
	return look->foreign != NULL;
}

/* Finds the manifests that are to be read: those of the list that are not the parent's. */
static void
list_manifests(IceOutsideLook *look)
{
	IceOutside *outside = look->outside;
	List       *names = outside->manifests;

	look->listed = true;
	if (outside->list != NULL)
		look_at(look, outside->list);
	if (outside->list != NULL && !is_inside(outside->list, outside->folders))
	{
		look->quiet = true;
		if (!may_read_foreign(look, outside->list))
			return;
	}
	if (outside->list != NULL)
		names = read_list(look, outside->list, look);
	look->foreign = NULL;
	if (names == NIL)
		return;
	look->manifests = without(list_copy(names), known_manifests(look));
	outside->manifests_read = list_length(look->manifests);
	if (outside->manifests_read > outside->manifests_max)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED,
				  "A snapshot has %d new manifests, more than the limit of %d",
				  outside->manifests_read, outside->manifests_max);
}

/* -- manifests -------------------------------------------------------------------------------- */

/* Begins with the next manifest, or only notes that it lies outside. */
static void
begin_manifest(IceOutsideLook *look)
{
	static const char *const field[] = {"data_file", "file_path", NULL};
	const char              *location = list_nth(look->manifests, look->next++);
	MemoryContext            old;
	StringInfoData           content;

	look_at(look, location);
	if (!is_inside(location, look->outside->folders) && !may_read_foreign(look, location))
		return;
	old = MemoryContextSwitchTo(look->file);
	read_file(look, ice_storage_checked(location, look->outside->profile), &content);
	look->reading = ice_avro_open(content.data, (size_t) content.len, field);
	ice_avro_pass_over(look->reading, STATUS, STATUS_DELETED);
	MemoryContextSwitchTo(old);
}

static void
go_on_reading(IceOutsideLook *look)
{
	MemoryContext old = MemoryContextSwitchTo(look->file);
	bool          more = ice_avro_next_block(look->reading, visit_file, look);

	MemoryContextSwitchTo(old);
	if (more)
		return;
	look->reading = NULL;
	look->foreign = NULL;
	MemoryContextReset(look->file);
}

/* Reads on; false: all was read. */
static bool
step(IceOutsideLook *look)
{
	if (!look->listed)
		list_manifests(look);
	else if (look->reading != NULL)
		go_on_reading(look);
	else if (look->next < list_length(look->manifests))
		begin_manifest(look);
	else
		return false;
	return true;
}

/* Does the store keep a file that lies outside from being read, who could give it another time? */
static bool
is_store_failure(const IceOutsideLook *look, int code)
{
	return look->fetches && ice_error_of_sqlstate(unpack_sql_state(code)) == ICE_ERR_STORAGE;
}

/* Whatever is wrong with a file that lies outside: what it says must not be told, and what it
 * refers to is not known. */
static void
pass_over_foreign(IceOutsideLook *look)
{
	IceOutside *outside = look->outside;
	int         code = geterrcode();

	if (look->foreign == NULL || code == ERRCODE_QUERY_CANCELED || code == ERRCODE_ADMIN_SHUTDOWN)
		PG_RE_THROW();
	MemoryContextSwitchTo(look->context);
	FlushErrorState();
	if (outside->insists && is_store_failure(look, code))
		ice_raise(ICE_ERR_STORAGE, "a manifest that lies outside cannot be read now");
	look->fetches = false;
	outside->refer(outside->arg, look->foreign, true);
	look->foreign = NULL;
	look->reading = NULL;
	MemoryContextReset(look->file);
}

IceOutsideLook *
ice_outside_begin(IceOutside *outside)
{
	MemoryContext   context = AllocSetContextCreate(CurrentMemoryContext, "icecat files outside",
													ALLOCSET_DEFAULT_SIZES);
	IceOutsideLook *look = MemoryContextAllocZero(context, sizeof(IceOutsideLook));

	look->outside = outside;
	look->found = CurrentMemoryContext;
	look->context = context;
	look->file = AllocSetContextCreate(context, "icecat manifest", ALLOCSET_DEFAULT_SIZES);
	look->scratch = AllocSetContextCreate(context, "icecat file name", ALLOCSET_SMALL_SIZES);
	return look;
}

bool
ice_outside_step(IceOutsideLook *look)
{
	MemoryContext old = MemoryContextSwitchTo(look->context);
	volatile bool more = true;

	CHECK_FOR_INTERRUPTS();
	PG_TRY();
	{
		more = step(look);
	}
	PG_CATCH();
	{
		pass_over_foreign(look);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	return more;
}

void
ice_outside_end(IceOutsideLook *look)
{
	MemoryContextDelete(look->context);
}
