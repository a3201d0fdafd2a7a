/*
 * tenant_root.h
 *		Where on storage the tables, views and files of a warehouse may lie: in its tenant's part,
 *		or in no tenant's.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TENANT_ROOT_H
#define ICE_TENANT_ROOT_H

#include "spec/table_metadata.h"
#include "spec/view_metadata.h"
#include "store/store_tenant.h"

/* Raise FORBIDDEN_LOCATION for a location (NULL: nothing to check) where what belongs to the tenant
 * (NULL: to none), or to a warehouse, may not lie. Where there are no tenants, nothing is asked. */
extern void ice_tenant_root_check_tenant(const IceTenant *tenant, const char *location);
extern void ice_tenant_root_check(const pg_uuid_t *warehouse_id, const char *location);

/* The same of the folders that a table's or view's metadata names. */
extern void ice_tenant_root_check_table(const pg_uuid_t        *warehouse_id,
										const IceTableMetadata *metadata);
extern void ice_tenant_root_check_view(const pg_uuid_t       *warehouse_id,
									   const IceViewMetadata *metadata);

#endif
