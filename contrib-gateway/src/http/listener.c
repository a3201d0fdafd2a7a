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
#include "http/conn.h"
#include "base/log.h"

#define LISTENERS_MAX 16
#define BACKLOG 1024

static struct evconnlistener *listeners[LISTENERS_MAX];
static int	listener_count;
static bool paused;

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer, int len,
		  void *arg)
{
	(void) len;
	(void) arg;
	gw_conn_accept(evconnlistener_get_base(listener), fd, peer);
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

/* "127.0.0.1", "::1", "[::1]" or "*" (both families through IPv6). */
static bool
parse_address(const char *text, struct sockaddr_storage *address, int *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *) address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) address;
	char		host[INET6_ADDRSTRLEN + 2];
	size_t		n = strlen(text);

	memset(address, 0, sizeof(*address));
	if (n == 0 || n >= sizeof(host))
		return false;
	memcpy(host, text, n + 1);
	if (host[0] == '[' && host[n - 1] == ']')
	{
		memmove(host, host + 1, n - 2);
		host[n - 2] = '\0';
	}
	if (strcmp(host, "*") == 0)
		strcpy(host, "::");
	if (inet_pton(AF_INET, host, &in->sin_addr) == 1)
	{
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t) gw_conf.port);
		*len = sizeof(*in);
		return true;
	}
	if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
		return false;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t) gw_conf.port);
	*len = sizeof(*in6);
	return true;
}

/* The port that the kernel chose when the setting is 0. */
static int
bound_port(struct evconnlistener *listener)
{
	struct sockaddr_storage address;
	socklen_t	len = sizeof(address);

	if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *) &address, &len) != 0)
		return 0;
	if (address.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *) &address)->sin_port);
	return ntohs(((struct sockaddr_in6 *) &address)->sin6_port);
}

/* Opens one listening socket. */
static bool
listen_on(struct event_base *base, const char *text)
{
	struct sockaddr_storage address;
	struct evconnlistener *listener;
	int			len;

	if (listener_count == LISTENERS_MAX || !parse_address(text, &address, &len))
	{
		gw_log(GW_ERROR, "cannot listen on \"%s\": not an address", text);
		return false;
	}
	listener = evconnlistener_new_bind(
		base, on_accept, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC,
		BACKLOG, (struct sockaddr *) &address, len);
	if (listener == NULL)
	{
		gw_log(GW_ERROR, "cannot listen on %s port %lld: %s", text, (long long) gw_conf.port,
			   strerror(errno));
		return false;
	}
	evconnlistener_set_error_cb(listener, on_accept_error);
	listeners[listener_count++] = listener;
	gw_log(GW_INFO, "listening on %s port %d", text, bound_port(listener));
	return true;
}

/* Cuts the next address off a list; modifies it. */
static const char *
next_address(char **list)
{
	char	   *text = strsep(list, ",");

	text += strspn(text, " ");
	text[strcspn(text, " ")] = '\0';
	return text;
}

bool
gw_listener_is_valid(const char *addresses)
{
	char	   *copy = gw_strdup(addresses);
	char	   *next = copy;
	bool		good = true;

	while (good && next != NULL)
	{
		struct sockaddr_storage address;
		int			len;

		good = parse_address(next_address(&next), &address, &len);
	}
	free(copy);
	return good;
}

bool
gw_listener_open(struct event_base *base)
{
	char	   *copy = gw_strdup(gw_conf.listen);
	char	   *next = copy;
	bool		good = true;

	while (good && next != NULL)
		good = listen_on(base, next_address(&next));
	free(copy);
	return good;
}

/*
 * A connection that the kernel has made and that nobody accepted is reset when the listening socket closes. So the socket
 * first drops the packets that would begin a new one (a SYN without ACK): their clients try again, and are refused then.
 */
bool
gw_listener_hold_off(void)
{
	static bool done;
	static struct sock_filter code[] = {
		{BPF_LD | BPF_B | BPF_ABS, 0, 0, 13}, /* flags of the TCP header */
		{BPF_ALU | BPF_AND | BPF_K, 0, 0, 0x12},	/* SYN, ACK */
		{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x02}, {BPF_RET | BPF_K, 0, 0, 0}, /* dropped */
		{BPF_RET | BPF_K, 0, 0, 0xFFFFFFFF},
	};
	const struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
	bool		before = done;

	for (int i = 0; i < listener_count && !done; i++)
		if (setsockopt(evconnlistener_get_fd(listeners[i]), SOL_SOCKET, SO_ATTACH_FILTER, &program,
					   sizeof(program)) != 0)
			gw_log(GW_WARNING, "new connections cannot be held off: %s", strerror(errno));
	done = true;
	return before;
}

static void
accept_rest(struct evconnlistener *listener)
{
	struct sockaddr_storage peer;
	socklen_t	len = sizeof(peer);
	int			fd;

	while ((fd = accept4(evconnlistener_get_fd(listener), (struct sockaddr *) &peer, &len,
						 SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
	{
		gw_conn_accept(evconnlistener_get_base(listener), fd, (struct sockaddr *) &peer);
		len = sizeof(peer);
	}
}

void
gw_listener_close(void)
{
	while (listener_count > 0)
	{
		accept_rest(listeners[--listener_count]);
		evconnlistener_free(listeners[listener_count]);
	}
}

void
gw_listener_tick(void)
{
	if (!paused)
		return;
	paused = false;
	for (int i = 0; i < listener_count; i++)
		evconnlistener_enable(listeners[i]);
}
