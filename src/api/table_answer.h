/*
 * table_answer.h
 *		Answers that carry a table's metadata: as plain json for SQL, or with entity tag for the
 *		gateway.
 *
 * A tagged answer is a record (body json, etag text, large boolean): the result of the rest_
 * functions. body is NULL where there is nothing to send: large is then false, and the client's
 * copy is current; or true, and the metadata is larger than icecat.answer_bytes_max.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TABLE_ANSWER_H
#define ICE_TABLE_ANSWER_H

#include "api/args.h"
#include "api/etag.h"

typedef enum IceTableAnswerKind
{
	ICE_TABLE_ANSWER_LOAD,  /* LoadTableResult */
	ICE_TABLE_ANSWER_COMMIT /* CommitTableResponse: no config */
} IceTableAnswerKind;

typedef struct IceTableAnswer
{
	IceTableAnswerKind kind;
	bool               tagged; /* a record, else the body alone */
	/* icecat.answer_bytes_max holds: rest_load_table_pieces() can do what this cannot. */
	bool               limited;
	bool               read_only; /* see ice_spi_execute() */
	IceRepresentation  representation;
} IceTableAnswer;

/* The answer about a table; a staged one has no metadata location, and no tag. */
extern Datum ice_table_answer(MemoryContext caller, const IceTable *table,
							  const IceTableAnswer *answer);

/* The arguments that loads have in common: all or refs (IC301 for anything else); warehouse,
 * namespace and table, and in argument n the views that it is loaded by (chain.h). */
extern bool ice_table_answer_refs_only(FunctionCallInfo fcinfo, int n);
extern void ice_table_answer_find(FunctionCallInfo fcinfo, int n, IceTable *table,
								  IceRepresentation *representation);

/* Appends what follows the metadata: config, what is granted, restrictions and labels. */
extern void ice_table_answer_end(StringInfo out, const IceRepresentation *shown);

/* "Not modified": the tag alone. */
extern Datum ice_table_answer_tag(MemoryContext caller, const char *etag);

#endif
