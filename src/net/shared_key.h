/*
 * shared_key.h
 *		Shared Key, by which requests to Azure's stores are signed with an account's key.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SHARED_KEY_H
#define ICE_SHARED_KEY_H

#include "storage/net.h"

/* See IceNet in storage/net.h. */
extern char *ice_shared_key_mac(const char *key, const char *text);
extern int   ice_shared_key_headers(const IceSharedKeyRequest *request,
									IceNetPair                 added[ICE_SHARED_KEY_PAIRS]);

/* The text that is signed, for tests. */
extern char *ice_shared_key_text(const IceSharedKeyRequest *request);

#endif
