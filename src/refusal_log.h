/*
 * refusal_log.h
 *		Keeps refusals out of the server's log: a commit that lost is no fault of the database.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_REFUSAL_LOG_H
#define ICE_REFUSAL_LOG_H

/* Installs the hook; once a process. */
extern void ice_refusal_log_init(void);

#endif
