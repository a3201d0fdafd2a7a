/*
 * fuzz_xml.c
 *		Any bytes as XML; and any text in an element, which must come back.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"

#include "xml/xml.h"

/* Reads to the end; returns how many elements there were. */
static int
read_all(const char *text, size_t len)
{
	IceXml xml;
	int    count = 0;

	ice_xml_begin(&xml, text, len);
	while (ice_xml_next(&xml))
	{
		FUZZ_DEMAND(xml.depth >= 1 && xml.depth <= ICE_XML_DEPTH_MAX, "depth %d", xml.depth);
		FUZZ_DEMAND((size_t) xml.text.len <= len, "%d bytes", xml.text.len);
		FUZZ_DEMAND(ice_xml_is(&xml, xml.path.data), "%s", xml.path.data);
		count++;
	}
	return count;
}

void
fuzz_one(const char *bytes, size_t len)
{
	char          *text = pnstrdup(bytes, strnlen(bytes, len));
	StringInfoData document;
	IceXml         xml;

	initStringInfo(&document);
	appendStringInfoString(&document, "<a><b>");
	ice_xml_append(&document, text);
	appendStringInfoString(&document, "</b></a>");
	ice_xml_begin(&xml, document.data, (size_t) document.len);
	FUZZ_DEMAND(ice_xml_next(&xml) && ice_xml_is_leaf(&xml, "a/b"), "%s", xml.path.data);
	FUZZ_DEMAND(strcmp(xml.text.data, text) == 0, "%s", xml.text.data);
	FUZZ_DEMAND(ice_xml_next(&xml) && !ice_xml_is_leaf(&xml, "a"), "%s", xml.path.data);
	FUZZ_DEMAND(!ice_xml_next(&xml), "%s", xml.path.data);
	(void) read_all(bytes, len);
}
