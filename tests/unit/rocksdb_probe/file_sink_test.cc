// The recorder file that a probe without the shim leaves behind, read back.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "lib/recorder/reader.h"
#include "rocksdb_probe/file_sink.h"
#include "tests/unit/rocksdb_probe/test_database.h"
#include "wrackline/rocksdb_probe.h"

namespace wrackline::probe {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

RocksDbProbeOptions ToFolder(const std::string& folder, int period_ms = 20) {
  RocksDbProbeOptions options;
  options.period = std::chrono::milliseconds(period_ms);
  options.submit_to_shim = false;
  options.output_folder = folder;
  options.file_bytes = 1 << 20;
  return options;
}

// Waits for what is bound to come, up to 30 s.
template <typename Condition>
bool Eventually(const Condition& condition) {
  for (int i = 0; i < 3000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

recorder::Recording Read(const std::string& path) {
  auto result = recorder::ReadRecording(path);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().Text());
  return result.ok() ? std::move(result.value()) : recorder::Recording();
}

TEST(FileSink, AFileSaysTheProcessTheDatabaseAndItsSamples) {
  TemporaryFolder folder;
  TestDatabase database;
  database.Write(database.families()[0], 1000);
  RocksDbProbe probe(ToFolder(folder.path() + "/made/anew"));
  ASSERT_TRUE(probe.Watch(database.db(), database.families(), {.name = "orders"}).ok());
  const RocksDbMemory first = probe.SampleNow();  // waits for the thread
  ASSERT_TRUE(probe.Start().ok());
  ASSERT_TRUE(Eventually([&] { return probe.statistics().samples > 5; }));
  ASSERT_TRUE(probe.Unwatch(database.db()).ok());
  probe.Stop();

  const std::string path = probe.statistics().file;
  ASSERT_THAT(path, HasSubstr(folder.path() + "/made/anew/wrackline-"));
  EXPECT_THAT(path, ::testing::EndsWith("-rocksdb.wrack"));
  const recorder::Recording recording = Read(path);
  EXPECT_EQ(recording.damage, "");
  ASSERT_TRUE(recording.process.has_value());
  EXPECT_EQ(recording.process->pid(), static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(recording.process->writer(), "rocksdb_probe");
  EXPECT_EQ(recording.process->sampling_interval(), 0u);
  EXPECT_THAT(recording.process->executable(), HasSubstr("rocksdb_probe_test"));
  EXPECT_THAT(recording.process->command_line(), HasSubstr("rocksdb_probe_test"));
  ASSERT_THAT(recording.rocksdb_databases, SizeIs(1));
  const proto::RocksDbDatabase& state = recording.rocksdb_databases.begin()->second;
  EXPECT_EQ(state.name(), "orders");
  EXPECT_EQ(state.path(), database.db()->GetName());
  EXPECT_TRUE(state.closed());
  EXPECT_EQ(state.families_size(), 2);
  ASSERT_GE(recording.rocksdb_samples.size(), 5u);
  const proto::RocksDbSample& sample = recording.rocksdb_samples.front().rocksdb_sample();
  EXPECT_EQ(sample.monotonic_ns(), first.monotonic_ns);
  EXPECT_EQ(sample.families(0).all_memtables(), first.databases[0].families[0].all_memtables);
  ASSERT_FALSE(recording.timeline.empty());
  EXPECT_GT(recording.timeline.front().timeline().process().resident(), 1'000'000u);
  EXPECT_TRUE(recording.last_heartbeat.has_value());
  ASSERT_TRUE(recording.exit.has_value());
  EXPECT_EQ(recording.exit->exit().kind(), proto::Exit::CLEAN);
  EXPECT_EQ(recording.losses.submitted_refused(), 0u);
}

TEST(FileSink, ALiveFileIsReadableAndHasNoExitMark) {
  TemporaryFolder folder;
  TestDatabase database;
  RocksDbProbe probe(ToFolder(folder.path()));
  ASSERT_TRUE(probe.Watch(database.db(), database.families()).ok());
  ASSERT_TRUE(probe.Start().ok());
  ASSERT_TRUE(Eventually([&] {
    const std::string path = probe.statistics().file;
    if (path.empty()) return false;
    const auto recording = recorder::ReadRecording(path);
    return recording.ok() && recording.value().rocksdb_samples.size() > 2 &&
           !recording.value().exit.has_value();
  }));
}

TEST(FileSink, StateSurvivesSnapshotsOfASmallFile) {
  TemporaryFolder folder;
  DatabaseSetup setup;
  for (int i = 0; i < 60; ++i) setup.families.push_back("family-" + std::to_string(i));
  TestDatabase database(setup);
  RocksDbProbe probe(ToFolder(folder.path(), 1));
  ASSERT_TRUE(probe.Watch(database.db(), database.families(), {.name = "many"}).ok());
  ASSERT_TRUE(probe.Start().ok());
  std::uint64_t generation = 0;
  ASSERT_TRUE(Eventually([&] {
    const auto recording = recorder::ReadRecording(probe.statistics().file);
    if (recording.ok()) generation = recording.value().generation;
    return generation >= 3;
  }));
  probe.Stop();
  const recorder::Recording recording = Read(probe.statistics().file);
  EXPECT_EQ(recording.damage, "");
  EXPECT_TRUE(recording.process.has_value());
  ASSERT_THAT(recording.rocksdb_databases, SizeIs(1));
  EXPECT_EQ(recording.rocksdb_databases.begin()->second.families_size(), 62);
  EXPECT_FALSE(recording.rocksdb_samples.empty());
  EXPECT_TRUE(recording.exit.has_value());
  EXPECT_EQ(std::filesystem::file_size(probe.statistics().file), 1u << 20);
}

TEST(FileSink, ARemovedFileIsBegunAnewWithItsState) {
  TemporaryFolder folder;
  TestDatabase database;
  RocksDbProbe probe(ToFolder(folder.path()));
  ASSERT_TRUE(probe.Watch(database.db(), database.families(), {.name = "orders"}).ok());
  ASSERT_TRUE(probe.Start().ok());
  ASSERT_TRUE(Eventually([&] { return !probe.statistics().file.empty(); }));
  std::filesystem::remove(probe.statistics().file);
  ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(probe.statistics().file); }));
  probe.Stop();
  const recorder::Recording recording = Read(probe.statistics().file);
  ASSERT_THAT(recording.rocksdb_databases, SizeIs(1));
  EXPECT_EQ(recording.rocksdb_databases.begin()->second.name(), "orders");
  EXPECT_EQ(recording.losses.file_restarts(), 1u);
}

TEST(FileSink, StoppingAndStartingMakesASecondFile) {
  TemporaryFolder folder;
  TestDatabase database;
  RocksDbProbe probe(ToFolder(folder.path()));
  ASSERT_TRUE(probe.Watch(database.db(), database.families()).ok());
  ASSERT_TRUE(probe.Start().ok());
  ASSERT_TRUE(Eventually([&] { return !probe.statistics().file.empty(); }));
  probe.Stop();
  const std::string first = probe.statistics().file;
  ASSERT_TRUE(probe.Start().ok());
  ASSERT_TRUE(Eventually([&] { return probe.statistics().file != first; }));
  probe.Stop();
  EXPECT_TRUE(Read(first).exit.has_value());
  EXPECT_THAT(Read(probe.statistics().file).rocksdb_databases, SizeIs(1));
}

TEST(FileSink, AFolderThatCannotBeIsSaidAndHurtsNobody) {
  TemporaryFolder folder;
  std::ofstream(folder.path() + "/file") << "in the way";
  TestDatabase database;
  RocksDbProbe probe(ToFolder(folder.path() + "/file/below"));
  ASSERT_TRUE(probe.Watch(database.db(), database.families()).ok());
  ASSERT_TRUE(probe.Start().ok());
  ASSERT_TRUE(Eventually([&] { return probe.statistics().file_errno != 0; }));
  EXPECT_EQ(probe.statistics().file_errno, ENOTDIR);
  EXPECT_EQ(probe.statistics().file, "");
  EXPECT_TRUE(probe.Unwatch(database.db()).ok());
}

TEST(FileSink, TheEnvironmentNamesTheFolder) {
  TemporaryFolder folder;
  TestDatabase database;
  ASSERT_EQ(setenv("WRACKLINE_OUT", folder.path().c_str(), 1), 0);
  RocksDbProbe probe(ToFolder(""));
  unsetenv("WRACKLINE_OUT");
  RocksDbProbe without(ToFolder(""));
  for (RocksDbProbe* each : {&probe, &without}) {
    ASSERT_TRUE(each->Watch(database.db(), {}).ok());
    ASSERT_TRUE(each->Start().ok());
  }
  ASSERT_TRUE(Eventually([&] { return !probe.statistics().file.empty(); }));
  ASSERT_TRUE(Eventually([&] { return without.statistics().samples > 2; }));
  EXPECT_EQ(without.statistics().file, "");
  EXPECT_EQ(without.statistics().records_queued, 0u);
}

TEST(FileSink, TheQueueIsBoundedAndItsLossesAreCounted) {
  TemporaryFolder folder;
  FileSink sink(folder.path(), 1 << 20, 1000);
  const std::string record(60'000, 'x');
  int taken = 0;
  for (int i = 0; i < 100; ++i) taken += sink.Queue(1, RecordKind::kHistory, record) ? 1 : 0;
  EXPECT_EQ(taken, (4 << 20) / 60'000);
  EXPECT_EQ(sink.refused(), static_cast<std::uint64_t>(100 - taken));
}

}  // namespace
}  // namespace wrackline::probe
