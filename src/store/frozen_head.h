/*
 * frozen_head.h
 *		The scalars and refs of a version, as text: what a queued metadata file cannot read from
 *		rows later. All else of a version are rows.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_FROZEN_HEAD_H
#define ICE_FROZEN_HEAD_H

#include "store/table_def.h"

/* The refs must be loaded. */
extern char             *ice_frozen_head_write(const IceTable *table);
/* The other way round. metadata_location: of the version's file. */
extern IceTableMetadata *ice_frozen_head_read(const char *text, const char *metadata_location);

#endif
