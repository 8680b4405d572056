/* Embedding the probe in a C program: the smallest whole one. Usage: embed_c FOLDER
 *
 * Run it under `wrackline run -- embed_c FOLDER`, or with WRACKLINE_OUT set, and then `wrackline
 * report` what it left. */
#include <inttypes.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wrackline/wrackline_rocksdb.h>

static void Fail(const char* what, const char* why) {
  fprintf(stderr, "embed_c: %s: %s\n", what, why);
  exit(1);
}

static void Print(void* context, const wrackline_rocksdb_sample* sample) {
  (void)context;
  for (size_t i = 0; i < sample->family_count; ++i) {
    const wrackline_rocksdb_family* family = &sample->families[i];
    printf("%s: memtables %" PRIu64 ", data blocks in the cache %" PRIu64 "\n", family->name,
           family->all_memtables, family->cached_blocks.data);
  }
  for (size_t i = 0; i < sample->cache_count; ++i) {
    const wrackline_rocksdb_cache* cache = &sample->caches[i];
    printf("cache: %" PRIu64 " of %" PRIu64 " bytes, %" PRIu64 " of them its own\n", cache->usage,
           cache->capacity, cache->metadata);
  }
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  char* error = NULL;
  rocksdb_options_t* options = rocksdb_options_create();
  rocksdb_options_set_create_if_missing(options, 1);
  rocksdb_t* db = rocksdb_open(options, argv[1], &error);
  if (error != NULL) Fail("open", error);
  rocksdb_column_family_handle_t* orders =
      rocksdb_create_column_family(db, options, "orders", &error);
  if (error != NULL) Fail("create the family", error);

  wrackline_rocksdb_options probe_options = WRACKLINE_ROCKSDB_OPTIONS;
  probe_options.period_ms = 100;
  wrackline_rocksdb_probe* probe = wrackline_rocksdb_create(&probe_options);
  if (probe == NULL) Fail("the probe", "no memory");
  int refused = wrackline_rocksdb_watch(probe, db, &orders, 1, "shop", NULL);
  if (refused == 0) refused = wrackline_rocksdb_start(probe);
  if (refused != 0) Fail("watch", strerror(refused));

  rocksdb_writeoptions_t* write = rocksdb_writeoptions_create();
  char key[32];
  char value[500];
  memset(value, 'x', sizeof value);
  for (int i = 0; i < 20000; ++i) {
    const int length = snprintf(key, sizeof key, "order-%d", i);
    rocksdb_put_cf(db, write, orders, key, (size_t)length, value, sizeof value, &error);
    if (error != NULL) Fail("put", error);
  }
  wrackline_rocksdb_sample_now(probe, Print, NULL);

  wrackline_rocksdb_unwatch(probe, db); /* before the database goes */
  wrackline_rocksdb_destroy(probe);
  rocksdb_writeoptions_destroy(write);
  rocksdb_column_family_handle_destroy(orders);
  rocksdb_close(db);
  rocksdb_options_destroy(options);
  return 0;
}
