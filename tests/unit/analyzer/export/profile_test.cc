#include "analyzer/export/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::exports {
namespace {

using ::testing::ElementsAre;
using testing::kMi;
using testing::RecordingBuilder;
using ::testing::SizeIs;

constexpr double kInterval = 512 << 10;

double Weight(double size) { return size / -std::expm1(-size / kInterval); }

void OnThread(recorder::Recording* recording, std::uint32_t slot, std::uint32_t thread,
              const std::string& java_name, const std::string& comm) {
  recording->live_objects.at(slot).set_thread_id(thread);
  proto::Thread& of = recording->threads[{thread, 0}];
  of.set_thread_id(thread);
  of.set_java_name(java_name);
  of.set_comm(comm);
}

TEST(ExportProfile, SizeOfWeightIsTheInverseOfAWeight) {
  for (const double size : {16.0, 100.0, 4096.0, 524288.0, 1048576.0, 3e9})
    EXPECT_NEAR(SizeOfWeight(Weight(size), kInterval), size, 1e-3 * size) << size;
  EXPECT_EQ(SizeOfWeight(123, 0), 123);
  // Less than any sample stands for: hostile, and still a size.
  EXPECT_GE(SizeOfWeight(5, kInterval), 1);
}

TEST(ExportProfile, ObjectsAreWhatTheSamplesStandFor) {
  RecordingBuilder builder;
  const auto weight = static_cast<std::uint64_t>(std::llround(Weight(1000)));
  builder.Live({"_Z4leafv", "main"}, 1000, weight);
  const Profile profile = ProfileOfRecording(builder.recording());
  ASSERT_THAT(profile.stacks, SizeIs(1));
  EXPECT_EQ(profile.Live().bytes, static_cast<std::int64_t>(weight));
  EXPECT_NEAR(profile.Live().objects, static_cast<double>(weight) / 1000, 1e-6);
  EXPECT_EQ(profile.Allocated().bytes, static_cast<std::int64_t>(weight));
  EXPECT_NEAR(profile.Allocated().objects, static_cast<double>(weight) / 1000, 1e-6);
  ASSERT_THAT(profile.stacks[0].drawn, SizeIs(1));
  EXPECT_EQ(profile.stacks[0].drawn[0].bytes, 1000 * profile.stacks[0].drawn[0].objects);
}

TEST(ExportProfile, AllocatedObjectsWithoutALiveOneFollowFromTheWeights) {
  RecordingBuilder builder;
  const auto weight = static_cast<std::uint64_t>(std::llround(Weight(2000)));
  builder.Live({"_Z4gonev"}, 2000, weight);
  builder.recording().live_objects.clear();
  builder.recording().stacks.begin()->second.counters.set_allocated_samples(10);
  builder.recording().stacks.begin()->second.counters.set_allocated_bytes(10 * weight);
  const Profile profile = ProfileOfRecording(builder.recording());
  EXPECT_EQ(profile.Live().bytes, 0);
  EXPECT_NEAR(profile.Allocated().objects, 10.0 * static_cast<double>(weight) / 2000,
              0.01 * 10 * static_cast<double>(weight) / 2000);
}

TEST(ExportProfile, AStackThatWasLostStillIsLiveBytes) {
  RecordingBuilder builder;
  builder.Live({"main"}, kMi, 2 * kMi);
  builder.recording().stacks.clear();
  const Profile profile = ProfileOfRecording(builder.recording());
  ASSERT_THAT(profile.stacks, SizeIs(1));
  EXPECT_THAT(profile.stacks[0].frames, SizeIs(0));
  EXPECT_EQ(profile.Live().bytes, static_cast<std::int64_t>(2 * kMi));
}

TEST(ExportProfile, ThreadsAndOperators) {
  RecordingBuilder builder;
  builder.Live({"a"}, kMi, 2 * kMi).Live({"b"}, kMi, 3 * kMi).Live({"c"}, kMi, 4 * kMi);
  OnThread(&builder.recording(), 1, 11, "Source: orders -> Map (2/4)#1", "Source: orders ");
  OnThread(&builder.recording(), 2, 12, "", "rocksdb:low0");
  const Profile profile = ProfileOfRecording(builder.recording());
  std::vector<std::string> found;
  for (const Stack& stack : profile.stacks) {
    ASSERT_THAT(stack.live, SizeIs(1));
    const Thread& thread = profile.threads[stack.live[0].thread];
    found.push_back(thread.name + "|" + thread.op);
  }
  EXPECT_THAT(found, ElementsAre("Source: orders -> Map (2/4)#1|Source: orders -> Map",
                                 "rocksdb:low0|", "|"));
}

TEST(ExportProfile, TheFamilyOfASubtaskThatHasOne) {
  RecordingBuilder builder;
  builder.Live({"a"}, kMi, kMi).Live({"b"}, kMi, kMi).Live({"c"}, kMi, kMi);
  OnThread(&builder.recording(), 1, 11, "fold (1/2)#0", "");
  OnThread(&builder.recording(), 2, 12, "fold (2/2)#0", "");
  OnThread(&builder.recording(), 3, 13, "", "rocksdb:low0");
  const auto database = [&](std::uint64_t id, const std::string& path,
                            std::initializer_list<const char*> families) {
    std::uint32_t family = 0;
    proto::RocksDbSample& sample = builder.RocksDb(id, 9);
    for (const char* name : families) {
      builder.Describe(id, ++family, name, kMi, 2, 0);
      RecordingBuilder::Family(sample, family, name, 0, kMi);
    }
    builder.recording().rocksdb_databases[id].set_path(path);
  };
  const std::string job =
      "/tmp/job_0123456789abcdef0123456789abcdef_op_Keyed_fedcba9876543210fedcba9876543210__";
  const std::string end = "__uuid_00000000-0000-0000-0000-000000000000/db";
  database(1, job + "1_2" + end, {"default", "orders"});
  database(2, job + "2_2" + end, {"default", "orders", "windows"});
  const Profile profile = ProfileOfRecording(builder.recording());
  std::vector<std::string> families;
  for (const Stack& stack : profile.stacks)
    families.push_back(profile.threads[stack.live[0].thread].family);
  // The second subtask has two, and RocksDB's own thread serves both databases.
  EXPECT_THAT(families, ElementsAre("orders", "", ""));
}

}  // namespace
}  // namespace wrackline::exports
