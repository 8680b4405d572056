#include <gmock/gmock.h>
#include <zstd.h>

#include "tests/unit/lib_recorder/recorder_support.h"

namespace wrackline::recorder {
namespace {

using ::testing::HasSubstr;

std::string Compressed(const std::string& bytes) {
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), 3));
  return packed;
}

std::string ErrorOf(const std::string& bytes) {
  const Result<Recording> recording = ParseRecording(bytes, "x");
  return recording.ok() ? "" : recording.error().Text();
}

class PackTest : public ::testing::Test {
 protected:
  void SetUp() override {
    CounterOwner owner;
    Recorder recorder;
    ASSERT_EQ(recorder.Open(owner.Options(path_)), 0);
    for (std::uint32_t stack = 0; stack < 500; ++stack) owner.Set(stack, stack * 3);
    owner.PutDirty(recorder);
    for (std::uint64_t n = 1; n <= 100; ++n) ASSERT_TRUE(LogRecord(recorder, 1, TimelineRecord(n)));
    proto::Record record;
    record.set_time_ns(5);
    record.mutable_process()->set_host("pod@");
    std::string bytes = record.SerializeAsString();
    bytes[bytes.find('@')] = '\xff';  // no UTF-8
    ASSERT_TRUE(recorder.PutEncoded(bytes.data(), bytes.size()));
    recorder.Close();
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.File("a.wrack");
  std::string packed_ = folder_.File("a.wrackpack");
};

TEST_F(PackTest, GivesTheSameRecording) {
  const Status status = Pack(path_, packed_);
  ASSERT_FALSE(status.has_value()) << status->Text();
  const Result<Recording> first = ReadRecording(path_);
  const Result<Recording> second = ReadRecording(packed_);
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(second.ok()) << second.error().Text();
  const Recording& a = first.value();
  const Recording& b = second.value();
  EXPECT_FALSE(a.packed);
  EXPECT_TRUE(b.packed);
  EXPECT_EQ(b.source, packed_);
  EXPECT_EQ(a.format_version, b.format_version);
  EXPECT_EQ(a.damage, b.damage);
  EXPECT_EQ(a.records, b.records);
  EXPECT_EQ(a.record_bytes, b.record_bytes);
  EXPECT_EQ(a.last_time_ns, b.last_time_ns);
  EXPECT_EQ(CountersOf(a), CountersOf(b));
  ASSERT_EQ(a.timeline.size(), b.timeline.size());
  for (std::size_t i = 0; i < a.timeline.size(); ++i) {
    EXPECT_EQ(a.timeline[i].SerializeAsString(), b.timeline[i].SerializeAsString());
  }
  EXPECT_EQ(a.process->SerializeAsString(), b.process->SerializeAsString());
  EXPECT_LT(std::filesystem::file_size(packed_), a.record_bytes);

  const auto raw = ReadRawRecords(packed_);
  ASSERT_TRUE(raw.ok());
  EXPECT_EQ(raw.value().size(), a.records);
  EXPECT_EQ(raw.value().back().sequence, a.records);
}

TEST_F(PackTest, IsADumpForAnyProtobufReader) {
  ASSERT_FALSE(Pack(path_, packed_).has_value());
  const std::string packed = Slurp(packed_);
  std::string bytes(1 << 20, '\0');
  const std::size_t size =
      ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size());
  ASSERT_FALSE(ZSTD_isError(size));
  proto::Dump dump;
  ASSERT_TRUE(dump.ParseFromArray(bytes.data(), static_cast<int>(size)));
  EXPECT_EQ(dump.source(), "a.wrack");
  EXPECT_EQ(dump.format_version(), 1U);
  EXPECT_EQ(dump.source_bytes(), kMinFileBytes);
  EXPECT_EQ(dump.records_size(), 601);
  EXPECT_NE(dump.wrackline_version(), "");
  EXPECT_EQ(dump.records(600).process().host(), "pod?");
}

TEST_F(PackTest, KeepsWhatWasSaidOfTheDamage) {
  std::string bytes = Slurp(path_);
  bytes[kHeaderBytes + 40 + 20] ^= 1;
  Spill(path_, bytes);
  ASSERT_FALSE(Pack(path_, packed_).has_value());
  const Result<Recording> recording = ReadRecording(packed_);
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().damage, "record at 0x1028: checksum differs; 1 record lost");
}

TEST_F(PackTest, ReplacesAnOldDumpButNotItsSource) {
  Spill(packed_, "old");
  ASSERT_FALSE(Pack(path_, packed_).has_value());
  EXPECT_TRUE(ReadRecording(packed_).ok());
  EXPECT_THAT(Pack(path_, path_)->Text(), HasSubstr("both input and output"));
  EXPECT_THAT(Pack(packed_, folder_.File("b"))->Text(), HasSubstr("is packed already"));
  EXPECT_THAT(Pack(path_, folder_.File("no/b"))->Text(), HasSubstr("cannot write"));
  EXPECT_THAT(Pack(folder_.File("none"), packed_)->Text(), HasSubstr("No such file"));
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_.File("")))
    ++files;
  EXPECT_EQ(files, 2U);  // nothing temporary stays
}

TEST_F(PackTest, DamagedDumpsAreErrors) {
  ASSERT_FALSE(Pack(path_, packed_).has_value());
  const std::string packed = Slurp(packed_);
  for (std::size_t cut = 4; cut < packed.size(); cut += 7) {
    const Result<Recording> recording = ParseRecording(packed.substr(0, cut), "x");
    ASSERT_FALSE(recording.ok()) << cut;
    ASSERT_FALSE(recording.error().hint.empty());
  }
  std::string flipped = packed;
  flipped[packed.size() / 2] ^= 0x10;
  EXPECT_FALSE(ParseRecording(flipped, "x").ok());  // zstd's own checksum
  EXPECT_THAT(ErrorOf(Compressed("hello, world")), HasSubstr("holds no recorder dump"));
  EXPECT_THAT(ErrorOf(Compressed("")), HasSubstr("holds no recorder dump"));
  proto::Dump newer;
  newer.set_format_version(9);
  EXPECT_THAT(ErrorOf(Compressed(newer.SerializeAsString())),
              HasSubstr("recorder format 9, which is newer"));
}

TEST(PackBomb, IsAnError) {
  const std::string bomb = Compressed(std::string(200 << 20, '\0'));
  EXPECT_LT(bomb.size(), 100000U);
  EXPECT_THAT(ErrorOf(bomb), HasSubstr("unpacks to more than"));
}

}  // namespace
}  // namespace wrackline::recorder
