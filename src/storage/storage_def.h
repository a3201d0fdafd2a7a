/*
 * storage_def.h
 *		What a store can do: the handle that each back end gives out.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORAGE_DEF_H
#define ICE_STORAGE_DEF_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* How a warehouse's store is reached: what a location alone does not say. File storage needs
 * none. */
typedef struct IceStorageProfile IceStorageProfile;

/* One file of a batch. */
typedef struct IceFileWrite
{
	const char              *location;
	const IceStorageProfile *profile; /* NULL: none */
	const char              *data;
	size_t                   len;
	/* In a network store: only if there is no file yet. One of the same bytes is as good; another
	 * one is an error. */
	bool                     only_new;
	char                    *error; /* set by the call if the file was not written; palloc'd */
	bool                     store_fails; /* and that is no fault of the file's */
} IceFileWrite;

/* One file to delete. */
typedef struct IceFileRemoval
{
	const char              *location;
	const IceStorageProfile *profile; /* NULL: none */
	bool                     removed; /* set by the call: it was there */
	/* set by the call if the file could not be deleted; palloc'd */
	char                    *error;
} IceFileRemoval;

/* One file of a list. */
typedef struct IceStorageEntry
{
	char  *location;
	uint64 size;
	int64  modified_s; /* since 1970; -1: not known */
} IceStorageEntry;

/* A part of a list. */
typedef struct IceStoragePage
{
	int          files_max; /* in this page */
	char        *next;      /* where it begins; the call sets where the next one does. NULL: the
							 * beginning, or that was all */
	struct List *files;     /* IceStorageEntry *, palloc'd; set by the call */
} IceStoragePage;

typedef struct IceStorage IceStorage;

/* Where a back end is in a folder that it walks through. */
typedef struct IceStorageWalk IceStorageWalk;

/* A handle: its operations, and whatever the back end keeps behind it. Every operation takes the
 * handle first. */
struct IceStorage
{
	/* On disks of this machine: an operation is quick, and may be made where others wait. */
	bool is_local;
	/* The one spelling that all spellings of a location share; palloc'd. Raises if not allowed. */
	char *(*canonical)(const IceStorage *storage, const char *location);
	/* Appends the file's bytes; more than limit is LIMIT_EXCEEDED, absence NO_SUCH_FILE. */
	void (*read)(const IceStorage *storage, const char *location, size_t limit, StringInfo out);
	/* Replaces or creates the file as a whole: readers see the old or the new one, also after a
	 * crash. Makes missing directories. */
	void (*write_atomic)(const IceStorage *storage, const char *location, const char *data,
						 size_t len);
	/* The same for many files, which costs less than one after the other. An error of one is its
	 * own; it raises nothing, except for an interrupt. */
	void (*write_batch)(const IceStorage *storage, IceFileWrite *files, int count);
	/* False if the file was not there. */
	bool (*remove)(const IceStorage *storage, const char *location);
	/* The same for many files. An error of one is its own; it raises nothing, except for an
	 * interrupt. */
	void (*remove_batch)(const IceStorage *storage, IceFileRemoval *files, int count);
	/* With its parents; no error if there. Nothing to do where a store has no directories. */
	void (*make_directory)(const IceStorage *storage, const char *location);
	bool (*exists)(const IceStorage *storage, const char *location);
	/* True only if the server may look there and there is nothing. Cheap: on the path of every
	 * load. */
	bool (*missing)(const IceStorage *storage, const char *location);
	/* Removes the directory and those below it as far as they hold no file, step by step: looks at
	 * some entries and returns whether that was all. At first *walk is NULL. What is open in
	 * between is closed with the memory context of the first call. */
	bool (*prune)(const IceStorage *storage, const char *location, IceStorageWalk **walk,
				  int entries);

	/* The rest is of network stores; NULL in file storage. */

	/* As write_atomic, unless there is a file: then false, and it stays as it is. */
	bool (*write_new)(const IceStorage *storage, const char *location, const char *data,
					  size_t len);
	/* Appends len bytes from offset on, or what the file has of them; *size becomes the file's,
	 * or 0 where offset is behind its end and the store says no more. */
	void (*read_range)(const IceStorage *storage, const char *location, uint64 offset, size_t len,
					   StringInfo out, uint64 *size);
	/* Files whose location begins with that of the folder and a slash, in the order of bytes. */
	void (*list)(const IceStorage *storage, const char *folder, IceStoragePage *page);
};

#endif
