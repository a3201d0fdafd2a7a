/*
 * part_memory.c
 *		The live parts of the tables that this session has committed to last. See part_memory.h.
 *
 * All texts are copied, in and out: what a commit works with stays whole whatever is forgotten
 * in between. The bytes of all tables together are bounded by icecat.remembered_bytes_max; those of
 * the table that was used longest ago go first. An entry is changed in one go when all rows of the
 * next version are written. What was remembered in a transaction that is rolled back, or in a part
 * of one, is forgotten: a client that commits by a file of its own (SQL catalogs) may give the same
 * location to another content then.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "guc.h"
#include "store/part_memory.h"
#include "store/spi.h"

#define TABLES_MAX 64
#define NO_VERSION (-1) /* of an entry that is being changed */

/* A part; its key, if it has one, ends with a zero byte and stands before the body. */
typedef struct Known
{
	int64  id;
	int64  ordinal;
	bool   has_key;
	size_t key_size; /* with its end */
	size_t body_len;
	char   text[FLEXIBLE_ARRAY_MEMBER];
} Known;

typedef struct KnownList
{
	Known **items; /* in document order */
	int     count;
	int     capacity;
} KnownList;

typedef struct Entry
{
	pg_uuid_t        warehouse_id;
	pg_uuid_t        table_id;
	int64            version;
	char            *location;
	uint64           used; /* when; counts */
	/* where it was put or changed, while that is not committed */
	SubTransactionId changed_in;
	MemoryContext    context;
	KnownList        lists[ICE_PART_KINDS];
} Entry;

static Entry        *entries[TABLES_MAX];
static int           entry_count = 0;
static uint64        uses = 0;
static MemoryContext all_entries = NULL;
static Oid           part_table = InvalidOid;
static volatile bool outdated = false; /* the table of parts was changed */

/* -- what is kept ------------------------------------------------------------------------------ */

static void
drop_entry(int at)
{
	MemoryContextDelete(entries[at]->context);
	entries[at] = entries[--entry_count];
}

/* Something of a table was changed: its columns, rights, policies, triggers, indexes. */
static void
at_change(Datum arg, Oid table)
{
	(void) arg;
	if (table == InvalidOid || table == part_table)
		outdated = true;
}

/* Forgets what a subtransaction has changed, or one within it, which has a higher number. */
static void
drop_changed(SubTransactionId since)
{
	for (int i = entry_count - 1; i >= 0; i--)
		if (entries[i]->changed_in != InvalidSubTransactionId && entries[i]->changed_in >= since)
			drop_entry(i);
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	(void) arg;
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		drop_changed(TopSubTransactionId);
	else if (event == XACT_EVENT_COMMIT)
		for (int i = 0; i < entry_count; i++)
			entries[i]->changed_in = InvalidSubTransactionId;
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	(void) parent;
	(void) arg;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		drop_changed(id);
}

/* Is it used in this session now? Under REPEATABLE READ all rows are read, as the conflicts of
 * serializable transactions want it. */
static bool
is_on(void)
{
	while (outdated && entry_count > 0)
		drop_entry(entry_count - 1);
	outdated = false;
	return ice_guc_remembered_bytes_max > 0 && ice_guc_key_scans && ice_guc_key_writes &&
		   !IsolationUsesXactSnapshot();
}

static int
find_at(const IceTable *table)
{
	for (int i = 0; i < entry_count; i++)
		if (memcmp(&entries[i]->table_id, &table->id, UUID_LEN) == 0 &&
			memcmp(&entries[i]->warehouse_id, &table->warehouse_id, UUID_LEN) == 0)
			return i;
	return -1;
}

/* What is known of a table at that version, with that location; NULL: nothing. */
static Entry *
find(const IceTable *table, int64 version, const char *location)
{
	int    at = is_on() ? find_at(table) : -1;
	Entry *entry = at >= 0 ? entries[at] : NULL;

	if (entry == NULL || entry->version != version || location == NULL ||
		strcmp(entry->location, location) != 0)
		return NULL;
	entry->used = ++uses;
	return entry;
}

static Entry *
find_current(const IceTable *table)
{
	return find(table, table->version, table->metadata_location);
}

/* What is known of a table whose next version is in memory: of the one that was read. */
static Entry *
find_before(const IceTable *table)
{
	return find(table, table->version - 1, table->read_location);
}

/* The bytes of all entries, and which of the others was used longest ago. */
static Size
add_up(const Entry *kept, int *oldest)
{
	Size bytes = 0;

	*oldest = -1;
	for (int i = 0; i < entry_count; i++)
	{
		bytes += MemoryContextMemAllocated(entries[i]->context, false);
		if (entries[i] != kept && (*oldest < 0 || entries[i]->used < entries[*oldest]->used))
			*oldest = i;
	}
	return bytes;
}

/* Makes room for an entry that has grown, by dropping others, or itself where it is too large. */
static void
bound(Entry *entry)
{
	int oldest;

	while (add_up(entry, &oldest) > (Size) ice_guc_remembered_bytes_max && oldest >= 0)
		drop_entry(oldest);
	if (MemoryContextMemAllocated(entry->context, false) > (Size) ice_guc_remembered_bytes_max)
		for (int i = 0; i < entry_count; i++)
			if (entries[i] == entry)
			{
				drop_entry(i);
				return;
			}
}

static Known *
copy_in(MemoryContext context, const IcePart *part)
{
	size_t key_size = part->key != NULL ? strlen(part->key) + 1 : 0;
	Known *known = MemoryContextAlloc(context, offsetof(Known, text) + key_size + part->body_len);

	*known = (Known){part->id, part->ordinal, part->key != NULL, key_size, part->body_len};
	if (part->key != NULL)
		memcpy(known->text, part->key, key_size);
	memcpy(known->text + key_size, part->body, part->body_len);
	return known;
}

static void
add(Entry *entry, IcePartKind kind, const IcePart *part)
{
	KnownList *list = &entry->lists[kind];

	if (list->count == list->capacity)
	{
		list->capacity = Max(list->capacity * 2, 4);
		list->items = list->items == NULL
						  ? MemoryContextAlloc(entry->context, sizeof(Known *) * list->capacity)
						  : repalloc(list->items, sizeof(Known *) * list->capacity);
	}
	list->items[list->count++] = copy_in(entry->context, part);
}

/* An entry that is among the others as soon as it is filled and named. */
static Entry *
make_entry(const IceTable *table)
{
	MemoryContext context;
	Entry        *entry;
	int           oldest;

	if (all_entries == NULL)
	{
		all_entries = AllocSetContextCreate(TopMemoryContext, "icecat remembered parts",
											ALLOCSET_SMALL_SIZES);
		CacheRegisterRelcacheCallback(at_change, (Datum) 0);
		RegisterXactCallback(at_transaction_end, NULL);
		RegisterSubXactCallback(at_subtransaction_end, NULL);
	}
	part_table = get_relname_relid("table_part", get_namespace_oid("icecat_data", false));
	if (entry_count == TABLES_MAX)
	{
		(void) add_up(NULL, &oldest);
		drop_entry(oldest);
	}
	context = AllocSetContextCreate(all_entries, "icecat remembered table", ALLOCSET_SMALL_SIZES);
	entry = MemoryContextAllocZero(context, sizeof(Entry));
	entry->warehouse_id = table->warehouse_id;
	entry->table_id = table->id;
	entry->context = context;
	return entry;
}

/* Says which content of the table an entry is. */
static void
name_entry(Entry *entry, const IceTable *table)
{
	char *location = MemoryContextStrdup(entry->context, table->metadata_location);

	if (entry->location != NULL)
		pfree(entry->location);
	entry->location = location;
	entry->version = table->version;
	entry->used = ++uses;
	entry->changed_in = GetCurrentSubTransactionId();
}

/* How long the parts of a table are that are in memory, or those that are new. */
static Size
bytes_of(const IceTable *table, bool only_new)
{
	Size bytes = 0;

	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
	{
		const IcePartList *list = &table->metadata->lists[kind];

		for (int i = 0; i < list->count; i++)
			if (!only_new || ice_part_is_new(list->items[i]))
				bytes += sizeof(Known) + list->items[i]->body_len;
	}
	return bytes;
}

void
ice_part_memory_put(const IceTable *table)
{
	const IcePartList *lists = table->metadata->lists;
	Entry             *entry;

	ice_part_memory_forget(table);
	if (!is_on() || bytes_of(table, false) > (Size) ice_guc_remembered_bytes_max)
		return;
	entry = make_entry(table);
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
		for (int i = 0; i < lists[kind].count; i++)
			add(entry, kind, lists[kind].items[i]);
	name_entry(entry, table);
	entries[entry_count++] = entry;
	bound(entry);
}

void
ice_part_memory_forget(const IceTable *table)
{
	int at = find_at(table);

	if (at >= 0)
		drop_entry(at);
}

/* -- from version to version ------------------------------------------------------------------- */

static int
compare_ordinals(const void *a, const void *b)
{
	int64 x = (*(Known *const *) a)->ordinal;
	int64 y = (*(Known *const *) b)->ordinal;

	return x < y ? -1 : x > y;
}

static int
compare_int64(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

/* Takes away what has one of the ordinals, which are sorted here. */
static void
take_away(KnownList *list, int64 *ordinals, int count)
{
	int kept = 0;

	qsort(ordinals, count, sizeof(int64), compare_int64);
	for (int i = 0; i < list->count; i++)
		if (bsearch(&list->items[i]->ordinal, ordinals, count, sizeof(int64), compare_int64) ==
			NULL)
			list->items[kept++] = list->items[i];
		else
			pfree(list->items[i]);
	list->count = kept;
}

/* Does what the marks of a list say. Refs keep their places, so that a new one may come in the
 * middle. */
static void
follow_list(Entry *entry, IcePartKind kind, const IcePartList *changed)
{
	KnownList *list = &entry->lists[kind];
	int64     *gone = palloc(sizeof(int64) * Max(changed->count, 1));
	int        gone_count = 0;
	bool       sorted = true;

	for (int i = 0; i < changed->count; i++)
		if (ice_part_is_gone(changed->items[i]))
			gone[gone_count++] = changed->items[i]->ordinal;
	if (gone_count > 0)
		take_away(list, gone, gone_count);
	for (int i = 0; i < changed->count; i++)
		if (ice_part_is_new(changed->items[i]))
		{
			add(entry, kind, changed->items[i]);
			sorted = sorted && (list->count == 1 || list->items[list->count - 2]->ordinal <
														list->items[list->count - 1]->ordinal);
		}
	if (!sorted)
		qsort(list->items, list->count, sizeof(Known *), compare_ordinals);
	pfree(gone);
}

static void
take_first(KnownList *list, int count)
{
	count = Min(count, list->count);
	for (int i = 0; i < count; i++)
		pfree(list->items[i]);
	list->count -= count;
	memmove(list->items, list->items + count, sizeof(Known *) * list->count);
}

void
ice_part_memory_follow(const IceTable *table, int trimmed)
{
	Entry *entry = find_before(table);

	if (entry == NULL || bytes_of(table, true) > (Size) ice_guc_remembered_bytes_max)
	{
		ice_part_memory_forget(table);
		return;
	}
	/* An error in between, as of memory, leaves nothing that is found. */
	entry->version = NO_VERSION;
	entry->changed_in = GetCurrentSubTransactionId();
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
		if (table->metadata->lists[kind].count > 0)
			follow_list(entry, kind, &table->metadata->lists[kind]);
	if (trimmed > 0)
		take_first(&entry->lists[ICE_PART_METADATA_LOG], trimmed);
	name_entry(entry, table);
	bound(entry);
}

/* -- reading ----------------------------------------------------------------------------------- */

/* Adds parts to a table's list, with texts in one piece of memory that is no part of a request's
 * (budget.h). */
static void
copy_out(IceTable *table, IcePartKind kind, Known *const *items, int count)
{
	size_t bytes = 0;
	char  *text;

	for (int i = 0; i < count; i++)
		bytes += items[i]->key_size + items[i]->body_len;
	text = MemoryContextAllocHuge(ice_spi_rows_context(), Max(bytes, 1));
	for (int i = 0; i < count; i++)
	{
		const Known *known = items[i];

		memcpy(text, known->text, known->key_size + known->body_len);
		ice_table_part_stored(table->metadata, kind, known->id, known->has_key ? text : NULL,
							  known->ordinal, text + known->key_size, known->body_len);
		text += known->key_size + known->body_len;
	}
}

bool
ice_part_memory_load(IceTable *table, IcePartKind kind)
{
	const Entry *entry = find_current(table);

	if (entry == NULL)
		return false;
	copy_out(table, kind, entry->lists[kind].items, entry->lists[kind].count);
	return true;
}

bool
ice_part_memory_load_all(IceTable *table, int bytes_max, bool *fits)
{
	const Entry *entry = find_current(table);
	Size         bytes = 0;

	if (entry == NULL)
		return false;
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
		for (int i = 0; i < entry->lists[kind].count; i++)
			bytes += entry->lists[kind].items[i]->body_len;
	*fits = bytes_max == 0 || bytes <= (Size) bytes_max;
	for (int kind = 0; kind < ICE_PART_KINDS && *fits; kind++)
		copy_out(table, kind, entry->lists[kind].items, entry->lists[kind].count);
	return true;
}

bool
ice_part_memory_load_snapshot(IceTable *table, int64 id)
{
	const Entry *entry = find_current(table);

	if (entry == NULL)
		return false;
	for (int i = entry->lists[ICE_PART_SNAPSHOT].count - 1; i >= 0; i--)
		if (entry->lists[ICE_PART_SNAPSHOT].items[i]->id == id)
		{
			copy_out(table, ICE_PART_SNAPSHOT, &entry->lists[ICE_PART_SNAPSHOT].items[i], 1);
			break;
		}
	return true;
}

bool
ice_part_memory_load_log_end(IceTable *table)
{
	const Entry     *entry = find_current(table);
	const KnownList *log = entry != NULL ? &entry->lists[ICE_PART_SNAPSHOT_LOG] : NULL;

	if (entry != NULL && log->count > 0)
		copy_out(table, ICE_PART_SNAPSHOT_LOG, &log->items[log->count - 1], 1);
	return entry != NULL;
}

/* Does a commit take parts of the list away that were there before? */
static bool
takes_from(const IcePartList *list)
{
	for (int i = 0; i < list->count; i++)
		if (ice_part_is_gone(list->items[i]))
			return true;
	return false;
}

int
ice_part_memory_oldest_log(const IceTable *table, int count, int64 *ordinals, List **files)
{
	const Entry     *entry = find_before(table);
	const KnownList *log = entry != NULL ? &entry->lists[ICE_PART_METADATA_LOG] : NULL;

	if (entry == NULL || log->count < count ||
		takes_from(&table->metadata->lists[ICE_PART_METADATA_LOG]))
		return -1;
	for (int i = 0; i < count; i++)
	{
		ordinals[i] = log->items[i]->ordinal;
		*files = lappend(*files, log->items[i]->has_key ? pstrdup(log->items[i]->text) : NULL);
	}
	return count;
}
