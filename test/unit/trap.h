/*
 * trap.h
 *		ice_raise() outside the server: a jump to the innermost ICE_TRAP.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TEST_TRAP_H
#define ICE_TEST_TRAP_H

#include <setjmp.h>

#include "errors.h"

typedef struct IceTrap
{
	jmp_buf      jump;
	IceErrorCode code;
	const char  *message;
	const char  *detail; /* or NULL */
} IceTrap;

/* Where ice_raise() jumps to; the caller of setjmp() sets and resets it. */
extern IceTrap *ice_trap;

extern const char *ice_error_name(IceErrorCode code);

#endif
