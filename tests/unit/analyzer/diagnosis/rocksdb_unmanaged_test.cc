#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/diagnosis/rules.h"
#include "tests/unit/analyzer/diagnosis/look.h"

namespace wrackline::diagnosis {
namespace {

using ::testing::HasSubstr;
using testing::Made;
using testing::TextOf;

// With figures of RocksDB: tests/unit/analyzer/diagnosis_test.cc. Here only the kernel's report and the configuration are left.
Made Unmanaged() {
  Made made;
  made.Budgets().framework_heap = made.Budgets().framework_off_heap = 128 * kMiB;
  made.Budgets().task_heap = 25 * kMiB;
  made.Budgets().network = 57 * kMiB;
  made.Budgets().metaspace = 256 * kMiB;
  made.Budgets().overhead = 192 * kMiB;
  made.evidence.flink->rocksdb_managed = false;
  made.evidence.flink->rocksdb = true;
  evidence::KernelKill& kill = made.evidence.ending.kernel_kill.emplace();
  kill.anon_rss = 1015 * kMiB;
  return made;
}

TEST(RocksDbUnmanagedByConfiguration, SaysWhatItDoesNotKnow) {
  const auto finding = Unmanaged().Look(RocksDbUnmanaged);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kCause);
  EXPECT_EQ(finding->confidence, Confidence::kMedium);
  EXPECT_EQ(finding->amount, 229 * kMiB);
  EXPECT_THAT(TextOf(*finding), HasSubstr("- RocksDB's own figures are not here"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("memory.managed: true"));
}

TEST(RocksDbUnmanagedByConfiguration, WithoutAStateBackendItIsLow) {
  Made made = Unmanaged();
  made.evidence.flink->rocksdb = false;
  EXPECT_EQ(made.Look(RocksDbUnmanaged)->confidence, Confidence::kLow);
  EXPECT_EQ(made.Look(RocksDbUnmanaged)->role, Role::kContributor);
  made.evidence.flink->state_backend = "EmbeddedRocksDBStateBackend";
  EXPECT_EQ(made.Look(RocksDbUnmanaged)->confidence, Confidence::kMedium);
}

TEST(RocksDbUnmanagedByConfiguration, ManagedOrUnknownIsNone) {
  Made made = Unmanaged();
  made.evidence.flink->rocksdb_managed = true;
  EXPECT_FALSE(made.Look(RocksDbUnmanaged).has_value());
  EXPECT_FALSE(Made().Look(RocksDbUnmanaged).has_value());
}

}  // namespace
}  // namespace wrackline::diagnosis
