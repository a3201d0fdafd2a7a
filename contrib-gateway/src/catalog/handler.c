/*
 * handler.c
 *		The catalog, as client connections see it: from an exchange to the request that it is part
 *		of.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/handler.h"

#include "catalog/head.h"
#include "catalog/large.h"
#include "catalog/request.h"
#include "catalog/respond.h"
#include "catalog/streamer.h"

_Static_assert(offsetof(GwRequest, exchange) == 0, "an exchange is the beginning of its request");

static GwRequest *
request_of(GwExchange *exchange)
{
	return (GwRequest *) exchange;
}

/* What nobody else takes is answered by the catalog, if only that there is no such endpoint. */
static bool
takes(GwSlice path)
{
	(void) path;
	return true;
}

static void
begin(GwExchange *exchange, const GwHttpHead *head)
{
	gw_request_begin(request_of(exchange), head);
}

static bool
wants_body(const GwExchange *exchange)
{
	return gw_head_wants_body((const GwRequest *) exchange);
}

static void
run(GwExchange *exchange, GwSlice body)
{
	gw_request_run(request_of(exchange), body);
}

static void
refuse(GwExchange *exchange, GwFault fault)
{
	gw_respond_refuse(request_of(exchange), fault.status, fault.message, true);
}

static bool
abandon(GwExchange *exchange)
{
	return gw_request_abandon(request_of(exchange));
}

static void
go_on(GwExchange *exchange)
{
	GwRequest *request = request_of(exchange);

	if (request->stream != NULL)
		gw_streamer->go_on(request);
	else
		gw_large_go_on(request);
}

static void
stop(GwExchange *exchange)
{
	GwRequest *request = request_of(exchange);

	if (request->stream != NULL)
		gw_streamer->stop(request);
	else
		gw_large_stop(request);
}

/* Only streams have frames. */
static void
receive(GwExchange *exchange, GwSlice input)
{
	gw_streamer->receive(request_of(exchange), input);
}

static GwUsage
usage(const GwExchange *exchange)
{
	return gw_request_usage((const GwRequest *) exchange);
}

static void
end(GwExchange *exchange)
{
	gw_request_end(request_of(exchange));
}

static void
free_request(GwExchange *exchange)
{
	gw_request_free(request_of(exchange));
}

const GwHandler gw_catalog_handler = {
	.size = sizeof(GwRequest),
	.takes = takes,
	.begin = begin,
	.wants_body = wants_body,
	.run = run,
	.refuse = refuse,
	.abandon = abandon,
	.go_on = go_on,
	.stop = stop,
	.receive = receive,
	.usage = usage,
	.end = end,
	.free = free_request,
};
