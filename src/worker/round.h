/*
 * round.h
 *		One round of the worker: what it does between two looks at its signals.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_ROUND_H
#define ICE_ROUND_H

#include "utils/timestamp.h"

typedef struct IceRound
{
	bool        worked;  /* it found something to do */
	bool        more;    /* there is more to do now */
	bool        busy;    /* another session works: look again soon */
	TimestampTz next_at; /* when the next task is due; DT_NOEND: none is queued */
} IceRound;

/* Writes all files and numbers all events that are due, then does one step of what may take long: a
 * few deletions or a slice of a purge. So a file that is queued while a purge runs waits for one
 * step at most. */
extern void ice_round_work(IceRound *round);

/* After an error in a round. */
extern void ice_round_give_up(void);

#endif
