/*
 * xml.h
 *		A bounded reader of XML, for the answers of object stores.
 *
 * This layer is pure, as json is. It reads what stores send: elements, text, references of
 * characters, CDATA. Attributes, comments and instructions are passed over; a document type is
 * refused, so there are no entities to expand. There is no recursion, and the depth has a limit.
 * Prefixes of namespaces are left out of names.
 *
 * Errors: STORAGE for what is no such document.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_XML_H
#define ICE_XML_H

#include "json/pure.h"

#define ICE_XML_DEPTH_MAX 32

/* Where a reader is. path and text are those of the element that has just ended, and stay until the
 * next call. */
typedef struct IceXml
{
	const char    *at;
	const char    *end;
	StringInfoData path; /* ListBucketResult/Contents/Key */
	StringInfoData text;
	int            starts[ICE_XML_DEPTH_MAX + 1]; /* in path, of each open element */
	int            depth;
	bool           is_leaf; /* nothing was in it but text */
	bool           had_root;
	bool           ended; /* the element at the path has, and is still in the path */
} IceXml;

extern void ice_xml_begin(IceXml *xml, const char *text, size_t len);
/* Goes on to the end of the next element: inner ones come before the one around them. False after
 * the last. */
extern bool ice_xml_next(IceXml *xml);
/* Has a leaf of this path just ended? */
extern bool ice_xml_is_leaf(const IceXml *xml, const char *path);
/* Has an element of this path just ended? */
extern bool ice_xml_is(const IceXml *xml, const char *path);

/* Appends a text as it stands in an element. */
extern void ice_xml_append(StringInfo out, const char *text);

#endif
