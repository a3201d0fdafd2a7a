/*
 * net_loop.h
 *		libcurl's multi interface and its sockets, on the latch of the process.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_NET_LOOP_H
#define ICE_NET_LOOP_H

#include <curl/curl.h>

/* Makes what stays for the life of the process. */
extern void  ice_net_loop_start(void);
extern bool  ice_net_loop_add(CURL *curl);
extern void  ice_net_loop_remove(CURL *curl);
/* Waits until something happens, or so long at most; serves interrupts, which may raise; then lets
 * libcurl work. */
extern void  ice_net_loop_turn(long wait_ms);
/* A request that has ended, with its result; NULL: none more. */
extern CURL *ice_net_loop_ended(CURLcode *result);
/* At the end of a run, also of one that raised: a latch that was set in it is set again, for those
 * who wait for it besides. */
extern void  ice_net_loop_leave(void);
/* Milliseconds of a clock that only goes forward. */
extern int64 ice_net_loop_now(void);

#endif
