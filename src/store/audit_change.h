/*
 * audit_change.h
 *		What an administrative call changes, for its rows of the audit log: of which object, from
 *		what, to what.
 *
 * Where a call has changed rows and said nothing, its end writes a row with its name: no change
 * goes unseen because its code forgot to tell. A call says which state it is about to change. The
 * state is read then, and again at the end of the call, which writes a row with both. What a state
 * is stands in one table, by kinds: nothing secret is in any.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_AUDIT_CHANGE_H
#define ICE_AUDIT_CHANGE_H

#include "postgres.h"

#include "utils/uuid.h"

typedef enum IceAuditKind
{
	ICE_AUDIT_TENANT,
	ICE_AUDIT_TENANT_ROLE,
	ICE_AUDIT_GRANT,
	ICE_AUDIT_QUOTA,
	ICE_AUDIT_CLIENT,
	ICE_AUDIT_API_KEY,
	ICE_AUDIT_SIGNING_KEYS,
	ICE_AUDIT_LABELS,
	ICE_AUDIT_RESTRICTION,
	ICE_AUDIT_ENGINE,
	ICE_AUDIT_POLICY,
	ICE_AUDIT_PROFILE,
	ICE_AUDIT_NAMING,
	ICE_AUDIT_PROTECTION,
	ICE_AUDIT_KINDS
} IceAuditKind;

/* Which state. What its kind does not need is left out: ids are nil then, role 0, text NULL. */
typedef struct IceAuditState
{
	pg_uuid_t   warehouse_id;
	pg_uuid_t   object_id; /* tenant, warehouse, namespace, table or view */
	Oid         role;
	const char *text;   /* privilege, id of a client, name of a policy … */
	const char *action; /* NULL: the name of the function that was called */
} IceAuditState;

/* Before the change. */
extern void ice_audit_change_begin(IceAuditKind kind, const IceAuditState *state);
/* After it, where there was nothing before. */
extern void ice_audit_change_made(IceAuditKind kind, const IceAuditState *state);

/* The details of a row: {…about, "before": …, "after": …}. about has members, each followed by a
 * comma, and may be ""; before and after are JSON, NULL for nothing. */
extern const char *ice_audit_change_details(const char *about, const char *before,
											const char *after);

/* Once, when the library is loaded. */
extern void ice_audit_change_init(void);

#endif
