/*
 * now.h
 *		The time for Iceberg's *-ms fields: the pure layers get it as an argument.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_NOW_H
#define ICE_NOW_H

#include "postgres.h"

/* Milliseconds since 1970, now. */
extern int64 ice_now_ms(void);

#endif
