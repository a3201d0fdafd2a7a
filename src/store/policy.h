/*
 * policy.h
 *		Commit policies: functions of users that may refuse a change of a namespace, table or view.
 *
 * A policy is asked in the transaction of the change, before its rows are written, or at the end of
 * the call that has written them: what it refuses never commits, and what has committed was let
 * pass. It runs as the owner of its function, never as the owner of the extension: the function is
 * SECURITY DEFINER, so that this is PostgreSQL's doing, and the extension's owner can call nothing
 * by a row that a call of its own would not.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_POLICY_H
#define ICE_POLICY_H

#include "postgres.h"

#include "utils/uuid.h"

/* A change, as it is told. */
typedef struct IcePolicyChange
{
	const char      *operation;
	const char      *kind; /* namespace, table or view */
	const pg_uuid_t *warehouse_id;
	/* That of the object, of a rename where it comes from; a namespace that is not new itself.
	 * NULL: a new one at the top. */
	const pg_uuid_t *namespace_id;
	const pg_uuid_t *to;        /* of a rename, where it goes to; NULL: it stays there */
	const pg_uuid_t *object_id; /* NULL: a staged table, or a namespace */
	Datum            namespace_levels;
	const char      *name;   /* NULL: of a namespace */
	const char      *source; /* JSON, of a rename; or NULL */
	const char      *before; /* JSON, or NULL */
	const char      *after;  /* JSON, or NULL */
} IcePolicyChange;

/* Is there any policy at all? One kept answer, which a change of policies invalidates. */
extern bool ice_policy_exists(void);

/* Is there a policy that a change of an object concerns? object_id and to as in a change. */
extern bool ice_policy_concerns(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
								const pg_uuid_t *object_id, const pg_uuid_t *to);

/* Asks all policies that the change concerns: those before it now, those after it at the end of the
 * call. Raises POLICY_REFUSED. */
extern void ice_policy_check(const IcePolicyChange *change);

/* Raises FORBIDDEN in a policy: it may read the catalog, and not change it. */
extern void ice_policy_require_none(void);

/* May the function be a policy? What is wrong with it, or NULL. */
extern const char *ice_policy_function_problem(Oid function);

typedef struct IcePolicy
{
	pg_uuid_t   warehouse_id;
	const char *name;
	pg_uuid_t   object_id;
	const char *object_kind;
	Oid         function;
	const char *timing; /* before or after */
} IcePolicy;

/* Adds a policy; false if the name is taken. */
extern bool ice_policy_insert(const IcePolicy *policy);
/* Finds one by name. */
extern bool ice_policy_find(const pg_uuid_t *warehouse_id, const char *name, IcePolicy *out);
extern void ice_policy_delete(const IcePolicy *policy);

#endif
