/*
 * etag.h
 *		Entity tags of tables, and If-None-Match.
 *
 * A tag stands for one answer to loadTable: for a state of a table and for a way to show it. It is
 * made from the head row alone. What it is made of:
 *
 *	- the table's id and version: a table that was dropped and made again has another id;
 *	- the metadata location, whose random part no other version has: after a restore to an earlier
 *	  time, or a failover that lost commits, the same version number may come a second time for
 *	  something else;
 *	- the representation, see below: also the restrictions that hold for the caller, and the labels;
 *	- whether the warehouse shows properties that steer readers;
 *	- ICE_RENDERING, for what a release changes in the answers to unchanged tables.
 *
 * Tags are weak, since the gateway sends the same answer compressed or not. Clients must take them
 * as opaque.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_API_ETAG_H
#define ICE_API_ETAG_H

#include "store/store_table.h"

/* Raise this when a release answers the same for no table: old tags then match no more. */
#define ICE_RENDERING 2

/* How a table is shown. Whatever else an answer comes to depend on belongs here: two answers that
 * differ must differ in it. */
typedef struct IceRepresentation
{
	bool                         refs_only; /* snapshots=refs */
	/* What the answer grants: the role it was made for, the way of delegation, and (so that a 304
	 * never outlives them) the deadline of its credentials; NULL: nothing yet. */
	const char                  *access;
	/* Members that the answer has for this caller (represent.h), once represented; NULL: none. */
	const char                  *policy;
	bool                         represented;
	/* The caller reads only a part: such an answer grants no more than to read, and that only to an
	 * engine that is trusted. */
	bool                         restricted;
	/* The way to the table, where the answer may grant access to its files (delegation.h); NULL: it
	 * does not. */
	const struct IceTableCalled *called;
	/* Once granted: the answer's "config" and further members, which hold secrets and are no part
	 * of the tag. NULL: nothing is granted. */
	const char                  *granted_config;
	const char                  *granted;
	bool                         secret; /* they do hold secrets */
	bool                         asked;  /* for credentials and nothing else: loadCredentials */
	/* The table was made by this call, which holds locks: no token service is asked. */
	bool                         made;
	bool                         granted_write;
	int64                        granted_until_ms;
} IceRepresentation;

/* W/"…", palloc'd. */
extern char *ice_etag(const IceTable *table, const IceRepresentation *representation);

/* Does an If-None-Match field name the tag, by weak comparison, or say "*"? False for NULL and for
 * what is no list of entity tags: RFC 9110, section 13.1.2. */
extern bool ice_etag_matches(const char *if_none_match, const char *etag);

#endif
