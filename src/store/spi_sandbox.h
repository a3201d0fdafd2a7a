/*
 * spi_sandbox.h
 *		Where the code of others can leave nothing behind. For all but spi.c: through spi.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SPI_SANDBOX_H
#define ICE_SPI_SANDBOX_H

#include "postgres.h"

/*
 * Every statement is planned and run in a sandbox, as PostgreSQL itself runs the code that index
 * expressions and materialized views bring along: the owner of the tables may have hung code on
 * them, and the session may be a superuser's, who takes over after the call. In there nothing can
 * be left behind that would run later with the session's rights: no deferred trigger, cursor WITH
 * HOLD or temporary table; and settings that were changed are as before at its end.
 */
typedef struct IceSandbox
{
	Oid user;
	int context;
	int level;
} IceSandbox;

extern void ice_spi_sandbox_enter(IceSandbox *outside);
extern void ice_spi_sandbox_leave(const IceSandbox *outside);

#endif
