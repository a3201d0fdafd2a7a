/*
 * table_def.h
 *		What a table of the database is in memory. Its functions: store_table.h, store_parts.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TABLE_DEF_H
#define ICE_TABLE_DEF_H

#include "spec/table_metadata.h"
#include "store/uuid.h"

/* Rows of one commit share a version; ordinal = version << ICE_ORDINAL_BITS | place. */
#define ICE_ORDINAL_BITS 20

/* What becomes of the rows that a version removes. */
typedef enum IceRemoval
{
	ICE_REMOVAL_OPEN, /* none so far */
	ICE_REMOVAL_MARKS,
	ICE_REMOVAL_DELETES
} IceRemoval;

typedef struct IceTable
{
	pg_uuid_t         warehouse_id;
	pg_uuid_t         id;
	pg_uuid_t         namespace_id;
	const char       *name; /* set when the head is locked */
	int64             version;
	const char       *metadata_location;
	const char       *read_location; /* that of the version that was read from the database */
	int32             metadata_log_count;
	bool              file_expected; /* the metadata file was queued or written */
	bool              complete;      /* every list is as the rows are, and the head with them */
	IceRemoval        removal;       /* of the version that is written */
	IceTableMetadata *metadata;      /* scalars; lists as far as loaded */
} IceTable;

#endif
