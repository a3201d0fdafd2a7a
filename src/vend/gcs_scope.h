/*
 * gcs_scope.h
 *		How a token of GCS is narrowed to a table's places.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VEND_GCS_SCOPE_H
#define ICE_VEND_GCS_SCOPE_H

#include "vend/sts.h"

/* As many rules as GCS takes in one access boundary: places in more buckets are too many. */
#define ICE_GCS_RULES_MAX 10

/* The JSON text of a credential access boundary, which a token is exchanged with; NULL where there
 * are too many places, or nothing is allowed. */
extern char *ice_gcs_scope_boundary(const IceVendPlaces *places, IceVendAccess access);

/* The body of the exchange of a token for one with a boundary. */
extern char *ice_gcs_scope_exchange_form(const char *token, const char *boundary);

#endif
