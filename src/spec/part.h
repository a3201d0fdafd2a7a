/*
 * part.h
 *		Parts: what tables' and views' metadata consist of, each with its exact text and marks.
 *
 * The spec layer changes a metadata value in place and marks what it did: a part with added set is
 * new, one with removed set is gone, everything else is untouched. The store writes just these
 * marks. A part that changes is removed and a new one added.
 *
 * Order in a list is document order: stored parts first, by ordinal, then the added ones as added.
 * A part that is removed stays in the list and is skipped by look-ups and by the writers.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PART_H
#define ICE_PART_H

#include "json/json.h"

typedef struct IcePart IcePart;

struct IcePart
{
	int64       id;
	const char *key;     /* NULL where the kind has none */
	int64       ordinal; /* the store's place in the list; 0 for an added part */
	bool        added;
	bool        removed;
	const char *body; /* exact JSON text */
	size_t      body_len;
	IceJson    *json; /* NULL until ice_part_json() parses body */
	const void
		/* what body means, as far as somebody asked: see ice_structure_schema() and others */
			*parsed;
	IcePart *twin; /* private to the look-up that the part's kind has */
};

typedef struct IcePartList
{
	IcePart **items;
	int       count;
	int       capacity;
	bool      loaded; /* false: the store did not read this list; looking into it is a programming
					   * error. For snapshots true means: those that were asked for. */
	int      *slots;  /* private: hash table of positions, NULL while the list is short */
	int       slot_count;
	int       slotted;    /* items before this one are in the hash table */
	int       first_live; /* private: all items before this one are removed */
	/* Private: items by ascending id, without those that are removed and were at the end. */
	IcePart **heights;
	int       height_count;
	int       heighted; /* items before this one are, or were, in it */
} IcePartList;

/* Which of several parts of one id or key is meant. */
typedef enum IcePartWanted
{
	ICE_PART_LIVE, /* the one that is not removed */
	ICE_PART_ANY,
	ICE_PART_GONE /* the one that the store has, and this commit removed */
} IcePartWanted;

extern IceJson *ice_part_json(IcePart *part);
extern void     ice_part_remove(IcePart *part);
extern void     ice_part_replace(IcePart *part, IceJson *json); /* the text of one that is new */

/* What the store has to do: insert the new ones, delete the gone ones (deletes first). */
static inline bool
ice_part_is_new(const IcePart *part)
{
	return part->added && !part->removed;
}

static inline bool
ice_part_is_gone(const IcePart *part)
{
	return part->removed && !part->added;
}

/* For the files of the spec layer; the kinds of metadata have functions of their own that end in
 * these. A new part's body is the json's text, which is copied only if it was edited: what it was
 * parsed from must live as long as the part. */
extern IcePart *ice_part_list_add(IcePartList *list, int64 id, const char *key, IceJson *json);
extern IcePart *ice_part_list_stored(IcePartList *list, int64 id, const char *key, int64 ordinal,
									 const char *body, size_t body_len);
/* The same for a text that was made of it; parsed is what it means, or NULL. */
extern IcePart *ice_part_list_add_text(IcePartList *list, int64 id, const char *key,
									   const char *body, size_t body_len, const void *parsed);
extern int      ice_part_list_count(const IcePartList *list);
extern bool     ice_part_list_is_empty(const IcePartList *list); /* removed ones do not count */

/* The part of a list without keys that has the id, or of one with keys (key not NULL) that has the
 * key; NULL if none. */
extern IcePart *ice_part_list_find(const IcePartList *list, int64 id, const char *key,
								   IcePartWanted wanted);
extern IcePart *ice_part_list_last(const IcePartList *list); /* that is not removed, or NULL */

/* One more than the highest id of those that are not removed, at least first. Raises VALIDATION if
 * no id is left for a what. */
extern int32 ice_part_list_next_id(const IcePartList *list, int32 first, const char *what);

/* Appends [part,part,...], and the members of an object part after a comma each. */
extern void ice_part_list_write(StringInfo out, const IcePartList *list);
extern void ice_part_write_members(StringInfo out, const IcePart *part);

#endif
