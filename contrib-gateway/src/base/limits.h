/*
 * limits.h
 *		Bounds that are compiled in. What an operator may want to change is in settings.def.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_LIMITS_H
#define GW_LIMITS_H

#define GW_HEADERS_MAX          200 /* upper end of the setting header_count_max */
#define GW_METHOD_BYTES_MAX     32  /* longer method names are no methods */
#define GW_SEGMENTS_MAX         12  /* path segments, base path included */
#define GW_REQUEST_ID_BYTES_MAX 64  /* longer ids of clients are replaced */
#define GW_PARAMS_MAX           9   /* positional parameters of one statement */
/* of an answer that flows: not taken yet by the client */
#define GW_FLOW_BYTES_MAX            1048576
#define GW_STEPS_MAX                 7   /* statements of one call: six settings, the call */
#define GW_GROUP_MAX                 60  /* upper end of the setting commit_group_max */
#define GW_DELEGATION_BYTES_MAX      256 /* of X-Iceberg-Access-Delegation */
#define GW_PRELUDE_MAX               3   /* settings in front of a call behind a pooler */
#define GW_KEY_BYTES_MAX             64 /* longer idempotency keys are refused; a good one has 36 */
#define GW_KEYED_PAUSE_MIN_MS        50 /* before the first repeat of a lost call with a key */
#define GW_KEYED_PAUSE_MAX_MS        1000   /* before each of the later ones */
#define GW_CHUNK_EXTENSION_BYTES_MAX 4096   /* all chunk extensions of one body */
#define GW_TRAILER_BYTES_MAX         8192   /* all trailer fields of one body */
#define GW_READ_BYTES                65536  /* one read from a client */
#define GW_PIPELINED_BYTES_MAX       65536  /* input kept while a request is under way */
#define GW_KEPT_BYTES_MAX            16384  /* larger buffers are freed between requests */
#define GW_UNLOOKED_BYTES_MAX        65536  /* a body that comes before its token was looked at */
#define GW_CLEARED_BYTES_MAX         262144 /* larger memory holds no secret, and is not cleared */
#define GW_ARENA_BLOCK_BYTES         4096 /* of a request; what is larger gets a block of its own */
#define GW_COPY_BYTES_MAX            4096 /* smaller bodies are copied when they must wait */
#define GW_ERROR_MESSAGE_BYTES_MAX   4096 /* an error message sent to a client */
#define GW_TICK_MS                   100  /* resolution of all timeouts */
#define GW_LOG_BUFFER_BYTES          65536   /* log lines are written in batches of this size */
#define GW_LOG_PENDING_BYTES_MAX     1048576 /* lines beyond it are lost, not waited for */
#define GW_FILE_ASK_MS               100     /* what has waited so long for a file is asked for */
#define GW_FILE_ASK_MAX              200     /* files in one such question */
#define GW_FILE_GREET_MS \
	10000 /* the listening connection is tried so often, or ten times as often */
/* after SIGTERM: time for the first request of a new connection */
#define GW_DRAIN_FRESH_MS     1000
#define GW_HANDSHAKE_FRESH_MS 1000 /* a TLS handshake so young is not dropped for another */
#define GW_LOG_WARNINGS_MAX   64   /* different warnings whose repeats are counted */
#define GW_REFUSED_MAX        1000 /* refused calls that may wait for the audit log */
#define GW_SLOW_HEAD_MS       50   /* a read connection this busy gets no further reads */

/* What the client of a WebSocket may send from one heartbeat to the next. */
#define GW_SOCKET_INPUT_BYTES_MAX 16384

#endif
