/*
 * store_file_lock.h
 *		Locks of files: between those who delete some and those who take over some that exist.
 *
 * A lock is of a folder and all that is in it. Who takes over files shares it until the end of the
 * transaction, who deletes files has it alone for as long as that takes. The folders above are
 * locked, too, in weaker modes that exclude each other only as far as one of them is the folder of
 * another's lock. So nobody waits for what happens elsewhere, however slow the store is there.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_FILE_LOCK_H
#define ICE_STORE_FILE_LOCK_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Shares a folder until the end of the transaction; a canonical spelling. Waits for a session that
 * has it, or a folder in or around it, alone, no longer than icecat.commit_lock_timeout_ms. */
extern void ice_file_lock_share(const char *folder);

/* Has folders alone, for the session: a List of C strings. wait_ms: how long each lock is waited
 * for, in a transaction, in turn with others: who shares a folder later comes behind, so that one
 * after the other does not keep it from us; then it raises 55P03. 0: not at all; false then, if
 * another session shares one. Where not all are locked, none is. */
extern bool ice_file_lock_take(const List *folders, int wait_ms);
/* Ends what the session has taken. */
extern void ice_file_lock_release(const List *folders);

#endif
