/*
 * event_sight.c
 *		Which events the caller may see; see event_sight.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/sha2.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "store/access.h"
#include "store/event_sight.h"
#include "store/namespace_path.h"
#include "store/spi.h"
#include "store/store_restriction.h"

/* By either hash of a path, as case may matter or not; the levels say whether it is the one. */
static IceStatement find_space = {
	"SELECT namespace_id, created_at FROM icecat_data.namespace "
	"WHERE warehouse_id = $1 AND path_hash IN ($2, $3) AND levels = $4",
	4,
	{UUIDOID, BYTEAOID, BYTEAOID, TEXTARRAYOID},
	NULL};

/* The namespace that has a path today. */
typedef struct Space
{
	uint8       path_hash[PG_SHA256_DIGEST_LENGTH]; /* the key */
	bool        exists;
	pg_uuid_t   id;
	TimestampTz created_at;
} Space;

/* A table or view, wherever it was at the time of an event. */
typedef struct Object
{
	pg_uuid_t id; /* the key */
	bool      exists;
	bool      granted; /* something, on itself */
	pg_uuid_t namespace_id;
	List     *restricted; /* Oids of roles */
} Object;

struct IceEventEyes
{
	pg_uuid_t     warehouse_id;
	MemoryContext context;
	HTAB         *spaces;
	HTAB         *objects;
};

static HTAB *
make_table(const char *name, Size key, Size entry)
{
	HASHCTL control = {.keysize = key, .entrysize = entry, .hcxt = CurrentMemoryContext};

	return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

IceEventEyes *
ice_event_sight_begin(const pg_uuid_t *warehouse_id)
{
	IceEventEyes *eyes = palloc0(sizeof(IceEventEyes));

	eyes->warehouse_id = *warehouse_id;
	eyes->context = CurrentMemoryContext;
	eyes->spaces = make_table("icecat namespaces of events", PG_SHA256_DIGEST_LENGTH,
							  sizeof(Space));
	eyes->objects = make_table("icecat objects of events", sizeof(pg_uuid_t), sizeof(Object));
	return eyes;
}

bool
ice_event_sight_is_whole(const pg_uuid_t *warehouse_id)
{
	return ice_access_may(ICE_SELECT, (IceObject){.warehouse_id = warehouse_id}) &&
		   ice_restrictions_none();
}

/* Sees what the events were read with: the newest rows, not those of the calling query. */
static uint64
ask(IceStatement *statement, Datum *values)
{
	return IsInParallelMode() ? ice_spi_execute(statement, values, NULL, true)
							  : ice_spi_execute_latest(statement, values);
}

/* What has a path today; looked up once. */
static const Space *
space_of(IceEventEyes *eyes, const IceNamespacePath *path)
{
	bool   found;
	Space *space = hash_search(eyes->spaces, VARDATA(path->hash), HASH_ENTER, &found);
	Datum  values[4];

	if (found)
		return space;
	space->exists = false;
	values[0] = UUIDPGetDatum(&eyes->warehouse_id);
	values[1] = PointerGetDatum(path->hash);
	values[2] = PointerGetDatum(ice_namespace_path_folded_hash(path));
	values[3] = path->array;
	if (ask(&find_space, values) == 0)
		return space;
	space->id = ice_spi_field_uuid(0, 1);
	space->created_at = DatumGetTimestampTz(ice_spi_field(0, 2));
	space->exists = true;
	return space;
}

/* Where a table or view is, and whom it is restricted for; looked up once. */
static const Object *
object_of(IceEventEyes *eyes, const pg_uuid_t *id)
{
	bool          found;
	Object       *object = hash_search(eyes->objects, id, HASH_ENTER, &found);
	MemoryContext before;
	List         *roles;

	if (found)
		return object;
	object->exists = object->granted = false;
	object->restricted = NIL;
	object->exists = ice_access_namespace_of(&eyes->warehouse_id, id, &object->namespace_id);
	object->granted = object->exists && ice_access_is_granted(&eyes->warehouse_id, id);
	roles = ice_restriction_roles(&eyes->warehouse_id, id);
	before = MemoryContextSwitchTo(eyes->context);
	object->restricted = list_copy(roles);
	MemoryContextSwitchTo(before);
	return object;
}

/* May the caller load what was in a namespace at a time? Where the namespace is gone, the nearest
 * one above it that is the same as then decides. */
static bool
may_in(IceEventEyes *eyes, Datum levels, TimestampTz at)
{
	IceNamespacePath path;
	IceNamespacePath above;

	ice_namespace_path_stored(DatumGetArrayTypeP(levels), &path);
	above = path;
	for (int depth = path.depth; depth > 0; depth--)
	{
		const Space *space;

		if (depth < path.depth)
			ice_namespace_path_above(&path, depth, &above);
		space = space_of(eyes, &above);
		if (space->exists && space->created_at <= at)
			return ice_access_may(ICE_SELECT, (IceObject){.warehouse_id = &eyes->warehouse_id,
														  .namespace_id = &space->id});
	}
	return false;
}

/* Of a table or view as it is today: does the caller load it? Where nothing is granted on it, its
 * namespace decides, which is asked of once. HIDDEN: it must not be told of it at
 * all. */
static IceEventSight
sight_of_relation(IceEventEyes *eyes, const pg_uuid_t *id)
{
	const Object *object = object_of(eyes, id);
	IceObject     where;

	if (ice_restriction_binds(object->restricted) && !ice_restriction_trusts_engine())
		return ICE_EVENT_HIDDEN;
	if (!object->exists)
		return ICE_EVENT_MOVED_AWAY;
	where = (IceObject){&eyes->warehouse_id, &object->namespace_id, object->granted ? id : NULL};
	return ice_access_may(ICE_SELECT, where) ? ICE_EVENT_SEEN : ICE_EVENT_MOVED_AWAY;
}

static IceEventSight
decide(IceEventEyes *eyes, const IceEventSubject *subject)
{
	IceEventSight sight = ICE_EVENT_MOVED_AWAY;

	if (strcmp(subject->object_kind, "table") == 0 || strcmp(subject->object_kind, "view") == 0)
		sight = sight_of_relation(eyes, &subject->object_id);
	if (sight != ICE_EVENT_MOVED_AWAY)
		return sight;
	if (ice_access_may(ICE_SELECT, (IceObject){.warehouse_id = &eyes->warehouse_id}) ||
		(subject->levels != (Datum) 0 && may_in(eyes, subject->levels, subject->occurred_at)))
		return ICE_EVENT_SEEN;
	if (subject->source != (Datum) 0 && may_in(eyes, subject->source, subject->occurred_at))
		return ICE_EVENT_MOVED_AWAY;
	return ICE_EVENT_HIDDEN;
}

/* What is read for it goes with a connection of its own: the caller's may live for any number of
 * events. */
IceEventSight
ice_event_sight(IceEventEyes *eyes, const IceEventSubject *subject)
{
	IceEventSight sight;

	(void) ice_spi_begin();
	sight = decide(eyes, subject);
	ice_spi_end();
	return sight;
}
