/*
 * link.h
 *		A keep-alive connection of the load generator: one request, one answer.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef LINK_H
#define LINK_H

#include <event2/event.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct Link Link;

typedef struct Answer
{
	int         status;
	int         retry_after_s; /* -1: none was said */
	const char *body;          /* ends with a zero byte */
	size_t      body_len;
} Answer;

/* answer is NULL where the connection broke. */
typedef void (*LinkDone)(void *owner, const Answer *answer);

Link *link_create(struct event_base *base, const struct sockaddr_in *to, LinkDone done,
				  void *owner);
void  link_free(Link *link);

/* Memory for a request of up to so many bytes; link_send() says how long it is, and sends it. */
char *link_request(Link *link, size_t bytes);
void  link_send(Link *link, size_t len);

#endif
