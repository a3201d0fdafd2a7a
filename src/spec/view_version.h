/*
 * view_version.h
 *		One version of a view: its fields and rules.
 *
 * Iceberg view spec, "Versions" and "Representations".
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VIEW_VERSION_H
#define ICE_VIEW_VERSION_H

#include "json/json.h"

typedef struct IceViewVersion
{
	int32       version_id;
	int32       schema_id;
	int64       timestamp_ms;
	IceJson    *json;
	IceJson    *summary;
	IceJson    *representations;
	IceJson    *default_namespace;
	const char *default_catalog; /* NULL: the view's own */
} IceViewVersion;

/* Raises BAD_REQUEST, naming the field. */
extern void ice_view_version_parse(IceViewVersion *version, IceJson *json);

/* Of new versions: there is a query, in SQL, and one of a dialect at most. Raises VALIDATION. A
 * null catalog is taken away; a type that is spelled in another case is corrected, in a copy. */
extern void ice_view_version_check_new(IceViewVersion *version);

/* Whether each dialect of a is one of b; dialects differ by more than upper and lower case. */
extern bool ice_view_version_dialects_kept(const IceViewVersion *a, const IceViewVersion *b);

/* For messages: [spark, trino], in lower case. */
extern const char *ice_view_version_dialects(const IceViewVersion *version);

#endif
