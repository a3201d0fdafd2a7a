/*
 * schema.h
 *		A schema: its fields by id and by name, its rules, fresh ids.
 *
 * Iceberg spec, "Schemas and Data Types".
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SCHEMA_H
#define ICE_SCHEMA_H

#include "spec/part.h"
#include "spec/type.h"

typedef struct IceSchema
{
	int32      schema_id; /* 0 if absent, as in Java */
	IceJson   *json;
	IceType    root;
	IceField **by_id;         /* all fields, nested ones too, by ascending id */
	IceField **by_name;       /* by ascending full name */
	IceField **by_short_name; /* private: NULL until it is needed */
	int        field_count;
	int32     *identifier_ids;
	int        identifier_count;
	int32      highest_id; /* 0: no fields */
} IceSchema;

/* Checks unique ids and names and the rules for identifier fields. Raises BAD_REQUEST,
 * VALIDATION. */
extern IceSchema *ice_schema_parse(IceJson *json);

extern IceField *ice_schema_field(const IceSchema *schema, int32 id);
extern IceField *ice_schema_field_by_name(const IceSchema *schema, const char *name);

/* Types and default values that the format version has not. Raises VALIDATION. */
extern void ice_schema_check_format_version(const IceSchema *schema, int32 format_version);

/* Of new schemas: no reserved field ids, no coordinate reference system that is defined in the
 * type. Raise VALIDATION. */
extern void ice_schema_check_ids(const IceSchema *schema);
extern void ice_schema_check_crs(const IceSchema *schema);

/* Same fields and identifier fields; the schema's id and unknown members do not count. */
extern bool ice_schema_same(const IceSchema *a, const IceSchema *b);

/* As the Java class prints it, for messages. */
extern const char *ice_schema_text(const IceSchema *schema);

/* Gives all fields new ids, counting on from *last_id, in Java's order, and writes them, the
 * identifier field ids and the schema id into schema->json. fresh_id of the fields tells the
 * new ids. */
extern void ice_schema_assign_fresh_ids(IceSchema *schema, int32 schema_id, int32 *last_id);

#endif
