/*
 * fault.h
 *		What is wrong with a request: the status and the message that answer it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_FAULT_H
#define GW_FAULT_H

#include <stdbool.h>

typedef struct GwFault
{
	int         status; /* 0: nothing */
	const char *message;
} GwFault;

/* Sets the fault, and says false. */
static inline bool
gw_fail(GwFault *fault, int status, const char *message)
{
	fault->status = status;
	fault->message = message;
	return false;
}

#endif
