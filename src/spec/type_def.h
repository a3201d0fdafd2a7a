/*
 * type_def.h
 *		What a type and a field are. Their functions: type.h, type_text.h, default_value.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TYPE_DEF_H
#define ICE_TYPE_DEF_H

#include "json/json.h"

typedef enum IceTypeId
{
	ICE_TYPE_BOOLEAN,
	ICE_TYPE_INT,
	ICE_TYPE_LONG,
	ICE_TYPE_FLOAT,
	ICE_TYPE_DOUBLE,
	ICE_TYPE_DATE,
	ICE_TYPE_TIME,
	ICE_TYPE_TIMESTAMP,
	ICE_TYPE_TIMESTAMPTZ,
	ICE_TYPE_TIMESTAMP_NS,
	ICE_TYPE_TIMESTAMPTZ_NS,
	ICE_TYPE_STRING,
	ICE_TYPE_UUID,
	ICE_TYPE_BINARY,
	ICE_TYPE_FIXED,
	ICE_TYPE_DECIMAL,
	ICE_TYPE_UNKNOWN,
	ICE_TYPE_VARIANT,
	ICE_TYPE_GEOMETRY,
	ICE_TYPE_GEOGRAPHY,
	ICE_TYPE_STRUCT,
	ICE_TYPE_LIST,
	ICE_TYPE_MAP
} IceTypeId;

typedef struct IceField IceField;

typedef struct IceType
{
	IceTypeId   id;
	int32       length;    /* FIXED */
	int32       precision; /* DECIMAL */
	int32       scale;     /* DECIMAL */
	const char *crs;       /* GEOMETRY, GEOGRAPHY */
	const char *algorithm; /* GEOGRAPHY */
	IceField   *fields;    /* STRUCT: its fields; LIST: the element; MAP: key and value */
	int         field_count;
} IceType;

struct IceField
{
	int32       id;
	int32       fresh_id; /* set by ice_schema_assign_fresh_ids() */
	const char *name;
	bool        required;
	IceType     type;
	const char *doc;             /* NULL: none */
	IceJson    *initial_default; /* NULL: none */
	IceJson    *write_default;   /* NULL: none */
	IceJson    *json;            /* the object that holds the field's id ... */
	const char *id_key;          /* ... under this key */
	IceField   *parent;          /* NULL: a column of the table */
	const char *full_name;       /* "a.element.b"; set by ice_schema_parse() */
	const char *short_name;      /* "a.b": without element and value of structs */
};

#endif
