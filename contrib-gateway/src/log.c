/*
 * log.c
 *		JSON log lines, written in batches. See log.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "conf.h"
#include "limits.h"

typedef struct Sink
{
	int			fd;				/* -1: nothing is written */
	GwText		pending;
} Sink;

static Sink messages = {STDERR_FILENO, {0}};
static Sink accesses = {STDERR_FILENO, {0}};
static uint64_t lost_lines;

/* Opens the place that a setting names; "off" is -1 as well. */
static bool
open_sink(Sink *sink, const char *where)
{
	int			fd;

	if (strcmp(where, "off") == 0)
		fd = -1;
	else if (strcmp(where, "stderr") == 0)
		fd = STDERR_FILENO;
	else
	{
		fd = open(where, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
		if (fd < 0)
		{
			gw_log(GW_ERROR, "cannot open log file \"%s\": %s", where, strerror(errno));
			return false;
		}
	}
	if (sink->fd > STDERR_FILENO)
		close(sink->fd);
	sink->fd = fd;
	return true;
}

bool
gw_log_open(void)
{
	bool		good;

	gw_log_flush();
	good = open_sink(&messages, gw_conf.log);
	return open_sink(&accesses, gw_conf.access_log) && good;
}

/* Writes what is pending. A pipe that is full loses lines rather than time. */
static void
flush_sink(Sink *sink)
{
	size_t		at = 0;

	while (sink->fd >= 0 && at < sink->pending.len)
	{
		ssize_t		n = write(sink->fd, sink->pending.data + at, sink->pending.len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
		{
			for (; at < sink->pending.len; at++)
				lost_lines += sink->pending.data[at] == '\n';
			break;
		}
		at += (size_t) n;
	}
	sink->pending.len = 0;
}

void
gw_log_flush(void)
{
	flush_sink(&messages);
	flush_sink(&accesses);
}

uint64_t
gw_log_lost(void)
{
	return lost_lines;
}

/* {"time":"2026-01-31T12:00:00.123Z" — the part up to the second is made once a second. */
static void
begin_line(GwText *line)
{
	static time_t second = -1;
	static char prefix[48];
	static size_t prefix_len;
	struct timespec now;
	char		ms[4];

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != second)
	{
		struct tm	tm;

		gmtime_r(&now.tv_sec, &tm);
		prefix_len = strftime(prefix, sizeof(prefix), "{\"time\":\"%Y-%m-%dT%H:%M:%S.", &tm);
		second = now.tv_sec;
	}
	ms[0] = (char) ('0' + now.tv_nsec / 100000000);
	ms[1] = (char) ('0' + now.tv_nsec / 10000000 % 10);
	ms[2] = (char) ('0' + now.tv_nsec / 1000000 % 10);
	ms[3] = 'Z';
	gw_text_add(line, prefix, prefix_len);
	gw_text_add(line, ms, sizeof(ms));
	gw_text_putc(line, '"');
}

static void
end_line(Sink *sink)
{
	gw_text_add(&sink->pending, "}\n", 2);
	if (sink->pending.len > GW_LOG_BUFFER_BYTES)
		flush_sink(sink);
}

static void
log_message(GwLogLevel level, const char *request_id, const char *format, va_list args)
{
	static const char *const names[] = {"debug", "info", "warning", "error"};
	char		message[1024];
	GwText	   *line = &messages.pending;

	if ((int) level < gw_conf.log_level || messages.fd < 0)
		return;
	vsnprintf(message, sizeof(message), format, args);
	begin_line(line);
	gw_text_printf(line, ",\"level\":\"%s\",\"message\":", names[level]);
	gw_text_json(line, message, strlen(message));
	if (request_id != NULL)
		gw_text_printf(line, ",\"request_id\":\"%s\"", request_id);
	end_line(&messages);
}

void
gw_log(GwLogLevel level, const char *format, ...)
{
	va_list		args;

	va_start(args, format);
	log_message(level, NULL, format, args);
	va_end(args);
}

void
gw_log_request(GwLogLevel level, const char *request_id, const char *format, ...)
{
	va_list		args;

	va_start(args, format);
	log_message(level, request_id, format, args);
	va_end(args);
}

/* ,"name":12.345 — microseconds as milliseconds */
static void
put_ms(GwText *line, const char *name, uint64_t us)
{
	char		fraction[4] = {'.', (char) ('0' + us / 100 % 10), (char) ('0' + us / 10 % 10),
							   (char) ('0' + us % 10)};

	gw_text_puts(line, name);
	gw_text_uint(line, us / 1000);
	gw_text_add(line, fraction, sizeof(fraction));
}

static void
put_string(GwText *line, const char *name, const char *value)
{
	gw_text_puts(line, name);
	gw_text_json(line, value, strlen(value));
}

static void
put_number(GwText *line, const char *name, uint64_t value)
{
	gw_text_puts(line, name);
	gw_text_uint(line, value);
}

void
gw_log_access(const GwAccessLine *access)
{
	GwText	   *line = &accesses.pending;

	if (accesses.fd < 0)
		return;
	gw_text_reserve(line, 512);
	begin_line(line);
	put_string(line, ",\"request_id\":", access->request_id);
	put_string(line, ",\"method\":", access->method);
	gw_text_puts(line, ",\"path\":");
	gw_text_json(line, access->path.data ? access->path.data : "", access->path.len);
	put_string(line, ",\"operation\":", access->operation);
	put_number(line, ",\"status\":", (uint64_t) access->status);
	put_number(line, ",\"bytes_in\":", access->bytes_in);
	put_number(line, ",\"bytes\":", access->bytes_out);
	put_ms(line, ",\"duration_ms\":", access->duration_us);
	put_ms(line, ",\"wait_ms\":", access->wait_us);
	put_ms(line, ",\"db_ms\":", access->db_us);
	put_string(line, ",\"client\":", access->client);
	end_line(&accesses);
}
