/*
 * fuzz_websocket.c
 *		A WebSocket: the fields of its handshake, and then frames. Whatever comes, and in whatever
 *		pieces, it crashes nothing, and what goes out is bounded by what came in.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <assert.h>
#include <stdlib.h>

#include "catalog/websocket.h"
#include "events/frames.h"

static const GwHttpLimits limits = {512, 1024, 16};

/* A head, if the input begins with one; returns where it ends. */
static size_t
read_head(const char *data, size_t len)
{
	static GwHttpHead head;
	GwHeadScan        scan = {0};
	GwFault           fault = {0, NULL};
	char              accept[GW_WEBSOCKET_PROOF_BYTES];

	if (gw_parse_scan(&scan, data, len, &limits, &fault) != GW_SCAN_DONE)
		return 0;
	if (!gw_parse_head(&head, data + scan.start, scan.end - scan.start, &limits, &fault))
		return scan.end;
	if (gw_websocket_accept(&head, accept, &fault))
		assert(strlen(accept) == GW_WEBSOCKET_PROOF_BYTES - 1);
	else
		assert((fault.status == 400 || fault.status == 426) && fault.message != NULL);
	return scan.end;
}

/* Takes the frames in pieces; appends all that goes out. */
static void
take_frames(GwSlice input, size_t piece, GwText *out)
{
	GwFrames *frames = gw_frames_open();
	bool      goes_on = true;

	for (size_t at = 0; goes_on && at < input.len; at += piece)
		goes_on = gw_frames_take(
			frames, (GwSlice){input.data + at, input.len - at < piece ? input.len - at : piece},
			out);
	if (goes_on)
		gw_frames_close(frames, 1001, GW_LITERAL("over"), out);
	gw_frames_free(frames);
}

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *bytes = (const char *) data;
	size_t      used = read_head(bytes, len);
	GwSlice     input = {bytes + used, len - used};
	GwText      once = {0};
	GwText      slowly = {0};

	take_frames(input, input.len + 1, &once);
	take_frames(input, 1, &slowly);
	assert(once.len <= len + 64 && slowly.len <= len + 64);
	gw_text_free(&once);
	gw_text_free(&slowly);
	return 0;
}
