/*
 * notify.c
 *		Words to systemd; see notify.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "ops/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* A path, or an abstract name that is written with '@' for the first byte. */
static void
notify(const char *state)
{
	const char        *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t             len = path ? strlen(path) : 0;
	int                fd;

	if (len < 2 || len >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
		sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *) &address,
			   (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		gw_log(GW_WARNING, "systemd cannot be told: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

void
gw_notify_ready(void)
{
	notify("READY=1");
}

void
gw_notify_reloading(void)
{
	char text[64];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
			 (unsigned long long) gw_clock_us());
	notify(text);
}

void
gw_notify_stopping(void)
{
	notify("STOPPING=1");
}

void
gw_notify_tick(uint64_t now)
{
	static uint64_t next;
	static uint64_t period;
	static int      asked;

	if (!asked)
	{
		const char *usec = getenv("WATCHDOG_USEC");
		const char *pid = getenv("WATCHDOG_PID");

		asked = 1;
		if (usec != NULL && (pid == NULL || strtol(pid, NULL, 10) == (long) getpid()))
			period = strtoull(usec, NULL, 10) / 2;
	}
	if (period == 0 || now < next)
		return;
	next = now + period;
	notify("WATCHDOG=1");
}
