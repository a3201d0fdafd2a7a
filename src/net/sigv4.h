/*
 * sigv4.h
 *		AWS Signature Version 4, for S3 and STS.
 *
 * Paths and queries come as they are sent. They are decoded and encoded once more, so whichever
 * spelling a client chose, the canonical request is the one that the service makes of it. Dots
 * and repeated slashes stay: they are part of an S3 key.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SIGV4_H
#define ICE_SIGV4_H

#include "storage/net.h"

/* See IceNet in storage/net.h. */
extern int   ice_sigv4_headers(const IceSigv4Key *key, const IceSigv4Request *request,
							   IceNetPair added[ICE_SIGV4_PAIRS]);
extern char *ice_sigv4_query(const IceSigv4Key *key, const IceSigv4Request *request, int expires_s);

/* The text whose hash is signed, for tests: that of ice_sigv4_headers(), or with expires_s that of
 * ice_sigv4_query(). */
extern char *ice_sigv4_canonical(const IceSigv4Key *key, const IceSigv4Request *request,
								 int expires_s);

#endif
