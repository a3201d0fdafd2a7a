/*
 * delegation.h
 *		What an answer about a table grants of access to its files: vended credentials, or where
 *		requests are signed.
 *
 * REST, LoadTableResult: "config", "storage-credentials", "remote-signing-config". The client's
 * wish (icecat.access_delegation, X-Iceberg-Access-Delegation) is no more than that: where nothing
 * can be vended, the answer has none, unless icecat.access_delegation_strict.
 *
 * Who may load the table gets what reads it; who may write it, what writes. Who sees only a part of
 * it, or sees it by another role's rights, gets what reads it, and only where it is an engine that
 * is trusted.
 *
 * The location was checked when the table got it: nothing is vended for a location that the
 * warehouse's storage profile does not reach, or in a form that two programs could read
 * differently.
 *
 * A token service is asked only by a transaction that has not changed anything yet, so that nobody
 * waits for a lock of its: a call that makes a table has the credentials brought
 * before it begins (ice_delegation_prepare). Where the caller may not wait
 * (icecat.access_delegation_wait is off) it is refused by CREDENTIALS_DUE before it does anything.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_API_DELEGATION_H
#define ICE_API_DELEGATION_H

#include "api/etag.h"
#include "store/delegation_mode.h"
#include "store/store_warehouse.h"
#include "vend/client_keys.h"

/* What an answer needs to know of the way to the table. */
typedef struct IceTableCalled
{
	IceWarehouse     warehouse;
	IceNamespacePath path;
	const char      *name;
} IceTableCalled;

/* The way to a table, in the current memory context. */
extern const IceTableCalled *ice_delegation_called(const IceWarehouse     *warehouse,
												   const IceNamespacePath *path, const char *name);

/* Sets what the answer about a table grants. staged: it is not stored yet, and its creator asks.
 * Raises BAD_REQUEST if strict, TOKEN_SERVICE or STORAGE where a token service fails,
 * CREDENTIALS_DUE. */
extern void ice_delegation_grant(const IceTable *table, bool staged,
								 IceRepresentation *representation);

/* Would the answer about a new table of a warehouse need a token service? */
extern bool ice_delegation_asks(const IceWarehouse *warehouse);

/* Brings the credentials for a table that is going to be made, so that they are there when the
 * answer wants them. Raises as ice_delegation_grant(). */
extern void ice_delegation_prepare(const IceWarehouse *warehouse, const IceTable *table);

/* An answer that grants something goes out: on record it comes. */
extern void ice_delegation_record(const IceTable *table, const IceRepresentation *representation);

/* Did the last answer of this session carry a secret? */
extern bool ice_delegation_is_secret(void);
extern void ice_delegation_set_secret(bool secret);

/* -- for requests to be signed ----------------------------------------------------------------- */

/* A table's store, as the server reaches it. */
typedef struct IceDelegationStore
{
	const struct IceStorageProfile *shape; /* its profile, without secrets */
	IceVendPlaces                   places;
	bool                            may_write; /* the caller */
} IceDelegationStore;

/* False: the table is on no object store. staged: its creator asks. */
extern bool ice_delegation_store(const IceTable *table, bool staged,
								 const IceRepresentation *representation, IceDelegationStore *out);

/* The keys that requests for the table are signed with: those of the profile, or of a role
 * narrowed to the table. Returns NULL, or why there are none. */
extern const char *ice_delegation_signer(const IceDelegationStore *store, const IceTable *table,
										 IceVended *out);

#endif
