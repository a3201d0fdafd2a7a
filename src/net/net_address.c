/*
 * net_address.c
 *		Which addresses a call may go to. See net_address.h.
 *
 * Endpoints are given by tenants. What a name leads to is looked at when the socket is opened, so
 * neither a name that changes its address nor an unusual spelling of one gets around this.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json/pure.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "net/net_address.h"

#define NEVER (ICE_NET_PRIVATE | ICE_NET_METADATA | 4) /* more than a reach can have */

/* A block of addresses and the reach that it needs; the first block that fits decides. */
typedef struct Block4
{
	uint32_t address;
	int      bits;
	int      needs;
} Block4;

static const Block4 blocks4[] = {
	{0x646464c8, 32, ICE_NET_METADATA}, /* 100.100.100.200 */
	{0xa83f8110, 32, ICE_NET_METADATA}, /* 168.63.129.16 */
	{0xa9fe0000, 16, ICE_NET_METADATA}, /* 169.254.0.0: link-local */
	{0x00000000, 8, NEVER},             /* 0.0.0.0 */
	{0x0a000000, 8, ICE_NET_PRIVATE},   /* 10.0.0.0 */
	{0x64400000, 10, ICE_NET_PRIVATE},  /* 100.64.0.0: shared by carriers */
	{0x7f000000, 8, ICE_NET_PRIVATE},   /* 127.0.0.0: this machine */
	{0xac100000, 12, ICE_NET_PRIVATE},  /* 172.16.0.0 */
	{0xc0000000, 24, NEVER},            /* 192.0.0.0: protocols */
	{0xc0a80000, 16, ICE_NET_PRIVATE},  /* 192.168.0.0 */
	{0xc6120000, 15, ICE_NET_PRIVATE},  /* 198.18.0.0: benchmarks */
	{0xe0000000, 3, NEVER},             /* multicast, reserved, broadcast */
};

/* Addresses of cloud metadata that are no link-local ones. */
static const uint8_t metadata6[16] = {0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0,    0,
									  0,    0,    0,    0,    0, 0, 0x02, 0x54};
static const uint8_t mapped6[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
static const uint8_t zeros[16] = {0};

static int
needs4(uint32_t address)
{
	for (size_t i = 0; i < lengthof(blocks4); i++)
		if ((address ^ blocks4[i].address) >> (32 - blocks4[i].bits) == 0)
			return blocks4[i].needs;
	return ICE_NET_PUBLIC;
}

static uint32_t
embedded4(const uint8_t *bytes)
{
	return (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 | (uint32_t) bytes[2] << 8 |
		   bytes[3];
}

static int
needs6(const uint8_t *bytes)
{
	if (memcmp(bytes, mapped6, 12) == 0 || memcmp(bytes, nat64, 12) == 0)
		return needs4(embedded4(bytes + 12));
	if (bytes[0] == 0x20 && bytes[1] == 0x02) /* 6to4 */
		return needs4(embedded4(bytes + 2));
	if (memcmp(bytes, zeros, 15) == 0 && bytes[15] == 1)
		return ICE_NET_PRIVATE;
	if (memcmp(bytes, metadata6, 16) == 0)
		return ICE_NET_METADATA;
	if (memcmp(bytes, zeros, 12) == 0 || bytes[0] == 0xff)
		return NEVER;
	if ((bytes[0] & 0xfe) == 0xfc)
		return ICE_NET_PRIVATE;
	return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80 ? ICE_NET_METADATA : ICE_NET_PUBLIC;
}

static bool
is_within(int needs, int reach)
{
	return (needs & reach) == needs;
}

bool
ice_net_address_allowed(const struct sockaddr *address, int reach)
{
	if (address->sa_family == AF_INET)
		return is_within(needs4(ntohl(((const struct sockaddr_in *) address)->sin_addr.s_addr)),
						 reach);
	if (address->sa_family == AF_INET6)
		return is_within(needs6(((const struct sockaddr_in6 *) address)->sin6_addr.s6_addr), reach);
	return false;
}

bool
ice_net_address_text_allowed(const char *address, int reach)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, address, bytes) == 1)
		return is_within(needs4(embedded4(bytes)), reach);
	return inet_pton(AF_INET6, address, bytes) == 1 && is_within(needs6(bytes), reach);
}
