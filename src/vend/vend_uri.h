/*
 * vend_uri.h
 *		URIs of requests to object stores, read strictly, and percent-encoding.
 *
 * What two programs could read differently is refused: user information, fragments, characters
 * that must be encoded, a '+' (a blank to some), encoded slashes and control characters, segments
 * of dots, empty segments.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VEND_URI_H
#define ICE_VEND_URI_H

#include "json/pure.h"

#define ICE_VEND_PARAMETERS_MAX 32

typedef struct IceVendParameter
{
	const char *name; /* decoded */
	const char *value;
} IceVendParameter;

typedef struct IceVendUri
{
	const char      *scheme;    /* http or https */
	const char      *authority; /* host in lower case; with its port unless that is the scheme's */
	const char      *path;      /* decoded, with its first slash */
	IceVendParameter parameters[ICE_VEND_PARAMETERS_MAX];
	int              parameter_count;
} IceVendUri;

/* Returns NULL, or why the URI is refused. */
extern const char *ice_vend_uri_parse(const char *text, IceVendUri *uri);

/* The value of a parameter; NULL if it is not there. */
extern const char *ice_vend_uri_parameter(const IceVendUri *uri, const char *name);

/* Appends a text with everything encoded but what RFC 3986 calls unreserved. */
extern void ice_vend_uri_encode(StringInfo out, const char *text);

#endif
