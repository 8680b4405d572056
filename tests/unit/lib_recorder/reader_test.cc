#include "lib/recorder/reader.h"

#include <sys/stat.h>

#include <gmock/gmock.h>

#include "tests/unit/lib_recorder/recorder_support.h"

namespace wrackline::recorder {
namespace {

using ::testing::HasSubstr;

class Reader : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(writer_.Open(path_.c_str(), kMinFileBytes), 0); }
  void TearDown() override { writer_.Close(); }
  void Append(const proto::Record& record) { ASSERT_TRUE(AppendTo(writer_, record)); }
  Recording Read() {
    EXPECT_EQ(writer_.Flush(), 0);
    Result<Recording> recording = ReadRecording(path_);
    EXPECT_TRUE(recording.ok()) << recording.error().Text();
    return recording.ok() ? recording.value() : Recording{};
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.File("a.wrack");
  Writer writer_;
};

TEST_F(Reader, ReadsEveryKindOfRecord) {
  proto::Record record;
  record.set_time_ns(100);
  record.mutable_process()->set_pid(42);
  Append(record);
  record.mutable_module()->set_id(1);
  record.mutable_module()->set_path("/lib/old.so");
  Append(record);
  record.mutable_module()->set_path("/lib/new.so");
  Append(record);
  record.mutable_stack()->set_id(9);
  record.mutable_stack()->add_frame_deltas(0x7f0000001000);
  record.mutable_stack()->add_frame_deltas(-0x1000);
  record.mutable_stack()->add_frame_deltas(
      static_cast<std::int64_t>(0x8000000000000000ULL));  // wraps, as addresses may
  record.mutable_stack()->set_truncated(true);
  Append(record);
  Append(CounterRecord(9, 3));
  Append(CounterRecord(10, 4));  // of a stack that is not (yet) known
  record.mutable_live_objects()->add_objects()->set_slot(5);
  record.mutable_live_objects()->mutable_objects(0)->set_address(0x1234);
  record.mutable_live_objects()->add_objects()->set_slot(6);
  record.mutable_live_objects()->mutable_objects(1)->set_address(0x5678);
  Append(record);
  record.mutable_live_objects()->Clear();
  record.mutable_live_objects()->add_objects()->set_slot(5);
  Append(record);
  Append(TimelineRecord(3));
  Append(TimelineRecord(2));
  Append(TimelineRecord(3));  // again, as a snapshot may
  record.mutable_frame_names()->add_names()->set_pc(0x1000);
  record.mutable_frame_names()->mutable_names(0)->set_symbol("_Z3foov");
  Append(record);
  record.mutable_losses()->set_forks(2);
  Append(record);
  record.set_time_ns(5'000'000);
  record.mutable_heartbeat()->set_charge(77);
  Append(record);
  record.mutable_rocksdb_database()->set_database_id(8);
  Append(record);
  record.mutable_rocksdb_sample()->set_database_id(8);
  record.mutable_rocksdb_sample()->set_monotonic_ns(4);
  Append(record);
  record.mutable_exit()->set_kind(proto::Exit::CLEAN);
  Append(record);
  record.set_time_ns(9'000'000);
  record.mutable_aftermath()->set_signal(9);
  Append(record);

  const Recording r = Read();
  EXPECT_EQ(r.source, path_);
  EXPECT_EQ(r.format_version, 1U);
  EXPECT_FALSE(r.packed);
  EXPECT_EQ(r.damage, "");
  EXPECT_EQ(r.records, 18U);
  EXPECT_EQ(r.process->pid(), 42U);
  ASSERT_EQ(r.modules.size(), 1U);
  EXPECT_EQ(r.modules.at(1).path(), "/lib/new.so");
  EXPECT_EQ(r.stacks.at(9).frames,
            (std::vector<std::uint64_t>{0x7f0000001000, 0x7f0000000000, 0x80007f0000000000}));
  EXPECT_TRUE(r.stacks.at(9).truncated);
  EXPECT_EQ(r.stacks.at(9).counters.allocated_samples(), 3U);
  EXPECT_EQ(r.stacks.at(10).counters.allocated_samples(), 4U);
  ASSERT_EQ(r.live_objects.size(), 1U);
  EXPECT_EQ(r.live_objects.at(6).address(), 0x5678U);
  ASSERT_EQ(r.timeline.size(), 2U);
  EXPECT_EQ(r.timeline[0].timeline().monotonic_ns(), 2U);
  EXPECT_EQ(r.frame_names.at(0x1000).symbol(), "_Z3foov");
  EXPECT_EQ(r.losses.forks(), 2U);
  EXPECT_EQ(r.last_heartbeat->heartbeat().charge(), 77U);
  EXPECT_EQ(r.rocksdb_databases.count(8), 1U);
  EXPECT_EQ(r.rocksdb_samples.size(), 1U);
  EXPECT_EQ(r.exit->exit().kind(), proto::Exit::CLEAN);
  EXPECT_EQ(r.aftermath->signal(), 9);
  EXPECT_EQ(r.last_time_ns, 5'000'000U);  // not the aftermath's
}

TEST_F(Reader, ThreadsAreToldApartByTheirStartAndTheVmsSamplesAreInOrder) {
  proto::Record record;
  record.set_time_ns(100);
  for (const std::uint64_t since : {50, 9000}) {
    proto::Thread* thread = record.mutable_threads()->add_threads();
    thread->set_thread_id(77);
    thread->set_since_ms(since);
    thread->set_comm("java");
  }
  Append(record);
  record.mutable_threads()->mutable_threads()->RemoveLast();
  record.mutable_threads()->mutable_threads(0)->set_java_name("Source: in (1/2)#0");
  Append(record);  // the last one of the same thread wins
  record.mutable_jvm_facts()->set_collector("Serial");
  Append(record);
  record.mutable_jvm_facts()->set_collector("G1");
  Append(record);
  for (const std::uint64_t at : {7, 3, 7}) {
    record.set_time_ns(at);
    record.mutable_jvm_sample()->set_monotonic_ns(at);
    record.mutable_jvm_sample()->set_heap_used(at * 10);
    Append(record);
  }
  record.mutable_frame_names()->add_names()->set_pc(0x8003800000000010ULL);
  record.mutable_frame_names()->mutable_names(0)->set_java(true);
  record.mutable_frame_names()->mutable_names(0)->set_symbol("com.example.Job.run");
  Append(record);

  const auto check = [](const Recording& r) {
    EXPECT_EQ(r.damage, "");
    ASSERT_EQ(r.threads.size(), 2U);
    EXPECT_EQ(r.threads.at({77, 50}).java_name(), "Source: in (1/2)#0");
    EXPECT_EQ(r.threads.at({77, 9000}).java_name(), "");
    EXPECT_EQ(r.jvm_facts->collector(), "G1");
    ASSERT_EQ(r.jvm_samples.size(), 2U);
    EXPECT_EQ(r.jvm_samples[0].jvm_sample().heap_used(), 30U);
    EXPECT_EQ(r.jvm_samples[1].jvm_sample().heap_used(), 70U);
    EXPECT_TRUE(r.frame_names.at(0x8003800000000010ULL).java());
  };
  check(Read());
  const std::string packed = folder_.File("a.wrackpack");
  ASSERT_FALSE(Pack(path_, packed).has_value());
  const Result<Recording> again = ReadRecording(packed);
  ASSERT_TRUE(again.ok());
  check(again.value());
}

TEST_F(Reader, RawRecordsComeInFileOrderWithTheirOffsets) {
  Append(CounterRecord(1, 1));
  Append(CounterRecord(1, 2));
  ASSERT_EQ(writer_.Flush(), 0);
  const Result<std::vector<RawRecord>> raw = ReadRawRecords(path_);
  ASSERT_TRUE(raw.ok());
  ASSERT_EQ(raw.value().size(), 2U);
  EXPECT_EQ(raw.value()[0].offset, kHeaderBytes + sizeof(SegmentHeader));
  EXPECT_EQ(raw.value()[0].sequence, 1U);
  EXPECT_EQ(raw.value()[1].sequence, 2U);
  EXPECT_EQ(raw.value()[1].offset % 8, 0U);
  EXPECT_EQ(raw.value()[1].record.stack_counters().counters(0).allocated_samples(), 2U);
}

TEST_F(Reader, TextThatIsNotUtf8DoesNotLoseItsRecord) {
  // nanopb writes the bytes it is given: a path in Latin-1, a host name cut inside a character.
  proto::Record record;
  record.set_time_ns(1);
  record.mutable_process()->set_executable("/opt/caf@/bin");
  record.mutable_process()->set_host("h@@");
  record.mutable_process()->set_command_line("java");
  std::string bytes = record.SerializeAsString();
  bytes[bytes.find("f@/") + 1] = '\xe9';
  bytes.replace(bytes.find("h@@"), 3, "h\xe2\x82");
  ASSERT_TRUE(writer_.Append(bytes.data(), bytes.size()));
  const Recording r = Read();
  EXPECT_EQ(r.damage, "");
  ASSERT_TRUE(r.process.has_value());
  EXPECT_EQ(r.process->executable(), "/opt/caf?/bin");
  EXPECT_EQ(r.process->host(), "h??");
  EXPECT_EQ(r.process->command_line(), "java");
}

TEST_F(Reader, ARecordOfAnUnknownKindIsPassedOver) {
  const std::string later("\x08\x05\xfa\x01\x02hi", 7);  // time_ns = 5 and field 31, a message
  ASSERT_TRUE(writer_.Append(later.data(), later.size()));
  Append(CounterRecord(1, 1));
  const Recording r = Read();
  EXPECT_EQ(r.damage, "");
  EXPECT_EQ(r.records, 2U);
  EXPECT_EQ(r.stacks.size(), 1U);
}

TEST_F(Reader, AFrameThatIsNoRecordIsDamage) {
  ASSERT_TRUE(writer_.Append("\xff\xff\xff", 3));
  Append(CounterRecord(1, 1));
  const Recording r = Read();
  EXPECT_THAT(r.damage, HasSubstr("record at 0x1028: not a Record"));
  EXPECT_EQ(r.stacks.size(), 1U);
}

std::string ErrorOf(const std::string& path) {
  const Result<Recording> recording = ReadRecording(path);
  return recording.ok() ? "" : recording.error().Text();
}

TEST(ReaderErrors, SayWhatIsWrongAndWhatToDo) {
  TemporaryFolder folder;
  const std::string path = folder.File("f");
  EXPECT_THAT(ErrorOf(path), HasSubstr("No such file or directory (WRACKLINE_OUT"));
  EXPECT_THAT(ErrorOf(folder.File("")), HasSubstr("is a folder (give one of the .wrack files"));
  Spill(path, "");
  EXPECT_THAT(ErrorOf(path), HasSubstr("is empty ("));
  Spill(path, std::string(1 << 20, '\0'));
  EXPECT_THAT(
      ErrorOf(path),
      HasSubstr("holds only zeros (the process ended before its first record reached the disk"));
  Spill(path, "#!/bin/sh\nexit 0\n");
  EXPECT_THAT(ErrorOf(path), HasSubstr("is not a recorder file (give a .wrack file"));
  Spill(path, std::string("\x28\xb5\x2f\xfdgarbage", 11));
  EXPECT_THAT(ErrorOf(path), HasSubstr("is a d"));
  ASSERT_EQ(mkfifo(folder.File("fifo").c_str(), 0600), 0);
  EXPECT_THAT(ErrorOf(folder.File("fifo")), HasSubstr("is not a regular file"));
  EXPECT_THAT(ErrorOf("/dev/zero"), HasSubstr("is not a regular file"));

  std::string sparse = folder.File("sparse");
  Spill(sparse, "x");
  std::filesystem::resize_file(sparse, std::uint64_t{5} << 30);
  EXPECT_THAT(ErrorOf(sparse), HasSubstr("too large"));

  const std::string real = folder.File("real.wrack");
  Writer writer;
  ASSERT_EQ(writer.Open(real.c_str(), kMinFileBytes), 0);
  writer.Close();
  std::string bytes = Slurp(real);
  std::string newer = bytes;
  newer[offsetof(FileHeader, version)] = 7;
  Spill(path, newer);
  EXPECT_THAT(ErrorOf(path),
              HasSubstr("recorder format 7, which is newer than this wrackline reads (1) "
                        "(use the wrackline that came with the preload)"));
  Spill(path, bytes.substr(0, 20));
  EXPECT_THAT(ErrorOf(path), HasSubstr("is cut short: 20 bytes"));
  Spill(path, bytes.substr(0, 4100));
  EXPECT_THAT(ErrorOf(path), HasSubstr("is cut short: 4100 of 1048576 bytes"));
  std::string headless = bytes;
  headless[kHeaderBytes] = 'X';
  Spill(path, headless);
  EXPECT_THAT(ErrorOf(path), HasSubstr("has no valid segment"));
  for (const char* text : {"\n", "\r"}) EXPECT_EQ(ErrorOf(path).find(text), std::string::npos);
}

TEST(ReaderErrors, ADamagedFileHeaderIsReadAround) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Writer writer;
  ASSERT_EQ(writer.Open(path.c_str(), kMinFileBytes), 0);
  writer.BeginSnapshot();  // so that the second segment is the active one
  ASSERT_TRUE(AppendTo(writer, CounterRecord(1, 1)));
  ASSERT_EQ(writer.CommitSnapshot(), 0);
  writer.Close();
  std::string bytes = Slurp(path);
  bytes[offsetof(FileHeader, segment_bytes) + 2] ^= 4;
  const Result<Recording> recording = ParseRecording(bytes, "x");
  ASSERT_TRUE(recording.ok()) << recording.error().Text();
  EXPECT_EQ(recording.value().generation, 2U);
  EXPECT_EQ(recording.value().records, 1U);
  EXPECT_THAT(recording.value().damage, HasSubstr("file header: checksum differs"));
}

}  // namespace
}  // namespace wrackline::recorder
