/*
 * issue_adls.h
 *		Signatures for a table's folder in a store of Azure's.
 *
 * By the account's key the server signs by itself. By a token it asks the store for a user
 * delegation key, and signs with that: what it gives can then do no more than the server's own
 * identity, and is listed and revoked with it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_ISSUE_ADLS_H
#define ICE_ISSUE_ADLS_H

#include "storage/profile.h"
#include "vend/client_keys.h"
#include "vend/sts.h"

/* Why nothing can be had by a profile for some places; NULL: it can. Secrets are not needed. */
extern const char *ice_issue_adls_problem(const IceStorageProfile *profile,
										  const IceVendPlaces     *places);
/* Does ice_issue_adls() ask somebody, at least now and then? */
extern bool        ice_issue_adls_asks(const IceStorageProfile *profile);
/* Raises STORAGE where the store gives no key. */
extern void        ice_issue_adls(const IceStorageProfile *profile, const IceVendPlace *place,
								  IceVendAccess access, IceVended *out);

#endif
