/*
 * staged.h
 *		Where a table that is only staged will lie, as its creator hands it back.
 *
 * Nothing is stored of a staged creation, and files are written before the table is there. Where
 * credentials are vended, they come with the answer. Where requests are signed, each names the
 * table alone; so the endpoint for signing that comes with the answer has a ticket, good for the
 * role that has staged the table, its name, and icecat.vended_lifetime_s.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_API_STAGED_H
#define ICE_API_STAGED_H

#include "store/store_table.h"
#include "store/store_warehouse.h"

/* The way to a table. */
typedef struct IceStagedWay
{
	const IceWarehouse     *warehouse;
	const IceNamespacePath *path;
	const char             *name;
} IceStagedWay;

extern char *ice_staged_ticket(const IceStagedWay *way, const IceTable *table);

/* Sets what a ticket says of the table: location and folders. False: it says
 * nothing that is good, or the table is there, at that location. Otherwise it raises what a
 * creation there would: FORBIDDEN, or what is in its place. */
extern bool ice_staged_find(const IceStagedWay *way, const char *ticket, IceTable *out);

#endif
