/*
 * avro.c
 *		Avro object container files: header, blocks, and a walk over the records by their schema.
 *
 * Avro specification 1.11, "Object Container Files" and "Binary Encoding". The schema is compiled
 * into a tree of nodes; named types that are used again point to their first node, so the tree may
 * have cycles, and the walk over values counts its depth.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"

#include "avro/avro.h"
#include "budget.h"
#include "codec/gzip.h"
#include "codec/snappy.h"
#include "codec/zstd.h"
#include "errors.h"
#include "guc.h"
#include "json/json.h"
#include "pg_compat.h"

#define AVRO_MAGIC            "Obj\001"
#define AVRO_MAGIC_BYTES      4
#define AVRO_SYNC_BYTES       16
#define AVRO_CODEC_BYTES      16 /* kept of a codec's name: more than those known have */
#define AVRO_SNAPPY_CRC_BYTES 4
#define AVRO_DEPTH_MAX        64
/* unpacked; writers make some kilobytes */
#define AVRO_BLOCK_BYTES_MAX  ((size_t) 64 * 1024 * 1024)
#define AVRO_SCHEMA_BYTES_MAX (1024 * 1024)
#define AVRO_SCHEMA_NODES_MAX 10000
/* Decoded values allowed for each byte of a block: some values take no byte. */
#define AVRO_VALUES_PER_BYTE_MAX 16
#define AVRO_VALUES_MIN          4096

typedef enum NodeKind
{
	NODE_NULL,
	NODE_BOOLEAN,
	NODE_INT,
	NODE_LONG,
	NODE_FLOAT,
	NODE_DOUBLE,
	NODE_BYTES,
	NODE_STRING,
	NODE_FIXED,
	NODE_ENUM,
	NODE_ARRAY,
	NODE_MAP,
	NODE_UNION,
	NODE_RECORD
} NodeKind;

typedef struct Node Node;

struct Node
{
	NodeKind     kind;
	int64        size;  /* of a fixed */
	int          count; /* fields, branches, or the one element type */
	const char **names; /* of fields */
	Node       **children;
	const char  *name;     /* of a named type, as the schema wrote it */
	Node        *previous; /* named type that was compiled before this one */
};

typedef struct Reader
{
	const uint8 *at;
	const uint8 *end;
	uint64       values_left;
	IceAvroVisit visit;
	void        *arg;
	/* Records that are passed over: whose field of this name has the value. NULL: none are. Then
	 * what is found in a record is kept until its end. */
	const char  *pass_over;
	int64        pass_over_value;
	bool         passes_over; /* the record at hand */
	const char  *found;       /* NULL: nothing */
	size_t       found_len;
} Reader;

static const struct
{
	const char *name;
	NodeKind    kind;
} simple_types[] = {
	{"null", NODE_NULL},     {"boolean", NODE_BOOLEAN}, {"int", NODE_INT},
	{"long", NODE_LONG},     {"float", NODE_FLOAT},     {"double", NODE_DOUBLE},
	{"bytes", NODE_BYTES},   {"string", NODE_STRING},   {"fixed", NODE_FIXED},
	{"enum", NODE_ENUM},     {"array", NODE_ARRAY},     {"map", NODE_MAP},
	{"record", NODE_RECORD},
};

static void raise_broken(const char *what) pg_attribute_noreturn();

static void
raise_broken(const char *what)
{
	ice_raise(ICE_ERR_STORAGE, "broken Avro file: %s", what);
}

/* -- schema ----------------------------------------------------------------------------------- */

/* A schema while it is compiled. */
typedef struct Compiler
{
	Node *named; /* the last named type so far */
	int   nodes; /* and what is not a node, but takes time */
} Compiler;

static Node *compile(IceJson *schema, Compiler *compiler, int depth);

/* A schema that names one type again and again takes as long as one that has as many types. */
static void
count_node(Compiler *compiler)
{
	ice_step();
	if (++compiler->nodes > AVRO_SCHEMA_NODES_MAX)
		raise_broken("its schema is too large");
}

static Node *
make_node(NodeKind kind, int count)
{
	Node *node = palloc0(sizeof(Node));

	node->kind = kind;
	node->count = count;
	node->children = palloc0(sizeof(Node *) * Max(count, 1));
	node->names = palloc0(sizeof(char *) * Max(count, 1));
	return node;
}

/* The last part of a full name: namespaces are not told apart, Iceberg does not use them. */
static const char *
short_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL ? dot + 1 : name;
}

/* A type given by its name alone: a simple type, or a named one seen before. */
static Node *
compile_name(const char *name, Node *named)
{
	for (size_t i = 0; i < lengthof(simple_types); i++)
		if (simple_types[i].kind < NODE_FIXED && strcmp(simple_types[i].name, name) == 0)
			return make_node(simple_types[i].kind, 0);
	for (Node *node = named; node != NULL; node = node->previous)
		if (strcmp(short_name(node->name), short_name(name)) == 0)
			return node;
	raise_broken("its schema uses an unknown type");
}

static void
compile_fields(Node *record, IceJson *fields, Compiler *compiler, int depth)
{
	for (int i = 0; i < record->count; i++)
	{
		IceJson *type = ice_json_get(fields->items[i], "type");

		if (type == NULL)
			raise_broken("a field of its schema has no type");
		record->names[i] = ice_json_string(fields->items[i], "name");
		record->children[i] = compile(type, compiler, depth);
	}
}

/* A type given as an object. */
static Node *
compile_object(IceJson *schema, Compiler *compiler, int depth)
{
	IceJson *type = ice_json_get(schema, "type");
	NodeKind kind = NODE_NULL;
	Node    *node;
	bool     known = false;
	IceJson *fields = NULL;

	if (type == NULL)
		raise_broken("a type of its schema has no name");
	if (type->kind != ICE_JSON_STRING)
		return compile(type, compiler, depth);
	for (size_t i = 0; i < lengthof(simple_types); i++)
	{
		if (strcmp(simple_types[i].name, type->string) != 0)
			continue;
		kind = simple_types[i].kind;
		known = true;
	}
	if (!known)
		return compile_name(type->string, compiler->named);
	if (kind == NODE_RECORD)
		fields = ice_json_array(schema, "fields");
	node = make_node(kind, kind == NODE_RECORD ? fields->count : 1);
	if (kind == NODE_RECORD || kind == NODE_FIXED || kind == NODE_ENUM)
	{
		node->name = ice_json_string(schema, "name");
		node->previous = compiler->named;
		compiler->named = node;
	}
	if (kind == NODE_RECORD)
		compile_fields(node, fields, compiler, depth);
	else if (kind == NODE_FIXED)
		node->size = ice_json_int64(schema, "size");
	else if (kind == NODE_ARRAY || kind == NODE_MAP)
	{
		IceJson *element = ice_json_get(schema, kind == NODE_ARRAY ? "items" : "values");

		if (element == NULL)
			raise_broken("an array or map of its schema has no element type");
		node->children[0] = compile(element, compiler, depth);
	}
	return node;
}

static Node *
compile(IceJson *schema, Compiler *compiler, int depth)
{
	Node *node;

	count_node(compiler);

	if (depth > AVRO_DEPTH_MAX)
		raise_broken("its schema is nested too deep");
	if (schema->kind == ICE_JSON_STRING)
		return compile_name(schema->string, compiler->named);
	if (schema->kind == ICE_JSON_OBJECT)
		return compile_object(schema, compiler, depth + 1);
	if (schema->kind != ICE_JSON_ARRAY)
		raise_broken("its schema is not one");
	node = make_node(NODE_UNION, schema->count);
	for (int i = 0; i < schema->count; i++)
		node->children[i] = compile(schema->items[i], compiler, depth + 1);
	return node;
}

/* -- values ----------------------------------------------------------------------------------- */

/* A zigzag varint: "int" and "long" alike. */
static int64
take_long(Reader *reader)
{
	uint64 value = 0;

	for (int shift = 0; shift < 64; shift += 7)
	{
		uint8 byte;

		if (reader->at >= reader->end)
			raise_broken("it ends too early");
		byte = *reader->at++;
		value |= (uint64) (byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return (int64) (value >> 1) ^ -(int64) (value & 1);
	}
	raise_broken("a number is too long");
}

static const uint8 *
take_bytes(Reader *reader, int64 n)
{
	const uint8 *start = reader->at;

	if (n < 0 || n > reader->end - reader->at)
		raise_broken("a length is out of bounds");
	reader->at += n;
	return start;
}

/* The count of the next block of an array or map; 0 at its end. */
static int64
take_block_count(Reader *reader)
{
	int64 count = take_long(reader);

	if (count == PG_INT64_MIN)
		raise_broken("a count is out of bounds");
	if (count < 0)
	{
		(void) take_long(reader); /* the block's bytes */
		count = -count;
	}
	return count;
}

static void walk(Reader *reader, const Node *node, const char *const *path, int depth);

static void
walk_blocks(Reader *reader, const Node *node, int depth)
{
	int64 count;

	while ((count = take_block_count(reader)) > 0)
	{
		for (; count > 0; count--)
		{
			if (node->kind == NODE_MAP)
				(void) take_bytes(reader, take_long(reader));
			walk(reader, node->children[0], NULL, depth);
		}
	}
}

/* A field of the record itself: does it say that the record is passed over? It is read again
 * afterwards. */
static void
look_for_mark(Reader *reader, const Node *node, const char *name)
{
	const uint8 *at = reader->at;

	if ((node->kind != NODE_INT && node->kind != NODE_LONG) || strcmp(name, reader->pass_over) != 0)
		return;
	reader->passes_over |= take_long(reader) == reader->pass_over_value;
	reader->at = at;
}

/* path is what is still to be found at or below this value; NULL: nothing. */
static void
walk_record(Reader *reader, const Node *node, const char *const *path, int depth)
{
	for (int i = 0; i < node->count; i++)
	{
		bool wanted = path != NULL && path[0] != NULL && strcmp(path[0], node->names[i]) == 0;

		if (depth == 1 && reader->pass_over != NULL)
			look_for_mark(reader, node->children[i], node->names[i]);
		walk(reader, node->children[i], wanted ? path + 1 : NULL, depth);
	}
}

static void
walk_string(Reader *reader, const Node *node, const char *const *path)
{
	int64        n = take_long(reader);
	const uint8 *bytes = take_bytes(reader, n);

	if (node->kind != NODE_STRING || path == NULL || path[0] != NULL)
		return;
	if (reader->pass_over == NULL)
		reader->visit((const char *) bytes, (size_t) n, reader->arg);
	reader->found = (const char *) bytes;
	reader->found_len = (size_t) n;
}

/* Reads one value and what it holds; visits the string at the end of path. */
static void
walk(Reader *reader, const Node *node, const char *const *path, int depth)
{
	ice_step();
	if (depth > AVRO_DEPTH_MAX || reader->values_left-- == 0)
		raise_broken("a record is nested too deep or has too many values");
	switch (node->kind)
	{
		case NODE_NULL:
			break;
		case NODE_BOOLEAN:
			(void) take_bytes(reader, 1);
			break;
		case NODE_INT:
		case NODE_LONG:
		case NODE_ENUM:
			(void) take_long(reader);
			break;
		case NODE_FLOAT:
			(void) take_bytes(reader, 4);
			break;
		case NODE_DOUBLE:
			(void) take_bytes(reader, 8);
			break;
		case NODE_BYTES:
		case NODE_STRING:
			walk_string(reader, node, path);
			break;
		case NODE_FIXED:
			(void) take_bytes(reader, node->size);
			break;
		case NODE_ARRAY:
		case NODE_MAP:
			walk_blocks(reader, node, depth + 1);
			break;
		case NODE_UNION:
		{
			int64 branch = take_long(reader);

			if (branch < 0 || branch >= node->count)
				raise_broken("a union has no such branch");
			walk(reader, node->children[branch], path, depth + 1);
			break;
		}
		case NODE_RECORD:
			walk_record(reader, node, path, depth + 1);
			break;
	}
}

/* -- the container ---------------------------------------------------------------------------- */

typedef struct Header
{
	const char  *schema;
	size_t       schema_len;
	char         codec[AVRO_CODEC_BYTES]; /* as far as it fits */
	const uint8 *sync;
} Header;

/* Reads the file's metadata map. */
static void
take_header(Reader *reader, Header *header)
{
	int64 count;

	memset(header, 0, sizeof(*header));
	strlcpy(header->codec, "null", sizeof(header->codec));
	if (memcmp(take_bytes(reader, AVRO_MAGIC_BYTES), AVRO_MAGIC, AVRO_MAGIC_BYTES) != 0)
		raise_broken("it does not begin like one");
	while ((count = take_block_count(reader)) > 0)
	{
		for (; count > 0; count--)
		{
			ice_step();

			int64       key_len = take_long(reader);
			const char *key = (const char *) take_bytes(reader, key_len);
			int64       value_len = take_long(reader);
			const char *value = (const char *) take_bytes(reader, value_len);

			if (key_len == 11 && memcmp(key, "avro.schema", 11) == 0)
			{
				header->schema = value;
				header->schema_len = (size_t) value_len;
			}
			else if (key_len == 10 && memcmp(key, "avro.codec", 10) == 0)
				strlcpy(header->codec, pnstrdup(value, Min(value_len, AVRO_CODEC_BYTES)),
						sizeof(header->codec));
		}
	}
	header->sync = take_bytes(reader, AVRO_SYNC_BYTES);
	if (header->schema == NULL)
		raise_broken("it has no schema");
}

/* Points block at the unpacked bytes of a block. */
static void
unpack_block(const Header *header, const uint8 *data, int64 len, StringInfo buffer, Reader *block)
{
	resetStringInfo(buffer);
	if (strcmp(header->codec, "null") == 0)
	{
		block->at = data;
		block->end = data + len;
		return;
	}
	if (strcmp(header->codec, "deflate") == 0)
		ice_gzip_unpack((const char *) data, (size_t) len, true, AVRO_BLOCK_BYTES_MAX, buffer);
	else if (strcmp(header->codec, "snappy") == 0)
	{
		if (len < AVRO_SNAPPY_CRC_BYTES)
			raise_broken("a block is too short");
		ice_snappy_unpack((const char *) data, (size_t) len - AVRO_SNAPPY_CRC_BYTES,
						  AVRO_BLOCK_BYTES_MAX, buffer);
	}
	else if (strcmp(header->codec, "zstandard") == 0)
		ice_zstd_unpack((const char *) data, (size_t) len, AVRO_BLOCK_BYTES_MAX, buffer);
	else
		ice_raise(ICE_ERR_UNSUPPORTED, "Avro codec is not supported");
	block->at = (const uint8 *) buffer->data;
	block->end = block->at + buffer->len;
}

struct IceAvroFile
{
	Reader             rest; /* what was not read yet */
	Header             header;
	Node              *schema;
	const char *const *path;
	StringInfoData     buffer; /* of an unpacked block */
};

IceAvroFile *
ice_avro_open(const char *data, size_t len, const char *const *path)
{
	IceAvroFile *file = palloc0(sizeof(IceAvroFile));
	Compiler     compiler = {NULL, 0};

	file->rest = (Reader){.at = (const uint8 *) data, .end = (const uint8 *) data + len};
	file->path = path;
	take_header(&file->rest, &file->header);
	if (file->header.schema_len > AVRO_SCHEMA_BYTES_MAX)
		raise_broken("its schema is too large");
	file->schema = compile(
		ice_json_parse(file->header.schema, file->header.schema_len, ice_guc_json_depth_max),
		&compiler, 0);
	initStringInfo(&file->buffer);
	return file;
}

void
ice_avro_pass_over(IceAvroFile *file, const char *field, int64 value)
{
	file->rest.pass_over = field;
	file->rest.pass_over_value = value;
}

static void
read_record(Reader *block, const IceAvroFile *file)
{
	block->passes_over = false;
	block->found = NULL;
	walk(block, file->schema, file->path, 0);
	if (block->pass_over != NULL && !block->passes_over && block->found != NULL)
		block->visit(block->found, block->found_len, block->arg);
}

bool
ice_avro_next_block(IceAvroFile *file, IceAvroVisit visit, void *arg)
{
	Reader       block = {.visit = visit, .arg = arg};
	Reader      *rest = &file->rest;
	int64        records;
	int64        block_len;
	const uint8 *bytes;

	if (rest->at >= rest->end)
		return false;
	records = take_long(rest);
	block_len = take_long(rest);
	bytes = take_bytes(rest, block_len);
	ice_budget_look();
	if (memcmp(take_bytes(rest, AVRO_SYNC_BYTES), file->header.sync, AVRO_SYNC_BYTES) != 0)
		raise_broken("a block does not end where it should");
	unpack_block(&file->header, bytes, block_len, &file->buffer, &block);
	block.values_left = (uint64) (block.end - block.at) * AVRO_VALUES_PER_BYTE_MAX +
						AVRO_VALUES_MIN;
	block.pass_over = file->rest.pass_over;
	block.pass_over_value = file->rest.pass_over_value;
	for (; records > 0; records--)
		read_record(&block, file);
	if (block.at != block.end)
		raise_broken("a block is longer than its records");
	return true;
}

void
ice_avro_visit(const char *data, size_t len, const char *const *path, IceAvroVisit visit, void *arg)
{
	IceAvroFile *file = ice_avro_open(data, len, path);

	while (ice_avro_next_block(file, visit, arg))
		;
	pfree(file->buffer.data);
	pfree(file);
}
