#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/diagnosis/rules.h"
#include "tests/unit/analyzer/diagnosis/look.h"

namespace wrackline::diagnosis {
namespace {

using ::testing::HasSubstr;
using testing::Made;
using ::testing::Not;
using testing::TextOf;

void AddFamily(const char* name, std::uint64_t manager, Bytes peak, evidence::RocksDb* rocksdb) {
  evidence::RocksDbFamily& family = rocksdb->families.emplace_back();
  family.name = name;
  family.manager_id = manager;
  family.write_buffer_size = 64 * kMiB;
  family.arena_block_size = 8 * kMiB;
  family.memtables_peak = peak;
}

// A slot of a real TaskManager of 1 GiB with two: a manager of 32 MiB, four states, timers that nobody uses.
Made Slots(int slots, int states) {
  Made made;
  evidence::RocksDb& rocksdb = made.evidence.rocksdb.emplace();
  for (int slot = 1; slot <= slots; ++slot) {
    evidence::RocksDbManager& manager = rocksdb.managers.emplace_back();
    manager.id = static_cast<std::uint64_t>(slot);
    manager.buffer_size = 32 * kMiB;
    for (int state = 0; state < states; ++state)
      AddFamily("state", manager.id, {8'390'664}, &rocksdb);
    AddFamily("timers", manager.id, {2048}, &rocksdb);
  }
  return made;
}

TEST(RocksDbFlushesWithoutEnd, FourStatesOfEightMebibytesUnderThirtyTwo) {
  const auto finding = Slots(2, 4).Look(RocksDbFlushesWithoutEnd);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kInformation);
  EXPECT_THAT(finding->summary, HasSubstr("4 written column families and a flush take 40.0 MiB"));
  EXPECT_THAT(finding->summary, HasSubstr("manager is of 32.0 MiB"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("! state.backend.rocksdb.writebuffer.size: 16m"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("under 2 managers"));
  EXPECT_THAT(TextOf(*Slots(1, 4).Look(RocksDbFlushesWithoutEnd)), Not(HasSubstr("managers")));
}

TEST(RocksDbFlushesWithoutEnd, SilentWhereTheBlocksFit) {
  EXPECT_FALSE(Slots(2, 3).Look(RocksDbFlushesWithoutEnd).has_value());
  EXPECT_FALSE(Made().Look(RocksDbFlushesWithoutEnd).has_value());
  // RocksDB 8: blocks of 1 MiB.
  Made small = Slots(2, 4);
  for (evidence::RocksDbFamily& family : small.evidence.rocksdb->families)
    family.arena_block_size = 1 * kMiB;
  EXPECT_FALSE(small.Look(RocksDbFlushesWithoutEnd).has_value());
}

TEST(RocksDbFlushesWithoutEnd, SilentWhereAFigureIsNotKnown) {
  Made made = Slots(2, 4);
  for (evidence::RocksDbFamily& family : made.evidence.rocksdb->families)
    family.arena_block_size.reset();
  EXPECT_FALSE(made.Look(RocksDbFlushesWithoutEnd).has_value());
  made = Slots(2, 4);
  for (evidence::RocksDbManager& manager : made.evidence.rocksdb->managers)
    manager.buffer_size.reset();
  EXPECT_FALSE(made.Look(RocksDbFlushesWithoutEnd).has_value());
}

TEST(RocksDbFlushesWithoutEnd, TwoHundredFamiliesNeedAnotherManager) {
  const auto finding = Slots(1, 300).Look(RocksDbFlushesWithoutEnd);
  ASSERT_TRUE(finding.has_value());
  EXPECT_THAT(TextOf(*finding), HasSubstr("fewer slots or databases under one manager"));
}

}  // namespace
}  // namespace wrackline::diagnosis
