/*
 * fuzz_avro.c
 *		Any bytes as an Avro container file: refused, or every value that is visited lies within
 *		what was read.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres_fe.h"

#include "avro/avro.h"
#include "fuzz.h"

static void
visit(const char *value, size_t len, void *arg)
{
	uint64 *sum = arg;

	for (size_t i = 0; i < len; i++)
		*sum += (uint8) value[i];
}

/* Records with a mark are passed over, whatever they are. */
static void
visit_marked(const char *bytes, size_t len, const char *const *path)
{
	IceAvroFile *file = ice_avro_open(bytes, len, path);
	uint64       sum = 0;

	ice_avro_pass_over(file, "status", 2);
	while (ice_avro_next_block(file, visit, &sum))
		;
}

void
fuzz_one(const char *bytes, size_t len)
{
	static const char *const paths[][3] = {{"manifest_path", NULL},
										   {"data_file", "file_path", NULL}};
	uint64                   sums[2] = {0, 0};

	ice_avro_visit(bytes, len, paths[0], visit, &sums[0]);
	ice_avro_visit(bytes, len, paths[1], visit, &sums[1]);
	visit_marked(bytes, len, paths[1]);
	/* What was accepted once is accepted again, with the same values. */
	ice_avro_visit(bytes, len, paths[1], visit, &sums[0]);
	ice_avro_visit(bytes, len, paths[0], visit, &sums[1]);
	FUZZ_DEMAND(sums[0] == sums[1], "%llu and %llu", (unsigned long long) sums[0],
				(unsigned long long) sums[1]);
}
