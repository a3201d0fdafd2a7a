/*
 * store_tenant.h
 *		Rows of icecat_data.tenant and tenant_role, and the names of tenants' warehouses.
 *
 * The name of a tenant's warehouse is "TENANT/NAME". Roles of the tenant say NAME, or the whole;
 * for others there is only the whole. So two tenants may both have a warehouse of one NAME, and
 * neither learns of the other's.
 *
 * Locks: a tenant's row is locked before any of a warehouse; FOR KEY SHARE by the creation of a
 * warehouse in it, FOR UPDATE when it is altered or dropped.
 *
 * Before all of these comes the table, as a whole. Who changes what tenants there are, what their
 * names, places and roles are, has it alone. Who grants, makes something, or names a new place on
 * storage holds it beside others, and asks about tenants only then: so what was decided is still
 * true when it is committed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_TENANT_H
#define ICE_STORE_TENANT_H

#include "nodes/pg_list.h"

#include "store/access.h"
#include "store/spi.h"

#define ICE_TENANT_NAME_BYTES_MAX 63
/* with the tenant's name and the slash: what the table allows */
#define ICE_TENANT_WAREHOUSE_BYTES_MAX 191

typedef struct IceTenant
{
	pg_uuid_t   id;
	const char *name;
	const char *location; /* canonical */
} IceTenant;

/* Are there any? Kept for the session, until that changes. */
extern bool ice_tenants_exist(void);
/* Waits for a change of tenants that is under way, and keeps others out until the end of the
 * transaction. Does not keep out who holds them, too. */
extern void ice_tenants_hold(void);
/* Waits for all who hold them, and keeps others out until the end of the transaction. */
extern void ice_tenants_lock(void);
/* The tenants were changed: every session asks again when this transaction commits. */
extern void ice_tenants_changed(void);

/* Finds a tenant; for_update: locked, else FOR KEY SHARE. False: there is none, or the caller, who
 * is of another one, does not see it. */
extern bool        ice_tenant_find(const char *name, bool for_update, IceTenant *out);
/* The tenant that owns a warehouse; false: none does. */
extern bool        ice_tenant_of_warehouse(const pg_uuid_t *warehouse_id, IceTenant *out);
/* A tenant by its id; false: it is gone. */
extern bool        ice_tenant_by_id(const pg_uuid_t *tenant_id, IceTenant *out);
/* Why nothing in the warehouse may be changed now, and whose it is; false: its tenant, if it has
 * one, is not in maintenance mode. Where none is, nothing is read. */
extern bool        ice_tenant_in_maintenance(const pg_uuid_t *warehouse_id, const char **name,
											 const char **reason);
/* Sets it, or ends it (NULL), of a tenant. */
extern void        ice_tenant_set_maintenance(const pg_uuid_t *tenant_id, const char *reason);
/* The same of the tenant itself, in which a warehouse is to be made; NULL: it is not. */
extern const char *ice_tenant_maintenance(const pg_uuid_t *tenant_id);
/* All locations of tenants, except one's: C strings. */
extern List       *ice_tenant_locations(const pg_uuid_t *except);
/* Does one of these folders belong to a tenant? */
extern bool        ice_tenant_has_one_of(const List *folders);

/* Are there warehouses of no tenant whose names begin with this one and a slash? */
extern bool  ice_tenant_name_begins_others(const char *name);
/* False: the name, or the location, is taken. */
extern bool  ice_tenant_insert(IceTenant *tenant);
/* Writes name and location; a new name is that of its warehouses, too. */
extern void  ice_tenant_update(const IceTenant *tenant, const char *name_before);
extern int64 ice_tenant_count_warehouses(const pg_uuid_t *tenant_id);
/* Deletes the tenant, which has no warehouse, with its roles' assignments and what was granted on
 * it. */
extern void  ice_tenant_delete(const pg_uuid_t *tenant_id);

/* False: the role is assigned already; then out is its tenant. */
extern bool ice_tenant_assign(const pg_uuid_t *tenant_id, Oid role, pg_uuid_t *out);
extern bool ice_tenant_unassign(const pg_uuid_t *tenant_id, Oid role);
/* Was the role granted something on the whole catalog, or on what belongs to another tenant? */
extern bool ice_tenant_is_elsewhere(const pg_uuid_t *tenant_id, Oid role);

/* What a name of a warehouse stands for, said by this caller: up to two whole names, in the order
 * in which they are looked up. */
extern int         ice_tenant_names(const char *name, const char **out);
/* The name, with the tenant's before it. */
extern const char *ice_tenant_whole_name(const IceTenancy *tenant, const char *name);
/* The whole name of the warehouse that a role's refused call meant: one of its tenant's, so that it
 * names nothing in the log of another one. The role may be gone, or ""; the name may be NULL. */
extern const char *ice_tenant_name_said_by(const char *name, const char *role);
/* The tenant that the name of a warehouse begins with, locked; false: it begins with none's. */
extern bool        ice_tenant_named(const char *name, IceTenant *out);
/* The tenant that a new warehouse of a name is to belong to, locked, and the whole name; false: to
 * none. Raises BAD_REQUEST for a name that a tenant's warehouse cannot have. */
extern bool        ice_tenant_of_new(const char *name, const char **whole, IceTenant *out);
/* The name as the caller says it. */
extern const char *ice_tenant_short_name(const char *name);

#endif
