/*
 * parse.c
 *		The strict HTTP/1.1 request parser; see parse.h for the contract.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/parse.h"

#include <strings.h>

#define UNIT_SEPARATOR 0x1F /* separates the levels of a namespace; Iceberg REST, parent */

static const char *const method_names[GW_METHOD_COUNT] = {
	[GW_GET] = "GET",         [GW_HEAD] = "HEAD",
	[GW_POST] = "POST",       [GW_PUT] = "PUT",
	[GW_DELETE] = "DELETE",   [GW_PATCH] = "PATCH",
	[GW_OPTIONS] = "OPTIONS", [GW_TRACE] = "TRACE",
	[GW_CONNECT] = "CONNECT", [GW_METHOD_OTHER] = "OTHER",
};

const char *
gw_parse_method_name(GwMethod method)
{
	return method_names[method];
}

/* tchar of RFC 9110, section 5.6.2. */
bool
gw_parse_is_token_char(unsigned char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

/* Looks at a control character of the head. Says false with a fault, or true when it may stay. */
static bool
scan_control(GwHeadScan *scan, const char *data, size_t len, GwFault *fault)
{
	unsigned char c = (unsigned char) data[scan->at];

	if (c == '\n')
	{
		if (scan->at == 0 || data[scan->at - 1] != '\r')
			return gw_fail(fault, 400, "A line ends in a bare LF");
		return true;
	}
	if (c == '\r')
	{
		if (scan->at + 1 < len && data[scan->at + 1] != '\n')
			return gw_fail(fault, 400, "A CR without LF");
		return true;
	}
	if (c == '\t' && scan->fields > 0)
		return true;
	if (c == UNIT_SEPARATOR && scan->fields == 0)
		return true;
	return gw_fail(fault, 400, "A control character in the request head");
}

/* Ends a line at scan->at. True when that was the empty line after the header fields. */
static bool
scan_line_end(GwHeadScan *scan)
{
	bool empty = scan->at == scan->line + 1;

	scan->at++;
	if (empty && scan->fields == 0 && !scan->skipped)
	{
		scan->skipped = true;
		scan->start = scan->at;
	}
	else if (empty)
	{
		scan->end = scan->at;
		return true;
	}
	else if (scan->fields == 0)
		scan->fields = scan->at;
	scan->line = scan->at;
	return false;
}

/* Is the part of the head seen so far within its limits? */
static bool
scan_limits(const GwHeadScan *scan, const GwHttpLimits *limits, GwFault *fault)
{
	const size_t around = GW_METHOD_BYTES_MAX + sizeof(" HTTP/1.1\r\n");
	size_t       line_max = limits->target_bytes_max + around;

	if (scan->fields == 0)
	{
		if (scan->at - scan->start > line_max)
			return gw_fail(fault, 414, "The request target is too long");
	}
	else if (scan->fields - scan->start > line_max)
		return gw_fail(fault, 414, "The request target is too long");
	else if (scan->at - scan->fields > limits->header_bytes_max)
		return gw_fail(fault, 431, "The header fields are too large");
	return true;
}

/*
 * Continues to look for the end of a head whose first byte is data[0]. A CR at the very end is
 * looked at again with the byte after it.
 */
GwScan
gw_parse_scan(GwHeadScan *scan, const char *data, size_t len, const GwHttpLimits *limits,
			  GwFault *fault)
{
	while (scan->at < len)
	{
		unsigned char c = (unsigned char) data[scan->at];

		if (c >= 0x20 && c != 0x7F)
		{
			scan->at++;
			continue;
		}
		if (!scan_control(scan, data, len, fault))
			return GW_SCAN_FAULT;
		if (c == '\r' && scan->at + 1 == len)
			break;
		if (c != '\n')
			scan->at++;
		else if (scan_line_end(scan))
			return scan_limits(scan, limits, fault) ? GW_SCAN_DONE : GW_SCAN_FAULT;
	}
	return scan_limits(scan, limits, fault) ? GW_SCAN_MORE : GW_SCAN_FAULT;
}

/* Cuts one line, without its CRLF, off the front of rest. */
static GwSlice
cut_line(GwSlice *rest)
{
	const char *end = memchr(rest->data, '\n', rest->len);
	GwSlice     line = {rest->data, 0};

	if (end == NULL)
		line.len = rest->len;
	else
		line.len = (size_t) (end - rest->data) - 1;
	rest->len -= end ? (size_t) (end - rest->data) + 1 : rest->len;
	rest->data = end ? end + 1 : rest->data + line.len;
	return line;
}

static bool
parse_method(GwHttpHead *head, GwSlice text, GwFault *fault)
{
	if (text.len == 0)
		return gw_fail(fault, 400, "The request line is malformed");
	for (size_t i = 0; i < text.len; i++)
		if (!gw_parse_is_token_char((unsigned char) text.data[i]))
			return gw_fail(fault, 400, "The method is not a token");
	head->method = GW_METHOD_OTHER;
	head->method_text = text;
	for (int i = 0; i < GW_METHOD_OTHER; i++)
		if (gw_text_slice_is(text, method_names[i]))
			head->method = (GwMethod) i;
	return true;
}

/* "HTTP/1.x": another major version is 505, anything else is no version. */
static bool
parse_version(GwHttpHead *head, GwSlice text, GwFault *fault)
{
	const char *p = text.data;

	if (text.len != 8 || memcmp(p, "HTTP/", 5) != 0 || p[6] != '.' || p[5] < '0' || p[5] > '9' ||
		p[7] < '0' || p[7] > '9')
		return gw_fail(fault, 400, "The HTTP version is malformed");
	if (p[5] != '1')
		return gw_fail(fault, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here");
	head->minor = p[7] - '0';
	return true;
}

/* Length of the scheme and authority of an absolute-form target, 0 when it is none. */
static size_t
authority_length(GwSlice target)
{
	size_t at;

	if (target.len > 7 && strncasecmp(target.data, "http://", 7) == 0)
		at = 7;
	else if (target.len > 8 && strncasecmp(target.data, "https://", 8) == 0)
		at = 8;
	else
		return 0;
	if (target.data[at] == '/' || target.data[at] == '?')
		return 0; /* no host */
	while (at < target.len && target.data[at] != '/' && target.data[at] != '?')
		at++;
	return at;
}

/* Splits the target into path and query. origin-form, absolute-form, and "*" for OPTIONS. */
static bool
parse_target(GwHttpHead *head, GwSlice target, GwFault *fault)
{
	const char *mark;
	size_t      skip;

	for (size_t i = 0; i < target.len; i++)
		if (target.data[i] == '#' || target.data[i] == '\\')
			return gw_fail(fault, 400, "The request target holds a character that must be encoded");
	if (target.len == 1 && target.data[0] == '*' && head->method == GW_OPTIONS)
	{
		head->path = target;
		return true;
	}
	skip = authority_length(target);
	if (skip > 0)
	{
		const char *host = (const char *) memchr(target.data, '/', skip) + 2;

		head->host = (GwSlice){host, skip - (size_t) (host - target.data)};
	}
	target.data += skip;
	target.len -= skip;
	mark = memchr(target.data, '?', target.len);
	head->path = (GwSlice){target.data, mark ? (size_t) (mark - target.data) : target.len};
	if (mark != NULL)
		head->query = (GwSlice){mark + 1, target.len - head->path.len - 1};
	if (skip > 0 && head->path.len == 0)
		head->path = GW_LITERAL("/");
	if (head->path.len == 0 || head->path.data[0] != '/')
		return gw_fail(fault, 400, "The request target is neither a path nor an http URL");
	return true;
}

/* method SP target SP version, each space exactly one. */
static bool
parse_request_line(GwHttpHead *head, GwSlice line, const GwHttpLimits *limits, GwFault *fault)
{
	const char *first = memchr(line.data, ' ', line.len);
	const char *second;
	GwSlice     target;
	GwSlice     version;

	if (first == NULL)
		return gw_fail(fault, 400, "The request line is malformed");
	if (!parse_method(head, (GwSlice){line.data, (size_t) (first - line.data)}, fault))
		return false;
	line.len -= head->method_text.len + 1;
	line.data = first + 1;
	second = memchr(line.data, ' ', line.len);
	if (second == NULL || second == line.data)
		return gw_fail(fault, 400, "The request line is malformed");
	target = (GwSlice){line.data, (size_t) (second - line.data)};
	version = (GwSlice){second + 1, line.len - target.len - 1};
	if (!parse_version(head, version, fault))
		return false;
	if (target.len > limits->target_bytes_max)
		return gw_fail(fault, 414, "The request target is too long");
	if (head->method == GW_CONNECT)
		return gw_fail(fault, 501, "This is no proxy");
	return parse_target(head, target, fault);
}

/* Only digits, once; a number that does not fit is too large rather than malformed. */
static bool
take_content_length(GwHttpHead *head, GwSlice value, GwFault *fault)
{
	if (head->has_length)
		return gw_fail(fault, 400, "Content-Length is repeated");
	if (value.len == 0)
		return gw_fail(fault, 400, "Content-Length is not a number");
	for (size_t i = 0; i < value.len; i++)
	{
		if (value.data[i] < '0' || value.data[i] > '9')
			return gw_fail(fault, 400, "Content-Length is not a number");
		if (head->length > UINT64_MAX / 10 - 1)
			return gw_fail(fault, 413, "The request body is too large");
		head->length = head->length * 10 + (uint64_t) (value.data[i] - '0');
	}
	head->has_length = true;
	return true;
}

static bool
take_transfer_encoding(GwHttpHead *head, GwSlice value, GwFault *fault)
{
	if (head->minor == 0)
		return gw_fail(fault, 400, "Transfer-Encoding in an HTTP/1.0 request");
	if (head->chunked)
		return gw_fail(fault, 400, "Transfer-Encoding is repeated");
	if (!gw_text_slice_is_nocase(value, "chunked"))
		return gw_fail(fault, 501, "The only transfer coding known here is chunked");
	head->chunked = true;
	return true;
}

/* Reads a Connection field: "close" wins over "keep-alive". */
static bool
take_connection(GwHttpHead *head, GwSlice value, bool *close, bool *keep)
{
	(void) head;
	while (value.len > 0)
	{
		GwSlice option = gw_text_cut(&value, ',');

		if (gw_text_slice_is_nocase(option, "close"))
			*close = true;
		else if (gw_text_slice_is_nocase(option, "keep-alive"))
			*keep = true;
	}
	return true;
}

/* A host name, an address or a bracketed IPv6 address, and a port; never empty. */
static bool
host_is_valid(GwSlice value)
{
	if (value.len == 0)
		return false;
	for (size_t i = 0; i < value.len; i++)
	{
		unsigned char c = (unsigned char) value.data[i];

		if (c >= 0x80 || c <= 0x20 || strchr("/?#@\\,<>\"{}|^`", c) != NULL)
			return false;
	}
	return true;
}

typedef struct FieldFacts
{
	int  hosts;
	bool close;
	bool keep;
} FieldFacts;

/* Takes the fields that matter to framing; all others are only kept. */
static bool
take_field(GwHttpHead *head, GwHeader field, FieldFacts *facts, GwFault *fault)
{
	if (gw_text_slice_is_nocase(field.name, "host"))
	{
		if (++facts->hosts > 1)
			return gw_fail(fault, 400, "Host is repeated");
		if (!host_is_valid(field.value))
			return gw_fail(fault, 400, "Host is not a host");
		if (head->host.data == NULL)
			head->host = field.value;
	}
	else if (gw_text_slice_is_nocase(field.name, "content-length"))
		return take_content_length(head, field.value, fault);
	else if (gw_text_slice_is_nocase(field.name, "transfer-encoding"))
		return take_transfer_encoding(head, field.value, fault);
	else if (gw_text_slice_is_nocase(field.name, "connection"))
		return take_connection(head, field.value, &facts->close, &facts->keep);
	else if (gw_text_slice_is_nocase(field.name, "content-type"))
		head->content_type = field.value;
	else if (gw_text_slice_is_nocase(field.name, "x-request-id"))
		head->request_id = field.value;
	else if (gw_text_slice_is_nocase(field.name, "icecat-deduplicate"))
		head->deduplicate = field.value;
	else if (gw_text_slice_is_nocase(field.name, "idempotency-key"))
	{
		if (head->idempotency_key.data != NULL)
			return gw_fail(fault, 400, "Idempotency-Key is repeated");
		head->idempotency_key = field.value;
	}
	else if (gw_text_slice_is_nocase(field.name, "expect") && head->minor > 0)
	{
		if (!gw_text_slice_is_nocase(field.value, "100-continue"))
			return gw_fail(fault, 417, "The only expectation known here is 100-continue");
		head->expect_continue = true;
	}
	return true;
}

/* name ":" OWS value OWS */
static bool
parse_field(GwSlice line, GwHeader *field, GwFault *fault)
{
	size_t at = 0;

	if (line.data[0] == ' ' || line.data[0] == '\t')
		return gw_fail(fault, 400, "A folded header line");
	while (at < line.len && gw_parse_is_token_char((unsigned char) line.data[at]))
		at++;
	if (at == line.len || line.data[at] != ':' || at == 0)
		return gw_fail(fault, 400, "A header line is malformed");
	field->name = (GwSlice){line.data, at};
	field->value = gw_text_trim((GwSlice){line.data + at + 1, line.len - at - 1});
	for (size_t i = 0; i < field->value.len; i++)
	{
		unsigned char c = (unsigned char) field->value.data[i];

		if ((c < 0x20 && c != '\t') || c == 0x7F)
			return gw_fail(fault, 400, "A control character in a header field");
	}
	return true;
}

/* What only the whole head can say. */
static bool
check_head(GwHttpHead *head, const FieldFacts *facts, GwFault *fault)
{
	if (head->minor > 0 && facts->hosts == 0)
		return gw_fail(fault, 400, "Host is missing");
	if (head->chunked && head->has_length)
		return gw_fail(fault, 400, "Content-Length together with Transfer-Encoding");
	if (facts->close)
		head->keep_alive = false;
	else
		head->keep_alive = head->minor > 0 || facts->keep;
	return true;
}

/* Reads a head of len bytes that gw_parse_scan found complete; data starts at its request line. */
bool
gw_parse_head(GwHttpHead *head, const char *data, size_t len, const GwHttpLimits *limits,
			  GwFault *fault)
{
	GwSlice    rest = {data, len};
	FieldFacts facts = {0};

	memset(head, 0, offsetof(GwHttpHead, headers));
	if (!parse_request_line(head, cut_line(&rest), limits, fault))
		return false;
	for (;;)
	{
		GwSlice   line = cut_line(&rest);
		GwHeader *field = &head->headers[head->header_count];

		if (line.len == 0)
			break;
		if (head->header_count >= limits->header_count_max || head->header_count == GW_HEADERS_MAX)
			return gw_fail(fault, 431, "Too many header fields");
		if (!parse_field(line, field, fault) || !take_field(head, *field, &facts, fault))
			return false;
		head->header_count++;
	}
	return check_head(head, &facts, fault);
}
