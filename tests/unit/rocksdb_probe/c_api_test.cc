// The C functions against RocksDB's own C interface.
#include <errno.h>
#include <gmock/gmock.h>

#include <string>

#include "tests/unit/rocksdb_probe/test_database.h"
#include "wrackline/wrackline_rocksdb.h"

namespace {

struct Seen {
  int calls = 0;
  std::string database, path, family;
  std::uint64_t id = 0, memtables = 0, data_blocks = 0, cache_usage = 0, capacity = 0;
  std::uint64_t sum = 0, split_usage = 0, total = 0;
  std::size_t families = 0, databases = 0, caches = 0;
};

void Look(void* context, const wrackline_rocksdb_sample* sample) {
  Seen& seen = *static_cast<Seen*>(context);
  ++seen.calls;
  seen.families = sample->family_count;
  seen.databases = sample->database_count;
  seen.caches = sample->cache_count;
  seen.total = sample->total_bytes;
  if (sample->family_count == 0) return;
  seen.database = sample->databases[0].name;
  seen.path = sample->databases[0].path;
  EXPECT_EQ(sample->families[0].database_id, sample->databases[0].id);
  seen.family = sample->families[0].name;
  seen.memtables = sample->families[0].all_memtables;
  EXPECT_EQ(sample->families[0].has_cached_blocks, 1);
  const wrackline_rocksdb_blocks& blocks = sample->families[0].cached_blocks;
  seen.data_blocks = blocks.data;
  const wrackline_rocksdb_cache& cache = sample->caches[0];
  EXPECT_EQ(cache.id, sample->families[0].cache_id);
  seen.cache_usage = cache.usage;
  seen.capacity = cache.capacity;
  seen.split_usage = cache.split_usage;
  seen.sum = blocks.data + blocks.index + blocks.filter + blocks.blob + blocks.other +
             cache.unknown.data + cache.memtable_reservations + cache.other_reservations +
             cache.metadata;
}

class CInterface : public ::testing::Test {
 protected:
  CInterface() {
    options_ = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options_, 1);
    cache_ = rocksdb_cache_create_lru(8u << 20);
    rocksdb_block_based_table_options_t* table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(table, cache_);
    rocksdb_options_set_block_based_table_factory(options_, table);
    rocksdb_block_based_options_destroy(table);
    char* error = nullptr;
    db_ = rocksdb_open(options_, (folder_.path() + "/db").c_str(), &error);
    EXPECT_EQ(error, nullptr) << error;
    family_ = rocksdb_create_column_family(db_, options_, "orders", &error);
    EXPECT_EQ(error, nullptr) << error;
  }
  ~CInterface() override {
    rocksdb_column_family_handle_destroy(family_);
    rocksdb_close(db_);
    rocksdb_cache_destroy(cache_);
    rocksdb_options_destroy(options_);
  }

  wrackline::probe::TemporaryFolder folder_;
  rocksdb_options_t* options_;
  rocksdb_cache_t* cache_;
  rocksdb_t* db_;
  rocksdb_column_family_handle_t* family_;
};

TEST_F(CInterface, SaysWhatRocksDbSays) {
  char* error = nullptr;
  rocksdb_writeoptions_t* write = rocksdb_writeoptions_create();
  rocksdb_readoptions_t* read = rocksdb_readoptions_create();
  rocksdb_flushoptions_t* flush = rocksdb_flushoptions_create();
  const std::string value(1000, 'x');
  const auto fill = [&] {
    for (int i = 0; i < 1000; ++i) {
      const std::string key = "key-" + std::to_string(i);
      rocksdb_put_cf(db_, write, family_, key.data(), key.size(), value.data(), value.size(),
                     &error);
      ASSERT_EQ(error, nullptr) << error;
    }
  };
  fill();
  rocksdb_flush_cf(db_, flush, family_, &error);
  ASSERT_EQ(error, nullptr) << error;
  rocksdb_iterator_t* it = rocksdb_create_iterator_cf(db_, read, family_);
  for (rocksdb_iter_seek_to_first(it); rocksdb_iter_valid(it) != 0; rocksdb_iter_next(it)) {
  }
  rocksdb_iter_destroy(it);
  fill();

  Seen called;
  wrackline_rocksdb_options options = WRACKLINE_ROCKSDB_OPTIONS;
  options.record_to_file = 0;
  options.split_duty = 1;
  options.callback = Look;
  options.context = &called;
  wrackline_rocksdb_probe* probe = wrackline_rocksdb_create(&options);
  ASSERT_NE(probe, nullptr);
  ASSERT_EQ(wrackline_rocksdb_watch(probe, db_, &family_, 1, "shop", cache_), 0);
  Seen seen;
  ASSERT_EQ(wrackline_rocksdb_sample_now(probe, Look, &seen), 0);
  EXPECT_EQ(called.calls, 1);
  EXPECT_EQ(called.total, seen.total);
  EXPECT_EQ(seen.database, "shop");
  EXPECT_EQ(seen.path, folder_.path() + "/db");
  EXPECT_EQ(seen.family, "orders");
  std::uint64_t memtables = 0;
  ASSERT_EQ(rocksdb_property_int_cf(db_, family_, "rocksdb.size-all-mem-tables", &memtables), 0);
  EXPECT_EQ(seen.memtables, memtables);
  EXPECT_GT(seen.data_blocks, 1'000'000u);
  EXPECT_EQ(seen.cache_usage, rocksdb_cache_get_usage(cache_));
  EXPECT_EQ(seen.capacity, rocksdb_cache_get_capacity(cache_));
  EXPECT_EQ(seen.sum, seen.split_usage);

  EXPECT_EQ(wrackline_rocksdb_unwatch_family(probe, db_, family_), 0);
  EXPECT_EQ(wrackline_rocksdb_unwatch_family(probe, db_, family_), ENOENT);
  ASSERT_EQ(wrackline_rocksdb_sample_now(probe, Look, &seen), 0);
  EXPECT_EQ(seen.families, 0u);
  EXPECT_EQ(wrackline_rocksdb_unwatch(probe, db_), 0);
  EXPECT_EQ(wrackline_rocksdb_unwatch(probe, db_), ENOENT);
  EXPECT_EQ(wrackline_rocksdb_start(probe), 0);
  wrackline_rocksdb_stop(probe);
  wrackline_rocksdb_destroy(probe);
  rocksdb_flushoptions_destroy(flush);
  rocksdb_readoptions_destroy(read);
  rocksdb_writeoptions_destroy(write);
}

TEST_F(CInterface, RefusesWhatIsNotThere) {
  wrackline_rocksdb_probe* probe = wrackline_rocksdb_create(nullptr);
  ASSERT_NE(probe, nullptr);
  EXPECT_EQ(wrackline_rocksdb_watch(probe, nullptr, nullptr, 0, nullptr, nullptr), EINVAL);
  EXPECT_EQ(wrackline_rocksdb_watch(probe, db_, nullptr, 1, nullptr, nullptr), EINVAL);
  rocksdb_column_family_handle_t* none = nullptr;
  EXPECT_EQ(wrackline_rocksdb_watch(probe, db_, &none, 1, nullptr, nullptr), EINVAL);
  EXPECT_EQ(wrackline_rocksdb_watch(nullptr, db_, nullptr, 0, nullptr, nullptr), EINVAL);
  EXPECT_EQ(wrackline_rocksdb_start(nullptr), EINVAL);
  wrackline_rocksdb_stop(nullptr);
  EXPECT_EQ(wrackline_rocksdb_watch(probe, db_, nullptr, 0, nullptr, nullptr), 0);
  wrackline_rocksdb_destroy(probe);  // lets go of it
  wrackline_rocksdb_destroy(nullptr);
  wrackline_rocksdb_options wrong = WRACKLINE_ROCKSDB_OPTIONS;
  wrong.size = 3;
  EXPECT_EQ(wrackline_rocksdb_create(&wrong), nullptr);
}

}  // namespace
