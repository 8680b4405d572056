// Damaged files: never a crash, never a record that was not written.
#include <random>
#include <set>

#include <gmock/gmock.h>

#include "lib/recorder/frame_scan.h"
#include "tests/unit/lib_recorder/recorder_support.h"

namespace wrackline::recorder {
namespace {

using ::testing::HasSubstr;

// A file of `records` counters with rising values, in generation 3: behind its frames stand those
// of generation 1.
std::string MakeFile(const TemporaryFolder& folder, std::uint64_t records,
                     std::set<std::string>* written) {
  const std::string path = folder.File("source.wrack");
  std::filesystem::remove(path);
  Writer writer;
  EXPECT_EQ(writer.Open(path.c_str(), kMinFileBytes), 0);
  for (std::uint64_t n = 0; n < 3 * records; ++n)
    EXPECT_TRUE(AppendTo(writer, CounterRecord(7, n + 1)));
  for (int i = 0; i < 2; ++i) {
    writer.BeginSnapshot();
    EXPECT_EQ(writer.CommitSnapshot(), 0);
  }
  for (std::uint64_t n = 0; n < records; ++n) {
    const proto::Record record = CounterRecord(static_cast<std::uint32_t>(n % 5), n + 1);
    EXPECT_TRUE(AppendTo(writer, record));
    if (written != nullptr) written->insert(record.SerializeAsString());
  }
  writer.Close();
  return Slurp(path);
}

std::map<std::uint32_t, std::uint64_t> StateAfter(std::uint64_t records) {
  std::map<std::uint32_t, std::uint64_t> state;
  for (std::uint64_t n = 0; n < records; ++n) state[static_cast<std::uint32_t>(n % 5)] = n + 1;
  return state;
}

TEST(ReaderDamage, StaleFramesAreNeverRead) {
  TemporaryFolder folder;
  const Result<Recording> recording = ParseRecording(MakeFile(folder, 40, nullptr), "x");
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().damage, "");
  EXPECT_EQ(recording.value().generation, 3U);
  EXPECT_EQ(recording.value().records, 40U);
}

TEST(ReaderDamage, CutAtEveryByte) {
  TemporaryFolder folder;
  const std::string bytes = MakeFile(folder, 40, nullptr);
  std::uint64_t last = 0;
  const std::size_t interesting = kHeaderBytes + 6000;  // all frames, stale ones too
  std::uint64_t readable = 0;
  for (std::size_t cut = 0; cut <= bytes.size(); cut += cut < interesting ? 1 : 4099) {
    const Result<Recording> recording = ParseRecording(std::string_view(bytes).substr(0, cut), "x");
    if (!recording.ok()) {
      ASSERT_EQ(readable, 0U) << cut;
      ASSERT_FALSE(recording.error().message.empty());
      continue;
    }
    ++readable;
    ASSERT_THAT(recording.value().damage, HasSubstr("file cut short"));
    ASSERT_GE(recording.value().records, last);
    last = recording.value().records;
    ASSERT_EQ(CountersOf(recording.value()), StateAfter(last)) << cut;
  }
  EXPECT_EQ(last, 40U);
}

TEST(ReaderDamage, AHoleInTheMiddleIsReportedAndReadAcross) {
  TemporaryFolder folder;
  std::string bytes = MakeFile(folder, 40, nullptr);
  std::vector<Frame> frames;
  ASSERT_TRUE(ScanFrames(bytes, "x", [&](const Frame& frame) { frames.push_back(frame); }).ok());
  std::string damaged = bytes;
  damaged[frames[10].offset + 20] ^= 1;
  Result<Recording> recording = ParseRecording(damaged, "x");
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().records, 39U);
  char expected[100];
  snprintf(expected, sizeof expected, "record at %#zx: checksum differs; 1 record lost",
           static_cast<std::size_t>(frames[10].offset));
  EXPECT_EQ(recording.value().damage, expected);

  // A lost page.
  for (std::size_t i = frames[20].offset; i < frames[30].offset; ++i) damaged[i] = 0;
  recording = ParseRecording(damaged, "x");
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().records, 29U);
  EXPECT_THAT(recording.value().damage, HasSubstr("11 records lost in 2 places"));
  EXPECT_EQ(CountersOf(recording.value()), StateAfter(40));

  // The last frame torn: the normal end.
  std::string torn = bytes;
  for (std::size_t i = frames[39].offset + 18; i < frames[39].offset + 64; ++i) torn[i] = 0;
  recording = ParseRecording(torn, "x");
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().records, 39U);
  EXPECT_EQ(recording.value().damage, "");
}

TEST(ReaderDamage, ADamagedNewerSegmentIsSaidToBeMissing) {
  TemporaryFolder folder;
  std::string bytes = MakeFile(folder, 40, nullptr);
  bytes[kHeaderBytes + 9] ^= 1;  // generation 3's header
  const Result<Recording> recording = ParseRecording(bytes, "x");
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().generation, 2U);
  EXPECT_THAT(recording.value().damage, HasSubstr("segment header at 0x1000: damaged"));
}

TEST(ReaderDamage, FlippedBytesNeverMakeARecord) {
  TemporaryFolder folder;
  std::set<std::string> written;
  const std::string bytes = MakeFile(folder, 40, &written);
  const std::string head = bytes.substr(0, 8192);  // small, so that thousands of seeds are quick
  std::uint64_t damaged = 0;
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    std::mt19937_64 random(seed);
    std::string flipped = head;
    for (std::uint64_t i = 1 + random() % 8; i > 0; --i) {
      const std::size_t at = random() % 4 == 0 ? random() % 48 : kHeaderBytes + random() % 2000;
      flipped[at] = static_cast<char>(random());
    }
    const Result<FrameScan> scan = ScanFrames(flipped, "x", [&](const Frame& frame) {
      ASSERT_EQ(written.count(std::string(frame.record)), 1U);
    });
    const Result<Recording> recording = ParseRecording(flipped, "x");
    ASSERT_EQ(scan.ok(), recording.ok());
    if (recording.ok() && recording.value().records < 40) ++damaged;
  }
  EXPECT_GT(damaged, 5000U);
}

TEST(ReaderDamage, RandomBytesBehindGoodHeaders) {
  TemporaryFolder folder;
  const std::string bytes = MakeFile(folder, 1, nullptr);
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    std::string noise = bytes.substr(0, 16384);
    for (std::size_t i = kHeaderBytes + sizeof(SegmentHeader); i < noise.size(); ++i)
      noise[i] = static_cast<char>(random());
    const Result<Recording> recording = ParseRecording(noise, "x");
    ASSERT_TRUE(recording.ok());
    ASSERT_EQ(recording.value().records, 0U);
  }
}

// A file made so that every eighth byte looks like the header of a long record: the search must
// end.
TEST(ReaderDamage, AFileMadeToWasteTimeIsGivenUp) {
  TemporaryFolder folder;
  std::string bytes = MakeFile(folder, 40, nullptr);
  std::vector<Frame> frames;
  const Result<FrameScan> scan =
      ScanFrames(bytes, "x", [&](const Frame& frame) { frames.push_back(frame); });
  ASSERT_TRUE(scan.ok());
  bytes.resize(4 << 20);
  FileHeader header{};
  memcpy(&header, bytes.data(), sizeof header);
  header.segment_bytes = 2 << 20;
  header.file_bytes = kHeaderBytes + 2 * header.segment_bytes;
  memcpy(bytes.data(), &header, sizeof header);
  for (std::size_t i = scan.value().end; i + 16 < bytes.size(); i += 16) {
    const FrameHeader frame{kMaxRecordBytes / 2, 0, scan.value().next_sequence + 1};
    memcpy(bytes.data() + i, &frame, sizeof frame);
  }
  const Result<Recording> recording = ParseRecording(bytes, "x");
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().records, 40U);
  EXPECT_THAT(recording.value().damage, HasSubstr("was given up"));
}

}  // namespace
}  // namespace wrackline::recorder
