/*
 * case_mode.h
 *		Whether case matters in the names of a warehouse, and how a name in another spelling is
 *		found.
 *
 * The mode is the warehouse's property icecat.case-mode. Where case does not matter, a relation has
 * its key (relation.name_key) beside its name, and namespace.path_hash is that of the path's key;
 * both are unique. Names keep the spelling they were made with. A look-up first takes a name as it
 * is given, by the same statement in both modes; only when that finds nothing, and the mode allows
 * it, is the name looked up by its key.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_CASE_MODE_H
#define ICE_STORE_CASE_MODE_H

#include "store/namespace_path.h"
#include "store/spi.h"

#define ICE_CASE_MODE_PROPERTY "icecat.case-mode"

/* What the properties of a warehouse say: true when case does not matter. */
extern bool ice_case_mode_folds(const char *properties);
/* Called for each warehouse that is read: the next question for the same one costs nothing. */
extern void ice_case_mode_remember(const pg_uuid_t *warehouse_id, const char *properties);

/* Does case not matter in this warehouse? */
extern bool ice_case_mode_folds_of(const pg_uuid_t *warehouse_id);
/* The same by the newest row, for calls that make or move names: a change of the mode holds the
 * locks of all namespaces, and such a call holds the lock of its own. */
extern bool ice_case_mode_folds_now(const pg_uuid_t *warehouse_id);

/* Is it the same name in this warehouse? */
extern bool ice_case_mode_same(const pg_uuid_t *warehouse_id, const char *a, const char *b);
/* Finds what a live table or view is spelled like whose name was not found as given: sets the first
 * three parameters of a look-up (warehouse, path_hash, name). False where case matters, or nothing
 * has the name. */
extern bool ice_case_mode_respell(const pg_uuid_t *warehouse_id, const IceNamespacePath *path,
								  const char *name, bool read_only, Datum *values);
/* Gives a path the spelling of the namespace that it was found as. */
extern void ice_case_mode_respell_path(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
									   bool read_only, IceNamespacePath *path);

/* Makes or removes the keys of a warehouse whose row is locked FOR UPDATE. Raises ALREADY_EXISTS
 * for names that differ only by case. */
extern void ice_case_mode_convert(const pg_uuid_t *warehouse_id, const char *warehouse_name,
								  bool folds);

#endif
