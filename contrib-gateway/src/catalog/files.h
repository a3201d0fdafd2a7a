/*
 * files.h
 *		Who waits for which metadata files, and which were written lately.
 *
 * A file is known by a key, a word that the database made (see icecat._pending_files()); several
 * stand in one text, separated by blanks. Pure bookkeeping: no I/O, no clock; times are given. A
 * waiter lives in its owner's memory and is in exactly one of the states below, changed only by the
 * functions here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_FILES_H
#define GW_FILES_H

#include <sys/queue.h>

#include "base/text.h"

typedef enum GwFileWait
{
	GW_FILE_WAIT_NONE,
	GW_FILE_WAIT_WAITING,
	GW_FILE_WAIT_READY /* all is written; gw_files_ready() will return it */
} GwFileWait;

struct GwFileKey;

typedef struct GwFileWaiter
{
	GwFileWait        state;
	uint64_t          since_us; /* began to wait */
	int               left;     /* files that are not written yet */
	int               key_count;
	struct GwFileKey *keys;         /* while it waits */
	TAILQ_ENTRY(GwFileWaiter) link; /* waiters, oldest first, or those that are ready */
} GwFileWaiter;

typedef struct GwFiles GwFiles;

extern GwFiles *gw_files_create(void);
extern void     gw_files_destroy(GwFiles *files);

/* Begins to wait. False: all was written lately, there is nothing to wait for. */
extern bool gw_files_wait(GwFiles *files, GwFileWaiter *waiter, const char *keys, uint64_t now_us);

/* Stops waiting, in any state. */
extern void gw_files_cancel(GwFiles *files, GwFileWaiter *waiter);

/* These files were written. */
extern void gw_files_written(GwFiles *files, const char *keys);

/* Of the files that were asked for, only these are still queued: the others were written, or nobody
 * needs them any more. */
extern void gw_files_answered(GwFiles *files, const char *asked, const char *still);

/* One whose files are all written; it waits no more. NULL: there is none. */
extern GwFileWaiter *gw_files_ready(GwFiles *files);

/* The waiter that has waited longest, if since before that time; NULL when there is none. */
extern GwFileWaiter *gw_files_oldest(GwFiles *files, uint64_t before_us);

/* Appends the keys of those that wait since before that time, at most so many. */
extern void gw_files_keys(GwFiles *files, uint64_t before_us, int most, GwText *out);

extern size_t gw_files_waiting(const GwFiles *files);

#endif
