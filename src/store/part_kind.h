/*
 * part_kind.h
 *		The kinds of parts, for statements that name one: table_part.kind and view_part.kind.
 *
 * Their values are stored, and stand in SQL that upgrades keep: they never change.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_PART_KIND_H
#define ICE_STORE_PART_KIND_H

#include "spec/table_metadata.h"
#include "spec/view_metadata.h"

/* The text of a kind within a statement: "kind = " ICE_KIND(SNAPSHOT). */
#define ICE_KIND(name)      CppAsString2(ICE_KIND_##name)
#define ICE_VIEW_KIND(name) CppAsString2(ICE_VIEW_KIND_##name)

#define ICE_KIND_SCHEMA               0
#define ICE_KIND_PARTITION_SPEC       1
#define ICE_KIND_SORT_ORDER           2
#define ICE_KIND_PROPERTIES           3
#define ICE_KIND_SNAPSHOT             4
#define ICE_KIND_REF                  5
#define ICE_KIND_SNAPSHOT_LOG         6
#define ICE_KIND_METADATA_LOG         7
#define ICE_KIND_STATISTICS           8
#define ICE_KIND_PARTITION_STATISTICS 9
#define ICE_KIND_ENCRYPTION_KEY       10
#define ICE_KIND_EXTRA                11

#define ICE_VIEW_KIND_SCHEMA      0
#define ICE_VIEW_KIND_VERSION     1
#define ICE_VIEW_KIND_VERSION_LOG 2
#define ICE_VIEW_KIND_PROPERTIES  3
#define ICE_VIEW_KIND_EXTRA       4

StaticAssertDecl(ICE_PART_SCHEMA == ICE_KIND_SCHEMA &&
					 ICE_PART_PARTITION_SPEC == ICE_KIND_PARTITION_SPEC &&
					 ICE_PART_SORT_ORDER == ICE_KIND_SORT_ORDER &&
					 ICE_PART_PROPERTIES == ICE_KIND_PROPERTIES &&
					 ICE_PART_SNAPSHOT == ICE_KIND_SNAPSHOT && ICE_PART_REF == ICE_KIND_REF &&
					 ICE_PART_SNAPSHOT_LOG == ICE_KIND_SNAPSHOT_LOG &&
					 ICE_PART_METADATA_LOG == ICE_KIND_METADATA_LOG &&
					 ICE_PART_STATISTICS == ICE_KIND_STATISTICS &&
					 ICE_PART_PARTITION_STATISTICS == ICE_KIND_PARTITION_STATISTICS &&
					 ICE_PART_ENCRYPTION_KEY == ICE_KIND_ENCRYPTION_KEY &&
					 ICE_PART_EXTRA == ICE_KIND_EXTRA && ICE_PART_KINDS == 12,
				 "the kinds of a table's parts");
StaticAssertDecl(ICE_VIEW_PART_SCHEMA == ICE_VIEW_KIND_SCHEMA &&
					 ICE_VIEW_PART_VERSION == ICE_VIEW_KIND_VERSION &&
					 ICE_VIEW_PART_VERSION_LOG == ICE_VIEW_KIND_VERSION_LOG &&
					 ICE_VIEW_PART_PROPERTIES == ICE_VIEW_KIND_PROPERTIES &&
					 ICE_VIEW_PART_EXTRA == ICE_VIEW_KIND_EXTRA && ICE_VIEW_PART_KINDS == 5,
				 "the kinds of a view's parts");

#endif
