/*
 * net_loop.c
 *		libcurl's multi interface and its sockets, on the latch of the process. See net_loop.h.
 *
 * libcurl says which sockets to watch and when to call it again. The sockets are in an epoll set,
 * which the process waits for together with its latch; so a session that waits for a store is
 * cancelled as fast as any other.
 *
 * libcurl looks up names in a thread of its own. Every signal is blocked while libcurl works, so
 * that thread starts with all of them blocked: handlers of the server run in its own thread only.
 *
 * No interrupt is served, and nothing is raised, inside of libcurl.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <signal.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/wait_event.h"

#include "errors.h"
#include "net/net_loop.h"

#define CONNECTIONS_KEPT 32L /* open and idle */
#define EVENTS_MAX       64

static CURLM *multi = NULL;
static int    sockets = -1;  /* epoll set */
static int64  timer_at = -1; /* when libcurl wants to be called; -1: it does not */
static bool   latch_was_set;

int64
ice_net_loop_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* -- libcurl's callbacks ----------------------------------------------------------------------- */

/* Watch this socket in another way, or no more. */
static int
watch(CURL *curl pg_attribute_unused(), curl_socket_t fd, int action,
	  void *unused pg_attribute_unused(), void *watched)
{
	static char        yes;
	struct epoll_event event = {.data.fd = fd};

	if (action == CURL_POLL_REMOVE)
	{
		(void) epoll_ctl(sockets, EPOLL_CTL_DEL, fd, NULL);
		curl_multi_assign(multi, fd, NULL);
		return 0;
	}
	event.events = (action & CURL_POLL_IN ? EPOLLIN : 0) | (action & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (epoll_ctl(sockets, watched == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) < 0)
		return -1;
	curl_multi_assign(multi, fd, &yes);
	return 0;
}

static int
set_timer(CURLM *unused pg_attribute_unused(), long timeout_ms,
		  void *also_unused pg_attribute_unused())
{
	timer_at = timeout_ms < 0 ? -1 : ice_net_loop_now() + timeout_ms;
	return 0;
}

/* -- start ------------------------------------------------------------------------------------- */

void
ice_net_loop_start(void)
{
	if (multi != NULL)
		return;
	if (sockets < 0)
		sockets = epoll_create1(EPOLL_CLOEXEC);
	if (sockets < 0)
		ice_raise(ICE_ERR_STORAGE, "could not make an epoll set: %s", strerror(errno));
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (multi = curl_multi_init()) == NULL)
		ice_raise(ICE_ERR_STORAGE, "libcurl could not be started");
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
}

/* -- work -------------------------------------------------------------------------------------- */

static void
block_signals(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
}

static void
restore_signals(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

bool
ice_net_loop_add(CURL *curl)
{
	sigset_t before;
	bool     added;

	block_signals(&before);
	added = curl_multi_add_handle(multi, curl) == CURLM_OK;
	restore_signals(&before);
	return added;
}

void
ice_net_loop_remove(CURL *curl)
{
	sigset_t before;

	block_signals(&before);
	curl_multi_remove_handle(multi, curl);
	restore_signals(&before);
}

CURL *
ice_net_loop_ended(CURLcode *result)
{
	CURLMsg *message;
	int      left;

	while ((message = curl_multi_info_read(multi, &left)) != NULL)
		if (message->msg == CURLMSG_DONE)
		{
			*result = message->data.result;
			return message->easy_handle;
		}
	return NULL;
}

/* Tells libcurl of sockets that are ready, and of the time. */
static void
let_work(void)
{
	struct epoll_event events[EVENTS_MAX];
	sigset_t           before;
	int                running;
	int                count;

	block_signals(&before);
	count = epoll_wait(sockets, events, EVENTS_MAX, 0);
	for (int i = 0; i < count; i++)
	{
		int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
				   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
				   (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

		curl_multi_socket_action(multi, events[i].data.fd, what, &running);
	}
	if (timer_at >= 0 && timer_at <= ice_net_loop_now())
	{
		timer_at = -1;
		curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	restore_signals(&before);
}

void
ice_net_loop_turn(long wait_ms)
{
	int what;

	if (timer_at >= 0)
		wait_ms = Min(wait_ms, (long) Max(timer_at - ice_net_loop_now(), 0));
	what = WaitLatchOrSocket(MyLatch,
							 WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
							 sockets, wait_ms, PG_WAIT_EXTENSION);
	if (what & WL_LATCH_SET)
	{
		ResetLatch(MyLatch);
		latch_was_set = true;
	}
	CHECK_FOR_INTERRUPTS();
	let_work();
}

/* What the latch was set for besides is for the caller to find. */
void
ice_net_loop_leave(void)
{
	if (latch_was_set)
		SetLatch(MyLatch);
	latch_was_set = false;
}
