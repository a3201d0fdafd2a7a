/*
 * audit.h
 *		The audit log: who changed what, in the transaction of the change.
 *
 * A change of a table, view, namespace or warehouse is recorded by its event (store_event.h), of
 * which the sequencer makes a row of the audit log. What leaves no event says what it changes by
 * audit_change.h, or writes a row here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_AUDIT_H
#define ICE_AUDIT_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Who acts, as it is recorded. Texts of the session are cut. */
typedef struct IceAuditActor
{
	const char *role;      /* whose privileges count */
	const char *login;     /* of the session */
	const char *source;    /* gateway, sql or worker */
	const char *principal; /* NULL: none; as the two below, what the session says */
	const char *request_id;
	const char *client_address;
} IceAuditActor;

extern IceAuditActor ice_audit_actor(void);
/* This process is the worker: what it changes is called so. */
extern void          ice_audit_by_worker(void);
/* Once, when the library is loaded. */
extern void          ice_audit_init(void);

/* The action of the call that is under way: commit-table for rest_commit_table(). */
extern char *ice_audit_action(void);

/* A row of the audit log. Ids and texts may be NULL, and namespace_levels, a text[], 0. */
typedef struct IceAuditRow
{
	const char      *action; /* NULL: the name of the function that was called */
	const char      *object_kind;
	const pg_uuid_t *warehouse_id; /* NULL: of the warehouse that is called so, if there is one */
	const pg_uuid_t *object_id;
	const char      *warehouse;
	Datum            namespace_levels;
	const char      *name;
	const char      *details;   /* JSON; a long one is left out, and its length told */
	const char      *outcome;   /* SQLSTATE; NULL: the change was made */
	int32            status;    /* HTTP; 0: none */
	TimestampTz      at;        /* 0: now */
	const IceAuditActor *actor; /* NULL: who acts now */
} IceAuditRow;

extern void ice_audit_insert(const IceAuditRow *row);

/* Is anything recorded? */
extern bool ice_audit_is_on(void);
/* Is there an audit log? The library comes before ALTER EXTENSION UPDATE has made its tables. */
extern bool ice_audit_exists(void);

/* Copies events of a warehouse, which are about to be numbered. months has those that they are in,
 * each as year * 12 + month - 1. */
extern void  ice_audit_take_events(const pg_uuid_t *warehouse_id, Datum event_ids, List *months);
/* Keeps the events of a warehouse that is being dropped, before their rows go. Nobody may number
 * them now. */
extern void  ice_audit_keep_events(const pg_uuid_t *warehouse_id);
/* Moves other rows to the partitions of their months; returns how many. */
extern int64 ice_audit_move(void);

/* Makes partitions ahead, takes in what came with a dump, and drops, or puts aside, months that are
 * too old; returns how many months. Without wait, what another session keeps it from is left. */
extern int32 ice_audit_upkeep(bool wait);

#endif
