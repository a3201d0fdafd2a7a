/*
 * read_metadata.h
 *		The document of a metadata file that a client names.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_READ_METADATA_H
#define ICE_READ_METADATA_H

#include "postgres.h"

#include "utils/uuid.h"

#include "json/json.h"

/* Reads it out of the storage of a warehouse, or out of the queue if its file is still to be
 * written. A file that is no metadata of a table or view raises BAD_REQUEST, which says only that:
 * what it holds instead is not the client's to know. Raises what storage raises, too. */
extern IceJson *ice_read_metadata(const pg_uuid_t *warehouse_id, const char *metadata_location);

#endif
