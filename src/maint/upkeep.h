/*
 * upkeep.h
 *		Forgets what is old: dropped tables, idempotency keys, months of metrics reports.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_UPKEEP_H
#define ICE_UPKEEP_H

#include "postgres.h"

/* Deletes the rows of some tables that were dropped longer ago than icecat.dropped_retention_s;
 * returns how many tables. */
extern int ice_upkeep_dropped(void);

/* Drops months of metrics reports that are older than icecat.report_retention_s, and makes the next
 * one. Skips what somebody else is using. */
extern void ice_upkeep_reports(void);

/* Forgets a batch of expired idempotency keys; true if there may be more. */
extern bool ice_upkeep_expired(void);

#endif
