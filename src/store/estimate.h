/*
 * estimate.h
 *		What the planner knows of rows is kept from operators of users.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_ESTIMATE_H
#define ICE_ESTIMATE_H

/* Once, when the library is loaded. */
extern void ice_estimate_init(void);

#endif
