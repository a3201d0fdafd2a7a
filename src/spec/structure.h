/*
 * structure.h
 *		Schemas, specs and orders of one commit by what they mean, so that a commit of many updates
 *		stays linear.
 *
 * Made when they are first needed, from the lists as they are then; what is added later is put in
 * by the updates.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STRUCTURE_H
#define ICE_STRUCTURE_H

#include "spec/canonical.h"
#include "spec/table_metadata.h"

/* What a part means, read once. Raise as the functions that read it. */
extern const IceSchema        *ice_structure_schema(IcePart *part);
extern const IcePartitionSpec *ice_structure_spec(IcePart *part);
extern const IceSortOrder     *ice_structure_order(IcePart *part);

/* The canonical text of a part that is a schema. */
extern void ice_structure_schema_text(StringInfo out, IcePart *part);

typedef struct IceStructure IceStructure;

extern IceStructure *ice_structure_make(const IceTableMetadata *metadata);

/* The part that is not removed and means the same, or NULL. The next ice_structure_put_…() says
 * which was added because there was none. */
extern IcePart *ice_structure_find_schema(IceStructure *structure, const IceSchema *schema);
extern IcePart *ice_structure_find_spec(IceStructure *structure, const IcePartitionSpec *spec);
extern IcePart *ice_structure_find_order(IceStructure *structure, const IceSortOrder *order);
extern void     ice_structure_put_schema(IceStructure *structure, IcePart *part);
extern void     ice_structure_put_spec(IceStructure *structure, IcePart *part);
extern void     ice_structure_put_order(IceStructure *structure, IcePart *part);

/* The highest id that a spec gave to a field of the same source and transform; 0 if none did. */
extern int32 ice_structure_field_id(IceStructure *structure, const IcePartitionField *field);

/* Do the specs use a field's id only for others? Void stands for any transform. */
extern bool ice_structure_id_is_taken(IceStructure *structure, const IcePartitionField *field);

/* How many of the specs, from the first on, were compared with a schema; the caller sets it. */
extern int *ice_structure_specs_checked(IceStructure *structure, const IcePart *schema);

#endif
