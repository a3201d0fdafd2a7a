/*
 * url.h
 *		Percent-decoding, path segments, query strings, and namespaces as PostgreSQL arrays. Pure.
 *
 * A path is split on its raw '/' first and each segment is decoded exactly once, so that an encoded
 * slash stays inside its name. A decoded name is valid UTF-8 without NUL. A namespace is split on
 * the unit separator after decoding, or on the separator that clients are told to use; so "%251F"
 * is the text "%1F" and separates nothing.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_URL_H
#define GW_URL_H

#include "base/text.h"

/* NULL when all went well, else what is wrong with the input, as a sentence for the client. */
typedef const char *GwUrlFault;

/* Decodes into out, which holds in.len + 1 bytes; adds a NUL. '+' is a space in queries only. */
extern GwUrlFault gw_url_decode(GwSlice in, bool plus_is_space, char *out, size_t *out_len);

/* Splits "/a/b" into its raw segments; -1 when there are more than max. */
extern int gw_url_split(GwSlice path, GwSlice *segments, int max);

/* Cuts one "key=value" off the query; false at its end. */
extern bool gw_url_query_next(GwSlice *query, GwSlice *key, GwSlice *value);

#define GW_SEPARATOR_BYTES_MAX 32

/* The bytes that a percent-encoded separator stands for; false when it cannot be one. */
extern bool gw_url_separator(const char *encoded, char out[GW_SEPARATOR_BYTES_MAX]);

/* Bytes that gw_url_namespace may write for a decoded namespace of that length. */
#define GW_URL_NAMESPACE_BYTES(len) ((len) *4 + 8)

/*
 * Writes a decoded namespace as the text of a text[] value; no level may be empty. The levels are
 * separated by 0x1F or, where there is none, by the separator.
 */
extern GwUrlFault gw_url_namespace(GwSlice decoded, const char *separator, char *out,
								   size_t *out_len);

/* Does a decoded namespace hold a unit separator that was encoded twice? */
extern bool gw_url_encoded_twice(const char *decoded);

#endif
