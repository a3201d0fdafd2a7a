/*
 * store_vended.h
 *		Vended credentials that are kept: for the session, and in icecat_data.vended_credential for
 *		all.
 *
 * They are kept until half of their life is over. The row is encrypted; where there is no
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

/* Finds what is kept and fresh; palloc'd. */
extern bool ice_vended_find(const IceVendedKey *key, IceVended *out);

/* Lets one session at a time ask for the same, until its transaction ends, and looks once more:
 * true where another has brought it in between. Waits as for a row, and raises 55P03. */
extern bool ice_vended_wait(const IceVendedKey *key, IceVended *out);

extern void ice_vended_keep(const IceVendedKey *key, const IceVended *vended);

#endif
