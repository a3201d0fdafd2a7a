/*
 * naming.h
 *		Naming rules: patterns that names of new namespaces, tables and views must match
 *		(icecat_data.naming_rule).
 *
 * A rule is of a tenant, a warehouse or a namespace, and holds for all that is named in it, at
 * any depth, by whatever operation. A name must match all rules from its namespace up: one further
 * down takes nothing back.
 *
 * Locks: who gives something a name holds the table beside others until its transaction ends, and
 * reads rules only then; who sets a rule has it alone. So a rule that is committed holds for every
 * name that is committed later.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_NAMING_H
#define ICE_NAMING_H

#include "store/spi.h"

typedef enum IceNamedKind
{
	ICE_NAMED_NAMESPACE,
	ICE_NAMED_TABLE,
	ICE_NAMED_VIEW,
	ICE_NAMED_KINDS
} IceNamedKind;

/* Of what a rule is. */
typedef struct IceNamingRule
{
	pg_uuid_t    warehouse_id; /* of a tenant's nil */
	pg_uuid_t    object_id;
	const char  *object_kind; /* tenant, warehouse or namespace */
	IceNamedKind kind;
	const char  *pattern; /* NULL: none */
} IceNamingRule;

/* ICE_NAMED_KINDS: there is none of that name. */
extern IceNamedKind ice_naming_kind(const char *name);

/* Raises NAME_REFUSED unless all rules let something in a namespace (NULL: at the top) be called
 * so. */
extern void ice_naming_check(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id,
							 IceNamedKind kind, const char *name);

/* Waits for all who name something, and keeps them waiting until the transaction ends. Before the
 * state is noted for the audit log. */
extern void ice_naming_lock(void);
/* Sets a rule, or removes it. Raises BAD_REQUEST for what is no pattern. */
extern void ice_naming_set(const IceNamingRule *rule);
/* With a namespace, or a tenant (then the warehouse is nil). */
extern void ice_naming_forget(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id);

#endif
