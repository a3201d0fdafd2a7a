/*
 * websocket.c
 *		The handshake of a WebSocket; see websocket.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/websocket.h"

/* The only field of that name; NULL: there is none, or more than one. */
static const GwSlice *
only_field(const GwHttpHead *head, const char *name)
{
	const GwSlice *found = NULL;

	for (int i = 0; i < head->header_count; i++)
	{
		if (!gw_text_slice_is_nocase(head->headers[i].name, name))
			continue;
		if (found != NULL)
			return NULL;
		found = &head->headers[i].value;
	}
	return found;
}

/* Does a list of words, in fields of that name, have the word? */
static bool
names(const GwHttpHead *head, const char *name, const char *word)
{
	for (int i = 0; i < head->header_count; i++)
	{
		GwSlice rest = head->headers[i].value;

		if (!gw_text_slice_is_nocase(head->headers[i].name, name))
			continue;
		while (rest.len > 0)
			if (gw_text_slice_is_nocase(gw_text_cut(&rest, ','), word))
				return true;
	}
	return false;
}

bool
gw_websocket_accept(const GwHttpHead *head, char accept[GW_WEBSOCKET_PROOF_BYTES], GwFault *fault)
{
	const GwSlice *key = only_field(head, "sec-websocket-key");
	const GwSlice *version = only_field(head, "sec-websocket-version");

	if (head->minor < 1 || !names(head, "upgrade", "websocket") ||
		!names(head, "connection", "upgrade"))
		*fault = (GwFault){426, "This path is a WebSocket: the fields Upgrade and Connection ask "
								"for it"};
	else if (version == NULL || !gw_text_slice_is(*version, "13"))
		*fault = (GwFault){426, "The Sec-WebSocket-Version is not 13"};
	else if (key == NULL || !gw_websocket_proof(*key, accept))
		*fault = (GwFault){400, "The Sec-WebSocket-Key is not one of 16 bytes"};
	else if (head->chunked || head->length > 0)
		*fault = (GwFault){400, "A request for a WebSocket has no body"};
	else
		return true;
	return false;
}
