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
 * Raises BAD_REQUEST if strict, STORAGE where a token service fails. */
extern void ice_delegation_grant(const IceTable *table, bool staged,
								 IceRepresentation *representation);

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

/* False: the table is on no object store. */
extern bool ice_delegation_store(const IceTable *table, const IceRepresentation *representation,
								 IceDelegationStore *out);

/* The keys that requests for the table are signed with: those of the profile, or of a role
 * narrowed to the table. Returns NULL, or why there are none. */
extern const char *ice_delegation_signer(const IceDelegationStore *store, const IceTable *table,
										 IceVended *out);

#endif
