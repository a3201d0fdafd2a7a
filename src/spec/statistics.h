/*
 * statistics.h
 *		Statistics files, partition statistics files and encryption keys: objects that are kept as
 *		they come, once their form is right.
 *
 * Iceberg spec, "Table Statistics", "Partition Statistics", "Encryption Keys".
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STATISTICS_H
#define ICE_STATISTICS_H

#include "json/json.h"

/* Check the form and return the snapshot id or the key's id. Raise BAD_REQUEST. */
extern int64       ice_statistics_parse(IceJson *json);
extern int64       ice_statistics_parse_partition(const IceJson *json);
extern const char *ice_statistics_parse_encryption_key(IceJson *json);

#endif
