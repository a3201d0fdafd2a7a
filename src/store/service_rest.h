/*
 * service_rest.h
 *		Which token services are left alone for a while, because they have failed.
 *
 * So a service that hangs or refuses is asked once in icecat.sts_pause_ms, not once by each call
 * that wants credentials. All sessions of a database share what is known, where the server has
 * room for it; otherwise each knows its own. Nothing of it is part of a transaction: the one that
 * failed is rolled back.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_SERVICE_REST_H
#define ICE_STORE_SERVICE_REST_H

#include "postgres.h"

#define ICE_SERVICE_REST_BYTES 16 /* of a key: a hash of what is not to be asked */

/* How many milliseconds it is still left alone; 0: it may be asked. */
extern int64 ice_service_rest_ms(const uint8 *key);

/* It has failed now. */
extern void ice_service_rest_begin(const uint8 *key);

/* It has answered. */
extern void ice_service_rest_end(const uint8 *key);

#endif
