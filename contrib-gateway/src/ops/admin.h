/*
 * admin.h
 *		/health, /ready and /metrics.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_ADMIN_H
#define GW_ADMIN_H

#include "catalog/request.h"

/* The operation behind that path, or -1. The paths are not below base_path. */
extern int	gw_admin_find(GwSlice path);
extern void gw_admin_answer(GwRequest *request);

#endif
