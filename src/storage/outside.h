/*
 * outside.h
 *		Which files of a snapshot lie outside of some folders.
 *
 * The files are those that the manifests of the snapshot name: data and delete files that are not
 * marked as deleted. Manifests that the parent snapshot has, too, are not read again. A manifest or
 * manifest list that lies outside itself is one of those that are found, and what it names is not
 * found: it could be of a table that who names it may not load. What is read is bounded and
 * cancellable, one file or block at a time.
 *
 * With refer, all files that the snapshot refers to outside of own are told, those of manifests
 * that lie outside, too.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_OUTSIDE_H
#define ICE_OUTSIDE_H

#include "nodes/pg_list.h"

#include "storage/storage_def.h"

/* A file that is referred to, a text of the database's; unread: a manifest or manifest list that
 * could not be read. */
typedef void (*IceRefer)(void *arg, const char *location, bool unread);

typedef struct IceOutside
{
	const IceStorageProfile *profile;
	List                    *folders;     /* canonical: C strings */
	const char              *list;        /* the manifest list; NULL: none */
	List                    *manifests;   /* of a snapshot without a list: C strings */
	const char              *parent_list; /* NULL: none, or it is gone */
	int                      manifests_max;
	int                      files_max; /* of those found that are kept */
	IceRefer                 refer;     /* NULL: nobody wants to know */
	void                    *arg;
	bool                     insists; /* a store that fails is an error for those outside, too */
	List                    *own;     /* folders of the table itself: canonical C strings */
	/* What was found: C strings, at most files_max of them, and how many there are. */
	List                    *files;
	int64                    count;
	int                      manifests_read; /* how many were new */
} IceOutside;

typedef struct IceOutsideLook IceOutsideLook;

/* A look: the struct must stay where it is, and what is found lies in the current context. Raises
 * LIMIT_EXCEEDED for more than manifests_max manifests that are new. */
extern IceOutsideLook *ice_outside_begin(IceOutside *outside);
/* Reads a list, or a block of a manifest; false: all was read. */
extern bool            ice_outside_step(IceOutsideLook *look);
/* Gives back its memory, except what was found. */
extern void            ice_outside_end(IceOutsideLook *look);

#endif
