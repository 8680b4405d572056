#include "analyzer/evidence/threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/render/json.h"
#include "analyzer/render/text.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::evidence {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kMi;
using ::testing::Not;
using testing::RecordingBuilder;

void AddThread(RecordingBuilder& builder, std::uint32_t thread_id, std::uint64_t since_ms,
               const std::string& comm, const std::string& java_name = "") {
  proto::Thread& thread = builder.recording().threads[{thread_id, since_ms}];
  thread.set_thread_id(thread_id);
  thread.set_since_ms(since_ms);
  thread.set_comm(comm);
  thread.set_java_name(java_name);
}

// The last object that was added is that thread's.
void By(RecordingBuilder& builder, std::uint32_t thread_id) {
  builder.recording().live_objects.rbegin()->second.set_thread_id(thread_id);
}

std::vector<ThreadGroup> Groups(const RecordingBuilder& builder) {
  RecordingBuilder copy = builder;
  return EvidenceFromRecording(copy.recording(), std::nullopt).thread_groups;
}

void Job(RecordingBuilder& builder) {
  AddThread(builder, 10, 0, "Source: orders ", "Source: orders -> Map (1/4)#0");
  AddThread(builder, 11, 0, "Source: orders ", "Source: orders -> Map (3/4)#0");
  AddThread(builder, 12, 0, "OutputFlusher f", "OutputFlusher for Source: orders -> Map");
  AddThread(builder, 13, 0, "rocksdb:low");
  AddThread(builder, 14, 0, "pool-1-thread-7", "pool-1-thread-7");
  builder.Live({"malloc", "inflateInit2_"}, 10 * kMi, 20 * kMi);
  By(builder, 10);
  builder.Live({"malloc", "inflateInit2_"}, 10 * kMi, 20 * kMi);
  By(builder, 11);
  builder.Live({"malloc", "other"}, 1 * kMi, 1 * kMi);
  By(builder, 12);
  builder.Live({"malloc", "compact"}, 7 * kMi, 7 * kMi);
  By(builder, 13);
  builder.Live({"malloc", "pooled"}, 2 * kMi, 2 * kMi);
  By(builder, 14);
  builder.Live({"malloc", "lost"}, 1 * kMi, 1 * kMi);
  By(builder, 99);
}

TEST(Threads, AnObjectIsOfTheNewestThreadOfItsIdThatIsNoYoungerThanIt) {
  RecordingBuilder builder;
  AddThread(builder, 7, 100, "first");
  AddThread(builder, 7, 5000, "second");
  AddThread(builder, 8, 200, "neighbour");
  const auto at = [&](std::uint32_t thread_id, std::uint64_t time_ms) -> std::string {
    const proto::Thread* thread = ThreadAt(builder.recording(), thread_id, time_ms);
    return thread == nullptr ? "none" : thread->comm();
  };
  EXPECT_EQ(at(7, 100), "first");
  EXPECT_EQ(at(7, 4999), "first");
  EXPECT_EQ(at(7, 5000), "second");
  EXPECT_EQ(at(7, ~std::uint64_t{0}), "second");
  EXPECT_EQ(at(7, 3), "first") << "older than its thread, by a clock's tick";
  EXPECT_EQ(at(6, 5000), "none");
  EXPECT_EQ(at(9, 5000), "none");
}

TEST(Threads, AnOperatorsThreadsAreOneGroupWithItsSubtasksAndTopSite) {
  RecordingBuilder builder;
  Job(builder);
  const std::vector<ThreadGroup> groups = Groups(builder);
  ASSERT_EQ(groups.size(), 4u);
  const ThreadGroup& task = groups[0];
  EXPECT_EQ(task.name, "Source: orders -> Map");
  EXPECT_EQ(task.kind, ThreadKind::kFlinkTask);
  EXPECT_EQ(task.live.count, static_cast<std::int64_t>(41 * kMi));
  // Two samples of weight 20 and size 10: sqrt(2 * 20 * 10) MiB.
  EXPECT_NEAR(static_cast<double>(task.standard_error.count), 20.0 * kMi, 2.0);
  EXPECT_EQ(task.samples, 3u);
  EXPECT_EQ(task.threads, 3u);
  EXPECT_THAT(task.subtasks, ElementsAre(1u, 3u));
  EXPECT_EQ(task.parallelism, 4u);
  const Evidence evidence = EvidenceFromRecording(builder.recording(), std::nullopt);
  ASSERT_TRUE(task.top_site);
  const Site& site = evidence.sites.at(*task.top_site);
  EXPECT_EQ(site.frames.at(site.label).function, "inflateInit2_");
  EXPECT_EQ(task.top_site_live.count, static_cast<std::int64_t>(40 * kMi));
  EXPECT_EQ(groups[1].name, "RocksDB compaction (low)");
  EXPECT_EQ(groups[2].name, "pool-*-thread-*");
  EXPECT_EQ(groups[3].kind, ThreadKind::kUnknown);
}

TEST(Threads, TheReportHasALineForEachGroup) {
  RecordingBuilder builder;
  Job(builder);
  builder.Charge(10, 100 * kMi, 200 * kMi);
  const auto report =
      report::BuildReport(EvidenceFromRecording(builder.recording(), std::nullopt), std::nullopt);
  const std::string text =
      render::RenderText(report, {.width = 100, .colour = false, .utf8 = false});
  EXPECT_THAT(text, HasSubstr("Native memory by operator"));
  EXPECT_THAT(
      text,
      HasSubstr("41.0 MiB +- 20.0 MiB    80.4 %  Source: orders -> Map  subtasks 1, 3 of 4\n"));
  EXPECT_THAT(text, HasSubstr("RocksDB compaction (low)\n"));
  const auto json = nlohmann::json::parse(render::RenderJson(report));
  const auto& group = json["thread_groups"][0];
  EXPECT_EQ(group["name"], "Source: orders -> Map");
  EXPECT_EQ(group["kind"], "flink_task");
  EXPECT_EQ(group["live"], 41 * kMi);
  EXPECT_EQ(group["subtasks"], (std::vector<int>{1, 3}));
  EXPECT_EQ(group["parallelism"], 4);
  EXPECT_EQ(group["top_site"], "inflateInit2_");
  EXPECT_EQ(json["thread_groups"].size(), 4u);
}

TEST(Threads, WithoutAFlinkTaskTheSectionIsOfGroupsAndOneGroupIsNone) {
  RecordingBuilder builder;
  AddThread(builder, 1, 0, "app");
  builder.Live({"malloc", "leak"}, kMi, kMi);
  By(builder, 1);
  const auto text = [&] {
    const auto report =
        report::BuildReport(EvidenceFromRecording(builder.recording(), std::nullopt), std::nullopt);
    return render::RenderText(report, {.width = 80, .colour = false, .utf8 = false});
  };
  EXPECT_THAT(text(), Not(HasSubstr("Native memory by")));
  AddThread(builder, 2, 0, "worker1");
  AddThread(builder, 3, 0, "worker2");
  for (const std::uint32_t thread : {2u, 3u}) {
    builder.Live({"malloc", "leak"}, kMi, kMi);
    By(builder, thread);
  }
  EXPECT_THAT(text(), HasSubstr("Native memory by thread group"));
  EXPECT_THAT(text(), HasSubstr("worker*  2 threads\n"));
}

TEST(Threads, AnOldRecordingHasNone) {
  RecordingBuilder builder;
  builder.Live({"malloc", "leak"}, kMi, kMi);
  EXPECT_TRUE(Groups(builder).empty());
}

}  // namespace
}  // namespace wrackline::evidence
