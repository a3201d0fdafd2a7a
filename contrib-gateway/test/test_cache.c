/*
 * test_cache.c
 *		The store of answers: bounds, order of eviction, entries that are held.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/cache.h"
#include "check.h"

#define PLENTY 1000000

static GwSlice
slice(const char *text)
{
	return (GwSlice){text, strlen(text)};
}

static GwCacheEntry *
put(GwCache *cache, const char *key, const char *etag, const char *body, uint64_t bytes_max)
{
	GwCacheEntry *entry = gw_cache_put(cache, slice(key), etag, slice(body), bytes_max);

	gw_cache_release(entry);
	return entry;
}

static bool
has(GwCache *cache, const char *key, const char *etag)
{
	GwCacheEntry *entry = gw_cache_find(cache, slice(key));
	bool          found = entry != NULL && strcmp(entry->etag, etag) == 0;

	gw_cache_release(entry);
	return found;
}

static void
test_put_find_replace(void **state)
{
	GwCache      *cache = gw_cache_create();
	GwCacheEntry *held;

	(void) state;
	assert_null(gw_cache_find(cache, slice("a")));
	assert_non_null(put(cache, "a", "\"1\"", "one", PLENTY));
	held = gw_cache_find(cache, slice("a"));
	assert_slice(held->body, "one");
	put(cache, "a", "\"2\"", "two", PLENTY);
	assert_int_equal(gw_cache_stats(cache)->entries, 1);
	assert_true(has(cache, "a", "\"2\""));
	assert_slice(held->body, "one");
	gw_cache_release(held);
	gw_cache_trim(cache, 0);
	assert_int_equal(gw_cache_stats(cache)->bytes, 0);
	assert_int_equal(gw_cache_stats(cache)->evictions, 1);
	assert_null(gw_cache_find(cache, slice("a")));
	gw_cache_destroy(cache);
}

static void
test_least_recently_used_goes(void **state)
{
	GwCache *cache = gw_cache_create();
	uint64_t three;

	(void) state;
	put(cache, "a", "\"1\"", "body", PLENTY);
	put(cache, "b", "\"1\"", "body", PLENTY);
	put(cache, "c", "\"1\"", "body", PLENTY);
	three = gw_cache_stats(cache)->bytes;
	assert_true(has(cache, "a", "\"1\""));
	put(cache, "d", "\"1\"", "body", three);
	assert_int_equal(gw_cache_stats(cache)->bytes, three);
	assert_false(has(cache, "b", "\"1\""));
	assert_true(has(cache, "a", "\"1\""));
	assert_true(has(cache, "c", "\"1\""));
	assert_null(put(cache, "e", "\"1\"", "body", 10));
	assert_true(has(cache, "d", "\"1\""));
	gw_cache_destroy(cache);
}

static void
test_many_keys(void **state)
{
	GwCache *cache = gw_cache_create();
	char     key[20];

	(void) state;
	for (int i = 0; i < 5000; i++)
	{
		snprintf(key, sizeof(key), "key %d", i);
		put(cache, key, "\"1\"", key, PLENTY * 10);
	}
	assert_int_equal(gw_cache_stats(cache)->entries, 5000);
	for (int i = 0; i < 5000; i++)
	{
		snprintf(key, sizeof(key), "key %d", i);
		assert_true(has(cache, key, "\"1\""));
	}
	gw_cache_trim(cache, gw_cache_stats(cache)->bytes / 2);
	assert_false(has(cache, "key 0", "\"1\""));
	assert_true(has(cache, "key 4999", "\"1\""));
	gw_cache_destroy(cache);
}

static void
test_compressed_form(void **state)
{
	GwCache      *cache = gw_cache_create();
	GwCacheEntry *entry = gw_cache_put(cache, slice("a"), "\"1\"", slice("body"), PLENTY);
	GwText        gzip = {0};
	uint64_t      before = gw_cache_stats(cache)->bytes;

	(void) state;
	gw_text_puts(&gzip, "packed");
	gw_cache_add_gzip(entry, &gzip, PLENTY);
	assert_string_equal(entry->gzip.data, "packed");
	assert_null(gzip.data);
	assert_int_equal(gw_cache_stats(cache)->bytes, before + sizeof("packed"));
	gw_text_puts(&gzip, "again");
	gw_cache_add_gzip(entry, &gzip, PLENTY);
	assert_string_equal(entry->gzip.data, "packed");
	gw_cache_trim(cache, 0);
	assert_int_equal(gw_cache_stats(cache)->bytes, 0);
	assert_string_equal(entry->gzip.data, "packed");
	gw_cache_release(entry);

	/* one that was replaced while somebody held it counts no more */
	entry = gw_cache_put(cache, slice("a"), "\"1\"", slice("body"), PLENTY);
	put(cache, "a", "\"2\"", "body", PLENTY);
	before = gw_cache_stats(cache)->bytes;
	gw_text_puts(&gzip, "late");
	gw_cache_add_gzip(entry, &gzip, PLENTY);
	assert_int_equal(gw_cache_stats(cache)->bytes, before);
	gw_cache_release(entry);
	gw_cache_destroy(cache);
}

static void
test_long_tags_are_not_kept(void **state)
{
	GwCache *cache = gw_cache_create();
	char     etag[GW_ETAG_BYTES_MAX + 2];

	(void) state;
	memset(etag, 'x', sizeof(etag));
	etag[sizeof(etag) - 1] = '\0';
	assert_null(put(cache, "a", etag, "body", PLENTY));
	gw_cache_destroy(cache);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_find_replace),
		cmocka_unit_test(test_least_recently_used_goes),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_compressed_form),
		cmocka_unit_test(test_long_tags_are_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
