#include <gmock/gmock.h>

#include "tests/unit/lib_recorder/recorder_support.h"

namespace wrackline::recorder {
namespace {

using ::testing::HasSubstr;

proto::Record AftermathRecord() {
  proto::Record record;
  record.set_time_ns(123456789);
  record.mutable_aftermath()->set_signal(9);
  record.mutable_aftermath()->set_kernel_log(std::string(3000, 'k'));
  return record;
}

TEST(AppendRecord, AddsBehindTheLastRecord) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Writer writer;
  ASSERT_EQ(writer.Open(path.c_str(), kMinFileBytes), 0);
  ASSERT_TRUE(AppendTo(writer, HeartbeatRecord(5)));
  writer.BeginSnapshot();
  ASSERT_TRUE(AppendTo(writer, HeartbeatRecord(6)));
  ASSERT_EQ(writer.CommitSnapshot(), 0);
  writer.Close();
  for (int i = 1; i <= 2; ++i) {
    const Status status = AppendRecord(path, AftermathRecord());
    ASSERT_FALSE(status.has_value()) << status->Text();
    const Result<Recording> recording = ReadRecording(path);
    ASSERT_TRUE(recording.ok());
    EXPECT_EQ(recording.value().damage, "");
    EXPECT_EQ(recording.value().records, 1U + static_cast<unsigned>(i));
    EXPECT_EQ(recording.value().aftermath->kernel_log().size(), 3000U);
    EXPECT_EQ(recording.value().last_time_ns, HeartbeatRecord(6).time_ns());
  }
  EXPECT_EQ(std::filesystem::file_size(path), kMinFileBytes);
}

TEST(AppendRecord, OverwritesATornTail) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  Writer writer;
  ASSERT_EQ(writer.Open(path.c_str(), kMinFileBytes), 0);
  ASSERT_TRUE(AppendTo(writer, HeartbeatRecord(5)));
  ASSERT_TRUE(AppendTo(writer, HeartbeatRecord(6)));
  writer.Close();
  std::string bytes = Slurp(path);
  const std::size_t end = bytes.find_last_not_of('\0');
  bytes[end] = '\0';
  Spill(path, bytes);
  ASSERT_FALSE(AppendRecord(path, AftermathRecord()).has_value());
  const Result<Recording> recording = ReadRecording(path);
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().damage, "");
  EXPECT_EQ(recording.value().last_heartbeat->heartbeat().monotonic_ns(), 5U);
  EXPECT_EQ(recording.value().aftermath->signal(), 9);
}

TEST(AppendRecord, SaysWhyItCannot) {
  TemporaryFolder folder;
  const std::string path = folder.File("a.wrack");
  EXPECT_THAT(AppendRecord(path, AftermathRecord())->Text(), HasSubstr("No such file"));
  Writer writer;
  ASSERT_EQ(writer.Open(path.c_str(), kMinFileBytes), 0);
  while (AppendTo(writer, HeartbeatRecord(1))) {
  }
  writer.Close();
  const std::string before = Slurp(path);
  EXPECT_THAT(AppendRecord(path, AftermathRecord())->Text(),
              HasSubstr("has no room for a record of 30"));
  EXPECT_EQ(Slurp(path), before);
  EXPECT_THAT(AppendRecord(path, proto::Record{})->Text(), HasSubstr("record of 0 bytes"));
  ASSERT_FALSE(Pack(path, folder.File("a.wrackpack")).has_value());
  EXPECT_THAT(AppendRecord(folder.File("a.wrackpack"), AftermathRecord())->Text(),
              HasSubstr("is a packed dump"));
}

}  // namespace
}  // namespace wrackline::recorder
