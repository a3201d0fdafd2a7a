/*
 * answer.h
 *		What stands between a result and the client: the cache, conditional requests, the content
 *		coding.
 *
 * A load asks the database with the tag of the cached answer beside the tags of the client; the
 * database says "not modified" or sends the body. So every answer is checked, and what did not
 * change does not cross the database's socket a second time.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_ANSWER_H
#define GW_ANSWER_H

#include "catalog/request_data.h"

/* Before the call, and before it is tried with other names: looks into the cache. */
extern void gw_answer_prepare(GwRequest *request);

/* A result with a tag: true when it was answered. The result's memory may have been taken over. */
extern bool gw_answer_tagged(GwRequest *request, GwPgResult *result);

/* Codes the body as the client likes it, and answers. */
extern void gw_answer_send(GwRequest *request, GwReply *reply);

/* Hands the answer to the connection as it is. The request is over when this returns, except for an
 * answer that flows. */
extern void gw_answer_give(GwRequest *request, GwReply *reply);

/* The request is over. */
extern void gw_answer_end(GwRequest *request);

#endif
