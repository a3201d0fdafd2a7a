/*
 * table_change.h
 *		One table of a commit, and what is asked of it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TABLE_CHANGE_H
#define ICE_TABLE_CHANGE_H

#include "store/store_table.h"

typedef struct IceTableChange
{
	IceNamespacePath  path;
	const char       *name;
	IceCommitRequest *request;
	IceTable          table;     /* afterwards: the new state */
	bool              exists;    /* before the commit */
	bool              concerned; /* commit policies ask for it */
	const char       *event;     /* what was done; NULL: nothing had to change */
} IceTableChange;

#endif
