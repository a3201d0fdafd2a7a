/*
 * transform.h
 *		Partition and sort transforms.
 *
 * Iceberg spec, "Partition Transforms". Names are taken as the specification spells them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TRANSFORM_H
#define ICE_TRANSFORM_H

#include "spec/type.h"

typedef enum IceTransformKind
{
	ICE_TRANSFORM_IDENTITY,
	ICE_TRANSFORM_VOID,
	ICE_TRANSFORM_BUCKET,
	ICE_TRANSFORM_TRUNCATE,
	ICE_TRANSFORM_YEAR,
	ICE_TRANSFORM_MONTH,
	ICE_TRANSFORM_DAY,
	ICE_TRANSFORM_HOUR,
	ICE_TRANSFORM_UNKNOWN /* of a later specification: kept, and taken to suit every type */
} IceTransformKind;

typedef struct IceTransform
{
	IceTransformKind kind;
	int32            width; /* BUCKET, TRUNCATE */
	const char      *text;
} IceTransform;

/* Raises BAD_REQUEST for a width of 0 or one that does not fit. */
extern IceTransform ice_transform_parse(const char *text);

extern bool ice_transform_accepts(const IceTransform *transform, const IceType *type);

#endif
