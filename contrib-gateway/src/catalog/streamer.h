/*
 * streamer.h
 *		Who answers the routes that are STREAM: a room above this one, which main.c names.
 *
 * The function of the route has opened the stream, as the client's role; from then on the streamer
 * feeds it by the exchange, until the client leaves or the streamer ends it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_STREAMER_H
#define GW_STREAMER_H

#include "catalog/request_data.h"

typedef struct GwStreamer
{
	/* Answers: the beginning of a stream, which is request->stream then; or an error. */
	void (*begin)(GwRequest *request, const GwPgResult *result);
	/* The client has taken all; or it is gone. */
	void (*go_on)(GwRequest *request);
	void (*stop)(GwRequest *request);
	/* The client of a WebSocket has sent something. */
	void (*receive)(GwRequest *request, GwSlice input);
} GwStreamer;

/* Set once, before the first request. */
extern const GwStreamer *gw_streamer;

#endif
