/*
 * notify.h
 *		Tells systemd how the process fares, as sd_notify(3) does: a datagram to the socket in
 *		NOTIFY_SOCKET. Without that variable nothing is done.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_NOTIFY_H
#define GW_NOTIFY_H

#include <stdint.h>

extern void gw_notify_ready(void);
extern void gw_notify_reloading(void);
extern void gw_notify_stopping(void);

/* Once per tick: the watchdog's half time. */
extern void gw_notify_tick(uint64_t now_us);

#endif
