/*
 * commit_read.h
 *		What commits to tables and to views have in common: reading the outer parts of their JSON.
 *
 * All raise BAD_REQUEST.
 *
 * REST, commitTable and replaceView.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_COMMIT_READ_H
#define ICE_COMMIT_READ_H

#include "json/json.h"

/* The length of the list, 0 if it is missing or null. Raises LIMIT_EXCEEDED for too many
 * updates. */
extern int ice_commit_read_requirements(const IceJson *requirements);
extern int ice_commit_read_updates(const IceJson *updates, int updates_max);

/* What kind of requirement or update it is. */
extern const char *ice_commit_read_requirement_type(const IceJson *requirement);
extern const char *ice_commit_read_update_action(const IceJson *update);

/* The map of set-properties, the list of names of remove-properties. */
extern IceJson *ice_commit_read_set_properties(const IceJson *update);
extern IceJson *ice_commit_read_remove_properties(const IceJson *update);

/* The numbers of an array; name is that of its member. */
extern int64 *ice_commit_read_ids(const IceJson *ids, const char *name, bool is_int32);

#endif
