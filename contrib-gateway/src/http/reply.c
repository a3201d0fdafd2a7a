/*
 * reply.c
 *		The bytes of an answer; see reply.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/reply.h"

#include "base/limits.h"
#include "base/status.h"

static void
put_field(GwText *out, const char *name, const char *value)
{
	gw_text_puts(out, name);
	gw_text_puts(out, value);
	gw_text_add(out, "\r\n", 2);
}

static void
put_number(GwText *out, const char *name, uint64_t value)
{
	gw_text_puts(out, name);
	gw_text_uint(out, value);
	gw_text_add(out, "\r\n", 2);
}

/* What a page of another origin may know and do. How long a browser remembers it is ten minutes. */
static void
put_cors(GwText *out, const GwReply *reply)
{
	put_field(out, "Access-Control-Allow-Origin: ", reply->allow_origin);
	if (reply->allow_methods == NULL)
	{
		put_field(out, "Access-Control-Expose-Headers: ", "ETag, Retry-After, X-Request-Id");
		return;
	}
	put_field(out, "Access-Control-Allow-Methods: ", reply->allow_methods);
	if (reply->allow_headers[0] != '\0')
		put_field(out, "Access-Control-Allow-Headers: ", reply->allow_headers);
	put_field(out, "Access-Control-Max-Age: ", "600");
}

/* Whether the connection goes on, and as what. */
static void
put_connection(GwText *out, const GwReply *reply, bool close, bool http10)
{
	if (reply->upgrade || reply->accept != NULL)
		put_field(out, "Upgrade: ", "websocket");
	if (reply->upgrade)
		put_field(out, "Sec-WebSocket-Version: ", "13");
	if (reply->accept != NULL)
		put_field(out, "Sec-WebSocket-Accept: ", reply->accept);
	if (reply->accept != NULL || (reply->upgrade && !close))
		put_field(out, "Connection: ", "Upgrade");
	else if (close)
		put_field(out, "Connection: ", reply->upgrade ? "close, Upgrade" : "close");
	else if (http10)
		put_field(out, "Connection: ", "keep-alive");
}

void
gw_reply_head(GwText *out, const GwReply *reply, const char *request_id, bool close, bool http10)
{
	gw_text_puts(out, "HTTP/1.1 ");
	gw_text_uint(out, (uint64_t) reply->status);
	put_field(out, " ", gw_status_reason(reply->status));
	if (reply->status != 204 && reply->status != 304 && reply->status != 101)
	{
		put_field(out,
				  "Content-Type: ", reply->content_type ? reply->content_type : "application/json");
		if (!reply->flows)
			put_number(out, "Content-Length: ", reply->body_len);
		else if (!http10)
			put_field(out, "Transfer-Encoding: ", "chunked");
	}
	put_field(out, "X-Request-Id: ", request_id);
	if (reply->etag != NULL)
		put_field(out, "ETag: ", reply->etag);
	if (reply->is_secret)
		put_field(out, "Cache-Control: ", "no-store, private");
	else if (reply->no_store)
		put_field(out, "Cache-Control: ", "no-store");
	if (reply->unbuffered)
		put_field(out, "X-Accel-Buffering: ", "no");
	if (reply->content_encoding != NULL)
		put_field(out, "Content-Encoding: ", reply->content_encoding);
	if (reply->vary || reply->vary_origin)
		put_field(out, "Vary: ",
				  !reply->vary_origin ? "Accept-Encoding"
				  : reply->vary       ? "Accept-Encoding, Origin"
									  : "Origin");
	if (reply->allow_origin != NULL)
		put_cors(out, reply);
	if (reply->accept_encoding != NULL)
		put_field(out, "Accept-Encoding: ", reply->accept_encoding);
	if (reply->allow != NULL)
		put_field(out, "Allow: ", reply->allow);
	if (reply->authenticate != NULL)
		put_field(out, "WWW-Authenticate: ", reply->authenticate);
	if (reply->retry_after_s >= 0)
		put_number(out, "Retry-After: ", (uint64_t) reply->retry_after_s);
	put_connection(out, reply, close, http10);
	gw_text_add(out, "\r\n", 2);
}

/* Cuts a long message between two characters. */
static size_t
message_length(const char *message)
{
	size_t len = strlen(message);

	if (len <= GW_ERROR_MESSAGE_BYTES_MAX)
		return len;
	len = GW_ERROR_MESSAGE_BYTES_MAX;
	while (len > 0 && ((unsigned char) message[len] & 0xC0) == 0x80)
		len--;
	return len;
}

void
gw_reply_error_body(GwText *out, int status, const char *type, const char *message)
{
	gw_text_puts(out, "{\"error\":{\"message\":");
	gw_text_json(out, message, message_length(message));
	gw_text_puts(out, ",\"type\":");
	gw_text_json(out, type, strlen(type));
	gw_text_puts(out, ",\"code\":");
	gw_text_uint(out, (uint64_t) status);
	gw_text_puts(out, "}}");
}
