/*
 * access.h
 *		What the caller may do: decisions by the rows of icecat_data.access_grant.
 *
 * A privilege holds on the object that it was granted on and on all that is in it: catalog,
 * warehouse, namespaces, table or view. It holds for the role and for every role that has its
 * rights (pg_has_role(…, 'USAGE')). The owner of the extension, its members and superusers may do
 * everything, without a row.
 *
 * What the caller does not see does not exist for it: look-ups by name do not find it, and raise
 * what they raise for a name that nothing has. What it sees and may not use is FORBIDDEN.
 *
 * A role of a tenant has the rights of the roles of its tenant only, whatever else it is a member
 * of, and none on the whole catalog. What a role was granted on a tenant holds on the tenant's
 * warehouses.
 *
 * Answers are kept for the session, and forgotten as soon as a change of privileges, or of the
 * memberships of roles, is committed anywhere: each question first takes what other sessions have
 * sent.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_ACCESS_H
#define ICE_ACCESS_H

#include "postgres.h"

#include "utils/uuid.h"

#include "store/privilege.h"

/* An object by its ids. In a warehouse namespace_id is NULL for the warehouse itself, relation_id
 * for a namespace; all three are NULL for the whole catalog. */
typedef struct IceObject
{
	const pg_uuid_t *warehouse_id;
	const pg_uuid_t *namespace_id;
	const pg_uuid_t *relation_id;
} IceObject;

/* A tenant, of those that share the database. */
typedef struct IceTenancy
{
	pg_uuid_t id;
	NameData  name;
} IceTenancy;

/* The tenant of a role: the one that it was assigned to, else the only one whose roles it has the
 * rights of. False: none. */
extern bool ice_access_tenant_of(Oid role, IceTenancy *out);
/* That of the caller. Who has the rights of the extension's owner is of none. */
extern bool ice_access_tenant(IceTenancy *out);
/* May the caller do all of this with a tenant? */
extern bool ice_access_may_tenant(uint32 wanted, const pg_uuid_t *tenant_id);
/* Raises FORBIDDEN unless it may. */
extern void ice_access_require_tenant(uint32 wanted, const pg_uuid_t *tenant_id, const char *name);

/* May the caller do all of this? */
extern bool ice_access_may(uint32 wanted, IceObject object);
/* Raises FORBIDDEN unless it may; what, path and name (may be NULL) say what the object is. */
extern void ice_access_require(uint32 wanted, IceObject object, const char *what, const char *path,
							   const char *name);
/* Does the caller see a warehouse or namespace? Also where it sees only something in it. */
extern bool ice_access_sees(IceObject object);
/* Which namespace a table or view is in, or was dropped from; false: it is gone. */
extern bool ice_access_namespace_of(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id,
									pg_uuid_t *namespace_id);
/* Was anything granted on the object itself, to anybody? */
extern bool ice_access_is_granted(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id);
/* May the caller do it with a table or view, by its id alone, also with one that was dropped? */
extern bool ice_access_may_by_id(uint32 wanted, const pg_uuid_t *warehouse_id,
								 const pg_uuid_t *relation_id);

/* Begins a statement with the namespaces of warehouse $1 in which the roles $3 were granted
 * something, and those above them: seen. Upwards from the grants, so its cost does not depend on
 * what else there is. */
#define ICE_SEEN_SQL                                                                \
	"WITH RECURSIVE seen (namespace_id, parent_id) AS ("                            \
	"SELECT n.namespace_id, n.parent_id FROM icecat_data.access_grant AS g "        \
	"LEFT JOIN icecat_data.relation AS r ON r.warehouse_id = $1 "                   \
	"AND r.relation_id = g.object_id AND r.dropped_at IS NULL "                     \
	"JOIN icecat_data.namespace AS n ON n.warehouse_id = $1 "                       \
	"AND n.namespace_id = coalesce(r.namespace_id, g.object_id) "                   \
	"WHERE g.warehouse_id = $1 AND g.role::pg_catalog.oid = ANY ($3) UNION "        \
	"SELECT n.namespace_id, n.parent_id FROM seen JOIN icecat_data.namespace AS n " \
	"ON n.warehouse_id = $1 AND n.namespace_id = seen.parent_id) SELECT "

/* The roles whose rows count for the caller: oid[]. */
extern Datum ice_access_roles(void);

/* Everything is asked again from now on, and in other sessions when this transaction commits. */
extern void ice_access_changed(void);
/* Is the table there? The library comes before ALTER EXTENSION UPDATE has made it. */
extern bool ice_access_exists(void);

/* Once, when the library is loaded. */
extern void ice_access_init(void);

#endif
