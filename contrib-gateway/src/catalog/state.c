/*
 * state.c
 *		The states of a request, and which may follow which; see state.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/state.h"

#include <assert.h>

#define TO(state) (1u << GW_STATE_##state)

static const unsigned allowed[GW_STATE_COUNT] = {
	[GW_STATE_IDLE] = TO(READING),
	[GW_STATE_READING] = TO(KEYS) | TO(ASK) | TO(SHARE) | TO(GATE) | TO(INSIDE) | TO(CALL) |
						 TO(OVER),
	[GW_STATE_KEYS] = TO(RESULT) | TO(OVER),
	[GW_STATE_ASK] = TO(RESULT),
	[GW_STATE_SHARE] = TO(RESULT) | TO(OVER),
	[GW_STATE_GATE] = TO(INSIDE) | TO(GROUP) | TO(OVER),
	[GW_STATE_INSIDE] = TO(RESULT),
	[GW_STATE_GROUP] = TO(RESULT),
	[GW_STATE_CALL] = TO(RESULT),
	[GW_STATE_RESULT] = TO(KEYS) | TO(ASK) | TO(SHARE) | TO(GATE) | TO(INSIDE) | TO(CALL) |
						TO(PAUSE) | TO(STORE) | TO(FILES) | TO(PIECES) | TO(FLOW) | TO(OVER),
	[GW_STATE_PAUSE] = TO(CALL) | TO(OVER),
	[GW_STATE_STORE] = TO(RESULT),
	[GW_STATE_FILES] = TO(RESULT) | TO(OVER),
	[GW_STATE_PIECES] = TO(FLOW) | TO(OVER),
	[GW_STATE_FLOW] = TO(OVER),
	[GW_STATE_OVER] = TO(IDLE),
};

bool
gw_state_allows(GwState from, GwState to)
{
	return allowed[from] & 1u << to;
}

void
gw_state_set(GwState *state, GwState next)
{
	assert(gw_state_allows(*state, next));
	*state = next;
}
