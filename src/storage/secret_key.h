/*
 * secret_key.h
 *		Encrypts secrets with the keys of icecat.secret_key_file.
 *
 * The file has one key on each line: an id, a blank, and 64 hexadecimal digits. The first encrypts;
 * the others still open what they have encrypted. It is read at each use and kept nowhere. It must
 * be the server's or root's, and nobody else's to read.
 *
 * A secret is bound to what it belongs to (a text): it opens as nothing else's.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SECRET_KEY_H
#define ICE_SECRET_KEY_H

#include "postgres.h"

#define ICE_SECRET_KEY_ID_MAX 63

/* The id of the key that encrypts; palloc'd. Raises UNSUPPORTED where there is no key file, STORAGE
 * for one that cannot be used. */
extern char  *ice_secret_key_current(void);
/* What belongs to a text, encrypted. */
extern uint8 *ice_secret_key_seal(const char *belongs_to, const char *secret, size_t *len);
/* Opens it with the key of an id; palloc'd. Raises STORAGE where it does not open. */
extern char  *ice_secret_key_open(const char *id, const char *belongs_to, const uint8 *sealed,
								  size_t len);

#endif
