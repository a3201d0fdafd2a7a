/*
 * status.h
 *		The HTTP statuses that this gateway sends, from statuses.def. Pure.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_STATUS_H
#define GW_STATUS_H

#define GW_STATUS_SLOTS 32

/* Reason phrase of a status, and the error type that the gateway uses for it by itself. */
extern const char *gw_status_reason(int status);
extern const char *gw_status_type(int status);

/* Position in the list of known statuses, for counters; the last one is "other". */
extern int gw_status_index(int status);
extern int gw_status_at(int index);

#endif
