/*
 * streamer.c
 *		Who answers the routes that are STREAM; see streamer.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/streamer.h"

const GwStreamer *gw_streamer;
