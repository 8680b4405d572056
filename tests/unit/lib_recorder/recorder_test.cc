#include "lib/recorder/recorder.h"

#include <errno.h>
#include <sys/resource.h>

#include <wrackline_nanopb/wrackline.pb.h>

#include "tests/unit/lib_recorder/recorder_support.h"

namespace wrackline::recorder {
namespace {

wrackline_proto_Record NanoHeartbeat(std::uint64_t n) {
  wrackline_proto_Record record = wrackline_proto_Record_init_zero;
  record.time_ns = n;
  record.which_body = wrackline_proto_Record_heartbeat_tag;
  record.body.heartbeat.monotonic_ns = n;
  return record;
}

// Fills the active segment until a snapshot is due; not further.
void FillUntilDue(Recorder& recorder, CounterOwner& owner) {
  const std::uint64_t snapshots = recorder.statistics().snapshots;
  for (std::uint64_t n = 0; recorder.statistics().snapshots == snapshots; ++n) {
    owner.Set(static_cast<std::uint32_t>(n % 10), n);
    owner.PutDirty(recorder);
    if (n % 100 == 0) {
      ASSERT_EQ(recorder.Flush(), 0);
    }
    ASSERT_LT(n, 1'000'000U);
  }
}

TEST(Recorder, ZeroObjectIsClosed) {
  Recorder recorder;
  EXPECT_FALSE(recorder.is_open());
  EXPECT_FALSE(recorder.Put(NanoHeartbeat(1)));
  EXPECT_FALSE(recorder.PutEncoded("a", 1));
  EXPECT_FALSE(recorder.Log(1, NanoHeartbeat(1)));
  EXPECT_FALSE(recorder.KeepStateEncoded(1, "a", 1));
  EXPECT_EQ(recorder.Flush(), EBADF);
  EXPECT_EQ(recorder.own_bytes(), 0U);
  recorder.Close();
}

TEST(Recorder, OpensAgainAfterAnErrorAndAfterClose) {
  TemporaryFolder folder;
  Recorder recorder;
  RecorderOptions options;
  const std::string path = folder.File("a.wrack");
  const std::string missing = folder.File("missing/a.wrack");
  options.file_bytes = kMinFileBytes;
  options.path = missing.c_str();
  EXPECT_EQ(recorder.Open(options), ENOENT);
  options.path = path.c_str();
  options.history_bytes = 1;  // refused after the file was made: it must be gone again
  EXPECT_EQ(recorder.Open(options), EINVAL);
  EXPECT_FALSE(std::filesystem::exists(path));
  options.history_bytes = 0;
  ASSERT_EQ(recorder.Open(options), 0);
  EXPECT_EQ(recorder.Open(options), EBUSY);
  EXPECT_GT(recorder.own_bytes(), 0U);
  EXPECT_LT(recorder.own_bytes(), kMinFileBytes * 2);
  EXPECT_LT(recorder.resident_bytes(), recorder.own_bytes());
  recorder.Close();
  EXPECT_EQ(recorder.own_bytes(), 0U);
  EXPECT_EQ(recorder.Open(options), EEXIST);
  std::filesystem::remove(path);
  EXPECT_EQ(recorder.Open(options), 0);
  recorder.Close();
}

TEST(Recorder, EncodesWithoutLibprotobuf) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Recorder recorder;
  CounterOwner owner;
  ASSERT_EQ(recorder.Open(owner.Options(path)), 0);
  auto record = std::make_unique<wrackline_proto_Record>();
  record->time_ns = 77;
  record->which_body = wrackline_proto_Record_process_tag;
  record->body.process.pid = 42;
  strcpy(record->body.process.host, "taskmanager-1");
  record->body.process.has_cgroup_limit = true;
  record->body.process.cgroup_limit = 1 << 30;
  ASSERT_TRUE(recorder.Put(*record));
  ASSERT_TRUE(recorder.Put(NanoHeartbeat(78)));
  ASSERT_EQ(recorder.Flush(), 0);
  const Result<Recording> recording = ReadRecording(path);
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().process->pid(), 42U);
  EXPECT_EQ(recording.value().process->host(), "taskmanager-1");
  EXPECT_EQ(recording.value().process->cgroup_limit(), 1U << 30);
  EXPECT_FALSE(recording.value().process->has_cgroup_version());
  EXPECT_EQ(recording.value().last_time_ns, 78U);
  recorder.Close();
}

TEST(Recorder, ExitAndLastHeartbeatOutliveASnapshot) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Recorder recorder;
  CounterOwner owner;
  ASSERT_EQ(recorder.Open(owner.Options(path)), 0);
  wrackline_proto_Record exit = wrackline_proto_Record_init_zero;
  exit.time_ns = 99;
  exit.which_body = wrackline_proto_Record_exit_tag;
  exit.body.exit.kind = wrackline_proto_Exit_Kind_CLEAN;
  ASSERT_TRUE(recorder.Put(NanoHeartbeat(55)));
  ASSERT_TRUE(recorder.Put(exit));
  FillUntilDue(recorder, owner);
  recorder.Close();
  const Result<Recording> recording = ReadRecording(path);
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().generation, 2U);
  ASSERT_TRUE(recording.value().exit.has_value());
  EXPECT_EQ(recording.value().exit->exit().kind(), proto::Exit::CLEAN);
  ASSERT_TRUE(recording.value().last_heartbeat.has_value());
  EXPECT_EQ(recording.value().last_heartbeat->heartbeat().monotonic_ns(), 55U);
}

TEST(Recorder, WhatIsNoLongerEmittedVanishes) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Recorder recorder;
  CounterOwner owner;
  ASSERT_EQ(recorder.Open(owner.Options(path)), 0);
  owner.Set(77, 1);
  owner.PutDirty(recorder);
  ASSERT_EQ(recorder.Flush(), 0);
  EXPECT_EQ(CountersOf(ReadRecording(path).value()).count(77), 1U);
  owner.Forget(77);
  FillUntilDue(recorder, owner);
  ASSERT_EQ(recorder.Flush(), 0);
  EXPECT_EQ(CountersOf(ReadRecording(path).value()), owner.values());
  recorder.Close();
}

TEST(Recorder, KeptStateAndHistoryAreInEverySnapshot) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Recorder recorder;
  CounterOwner owner;
  ASSERT_EQ(recorder.Open(owner.Options(path)), 0);
  proto::Record database;
  for (int version = 1; version <= 2; ++version) {
    database.mutable_rocksdb_database()->set_database_id(3);
    database.mutable_rocksdb_database()->set_path("/state/" + std::to_string(version));
    const std::string bytes = database.SerializeAsString();
    ASSERT_TRUE(recorder.PutEncoded(bytes.data(), bytes.size()));
    ASSERT_TRUE(recorder.KeepStateEncoded(3, bytes.data(), bytes.size()));
  }
  for (std::uint64_t n = 1; n <= 20; ++n) ASSERT_TRUE(LogRecord(recorder, 1, TimelineRecord(n)));
  for (int i = 0; i < 3; ++i) FillUntilDue(recorder, owner);
  recorder.Close();
  const Result<Recording> recording = ReadRecording(path);
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().generation, 4U);
  ASSERT_EQ(recording.value().timeline.size(), 20U);
  for (std::size_t i = 0; i < 20; ++i)
    EXPECT_EQ(recording.value().timeline[i].timeline().monotonic_ns(), i + 1);
  ASSERT_EQ(recording.value().rocksdb_databases.size(), 1U);
  EXPECT_EQ(recording.value().rocksdb_databases.at(3).path(), "/state/2");
}

// The segment fills within one tick: Put must refuse, and the next Flush must end the snapshot at
// once.
TEST(Recorder, AFullSegmentPushesTheSnapshotThrough) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Recorder recorder;
  CounterOwner owner;
  ASSERT_EQ(recorder.Open(owner.Options(path, 8 << 20)), 0);
  for (std::uint32_t stack = 0; stack < 20000; ++stack) owner.Set(stack, 1);  // some three slices
  owner.PutDirty(recorder);
  ASSERT_TRUE(owner.clean());
  ASSERT_EQ(recorder.Flush(), 0);
  for (std::uint64_t round = 2; recorder.statistics().snapshots < 3; ++round) {
    for (std::uint32_t stack = 0; stack < 20000; ++stack) owner.Set(stack, round);
    while (!owner.clean()) {
      owner.PutDirty(recorder);
      const bool refused = !owner.clean();
      const std::uint64_t snapshots = recorder.statistics().snapshots;
      ASSERT_EQ(recorder.Flush(), 0);
      if (refused) {
        ASSERT_EQ(recorder.statistics().snapshots, snapshots + 1);
      }
    }
    ASSERT_EQ(CountersOf(ReadRecording(path).value()), owner.values());
    ASSERT_LT(round, 200U);
  }
  recorder.Close();
}

TEST(Recorder, AStateTooLargeIsGivenUpAndCountedAndTheFileStaysWhole) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Recorder recorder;
  CounterOwner owner;
  ASSERT_EQ(recorder.Open(owner.Options(path)), 0);
  for (std::uint64_t n = 0; n < 1000; ++n) ASSERT_TRUE(LogRecord(recorder, 1, TimelineRecord(n)));
  for (std::uint32_t stack = 0; stack < 30000; ++stack)
    owner.Set(stack, 1);  // about 1 MiB: no segment holds it
  for (int tick = 0; tick < 150; ++tick) {
    owner.PutDirty(recorder);
    ASSERT_EQ(recorder.Flush(), 0);
  }
  EXPECT_FALSE(owner.clean());
  EXPECT_GE(recorder.statistics().snapshots_abandoned, 2U);
  EXPECT_LE(recorder.statistics().snapshots_abandoned, 6U);  // it waits longer and longer
  EXPECT_EQ(std::filesystem::file_size(path), kMinFileBytes);
  Result<Recording> recording = ReadRecording(path);
  ASSERT_TRUE(recording.ok()) << recording.error().Text();
  EXPECT_EQ(recording.value().damage, "");
  EXPECT_GT(recording.value().stacks.size(), 5000U);

  // The program frees most of it: recording goes on.
  for (std::uint32_t stack = 100; stack < 30000; ++stack) owner.Forget(stack);
  for (int tick = 0; tick < 2000 && !(owner.clean() && recorder.statistics().snapshots > 0);
       ++tick) {
    owner.PutDirty(recorder);
    ASSERT_EQ(recorder.Flush(), 0);
  }
  EXPECT_TRUE(owner.clean());
  EXPECT_EQ(CountersOf(ReadRecording(path).value()), owner.values());
  recorder.Close();
}

bool NeverDone(void*, std::uint64_t*, Recorder&) { return false; }

TEST(Recorder, AnOwnerThatNeverEndsDoesNotHangIt) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Recorder recorder;
  RecorderOptions options;
  options.path = path.c_str();
  options.file_bytes = kMinFileBytes;
  options.emit_state = NeverDone;
  ASSERT_EQ(recorder.Open(options), 0);
  while (PutRecord(recorder, HeartbeatRecord(1))) {
  }
  for (int tick = 0; tick < 50; ++tick) ASSERT_EQ(recorder.Flush(), 0);
  EXPECT_GT(recorder.statistics().snapshots_abandoned, 0U);
  recorder.Close();
}

TEST(Recorder, HistoryRefusedByTheFileArrivesLater) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Recorder recorder;
  CounterOwner owner;
  ASSERT_EQ(recorder.Open(owner.Options(path, 4 << 20)), 0);
  ASSERT_EQ(recorder.Flush(), 0);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit none = before;
  none.rlim_cur = 0;
  setrlimit(RLIMIT_FSIZE, &none);
  while (PutRecord(recorder, HeartbeatRecord(1))) {  // the batch fills
  }
  EXPECT_EQ(recorder.Flush(), EFBIG);
  for (std::uint64_t n = 1; n <= 300; ++n) EXPECT_TRUE(LogRecord(recorder, 1, TimelineRecord(n)));
  EXPECT_EQ(recorder.Flush(), EFBIG);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(recorder.Flush(), 0);
  const Result<Recording> recording = ReadRecording(path);
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().damage, "");
  ASSERT_EQ(recording.value().timeline.size(), 300U);
  EXPECT_EQ(recording.value().timeline.back().timeline().monotonic_ns(), 300U);
  recorder.Close();
}

TEST(Recorder, TooLongARecordIsRefusedAndCounted) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Recorder recorder;
  CounterOwner owner;
  ASSERT_EQ(recorder.Open(owner.Options(path)), 0);
  wrackline_proto_Record record = wrackline_proto_Record_init_zero;
  record.which_body = wrackline_proto_Record_aftermath_tag;
  record.body.aftermath.kernel_log.funcs.encode = [](pb_ostream_t*, const pb_field_t*,
                                                     void* const*) { return false; };
  EXPECT_FALSE(recorder.Put(record));
  EXPECT_EQ(recorder.unencodable(), 1U);
  const std::string large(kMinFileBytes, 'x');
  EXPECT_FALSE(recorder.PutEncoded(large.data(), large.size()));
  EXPECT_TRUE(recorder.Put(NanoHeartbeat(1)));
  recorder.Close();
}

}  // namespace
}  // namespace wrackline::recorder
