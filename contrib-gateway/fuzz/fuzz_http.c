/*
 * fuzz_http.c
 *		The request parser: no input may crash it, and how the bytes arrive must not matter.
 *
 * Each input is read twice, at once and byte by byte: verdicts, what was parsed and the decoded
 * body have to agree. Any difference would let a client and a proxy see two different requests.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <assert.h>
#include <stdlib.h>

#include "http/chunked.h"
#include "http/parse.h"
#include "catalog/router.h"

typedef struct Verdict
{
	int      status; /* of the fault; 0 sound, -1 incomplete */
	size_t   head_len;
	GwMethod method;
	GwSlice  path;
	bool     chunked;
	uint64_t length;
	int      fields;
} Verdict;

static const GwHttpLimits limits = {512, 1024, 16};

static Verdict
read_head(const char *data, size_t len, size_t piece)
{
	static GwHttpHead head;
	GwHeadScan        scan = {0};
	GwFault           fault = {0, NULL};
	GwScan            found = GW_SCAN_MORE;
	size_t            have = 0;

	while (found == GW_SCAN_MORE && have < len)
	{
		have = len - have < piece ? len : have + piece;
		found = gw_parse_scan(&scan, data, have, &limits, &fault);
	}
	if (found == GW_SCAN_MORE)
		return (Verdict){.status = -1};
	if (found == GW_SCAN_FAULT ||
		!gw_parse_head(&head, data + scan.start, scan.end - scan.start, &limits, &fault))
	{
		assert(fault.status >= 400 && fault.message != NULL);
		return (Verdict){.status = fault.status};
	}
	assert(scan.end <= len && head.path.len > 0);
	return (Verdict){0,           scan.end,         head.method, head.path, head.chunked,
					 head.length, head.header_count};
}

/* Decodes a chunked body; returns its status, its hash in *sum and what it used in *used. */
static int
read_chunks(const char *data, size_t len, size_t piece, uint64_t *sum, size_t *used)
{
	GwChunked chunked = {0};
	GwFault   fault = {0, NULL};

	*sum = 14695981039346656037u;
	*used = 0;
	while (*used < len)
	{
		size_t      n = len - *used < piece ? len - *used : piece;
		size_t      step_used = 0;
		GwSlice     out = {NULL, 0};
		GwChunkStep step = gw_chunked_next(&chunked, data + *used, n, &step_used, &out, &fault);

		assert(step_used <= n && (step_used > 0 || step == GW_CHUNK_FAULT));
		*used += step_used;
		for (size_t i = 0; i < out.len; i++)
			*sum = (*sum ^ (unsigned char) out.data[i]) * 1099511628211u;
		if (step == GW_CHUNK_DONE)
			return 0;
		if (step == GW_CHUNK_FAULT)
			return fault.status;
	}
	return -1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *data = (const char *) bytes;
	Verdict     whole = read_head(data, len, len);
	Verdict     pieces = read_head(data, len, 1);
	GwMatch     match;

	/* A fault may be found earlier when the bytes come one by one, never a request instead. */
	assert((whole.status == 0) == (pieces.status == 0));
	if (whole.status == 0)
	{
		uint64_t sums[2];
		size_t   used[2];

		assert(whole.head_len == pieces.head_len && whole.length == pieces.length);
		assert(whole.fields == pieces.fields && whole.path.data == pieces.path.data);
		(void) gw_router_match(whole.method, whole.path, &match);
		data += whole.head_len;
		len -= whole.head_len;
		assert(read_chunks(data, len, len ? len : 1, &sums[0], &used[0]) ==
			   read_chunks(data, len, 1, &sums[1], &used[1]));
		assert(sums[0] == sums[1] && used[0] == used[1]);
	}
	return 0;
}
