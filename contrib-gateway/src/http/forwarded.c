/*
 * forwarded.c
 *		What a trusted proxy says about the client behind it; see forwarded.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/forwarded.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <strings.h>

/* An address of either family; IPv4 inside IPv6 (::ffff:1.2.3.4) is IPv4. */
typedef struct Address
{
	int           bits; /* 32 or 128 */
	unsigned char bytes[16];
} Address;

static bool
parse_address(const char *text, Address *out)
{
	static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

	out->bits = 32;
	if (inet_pton(AF_INET, text, out->bytes) == 1)
		return true;
	out->bits = 128;
	if (inet_pton(AF_INET6, text, out->bytes) != 1)
		return false;
	if (memcmp(out->bytes, mapped, sizeof(mapped)) == 0)
	{
		memmove(out->bytes, out->bytes + sizeof(mapped), 4);
		out->bits = 32;
	}
	return true;
}

/* "10.0.0.0/8" or a single address. */
static bool
parse_range(char *text, Address *out, int *prefix)
{
	char *slash = strchr(text, '/');
	char *end = NULL;

	if (slash != NULL)
		*slash = '\0';
	if (!parse_address(text, out))
		return false;
	*prefix = out->bits;
	if (slash == NULL)
		return true;
	if (slash[1] < '0' || slash[1] > '9')
		return false;
	*prefix = (int) strtol(slash + 1, &end, 10);
	return *end == '\0' && *prefix >= 0 && *prefix <= out->bits;
}

/* Cuts the next part off a list, without the blanks around it; false at its end. */
static bool
next_part(GwSlice *list, char separator, GwSlice *part)
{
	const char *at;

	if (list->data == NULL)
		return false;
	at = memchr(list->data, separator, list->len);
	*part = (GwSlice){list->data, at ? (size_t) (at - list->data) : list->len};
	*list = at ? (GwSlice){at + 1, list->len - part->len - 1} : (GwSlice){NULL, 0};
	*part = gw_text_trim(*part);
	return true;
}

static bool
copy_part(GwSlice part, char *out, size_t size)
{
	if (part.len == 0 || part.len >= size || memchr(part.data, '\0', part.len) != NULL)
		return false;
	memcpy(out, part.data, part.len);
	out[part.len] = '\0';
	return true;
}

bool
gw_forwarded_proxies_valid(const char *list)
{
	GwSlice rest = {list, strlen(list)};
	GwSlice part;
	Address address;
	int     prefix;
	char    text[GW_ADDRESS_BYTES];

	while (*list != '\0' && next_part(&rest, ',', &part))
		if (!copy_part(part, text, sizeof(text)) || !parse_range(text, &address, &prefix))
			return false;
	return true;
}

static bool
in_range(const Address *address, const Address *range, int prefix)
{
	int whole = prefix / 8;
	int rest = prefix % 8;

	if (address->bits != range->bits || memcmp(address->bytes, range->bytes, (size_t) whole) != 0)
		return false;
	return rest == 0 || ((address->bytes[whole] ^ range->bytes[whole]) >> (8 - rest)) == 0;
}

bool
gw_forwarded_proxies_hold(const char *list, const char *address)
{
	GwSlice rest = {list, strlen(list)};
	GwSlice part;
	Address wanted;
	Address range;
	int     prefix;
	char    text[GW_ADDRESS_BYTES];

	if (*list == '\0' || !parse_address(address, &wanted))
		return false;
	while (next_part(&rest, ',', &part))
		if (copy_part(part, text, sizeof(text)) && parse_range(text, &range, &prefix) &&
			in_range(&wanted, &range, prefix))
			return true;
	return false;
}

/* Is it a field that only proxies add? A name that ends with '-' stands for all that begin with
 * it. */
static bool
is_of_proxy(GwSlice name)
{
	static const char *const names[] = {
		"forwarded",           "via",      "x-forwarded-",   "x-real-ip",        "x-client-ip",
		"x-cluster-client-ip", "x-envoy-", "true-client-ip", "cf-connecting-ip", "x-original-",
		"fastly-client-ip"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		size_t len = strlen(names[i]);

		if (name.len >= len && (name.len == len || names[i][len - 1] == '-') &&
			strncasecmp(name.data, names[i], len) == 0)
			return true;
	}
	return false;
}

/* May a client on this machine call it so: an address, a name without a point, or one of RFC 6761?
 * A name of the network's may be a stranger's, who has it mean this machine: then a page of theirs,
 * in a browser here, would be taken for a program of this machine. */
static bool
is_local_name(GwSlice host)
{
	static const char end[] = ".localhost";
	Address           address;
	char              text[GW_ADDRESS_BYTES];
	size_t            len = strlen(end);

	if (host.len > 0 && host.data[0] == '[')
		return true;
	if (host.len > 0 && memchr(host.data, ':', host.len) != NULL)
		host.len = (size_t) ((const char *) memchr(host.data, ':', host.len) - host.data);
	if (host.len > 0 && host.data[host.len - 1] == '.')
		host.len--;
	if (memchr(host.data, '.', host.len) == NULL)
		return true;
	return (host.len > len && strncasecmp(host.data + host.len - len, end, len) == 0) ||
		   (copy_part(host, text, sizeof(text)) && parse_address(text, &address));
}

bool
gw_forwarded_is_local(const GwHttpHead *head, const char *peer)
{
	for (int i = 0; i < head->header_count; i++)
		if (is_of_proxy(head->headers[i].name))
			return false;
	if (head->host.len > 0 && !is_local_name(head->host))
		return false;
	return gw_forwarded_proxies_hold("127.0.0.0/8, ::1", peer);
}

/* An address that may be in quotes or brackets and have a port: 1.2.3.4:5, "[::1]:5", ::1. */
static bool
take_address(GwSlice text, char out[GW_ADDRESS_BYTES])
{
	Address     address;
	const char *end;

	if (text.len > 1 && text.data[0] == '"' && text.data[text.len - 1] == '"')
		text = (GwSlice){text.data + 1, text.len - 2};
	if (text.len > 0 && text.data[0] == '[')
	{
		end = memchr(text.data, ']', text.len);
		if (end == NULL)
			return false;
		text = (GwSlice){text.data + 1, (size_t) (end - text.data) - 1};
	}
	else if (text.len > 0)
	{
		end = memchr(text.data, ':', text.len);
		if (end != NULL && memchr(end + 1, ':', text.len - (size_t) (end + 1 - text.data)) == NULL)
			text.len = (size_t) (end - text.data);
	}
	return copy_part(text, out, GW_ADDRESS_BYTES) && parse_address(out, &address);
}

/* The address in an element of Forwarded (RFC 7239): for=192.0.2.1;proto=https */
static bool
take_for(GwSlice element, char out[GW_ADDRESS_BYTES])
{
	GwSlice pair;

	while (next_part(&element, ';', &pair))
		if (pair.len > 4 && strncasecmp(pair.data, "for=", 4) == 0)
			return take_address((GwSlice){pair.data + 4, pair.len - 4}, out);
	return false;
}

/*
 * Walks a field's elements from the last, which the nearest proxy added, to the first that is no
 * trusted proxy. Several lines of a field are one list. A broken element ends the walk: what is
 * before it cannot be trusted.
 */
static bool
walk(const GwHttpHead *head, const char *name, const char *proxies, char out[GW_ADDRESS_BYTES])
{
	bool forwarded = name[0] == 'f';
	bool found = false;
	char address[GW_ADDRESS_BYTES];

	for (int i = head->header_count - 1; i >= 0; i--)
	{
		GwSlice value = head->headers[i].value;

		if (!gw_text_slice_is_nocase(head->headers[i].name, name))
			continue;
		for (;;)
		{
			const char *comma = memrchr(value.data, ',', value.len);
			GwSlice     rest = {comma ? comma + 1 : value.data, 0};
			GwSlice     element;

			rest.len = value.len - (size_t) (rest.data - value.data);
			if (!next_part(&rest, ',', &element) ||
				!(forwarded ? take_for(element, address) : take_address(element, address)))
				return found;
			memcpy(out, address, sizeof(address));
			found = true;
			if (!gw_forwarded_proxies_hold(proxies, address))
				return true;
			if (comma == NULL)
				break;
			value.len = (size_t) (comma - value.data);
		}
	}
	return found;
}

void
gw_forwarded_network(const char *address, char out[GW_ADDRESS_BYTES])
{
	Address parsed;

	memset(out, 0, GW_ADDRESS_BYTES);
	if (!parse_address(address, &parsed))
		return;
	if (parsed.bits == 128)
		memset(parsed.bytes + 8, 0, 8);
	inet_ntop(parsed.bits == 32 ? AF_INET : AF_INET6, parsed.bytes, out, GW_ADDRESS_BYTES);
}

bool
gw_forwarded_client(const GwHttpHead *head, const char *proxies, char out[GW_ADDRESS_BYTES])
{
	return walk(head, "x-forwarded-for", proxies, out) || walk(head, "forwarded", proxies, out);
}

bool
gw_forwarded_contradicts(const GwHttpHead *head, const char *proxies)
{
	char    texts[2][GW_ADDRESS_BYTES];
	Address one;
	Address other;

	/* Few requests have a "Forwarded": most end at the first. */
	return walk(head, "forwarded", proxies, texts[1]) &&
		   walk(head, "x-forwarded-for", proxies, texts[0]) &&
		   !(parse_address(texts[0], &one) && parse_address(texts[1], &other) &&
			 one.bits == other.bits && memcmp(one.bytes, other.bytes, (size_t) one.bits / 8) == 0);
}

GwSlice
gw_forwarded_host(const GwHttpHead *head)
{
	GwSlice found = {NULL, 0};
	int     count = 0;

	for (int i = 0; i < head->header_count; i++)
	{
		if (!gw_text_slice_is_nocase(head->headers[i].name, "x-forwarded-host"))
			continue;
		found = head->headers[i].value;
		count++;
	}
	return count == 1 && memchr(found.data, ',', found.len) == NULL ? found : (GwSlice){NULL, 0};
}

GwSlice
gw_forwarded_prefix(const GwHttpHead *head)
{
	for (int i = 0; i < head->header_count; i++)
	{
		GwSlice value = head->headers[i].value;

		if (!gw_text_slice_is_nocase(head->headers[i].name, "x-forwarded-prefix"))
			continue;
		while (value.len > 0 && value.data[value.len - 1] == '/')
			value.len--;
		if (value.len > 0 && value.data[0] == '/')
			return value;
	}
	return (GwSlice){NULL, 0};
}
