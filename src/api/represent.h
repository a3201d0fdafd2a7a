/*
 * represent.h
 *		What an answer shows of a table or view beside its metadata: restrictions that the reader
 *		must apply, and labels.
 *
 * REST, LoadTableResult and LoadViewResult: "read-restrictions", "labels".
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_API_REPRESENT_H
#define ICE_API_REPRESENT_H

#include "api/etag.h"

/* Sets what a representation shows to the caller, unless that is done. Raises FORBIDDEN where the
 * caller is restricted and no trusted engine, where what restricts it does not fit the table any
 * more, or contradicts itself. */
extern void ice_represent(const IceTable *table, IceRepresentation *representation);

/* Appends ,"labels":{…} where an object has labels. */
extern void ice_represent_labels(StringInfo out, const pg_uuid_t *warehouse_id,
								 const pg_uuid_t *object_id);

#endif
