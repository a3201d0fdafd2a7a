/*
 * refused_calls.h
 *		Writes what is noted of refused calls (store/refusals.h) to the audit log.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_REFUSED_CALLS_H
#define ICE_REFUSED_CALLS_H

#include "postgres.h"

/* Returns how many rows it wrote. With wait, not sooner than a second after the last time. What was
 * taken and is rolled back is lost. */
extern int ice_refused_calls_write(bool wait);

#endif
