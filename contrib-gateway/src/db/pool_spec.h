/*
 * pool_spec.h
 *		What a pool is to be, and what it tells of itself.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_POOL_SPEC_H
#define GW_POOL_SPEC_H

#include <stdint.h>

#include "db/statement.h"

typedef enum GwPoolKind
{
	GW_POOL_READS,
	GW_POOL_WRITES,
	GW_POOL_STREAMS, /* connected when there is a call, for one call each */
	GW_POOL_WAITS,   /* reads and writes that last long; connected when there is a call, and kept */
	GW_POOL_LISTENS  /* hears notifications; connected while metadata_wait_ms is not 0 */
} GwPoolKind;

typedef struct GwPoolSpec
{
	const char         *name; /* in messages */
	GwPoolKind          kind;
	int                 connections;
	const char         *dsn;
	const GwStatements *statements; /* what its calls may send */
} GwPoolSpec;

typedef struct GwPoolStats
{
	int      max; /* connections configured */
	int      ready;
	int      in_use;    /* with at least one call in flight */
	int      in_flight; /* calls */
	int      queued;
	uint64_t wait_us; /* total time that calls spent in the queue */
	uint64_t connects;
	uint64_t connect_failures;
	uint64_t losses;
	uint64_t recycles;
	uint64_t repeats;
} GwPoolStats;

#endif
