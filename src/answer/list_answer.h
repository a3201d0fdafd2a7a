/*
 * list_answer.h
 *		What stores of objects answer to a list, and how they write times.
 *
 * This layer is pure, as json and xml are: it reads foreign bytes. A key is given as the store
 * spells it; whether it is one that was asked for is the caller's to check.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_LIST_ANSWER_H
#define ICE_LIST_ANSWER_H

#include "json/json.h"

/* One object of a list. Its key is NULL where the store names none. */
typedef struct IceListEntry
{
	char  *key;
	uint64 size;       /* 0 where the store says none */
	int64  modified_s; /* since 1970; -1: not known */
} IceListEntry;

typedef void (*IceListVisit)(const IceListEntry *entry, void *arg);

/* Each visits the objects of an answer, and returns where the list goes on (NULL: that was all).
 * Raises for what is no list: STORAGE, or the error of the JSON. */
extern char *ice_list_answer_s3(const char *answer, size_t len, IceListVisit visit, void *arg);
extern char *ice_list_answer_gcs(const char *answer, size_t len, IceListVisit visit, void *arg);
/* Folders, which a hierarchical namespace has, are left out. */
extern char *ice_list_answer_adls(const char *answer, size_t len, IceListVisit visit, void *arg);

/* 2026-01-31T00:00:00Z, with a fraction, which is left out, or with +00:00, in seconds since 1970;
 * -1: it is no such time. */
extern int64 ice_list_answer_time(const char *text);

/* Back from percent-encoded text, as S3 encodes the keys of lists; in place. */
extern void ice_list_answer_decode(char *text);

#endif
