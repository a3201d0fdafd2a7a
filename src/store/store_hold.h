/*
 * store_hold.h
 *		Whose file it is: what tables and views hold on storage (icecat_data.location).
 *
 * Paths are canonical spellings (ice_storage_spellings). What is asked here is asked over all
 * warehouses: the one exception to the rule that a statement stays within one. Only creations,
 * changes of location and jobs come here. What is read is the newest committed state, and the
 * transaction's own, whatever the isolation level.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_HOLD_H
#define ICE_STORE_HOLD_H

#include "nodes/pg_list.h"

#include "store/spi.h"

typedef enum IceHoldKind
{
	ICE_HOLD_LOCATION,  /* a present or former location */
	ICE_HOLD_PATH,      /* a present or former folder of a write.*.path property */
	ICE_HOLD_FILE,      /* a single file outside of these */
	ICE_HOLD_REGISTERED /* the metadata file of a registration */
} IceHoldKind;

typedef struct IceHold
{
	IceHoldKind kind;
	char       *path;
} IceHold;

/* Longest path that is kept as it is: an index has no room for all that a file system has. */
#define ICE_HOLD_BYTES_MAX 2000

/* What stands for a path in rows: a long one is its beginning, "#" and a digest of all of it. Two
 * files of one key would keep each other. */
extern char *ice_hold_key(const char *path);

/* Is the state of a version that knows locations? Without it nothing is deleted. */
extern bool  ice_holds_known(void);
/* Adds a row unless it is there. A folder with a long path is not kept: then nothing is the table's
 * own there, and none of it is ever deleted. */
extern void  ice_hold_add(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id,
						  IceHoldKind kind, const char *path);
/* All that one table or view holds: a List of IceHold *. */
extern List *ice_holds_of(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id);
/* Some paths, as an array of the keys that stand for them. */
extern Datum ice_hold_array(const List *texts);
extern void  ice_holds_delete(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id);

/* Was the table registered, at first or later? */
extern bool ice_holds_registered(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id);

/* The keys of those of some paths that another table or view holds, of any warehouse: a List of C
 * strings. */
extern List *ice_holds_of_others(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id,
								 const List *paths);
/* Does what belongs to no warehouse of a tenant hold anything below a folder? */
extern bool  ice_holds_of_others_below(const pg_uuid_t *tenant_id, const char *folder);
/* Does another table or view hold anything below a folder? */
extern bool  ice_holds_below(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id,
							 const char *folder);

/* Does another table or view that is live, of any warehouse, have a folder there, around it or in
 * it? Those with the uuid of copied (NULL: none) do not count. Two look-ups in the index, however
 * many tables there are. */
extern bool ice_holds_placed(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id,
							 const char *folder, const char *copied);

/* The locations of all warehouses, as they were given: C strings. */
extern List *ice_holds_warehouses(void);

/* Is one of some paths held by a dropped table whose purge is queued? */
extern bool ice_holds_being_purged(const List *paths);

/* Is one of some paths held by a table or view that the caller may not load, or not whole? */
extern bool ice_holds_unseen(const List *paths);

/* Is a folder, or one above it, or something below it, held by another table or view that the
 * caller may not write, or by very many? */
extern bool ice_holds_unwritable(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id,
								 const char *folder);

/* What the catalog is known by to all of its copies, as text; made with make, where there is none.
 * NULL: none. */
extern char *ice_hold_catalog_id(bool make);

/* A path and all folders above it, the deepest first: a List of C strings. */
extern List *ice_hold_line(const char *path);

#endif
