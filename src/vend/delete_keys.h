/*
 * delete_keys.h
 *		The keys that the body of a DeleteObjects request names.
 *
 * The body is read as strictly as it is written by clients: elements and character references and
 * nothing else of XML. So a store cannot find another key in it than is found here. Versions are
 * refused: deleting one cannot be undone.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VEND_DELETE_KEYS_H
#define ICE_VEND_DELETE_KEYS_H

#include "json/pure.h"

/* As many as S3 takes in one request. */
#define ICE_DELETE_KEYS_MAX 1000

typedef struct IceDeleteKeys
{
	const char **keys;
	int          count;
} IceDeleteKeys;

/* Returns NULL, or why the body is refused. */
extern const char *ice_delete_keys_read(const char *body, IceDeleteKeys *out);

#endif
