/*
 * head.h
 *		What a request asks for: its route, its parameters, and whether anything is wrong with it.
 *
 * The first thing that is wrong becomes the fault of the exchange; it is answered when the body was
 * read over.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_HEAD_H
#define GW_HEAD_H

#include "catalog/request_data.h"

extern void gw_head_read(GwRequest *request, const GwHttpHead *head);

/* Does the body matter, or is it only to be read over? */
extern bool gw_head_wants_body(const GwRequest *request);
extern void gw_head_take_body(GwRequest *request, GwSlice body);

/* Reads the names of the path once more, each '+' a space: all names, or all but the prefix. False:
 * there is none to read so. */
extern bool gw_head_read_spaces(GwRequest *request, bool prefix);

#endif
