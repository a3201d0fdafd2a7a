/*
 * database_metrics.h
 *		What the metrics say of each further database: one line each, so at most databases_max.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_DATABASE_METRICS_H
#define GW_DATABASE_METRICS_H

#include "base/text.h"

/* Nothing where there is only the default one. */
extern void gw_database_metrics_render(GwText *out);

#endif
