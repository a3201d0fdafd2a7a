/*
 * store_profile.h
 *		Rows of icecat_data.storage_profile and storage_secret: how object stores are reached.
 *
 * A profile belongs to a tenant, or to none and then to all. Its name is unique among those of its
 * tenant. A warehouse has one profile, or none; locations of its tables that lie in an object store
 * lie in the root of it.
 *
 * Locks: a profile's row is locked after those of the tenant and the warehouse: FOR KEY SHARE by
 * what gives it to a warehouse, FOR UPDATE when it is altered or dropped.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_PROFILE_H
#define ICE_STORE_PROFILE_H

#include "json/json.h"
#include "storage/profile.h"
#include "store/store_tenant.h"

/* A row. */
typedef struct IceProfileRow
{
	pg_uuid_t   id;
	pg_uuid_t   tenant_id; /* nil: of none */
	const char *name;      /* without the tenant's */
	const char *root;
	const char *options; /* JSON object of strings */
	int64       revision;
} IceProfileRow;

/* Are there any? Kept for the session, until that changes. */
extern bool ice_profiles_exist(void);

/* The profile that a location of a warehouse is reached by, with its secrets, which are wiped with
 * the current memory context. NULL: the location is on file storage, the warehouse has no profile,
 * or the location is not in it: the server may not go there. */
extern const IceStorageProfile *ice_profile_of(const pg_uuid_t *warehouse_id, const char *location);
/* Is there such a profile? Opens no secret. */
extern bool ice_profile_reaches(const pg_uuid_t *warehouse_id, const char *location);
/* The same for a profile's own row. */
extern const IceStorageProfile *ice_profile_open(const IceProfileRow *row);
/* All profiles that there are: a List of IceProfileRow *. */
extern List                    *ice_profile_all(void);

/* A row as a profile, with secrets out of given texts alone (a JSON object of strings; NULL:
 * none). Raises BAD_REQUEST. */
extern IceStorageProfile *ice_profile_of_texts(const IceProfileRow *row, const IceJson *secrets);

/* Finds a profile by its name, as the caller says it (store_tenant.h), which is one of the caller's
 * tenant or of none. */
extern bool  ice_profile_find(const char *name, bool for_update, IceProfileRow *out);
/* The tenant that a new profile of a name is to belong to (nil: none), and the rest of the name.
 * Raises BAD_REQUEST for a bad name. */
extern void  ice_profile_of_new(const char *name, IceProfileRow *out);
/* Gives the row its id; false: the name is taken. */
extern bool  ice_profile_insert(IceProfileRow *row);
/* Writes name and options, with the next revision. False: the name is taken. */
extern bool  ice_profile_update(const IceProfileRow *row);
extern void  ice_profile_delete(const pg_uuid_t *profile_id);
/* Does a warehouse of it vend credentials? */
extern bool  ice_profile_is_vended_from(const pg_uuid_t *profile_id);
/* How many warehouses have it. */
extern int64 ice_profile_count_warehouses(const pg_uuid_t *profile_id);
extern int64 ice_profile_count_of_tenant(const pg_uuid_t *tenant_id);

/* Which profile a warehouse has: NULL: none. */
extern void ice_profile_give(const pg_uuid_t *warehouse_id, const pg_uuid_t *profile_id);
/* False: the warehouse has none. */
extern bool ice_profile_of_warehouse(const pg_uuid_t *warehouse_id, IceProfileRow *out);

/* The secrets of a profile as a JSON object; NULL: it has none. */
extern IceJson *ice_profile_secrets(const pg_uuid_t *profile_id);
/* Replaces, or with a JSON null removes, those that are named. */
extern void     ice_profile_put_secrets(const pg_uuid_t *profile_id, const IceJson *secrets);
/* Encrypts all secrets again that another key than the first of the file has encrypted: how
 * many. */
extern int64    ice_profile_rotate_secrets(void);

#endif
