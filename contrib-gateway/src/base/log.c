/*
 * log.c
 *		JSON log lines, written in batches. See log.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/limits.h"

#define GW_LOG_MESSAGE_BYTES 1024

typedef struct Sink
{
	int    fd;   /* -1: nothing is written */
	mode_t type; /* S_IFREG, S_IFIFO ... */
	size_t line; /* where the line under way starts */
	GwText pending;
} Sink;

static Sink     messages = {STDERR_FILENO, S_IFREG, 0, {0}};
static Sink     accesses = {STDERR_FILENO, S_IFREG, 0, {0}};
static uint64_t lost_lines;

/* A warning that was said, and is counted while it is repeated. */
typedef struct Said
{
	uint64_t   hash; /* of its text; 0: a free place */
	uint64_t   since_us;
	uint64_t   count; /* of those held back */
	GwLogLevel level;
	char       message[GW_LOG_MESSAGE_BYTES];
} Said;

static Said said[GW_LOG_WARNINGS_MAX];

/* Opens the place that a setting names; "off" is -1 as well. */
static bool
open_sink(Sink *sink, const char *where)
{
	struct stat status;
	int         fd;

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
	sink->type = fd >= 0 && fstat(fd, &status) == 0 ? status.st_mode & S_IFMT : S_IFREG;
	return true;
}

bool
gw_log_open(void)
{
	bool good;

	gw_log_flush();
	good = open_sink(&messages, gw_conf.log);
	return open_sink(&accesses, gw_conf.access_log) && good;
}

/*
 * As write(2), but never waits for the reader of a pipe or socket. The flag O_NONBLOCK will not do:
 * it would be set for all who share the descriptor, such as the shell.
 */
static ssize_t
write_some(const Sink *sink, const char *data, size_t len)
{
	struct pollfd room = {sink->fd, POLLOUT, 0};

	if (sink->type == S_IFSOCK)
		return send(sink->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sink->type != S_IFIFO)
		return write(sink->fd, data, len);
	if (poll(&room, 1, 0) <= 0)
	{
		errno = EAGAIN;
		return -1;
	}
	return write(sink->fd, data, len < PIPE_BUF ? len : PIPE_BUF);
}

/* Drops what is pending and counts its lines. */
static void
lose_pending(Sink *sink)
{
	for (size_t i = 0; i < sink->pending.len; i++)
		lost_lines += sink->pending.data[i] == '\n';
	sink->pending.len = 0;
}

/* Writes what is pending, as far as the reader takes it. */
static void
flush_sink(Sink *sink)
{
	size_t at = 0;

	while (sink->fd >= 0 && at < sink->pending.len)
	{
		ssize_t n = write_some(sink, sink->pending.data + at, sink->pending.len - at);

		if (n >= 0)
			at += (size_t) n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
		{
			lose_pending(sink);
			return;
		}
	}
	sink->pending.len -= at;
	if (at > 0)
		memmove(sink->pending.data, sink->pending.data + at, sink->pending.len);
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
begin_line(Sink *sink)
{
	GwText         *line = &sink->pending;
	static time_t   second = -1;
	static char     prefix[48];
	static size_t   prefix_len;
	struct timespec now;
	char            ms[4];

	sink->line = line->len;
	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != second)
	{
		struct tm tm;

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
	if (sink->pending.len > GW_LOG_BUFFER_BYTES && sink->line <= GW_LOG_BUFFER_BYTES)
		flush_sink(sink);
	if (sink->pending.len > GW_LOG_PENDING_BYTES_MAX)
	{
		sink->pending.len = sink->line;
		lost_lines++;
	}
}

/* repeated: how often it came since it was said; 0: this is news */
static void
put_message(GwLogLevel level, const char *request_id, const char *message, uint64_t repeated)
{
	static const char *const names[] = {"debug", "info", "warning", "error"};
	GwText                  *line = &messages.pending;

	begin_line(&messages);
	gw_text_printf(line, ",\"level\":\"%s\",\"message\":", names[level]);
	gw_text_json(line, message, strlen(message));
	if (request_id != NULL)
		gw_text_printf(line, ",\"request_id\":\"%s\"", request_id);
	if (repeated > 0)
		gw_text_printf(line, ",\"repeated\":%llu", (unsigned long long) repeated);
	end_line(&messages);
}

/* Says how often it came, and forgets it when it came no more. */
static void
end_said(Said *one, uint64_t now)
{
	if (one->count > 0)
		put_message(one->level, NULL, one->message, one->count);
	else
		one->hash = 0;
	one->count = 0;
	one->since_us = now;
}

void
gw_log_tick(uint64_t now, bool all)
{
	for (int i = 0; i < GW_LOG_WARNINGS_MAX; i++)
		if (said[i].hash != 0 && (all || gw_clock_since(now, said[i].since_us) >=
											 (uint64_t) gw_conf.log_repeat_ms * 1000))
			end_said(&said[i], now);
}

/* Was it said a short while ago? Else it takes a free place, or the oldest one's. */
static bool
is_repeated(GwLogLevel level, const char *message)
{
	uint64_t h = gw_text_slice_hash((GwSlice){message, strlen(message)});
	Said    *place = &said[0];

	for (int i = 0; i < GW_LOG_WARNINGS_MAX; i++)
	{
		if (said[i].hash == h)
		{
			said[i].count++;
			return true;
		}
		if (place->hash != 0 && (said[i].hash == 0 || said[i].since_us < place->since_us))
			place = &said[i];
	}
	if (place->hash != 0)
		end_said(place, 0);
	place->hash = h;
	place->count = 0;
	place->since_us = gw_clock_us();
	place->level = level;
	snprintf(place->message, sizeof(place->message), "%s", message);
	return false;
}

/* An error of a request is always said: its client was told to look for the request's id. */
static void
log_message(GwLogLevel level, const char *request_id, const char *format, va_list args)
{
	char message[GW_LOG_MESSAGE_BYTES];
	bool counts = level == GW_WARNING || (level == GW_ERROR && request_id == NULL);

	if ((int) level < gw_conf.log_level || messages.fd < 0)
		return;
	vsnprintf(message, sizeof(message), format, args);
	if (!counts || gw_conf.log_repeat_ms == 0 || !is_repeated(level, message))
		put_message(level, request_id, message, 0);
}

void
gw_log(GwLogLevel level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_message(level, NULL, format, args);
	va_end(args);
}

void
gw_log_request(GwLogLevel level, const char *request_id, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_message(level, request_id, format, args);
	va_end(args);
}

/* ,"name":12.345 — microseconds as milliseconds */
static void
put_ms(GwText *line, const char *name, uint64_t us)
{
	char fraction[4] = {'.', (char) ('0' + us / 100 % 10), (char) ('0' + us / 10 % 10),
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
	GwText *line = &accesses.pending;

	if (accesses.fd < 0)
		return;
	gw_text_reserve(line, 512);
	begin_line(&accesses);
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
	if (access->principal != NULL)
		put_string(line, ",\"principal\":", access->principal);
	if (access->database != NULL)
		put_string(line, ",\"database\":", access->database);
	put_string(line, ",\"client\":", access->client);
	end_line(&accesses);
}
