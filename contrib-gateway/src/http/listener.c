/*
 * listener.c
 *		Listening sockets. See listener.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <event2/listener.h>

#include "base/conf.h"
#include "http/clients.h"
#include "base/log.h"

#define LISTENERS_MAX 16
#define BACKLOG       1024

typedef struct GwListener
{
	struct evconnlistener *socket;
	GwService              service;
} GwListener;

static GwListener listeners[LISTENERS_MAX];
static int        listener_count;
static bool       paused;

static void
on_accept(struct evconnlistener *socket, evutil_socket_t fd, struct sockaddr *peer, int len,
		  void *arg)
{
	GwListener *listener = arg;

	(void) socket;
	(void) len;
	gw_clients_accept(&listener->service, fd, peer);
}

/* Out of descriptors: the next tick tries again, the kernel's backlog waits so long. */
static void
on_accept_error(struct evconnlistener *listener, void *arg)
{
	(void) arg;
	gw_log(GW_ERROR, "cannot accept a connection: %s", strerror(errno));
	evconnlistener_disable(listener);
	paused = true;
}

/* Cuts ":8181" off the end of a host, or leaves the port as it is. An IPv6 address with a port is
 * in brackets. */
static bool
take_port(char *host, uint16_t *port)
{
	char         *colon = strrchr(host, ':');
	char         *end;
	unsigned long number;

	if (colon == NULL || (host[0] != '[' && strchr(host, ':') != colon) ||
		(host[0] == '[' && colon[-1] != ']'))
		return true; /* none, or a colon of the address itself */
	number = strtoul(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || number > UINT16_MAX)
		return false;
	*port = (uint16_t) number;
	*colon = '\0';
	return true;
}

static void
strip_brackets(char *host)
{
	size_t n = strlen(host);

	if (n < 2 || host[0] != '[' || host[n - 1] != ']')
		return;
	memmove(host, host + 1, n - 2);
	host[n - 2] = '\0';
}

/* Cuts the scheme off an address; is it https? */
static bool
take_scheme(const char **text)
{
	bool tls = strncmp(*text, "https://", 8) == 0;

	if (tls)
		*text += 8;
	else if (strncmp(*text, "http://", 7) == 0)
		*text += 7;
	return tls;
}

/* "127.0.0.1", "::1", "[::1]" or "*" (both families through IPv6), and ":8181" after it for a port
 * of its own. */
static bool
parse_address(const char *text, struct sockaddr_storage *address, int *len)
{
	struct sockaddr_in  *in = (struct sockaddr_in *) address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) address;
	char                 host[INET6_ADDRSTRLEN + sizeof("[]:65535")];
	uint16_t             port = (uint16_t) gw_conf.port;
	size_t               n = strlen(text);

	memset(address, 0, sizeof(*address));
	if (n == 0 || n >= sizeof(host))
		return false;
	memcpy(host, text, n + 1);
	if (!take_port(host, &port))
		return false;
	strip_brackets(host);
	if (inet_pton(AF_INET, host, &in->sin_addr) == 1)
	{
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		*len = sizeof(*in);
		return true;
	}
	if (inet_pton(AF_INET6, strcmp(host, "*") == 0 ? "::" : host, &in6->sin6_addr) != 1)
		return false;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	*len = sizeof(*in6);
	return true;
}

static int
port_of(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *) address)->sin_port);
	return ntohs(((const struct sockaddr_in6 *) address)->sin6_port);
}

/* The port that the kernel chose when the setting is 0. */
static int
bound_port(struct evconnlistener *listener)
{
	struct sockaddr_storage address;
	socklen_t               len = sizeof(address);

	if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *) &address, &len) != 0)
		return 0;
	return port_of(&address);
}

/* Opens one listening socket. */
static bool
listen_on(const GwService *service, const char *text)
{
	GwListener             *listener = &listeners[listener_count];
	struct sockaddr_storage address;
	const char             *host = text;
	bool                    tls = take_scheme(&host);
	int                     len;

	if (listener_count == LISTENERS_MAX || !parse_address(host, &address, &len))
	{
		gw_log(GW_ERROR, "cannot listen on \"%s\": not an address", text);
		return false;
	}
	listener->service = *service;
	listener->service.tls = tls;
	listener->socket =
		evconnlistener_new_bind(service->base, on_accept, listener,
								LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC,
								BACKLOG, (struct sockaddr *) &address, len);
	if (listener->socket == NULL)
	{
		gw_log(GW_ERROR, "cannot listen on %s port %d: %s", text, port_of(&address),
			   strerror(errno));
		return false;
	}
	evconnlistener_set_error_cb(listener->socket, on_accept_error);
	listener_count++;
	gw_log(GW_INFO, "listening on %s port %d", text, bound_port(listener->socket));
	return true;
}

/* Cuts the next address off a list; modifies it. */
static const char *
next_address(char **list)
{
	char *text = strsep(list, ",");

	text += strspn(text, " ");
	text[strcspn(text, " ")] = '\0';
	return text;
}

bool
gw_listener_is_valid(const char *addresses)
{
	char *copy = gw_strdup(addresses);
	char *next = copy;
	bool  good = true;

	while (good && next != NULL)
	{
		struct sockaddr_storage address;
		const char             *text = next_address(&next);
		int                     len;

		take_scheme(&text);
		good = parse_address(text, &address, &len);
	}
	free(copy);
	return good;
}

bool
gw_listener_uses_tls(const char *addresses)
{
	char *copy = gw_strdup(addresses);
	char *next = copy;
	bool  tls = false;

	while (!tls && next != NULL)
	{
		const char *text = next_address(&next);

		tls = take_scheme(&text);
	}
	free(copy);
	return tls;
}

bool
gw_listener_open(const GwService *service)
{
	char *copy = gw_strdup(gw_conf.listen);
	char *next = copy;
	bool  good = true;

	while (good && next != NULL)
		good = listen_on(service, next_address(&next));
	free(copy);
	return good;
}

static bool
is_local(const GwListener *listener)
{
	struct sockaddr_storage    address;
	socklen_t                  len = sizeof(address);
	const struct sockaddr_in  *in = (const struct sockaddr_in *) &address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) &address;

	if (getsockname(evconnlistener_get_fd(listener->socket), (struct sockaddr *) &address, &len) !=
		0)
		return false;
	return address.ss_family == AF_INET ? ntohl(in->sin_addr.s_addr) >> 24 == 127
										: IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

bool
gw_listener_is_local(void)
{
	for (int i = 0; i < listener_count; i++)
		if (!is_local(&listeners[i]))
			return false;
	return true;
}

bool
gw_listener_is_open(void)
{
	for (int i = 0; i < listener_count; i++)
		if (!listeners[i].service.tls && !is_local(&listeners[i]))
			return true;
	return false;
}

/*
 * A connection that the kernel has made and that nobody accepted is reset when the listening socket
 * closes. So the socket first drops the packets that would begin a new one (a SYN without ACK):
 * their clients try again, and are refused then.
 */
bool
gw_listener_hold_off(void)
{
	static bool               done;
	static struct sock_filter code[] = {
		{BPF_LD | BPF_B | BPF_ABS, 0, 0, 13},    /* flags of the TCP header */
		{BPF_ALU | BPF_AND | BPF_K, 0, 0, 0x12}, /* SYN, ACK */
		{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x02}, {BPF_RET | BPF_K, 0, 0, 0}, /* dropped */
		{BPF_RET | BPF_K, 0, 0, 0xFFFFFFFF},
	};
	const struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
	bool                    before = done;

	for (int i = 0; i < listener_count && !done; i++)
		if (setsockopt(evconnlistener_get_fd(listeners[i].socket), SOL_SOCKET, SO_ATTACH_FILTER,
					   &program, sizeof(program)) != 0)
			gw_log(GW_WARNING, "new connections cannot be held off: %s", strerror(errno));
	done = true;
	return before;
}

static void
accept_rest(const GwListener *listener)
{
	struct sockaddr_storage peer;
	socklen_t               len = sizeof(peer);
	int                     fd;

	while ((fd = accept4(evconnlistener_get_fd(listener->socket), (struct sockaddr *) &peer, &len,
						 SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
	{
		gw_clients_accept(&listener->service, fd, (struct sockaddr *) &peer);
		len = sizeof(peer);
	}
}

void
gw_listener_close(void)
{
	while (listener_count > 0)
	{
		accept_rest(&listeners[--listener_count]);
		evconnlistener_free(listeners[listener_count].socket);
	}
}

void
gw_listener_tick(void)
{
	if (!paused)
		return;
	paused = false;
	for (int i = 0; i < listener_count; i++)
		evconnlistener_enable(listeners[i].socket);
}
