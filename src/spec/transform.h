/*
 * transform.h
 *		Partition and sort transforms.
 *
 * Iceberg spec, "Partition Transforms". Names are read as Java reads them, in any case, and
 * kept as the specification spells them: other readers know only those.
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

/* The columns that a partition or sort field is made of. */
typedef struct IceSources
{
	int32 *ids;
	int    count;  /* at least 1 */
	bool   listed; /* as source-ids, which version 3 has */
} IceSources;

/* Raises BAD_REQUEST for a width of 0 or one that does not fit. Another spelling of a known
 * transform is changed in the field. */
extern IceTransform ice_transform_parse(IceJson *field);

/* One source-id, or the list source-ids of a transform with several arguments. what: the kind of
 * field, for messages. Raises BAD_REQUEST. */
extern void ice_transform_sources_parse(IceSources *sources, IceJson *field, const char *what);

/* A list of one source is written as source-id: readers that know no lists need that. */
extern void ice_transform_sources_settle(const IceSources *sources, IceJson *field);
extern bool ice_transform_sources_equal(const IceSources *a, const IceSources *b);

/* For new fields: what the format version has not, and several columns for a transform of one.
 * Raises VALIDATION. */
extern void ice_transform_check_new(const IceTransform *transform, const IceSources *sources,
									const char *what, int32 format_version);

extern bool ice_transform_accepts(const IceTransform *transform, const IceType *type);

/* Whether Java can read a spec that is not the default one, and has the transform of such a
 * column. */
extern bool ice_transform_readable(const IceTransform *transform, const IceType *type);

#endif
