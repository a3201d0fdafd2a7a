/*
 * base64url.h
 *		Base64 as tokens and keys use it (RFC 7515, section 2): no padding, no white space. Pure.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_BASE64URL_H
#define GW_BASE64URL_H

#include "base/text.h"

/* Appends what is encoded. False: it is not base64url, or not the only encoding of its bytes; out
 * may then hold a part. */
extern bool gw_base64url_decode(GwSlice in, GwText *out);

/* Appends the encoding. */
extern void gw_base64url_encode(GwSlice in, GwText *out);

#endif
