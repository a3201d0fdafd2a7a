/*
 * store_vended.h
 *		Vended credentials that are kept: for the session, and in icecat_data.vended_credential for
 *		all.
 *
 * They are fresh until half of their life is over; after that they are given only while no new ones
 * are to be had. The row is encrypted; where there is no
 * icecat.secret_key_file, or the transaction cannot write (a standby), only the session keeps them.
 * What a key says must be all that they depend on: warehouse, profile, its revision, and what was
 * asked for.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_VENDED_H
#define ICE_STORE_VENDED_H

#include "store/spi.h"
#include "vend/client_keys.h"

typedef struct IceVendedKey
{
	pg_uuid_t warehouse_id;
	uint8     scope[32];
} IceVendedKey;

typedef enum IceVendedFound
{
	ICE_VENDED_NONE,
	ICE_VENDED_AGED, /* past half of their life, and not yet at its end */
	ICE_VENDED_FRESH
} IceVendedFound;

/* Finds what is kept; palloc'd. */
extern IceVendedFound ice_vended_find(const IceVendedKey *key, IceVended *out);

/* Lets one session at a time ask for the same, until its transaction ends. False: another does, and
 * wait is false. Waits as for a row, and raises 55P03. Look again after it. */
extern bool ice_vended_take_turn(const IceVendedKey *key, bool wait);

/* As find, and sees what another transaction has kept since this one's snapshot. */
extern IceVendedFound ice_vended_find_latest(const IceVendedKey *key, IceVended *out);

extern void ice_vended_keep(const IceVendedKey *key, const IceVended *vended);

#endif
