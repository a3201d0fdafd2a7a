/*
 * fuzz_lists.c
 *		Any bytes as the list that a store answers: refused, or its objects are the same each time;
 *		and any text as a key, which must come back.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"

#include "answer/list_answer.h"
#include "xml/xml.h"

typedef char *(*Reader)(const char *answer, size_t len, IceListVisit visit, void *arg);

typedef struct Seen
{
	uint64 objects;
	uint64 bytes; /* of keys */
	char  *key;   /* the last one */
	bool   refused;
} Seen;

static void
visit(const IceListEntry *entry, void *arg)
{
	Seen *seen = arg;

	FUZZ_DEMAND(entry->size <= (uint64) PG_INT64_MAX, "%llu", (unsigned long long) entry->size);
	FUZZ_DEMAND(entry->modified_s >= -1, "%lld", (long long) entry->modified_s);
	seen->objects++;
	seen->key = entry->key;
	if (entry->key != NULL)
		seen->bytes += strlen(entry->key);
}

/* With a trap of its own, so that the other readers have their turn. */
static Seen
read_list(Reader reader, const char *answer, size_t len)
{
	IceTrap *outer = ice_trap;
	IceTrap  trap = {.message = NULL};
	Seen     seen = {0};
	Seen *volatile at = &seen;

	ice_trap = &trap;
	if (setjmp(trap.jump) == 0)
	{
		char *next = reader(answer, len, visit, &seen);

		FUZZ_DEMAND(next == NULL || next[0] != '\0', "goes on nowhere");
	}
	else
	{
		FUZZ_DEMAND(trap.message != NULL && trap.message[0] != '\0', "an error without words");
		at->refused = true;
	}
	ice_trap = outer;
	FUZZ_DEMAND(at->bytes <= len, "%llu bytes", (unsigned long long) at->bytes);
	return seen;
}

static void
read_twice(Reader reader, const char *answer, size_t len)
{
	Seen first = read_list(reader, answer, len);
	Seen second = read_list(reader, answer, len);

	FUZZ_DEMAND(first.objects == second.objects && first.bytes == second.bytes &&
					first.refused == second.refused,
				"%llu and %llu objects", (unsigned long long) first.objects,
				(unsigned long long) second.objects);
}

/* What XML can hold is a key as it is. */
static void
demand_key(Reader reader, const char *before, const char *key, const char *after)
{
	StringInfoData answer;
	Seen           seen;

	initStringInfo(&answer);
	appendStringInfoString(&answer, before);
	ice_xml_append(&answer, key);
	appendStringInfoString(&answer, after);
	seen = read_list(reader, answer.data, (size_t) answer.len);
	FUZZ_DEMAND(!seen.refused && seen.objects == 1, "%llu", (unsigned long long) seen.objects);
	FUZZ_DEMAND(strcmp(seen.key, key) == 0, "%s", seen.key);
}

void
fuzz_one(const char *bytes, size_t len)
{
	static const Reader readers[] = {ice_list_answer_s3, ice_list_answer_gcs, ice_list_answer_adls};
	char               *text = pnstrdup(bytes, strnlen(bytes, len));
	char               *decoded = pstrdup(text);

	for (size_t i = 0; i < lengthof(readers); i++)
		read_twice(readers[i], bytes, len);
	FUZZ_DEMAND(ice_list_answer_time(text) >= -1, "%s", text);
	ice_list_answer_decode(decoded);
	FUZZ_DEMAND(strlen(decoded) <= strlen(text), "%s", decoded);
	demand_key(ice_list_answer_s3, "<ListBucketResult><Contents><Key>", text,
			   "</Key></Contents></ListBucketResult>");
	demand_key(ice_list_answer_adls, "<EnumerationResults><Blobs><Blob><Name>", text,
			   "</Name></Blob></Blobs></EnumerationResults>");
}
