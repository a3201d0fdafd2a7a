/*
 * log.h
 *		JSON log lines: messages, and one line per request.
 *
 * Lines are collected and written in batches, at the latest when gw_log_flush is called at the end
 * of each turn of the event loop. A reader of the log that is too slow costs lines, which are
 * counted, and never time: pipes and sockets are written without blocking. No header, body or
 * password is ever given to this module. A warning that is repeated is said once in log_repeat_ms,
 * and then how often it came; so is an error that is about no request.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_LOG_H
#define GW_LOG_H

#include "base/text.h"

typedef enum GwLogLevel
{
	GW_DEBUG,
	GW_INFO,
	GW_WARNING,
	GW_ERROR
} GwLogLevel;

typedef struct GwAccessLine
{
	const char *request_id;
	const char *method;
	GwSlice     path;
	const char *operation;
	int         status;
	uint64_t    bytes_in;
	uint64_t    bytes_out;
	uint64_t    duration_us;
	uint64_t    wait_us; /* at the gate and for a connection */
	uint64_t    db_us;
	const char *principal; /* NULL: not known */
	const char *database;  /* NULL: there is nothing to tell */
	const char *client;
} GwAccessLine;

/* Opens, or opens again, the files that the settings name. False keeps what was open. */
extern bool gw_log_open(void);
extern void gw_log_flush(void);

/* Once per tick: says how often warnings came that were held back. With all set it does not wait
 * for their time. */
extern void gw_log_tick(uint64_t now_us, bool all);
extern void gw_log(GwLogLevel level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Like gw_log, with the id of the request that it is about. */
extern void gw_log_request(GwLogLevel level, const char *request_id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
extern void     gw_log_access(const GwAccessLine *line);
extern uint64_t gw_log_lost(void);

#endif
