/*
 * store_partition.h
 *		Tables with one partition for each month (UTC): audit, event, metrics_report.
 *
 * A partition is made when the first row of its month comes, or ahead of it, and dropped as a
 * whole. Keys and indexes stand on the partitions alone. Partitions belong to the extension, so
 * that no dump has them: their rows are dumped as those of TABLE_restored
 * (sql/30_restored_rows.sql), and moved to partitions where they are restored.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_PARTITION_H
#define ICE_STORE_PARTITION_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* An index of each partition, called partition_NAME_idx. */
typedef struct IcePartitionIndex
{
	const char *name;
	const char *columns;
} IcePartitionIndex;

typedef struct IcePartitioned
{
	const char       *table;      /* in icecat_data; partitions are called table_YYYY_MM */
	const char       *key;        /* columns of the primary key */
	IcePartitionIndex indexes[2]; /* columns of other indexes, or NULL */
	const char       *time;       /* the column that decides the month */
	const char       *columns;
	int32             lock;    /* advisory lock of a session that makes or drops partitions */
	const bool       *archive; /* a setting: old partitions are put aside; NULL: dropped */
} IcePartitioned;

extern const IcePartitioned ice_partitioned_audit;
extern const IcePartitioned ice_partitioned_event;
extern const IcePartitioned ice_partitioned_metrics_report;

extern void ice_partition_month_of(TimestampTz at, int *year, int *month);

/* Makes the partition of a month (13 is January of the next year) where it is missing. Without
 * wait, false: another session is at it. */
extern bool ice_partition_make(const IcePartitioned *table, int year, int month, bool wait);

/* Drops the partitions of months that ended before; returns how many. Without wait, -1: another
 * session is at it, or reads the table. */
extern int32 ice_partitions_trim(const IcePartitioned *table, TimestampTz before, bool wait);

/* Moves rows that came with a dump to their partitions, a month at a time; stops after some, the
 * rest is for next time. */
extern void ice_partitions_take_restored(const IcePartitioned *table);

#endif
