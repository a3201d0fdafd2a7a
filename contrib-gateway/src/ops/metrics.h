/*
 * metrics.h
 *		The Prometheus text of all counters.
 *
 * The names of the first five are older than this program: dashboards use them. All others start
 * with icecat_.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_METRICS_H
#define GW_METRICS_H

#include "base/text.h"

extern void gw_metrics_render(GwText *out);

#endif
