/*
 * drive.c
 *		The load generator of the benchmark: clients that read and commit over HTTP, and one line of
 *		JSON with what came of it.
 *
 * One process, one thread. Each client has a connection and one operation at a time. What is
 * counted as done ended within the time; changes under way at its end are waited for, so that what
 * was acknowledged can be compared with what is there.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "work.h"

#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LATENCIES_FIRST 65536
#define TICK_US         1000
#define END_WAIT_S      60 /* for operations under way */

static Options            options;
static Counts             counts;
static struct event_base *base;
static struct sockaddr_in address;
static Client            *clients;
static int                busy; /* clients within an operation */
static int               *idle; /* the others, where operations begin at a rate */
static int                idle_count;
static uint64_t           begin_us, end_us;
static uint64_t           due;  /* operations that were to begin so far */
static uint64_t           late; /* of them, those that had no client */
static uint32_t          *latencies;
static size_t             latency_count, latency_cap;

static uint64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static void
note_latency(uint64_t us)
{
	if (latency_count == latency_cap)
	{
		latency_cap = latency_cap ? latency_cap * 2 : LATENCIES_FIRST;
		latencies = realloc(latencies, latency_cap * sizeof(*latencies));
		if (latencies == NULL)
			err(1, "memory");
	}
	latencies[latency_count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t) us;
}

static void
begin(Client *client, uint64_t at)
{
	client->began_us = at;
	busy++;
	work_begin(client);
}

static void
stop_if_over(void)
{
	if (busy == 0 && now_us() >= end_us)
		event_base_loopexit(base, NULL);
}

/* An operation ended; or a look at a table beforehand, all of which come before the first. */
static void
over(Client *client, bool good)
{
	uint64_t now = now_us();

	busy--;
	if (client->preparing)
	{
		if (work_prepare(client))
			busy++;
		else if (busy == 0)
			event_base_loopexit(base, NULL);
		return;
	}
	if (good && now < end_us)
	{
		counts.done++;
		note_latency(now - client->began_us);
	}
	if (options.rate > 0)
		idle[idle_count++] = client->number;
	else if (now < end_us)
	{
		begin(client, now);
		return;
	}
	stop_if_over();
}

/* Begins what is due by now. */
static void
on_tick(int fd, short what, void *arg)
{
	uint64_t now = now_us();
	uint64_t until = now < end_us ? now : end_us;
	uint64_t sum = (uint64_t) ((double) (until - begin_us) / 1e6 * options.rate);

	(void) fd;
	(void) what;
	(void) arg;
	for (; due < sum; due++)
	{
		if (idle_count == 0)
			late++;
		else
			begin(&clients[idle[--idle_count]], now);
	}
	stop_if_over();
}

static void
on_end(int fd, short what, void *arg)
{
	(void) fd;
	(void) what;
	(void) arg;
	for (int i = 0; i < options.clients; i++)
		clients[i].stopping = true;
	stop_if_over();
}

static void
on_too_long(int fd, short what, void *arg)
{
	(void) fd;
	(void) what;
	(void) arg;
	event_base_loopexit(base, NULL);
}

/* Lets each client look at its tables. */
static void
prepare(void)
{
	for (int i = 0; i < options.clients; i++)
		if (work_prepare(&clients[i]))
			busy++;
	if (busy > 0)
		event_base_dispatch(base);
	if (counts.wrong + counts.broken > 0)
		errx(1, "before the start: %llu wrong answers, %llu broken connections: %s",
			 (unsigned long long) counts.wrong, (unsigned long long) counts.broken,
			 counts.first_wrong);
	memset(&counts, 0, sizeof(counts));
}

static struct timeval
timeval_of(double seconds)
{
	return (struct timeval){(time_t) seconds, (suseconds_t) ((seconds - (time_t) seconds) * 1e6)};
}

static void
run(void)
{
	struct timeval end = timeval_of(options.seconds);
	struct timeval longest = timeval_of(options.seconds + END_WAIT_S);
	struct timeval tick = {0, TICK_US};
	struct event *timers[] = {evtimer_new(base, on_end, NULL), evtimer_new(base, on_too_long, NULL),
							  event_new(base, -1, EV_PERSIST, on_tick, NULL)};

	begin_us = now_us();
	end_us = begin_us + (uint64_t) (options.seconds * 1e6);
	evtimer_add(timers[0], &end);
	evtimer_add(timers[1], &longest);
	if (options.rate > 0)
		event_add(timers[2], &tick);
	for (int i = 0; i < options.clients; i++)
	{
		if (options.rate > 0)
			idle[idle_count++] = options.clients - 1 - i;
		else
			begin(&clients[i], begin_us);
	}
	event_base_dispatch(base);
	for (int i = 0; i < 3; i++)
		event_free(timers[i]);
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

	return x < y ? -1 : x > y;
}

static double
percentile_ms(int percent)
{
	if (latency_count == 0)
		return 0;
	return latencies[(latency_count - 1) * (size_t) percent / 100] / 1000.0;
}

static void
report(void)
{
	struct timespec cpu;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	if (latency_count > 0)
		qsort(latencies, latency_count, sizeof(*latencies), compare);
	printf("{\"seconds\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, "
		   "\"own_cpu_ms\": %.1f, \"begun\": %llu, \"late\": %llu, \"unfinished\": %d",
		   options.seconds, percentile_ms(50), percentile_ms(99), percentile_ms(100),
		   (double) cpu.tv_sec * 1e3 + (double) cpu.tv_nsec / 1e6, (unsigned long long) due,
		   (unsigned long long) late, busy);
#define COUNT(name) printf(", \"" #name "\": %llu", (unsigned long long) counts.name)
	COUNT(done);
	COUNT(landed);
	COUNT(loads);
	COUNT(refused);
	COUNT(turned_away);
	COUNT(bare);
	COUNT(given_up);
	COUNT(wrong);
	COUNT(broken);
#undef COUNT
	printf(", \"first_wrong\": \"%s\"}\n", counts.first_wrong);
}

int
main(int argc, char **argv)
{
	options_read(&options, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	clients = calloc((size_t) options.clients, sizeof(*clients));
	idle = calloc((size_t) options.clients, sizeof(*idle));
	if (base == NULL || clients == NULL || idle == NULL)
		err(1, "memory");
	address = (struct sockaddr_in){.sin_family = AF_INET,
								   .sin_port = htons((uint16_t) options.port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < options.clients; i++)
	{
		clients[i] = (Client){.options = &options, .counts = &counts, .over = over, .number = i};
		work_init(&clients[i], base, &address);
	}
	prepare();
	run();
	report();
	for (int i = 0; i < options.clients; i++)
		work_free(&clients[i]);
	free(clients);
	free(idle);
	free(latencies);
	event_base_free(base);
	return 0;
}
