/*
 * json.h
 *		Exact JSON: a tree over a text, and a writer that reproduces what was not edited.
 *
 * Every node remembers its source text. Writing a tree copies the source of each node that was not
 * edited, so unknown fields, key order, number spelling and 64-bit integers survive byte for byte.
 * Numbers are never held as doubles. Duplicate keys, NUL (\u0000) and nesting over the limit are
 * refused with ICE_ERR_BAD_REQUEST (nesting: LIMIT_EXCEEDED). The tree points into the source text,
 * which must outlive it. Above the value of a text stands a node for the text as a whole, an array
 * of one: errors find by it where they are.
 *
 * Extractors follow the Java parser's wording ("Cannot parse missing long: snapshot-id").
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_JSON_H
#define ICE_JSON_H

#include "json/json_depth.h"
#include "json/pure.h"

typedef enum IceJsonKind
{
	ICE_JSON_NULL,
	ICE_JSON_BOOL,
	ICE_JSON_NUMBER,
	ICE_JSON_STRING,
	ICE_JSON_ARRAY,
	ICE_JSON_OBJECT
} IceJsonKind;

typedef struct IceJson IceJson;

typedef struct IceJsonMember
{
	const char *key; /* decoded, NUL-terminated UTF-8 */
	IceJson    *value;
} IceJsonMember;

typedef struct IceJsonIndex IceJsonIndex;

struct IceJson
{
	IceJsonKind kind : 8;
	bool        edited;   /* this node or one below it no longer equals its source */
	int         count;    /* members or items */
	int         capacity; /* private: of members or items; 0 where they are part of a block */
	uint32      text_len;
	const char *text; /* source, not NUL-terminated; NULL for a node made by an edit */
	IceJson    *parent;
	union
	{
		bool        boolean;
		const char *string; /* STRING: decoded; NUMBER: the spelling; NUL-terminated */
		IceJson   **items;
		struct
		{
			IceJsonMember *members;
			IceJsonIndex  *index; /* private: positions by key; NULL on small objects */
		};
	};
};


/* Parses one JSON value that fills the text. depth_max counts nested arrays and objects. */
extern IceJson *ice_json_parse(const char *text, size_t len, int depth_max);

/* Look-ups. An explicit JSON null counts as absent in get and the optional extractors. */
extern IceJson *ice_json_member(const IceJson *object, const char *key); /* even if null */
extern IceJson *ice_json_get(const IceJson *object, const char *key);    /* NULL if null, too */

/* Required ones raise ICE_ERR_BAD_REQUEST if absent or of another kind; opt_ ones only if of
 * another kind. */
extern const char *ice_json_string(const IceJson *object, const char *key);
extern int64       ice_json_int64(const IceJson *object, const char *key);
extern int32       ice_json_int32(const IceJson *object, const char *key);
extern bool        ice_json_bool(const IceJson *object, const char *key);
extern IceJson    *ice_json_array(const IceJson *object, const char *key);
extern IceJson    *ice_json_object(const IceJson *object, const char *key);
extern const char *ice_json_opt_string(const IceJson *object, const char *key); /* NULL if absent */
extern bool        ice_json_opt_int64(const IceJson *object, const char *key, int64 *value);
extern bool        ice_json_opt_int32(const IceJson *object, const char *key, int32 *value);
extern bool        ice_json_opt_bool(const IceJson *object, const char *key, bool absent);
extern IceJson    *ice_json_opt_array(const IceJson *object, const char *key);
extern IceJson    *ice_json_opt_object(const IceJson *object, const char *key);

/* Values themselves; name is used in the error. */
extern int64       ice_json_to_int64(const IceJson *value, const char *name);
extern int32       ice_json_to_int32(const IceJson *value, const char *name);
extern const char *ice_json_to_string(const IceJson *value, const char *name);

/* Whether the value is an integer that fits; sets result only then. */
extern bool ice_json_is_int64(const IceJson *value, int64 *result);

/* Raises unless value is an object whose values are all strings (properties maps). */
extern void ice_json_check_string_map(const IceJson *value, const char *name);

/* Making and editing. A value belongs to one tree: set or append a copy of one that is part of
 * another. Setting marks the node and all above it as edited; keys keep their place. */
extern IceJson *ice_json_make_object(void);
extern IceJson *ice_json_make_array(void);
extern IceJson *ice_json_make_string(const char *value);
extern IceJson *ice_json_make_int(int64 value);
extern IceJson *ice_json_make_number(const char *spelling); /* which is not checked */
extern IceJson *ice_json_make_bool(bool value);
extern IceJson *ice_json_make_null(void);
extern IceJson *ice_json_copy(const IceJson *value); /* deep; shares the source text */
extern void     ice_json_set(IceJson *object, const char *key, IceJson *value);
extern bool     ice_json_remove(IceJson *object, const char *key);
extern void     ice_json_append(IceJson *array, IceJson *value);

/* Takes away what is explicitly null: "doc": null means no doc, and the specification knows only
 * that. */
extern void ice_json_drop_nulls(IceJson *object, const char *const *keys, int count);

/* A copy of the object whose member is the given integer; the object itself if it is so already. */
extern IceJson *ice_json_with_int(IceJson *object, const char *key, int64 value);

/* Same value: objects regardless of key order, numbers by spelling or as equal 64-bit integers. */
extern bool ice_json_equal(const IceJson *a, const IceJson *b);

/* Appends the value's text: the source where nothing was edited. */
extern void  ice_json_write(StringInfo out, const IceJson *value);
extern char *ice_json_text(const IceJson *value); /* palloc'd */

/* The text of an object with another integer in one or two members, without a copy of it; second
 * may be NULL. The source itself where they are so already. */
typedef struct IceJsonInt
{
	const char *key;
	int64       value;
} IceJsonInt;

extern const char *ice_json_text_with(const IceJson *object, const IceJsonInt *first,
									  const IceJsonInt *second, size_t *len);

/* Appends a text that is the same for all values that ice_json_equal() calls equal, and for no
 * others. */
extern void ice_json_canonical(StringInfo out, const IceJson *value);

/* The value's text for an error message: cut where it is long. */
extern const char *ice_json_shown(const IceJson *value);

/* "At updates[3].snapshot, line 1, byte 230." Bytes count from 0. NULL where the value came from no
 * text. */
extern char *ice_json_place(const IceJson *value);

/* Raises with the place of a value as detail. For a member that is missing, that of the object. */
extern void ice_json_raise(const IceJson *at, IceErrorCode code, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

/* Writer of new documents: keeps track of commas. */
typedef struct IceJsonWriter
{
	StringInfo out;
	bool       need_comma;
} IceJsonWriter;

extern void ice_json_write_init(IceJsonWriter *writer, StringInfo out);
extern void ice_json_write_begin_object(IceJsonWriter *writer);
extern void ice_json_write_end_object(IceJsonWriter *writer);
extern void ice_json_write_begin_array(IceJsonWriter *writer);
extern void ice_json_write_end_array(IceJsonWriter *writer);
extern void ice_json_write_key(IceJsonWriter *writer, const char *key);
extern void ice_json_write_string(IceJsonWriter *writer, const char *value);
extern void ice_json_write_int(IceJsonWriter *writer, int64 value);
extern void ice_json_write_null(IceJsonWriter *writer);

/* A whole value, unchecked. */
extern void ice_json_write_raw(IceJsonWriter *writer, const char *text, size_t len);

/* Appends a quoted, escaped JSON string. */
extern void ice_json_escape(StringInfo out, const char *value);

#endif
