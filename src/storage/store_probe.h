/*
 * store_probe.h
 *		Asks an object store whether it is up: by one small request, with what the profile allows of
 *		time.
 *
 * Any answer of a store that knows who asks will do (store_blame.h): that there is no such object,
 * and also that it may not be read, as AWS says of what is not there to a key that may not list.
 *
 * A store can serve reads while it takes no writes. So who writes asks by a write: of the object
 * <root>/.icecat/probe, where there is none. It stays.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_PROBE_H
#define ICE_STORE_PROBE_H

#include "storage/profile.h"

typedef enum IceStoreState
{
	ICE_STORE_WELL,
	ICE_STORE_REFUSES, /* it is up, and refuses this request */
	ICE_STORE_DOWN
} IceStoreState;

/* Of a store that does not do what it is asked for, *error becomes what it says; palloc'd. Raises
 * nothing, except for an interrupt. */
extern IceStoreState ice_store_probe(const IceStorageProfile *profile, bool by_write, char **error);

#endif
