/*
 * process.h
 *		What every room may ask of the process: is it about to end, and how much does it hold?
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_PROCESS_H
#define GW_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* GW_VERSION is given by the Makefile, from icecat.control. */

typedef struct GwProcess
{
	bool     draining;       /* SIGTERM came: not ready, no keep-alive */
	bool     closing;        /* ... and drain_delay_ms is over: no new clients */
	uint64_t buffered_bytes; /* bodies and unsent answers in memory */
} GwProcess;

extern GwProcess gw_process;

#endif
