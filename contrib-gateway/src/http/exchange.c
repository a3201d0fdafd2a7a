/*
 * exchange.c
 *		The beginning of a request; see exchange.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http/exchange.h"

#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"

_Static_assert(GW_METHOD_COUNT <= GW_METHODS_MAX, "the counters need a slot for each method");

/* A random start and a counter: unique among gateways and cheap. */
static void
make_id(char *id)
{
	static const char digits[] = "0123456789abcdef";
	static uint64_t   state[2];

	if (state[0] == 0)
	{
		if (getrandom(state, sizeof(state), 0) != (ssize_t) sizeof(state))
			state[0] = gw_clock_us();
		state[0] |= 1;
	}
	state[1]++;
	for (int i = 0; i < 16; i++)
	{
		id[i] = digits[state[0] >> (60 - 4 * i) & 15];
		id[16 + i] = digits[state[1] >> (60 - 4 * i) & 15];
	}
	id[32] = '\0';
}

/* Takes the client's id when it is short and harmless, else makes one. */
static void
take_id(GwExchange *exchange, GwSlice asked)
{
	bool good = asked.len > 0 && asked.len <= GW_REQUEST_ID_BYTES_MAX;

	for (size_t i = 0; good && i < asked.len; i++)
	{
		char c = asked.data[i];

		good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			   (c != '\0' && strchr("-_.:", c) != NULL);
	}
	if (!good)
	{
		make_id(exchange->id);
		return;
	}
	memcpy(exchange->id, asked.data, asked.len);
	exchange->id[asked.len] = '\0';
}

static void
take_method(GwExchange *exchange, GwMethod method, GwSlice text)
{
	if (text.len > GW_METHOD_BYTES_MAX)
		text.len = GW_METHOD_BYTES_MAX;
	exchange->method = method;
	memcpy(exchange->method_text, text.data, text.len);
	exchange->method_text[text.len] = '\0';
}

void
gw_exchange_begin(GwExchange *exchange, const GwHttpHead *head, bool proxied, uint64_t started_us)
{
	take_method(exchange, head ? head->method : GW_METHOD_OTHER,
				head ? head->method_text : GW_LITERAL("-"));
	take_id(exchange, head ? head->request_id : (GwSlice){0});
	exchange->coding = head ? gw_coding_of_body(head) : GW_CODING_NONE;
	exchange->proxied = proxied;
	exchange->started_us = started_us;
	exchange->body_max = (uint64_t) gw_conf.body_bytes_max;
	exchange->fault = (GwFault){0};
	exchange->flow_max = GW_FLOW_BYTES_MAX;
	exchange->endless = false;
	exchange->frames = false;
	exchange->path = (GwSlice){0};
	gw_counters.in_flight++;
}

void
gw_exchange_fault(GwExchange *exchange, int status, const char *message)
{
	if (exchange->fault.status == 0)
		exchange->fault = (GwFault){status, message};
}
