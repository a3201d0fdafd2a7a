/*
 * link.c
 *		A keep-alive connection; see link.h.
 *
 * It is opened with the first request, and again after it was closed. Answers have a Content-Length
 * or no body; another framing counts as a broken connection, and so does an answer over the limit.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "link.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES_FIRST 8192
#define ANSWER_BYTES_MAX   (64 << 20)

struct Link
{
	struct event_base        *base;
	const struct sockaddr_in *to;
	LinkDone                  done;
	void                     *owner;
	int                       fd;
	struct event             *readable;
	struct event             *writable;
	char                     *out;
	size_t                    out_cap, out_len, out_sent;
	char                     *in;
	size_t                    in_cap, in_len;
	size_t                    head_len, body_len; /* once the head is there */
	Answer                    answer;
	bool                      busy, closes;
};

static void
close_socket(Link *link)
{
	if (link->fd < 0)
		return;
	event_free(link->readable);
	event_free(link->writable);
	close(link->fd);
	link->fd = -1;
}

/* The request is over; its owner may send the next one at once. */
static void
finish(Link *link, bool broken)
{
	Answer answer = link->answer;

	if (broken || link->closes)
		close_socket(link);
	if (!link->busy)
		return;
	link->busy = false;
	link->done(link->owner, broken ? NULL : &answer);
}

/* Makes room for so many bytes of an answer, and a zero byte. */
static bool
reserve(Link *link, size_t bytes)
{
	if (bytes < link->in_cap)
		return true;
	if (bytes > ANSWER_BYTES_MAX)
		return false;
	link->in_cap = bytes + bytes / 2 + 1;
	link->in = realloc(link->in, link->in_cap);
	if (link->in == NULL)
		err(1, "memory");
	return true;
}

/* The value of a field, or NULL. The head ends with a zero byte. */
static const char *
field(const char *head, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = strchr(head, '\n'); line != NULL; line = strchr(line, '\n'))
	{
		line++;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			return line + len + 1;
	}
	return NULL;
}

/* Reads the head if it is whole. False: it is none that this program understands. */
static bool
read_head(Link *link)
{
	char       *end = memmem(link->in, link->in_len, "\r\n\r\n", 4);
	const char *value;

	if (end == NULL)
		return true;
	*end = '\0';
	link->head_len = (size_t) (end + 4 - link->in);
	if (strncmp(link->in, "HTTP/1.1 ", 9) != 0)
		return false;
	link->answer.status = atoi(link->in + 9);
	value = field(link->in, "retry-after");
	link->answer.retry_after_s = value ? atoi(value) : -1;
	value = field(link->in, "connection");
	link->closes = value != NULL && strncasecmp(value + strspn(value, " "), "close", 5) == 0;
	value = field(link->in, "content-length");
	if (value != NULL && link->answer.status != 304)
		link->body_len = strtoul(value, NULL, 10);
	else if (link->answer.status != 204 && link->answer.status != 304)
		return false;
	return reserve(link, link->head_len + link->body_len);
}

static void
on_readable(int fd, short what, void *arg)
{
	Link   *link = arg;
	ssize_t n;

	(void) what;
	if (!reserve(link, link->in_len + ANSWER_BYTES_FIRST))
	{
		finish(link, true);
		return;
	}
	n = recv(fd, link->in + link->in_len, link->in_cap - link->in_len - 1, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
	{
		finish(link, true);
		return;
	}
	link->in_len += (size_t) n;
	if (link->head_len == 0 && !read_head(link))
	{
		finish(link, true);
		return;
	}
	if (link->head_len == 0 || link->in_len < link->head_len + link->body_len)
		return;
	link->in[link->in_len] = '\0';
	link->answer.body = link->in + link->head_len;
	link->answer.body_len = link->body_len;
	finish(link, false);
}

static void
on_writable(int fd, short what, void *arg)
{
	Link   *link = arg;
	ssize_t n = send(fd, link->out + link->out_sent, link->out_len - link->out_sent, MSG_NOSIGNAL);

	(void) what;
	if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN)
	{
		finish(link, true);
		return;
	}
	link->out_sent += n > 0 ? (size_t) n : 0;
	if (link->out_sent < link->out_len)
		event_add(link->writable, NULL);
}

static void
open_socket(Link *link)
{
	int one = 1;

	link->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (link->fd < 0)
		err(1, "socket");
	setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	link->readable = event_new(link->base, link->fd, EV_READ | EV_PERSIST, on_readable, link);
	link->writable = event_new(link->base, link->fd, EV_WRITE, on_writable, link);
	event_add(link->readable, NULL);
	if (connect(link->fd, (const struct sockaddr *) link->to, sizeof(*link->to)) != 0 &&
		errno != EINPROGRESS)
		err(1, "connect");
}

Link *
link_create(struct event_base *base, const struct sockaddr_in *to, LinkDone done, void *owner)
{
	Link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		err(1, "memory");
	link->base = base;
	link->to = to;
	link->done = done;
	link->owner = owner;
	link->fd = -1;
	return link;
}

void
link_free(Link *link)
{
	close_socket(link);
	free(link->in);
	free(link->out);
	free(link);
}

char *
link_request(Link *link, size_t bytes)
{
	if (bytes > link->out_cap)
	{
		link->out_cap = bytes;
		link->out = realloc(link->out, bytes);
		if (link->out == NULL)
			err(1, "memory");
	}
	return link->out;
}

void
link_send(Link *link, size_t len)
{
	bool fresh = link->fd < 0;

	link->out_len = len;
	link->out_sent = link->in_len = link->head_len = link->body_len = 0;
	link->busy = true;
	link->closes = false;
	if (fresh)
	{
		open_socket(link);
		event_add(link->writable, NULL);
	}
	else
		on_writable(link->fd, EV_WRITE, link);
}
