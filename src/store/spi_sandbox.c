/*
 * spi_sandbox.c
 *		Where the code of others can leave nothing behind. See spi_sandbox.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "store/spi_sandbox.h"

void
ice_spi_sandbox_enter(IceSandbox *outside)
{
	GetUserIdAndSecContext(&outside->user, &outside->context);
	SetUserIdAndSecContext(outside->user, outside->context | SECURITY_RESTRICTED_OPERATION);
	outside->level = NewGUCNestLevel();
}

void
ice_spi_sandbox_leave(const IceSandbox *outside)
{
	AtEOXact_GUC(false, outside->level);
	SetUserIdAndSecContext(outside->user, outside->context);
}
