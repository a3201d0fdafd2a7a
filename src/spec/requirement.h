/*
 * requirement.h
 *		Requirements: what a commit expects of the table.
 *
 * REST, TableRequirement.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_REQUIREMENT_H
#define ICE_REQUIREMENT_H

#include "spec/table_metadata.h"

typedef struct IceRequirementKind IceRequirementKind;

struct IceRequirement
{
	const IceRequirementKind *kind;
	const char               *text; /* uuid or name of a ref */
	int64                     id;   /* valid if has_id */
	bool                      has_id;
};

/* Raises BAD_REQUEST for an unknown kind or a wrong field. */
extern void        ice_requirement_parse(IceRequirement *requirement, const IceJson *json);
/* Its kind, as requests spell it. */
extern const char *ice_requirement_name(const IceRequirement *requirement);
extern bool        ice_requirement_is_create(const IceRequirement *requirement);
extern void        ice_requirement_needs(const IceRequirement *requirement, IceCommitNeeds *needs);

/* Raises COMMIT_FAILED. */
extern void ice_requirement_check(const IceRequirement *requirement, IceTableMetadata *metadata);

#endif
