/*
 * gcs_scope.h
 *		How a token of GCS is narrowed to a table's places.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VEND_GCS_SCOPE_H
#define ICE_VEND_GCS_SCOPE_H

#include "vend/client_keys.h"
#include "vend/sts.h"

/* As many rules as GCS takes in one access boundary: places in more buckets are too many. */
#define ICE_GCS_RULES_MAX 10

/* The JSON text of a credential access boundary, which a token is exchanged with; NULL where there
 * are too many places, or nothing is allowed. */
extern char *ice_gcs_scope_boundary(const IceVendPlaces *places, IceVendAccess access);

/* The body of the exchange of a token for one with a boundary. */
extern char *ice_gcs_scope_exchange_form(const char *token, const char *boundary);

/* Reads the answer to it: a token, and when it ends: at the latest with the one that was exchanged.
 * Raises BAD_REQUEST for anything else. */
extern void ice_gcs_scope_answer(const char *answer, int64 now_s, int64 source_expires_s,
								 IceVended *out);

/* The code of an answer that is an error; NULL: it says none. */
extern char *ice_gcs_scope_error(const char *answer);

#endif
