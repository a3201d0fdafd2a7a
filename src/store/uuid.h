/*
 * uuid.h
 *		New identifiers. No sequences anywhere: ids are uuids made here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_UUID_H
#define ICE_UUID_H

#include "postgres.h"

#include "utils/uuid.h"

/* RFC 9562 version 7 (time-ordered: new rows land at the end of an index). */
extern pg_uuid_t ice_uuid_v7(void);
/* RFC 9562 version 4, as text: for what Iceberg shows to the world. */
extern char     *ice_uuid_v4_text(void);
extern char     *ice_uuid_text(const pg_uuid_t *uuid);

#endif
