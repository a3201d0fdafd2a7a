/*
 * owner_step.h
 *		Statements of an upgrade script that read or change rows: they run as the owner of the
 *		extension.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_OWNER_STEP_H
#define ICE_OWNER_STEP_H

#include "postgres.h"

/* Runs a statement as the owner of the extension, in the sandbox. Only within ALTER EXTENSION
 * icecat UPDATE. */
extern void ice_owner_step(const char *statement);

#endif
