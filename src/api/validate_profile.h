/*
 * validate_profile.h
 *		Tries a storage profile, step by step.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VALIDATE_PROFILE_H
#define ICE_VALIDATE_PROFILE_H

#include "storage/profile.h"

#define ICE_VALIDATE_PROFILE_STEPS 10

/* What became of a step. */
typedef struct IceProfileStep
{
	const char *name;
	bool        was_tried;
	const char *error; /* NULL: it went well */
	int64       took_us;
} IceProfileStep;

/* Tries all steps; one that cannot go well, because another one failed, is not tried. vends: also
 * what clients get of it. Raises nothing, except for an interrupt. Returns how many steps there
 * are. */
extern int ice_validate_profile_run(const IceStorageProfile *profile, bool vends,
									IceProfileStep steps[ICE_VALIDATE_PROFILE_STEPS]);

#endif
