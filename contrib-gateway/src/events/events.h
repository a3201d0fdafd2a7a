/*
 * events.h
 *		GET /v1/events and /v1/events/ws: streams of events, as Server-Sent Events and as messages
 *		of a WebSocket. The streamer of the catalog.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_EVENTS_H
#define GW_EVENTS_H

#include "catalog/streamer.h"

extern const GwStreamer gw_events_streamer;

#endif
