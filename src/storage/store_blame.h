/*
 * store_blame.h
 *		Whom the failure of a request speaks of: its store, or the one object.
 *
 * A store that fails is left alone for a while, and with it all of its files. So a file that alone
 * cannot be written must not be taken for that. What speaks of the store: no answer, an answer that
 * is not a store's, a login that it does not take, a bucket that is not there, and what says "not
 * now". All else is an answer of a store that is up and knows who asks: it speaks of the object.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_BLAME_H
#define ICE_STORE_BLAME_H

#include "storage/s3_call.h"

/* Does the end of a request that has failed speak of its store? */
extern bool ice_store_blame_is_stores(const IceS3Call *s3);

#endif
