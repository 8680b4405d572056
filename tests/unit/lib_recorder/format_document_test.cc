// docs/recorder-format.md shows a real file byte by byte: this holds the document to it.
#include <regex>

#include "tests/unit/lib_recorder/recorder_support.h"

namespace wrackline::recorder {
namespace {

const std::string kExample = WRACKLINE_SOURCE_DIR "/tests/fuzz/corpus/fuzz_recorder/worked-example";
const std::string kDocument = WRACKLINE_SOURCE_DIR "/docs/recorder-format.md";

TEST(FormatDocument, ItsHexdumpIsTheFile) {
  const std::string bytes = Slurp(kExample);
  ASSERT_FALSE(bytes.empty());
  const std::string document = Slurp(kDocument);
  ASSERT_FALSE(document.empty());
  // hexdump -C's lines: offset, sixteen bytes, text.
  const std::regex line("([0-9a-f]{8})((?: +[0-9a-f]{2}){1,16}) +\\|");
  std::string covered(bytes.size(), 'n');
  for (std::sregex_iterator it(document.begin(), document.end(), line), end; it != end; ++it) {
    std::size_t offset = std::stoul((*it)[1].str(), nullptr, 16);
    std::istringstream hex((*it)[2].str());
    for (std::string byte; hex >> byte; ++offset) {
      ASSERT_LT(offset, bytes.size());
      ASSERT_EQ(std::stoi(byte, nullptr, 16), static_cast<unsigned char>(bytes[offset]))
          << std::hex << offset;
      covered[offset] = 'y';
    }
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    ASSERT_TRUE(covered[i] == 'y' || bytes[i] == '\0') << "not in the document: byte " << i;
  }
}

TEST(FormatDocument, ItsExampleReadsAsItSays) {
  const Result<Recording> recording = ReadRecording(kExample);
  ASSERT_TRUE(recording.ok()) << recording.error().Text();
  const Recording& r = recording.value();
  EXPECT_EQ(r.records, 3U);
  EXPECT_EQ(r.generation, 1U);
  EXPECT_EQ(r.damage, "file cut short: 4256 of 1048576 bytes");
  ASSERT_TRUE(r.process.has_value());
  EXPECT_EQ(r.process->pid(), 42U);
  EXPECT_EQ(r.process->host(), "tm-1");
  ASSERT_EQ(r.stacks.count(7), 1U);
  EXPECT_EQ(r.stacks.at(7).counters.allocated_samples(), 3U);
  ASSERT_TRUE(r.last_heartbeat.has_value());
  EXPECT_EQ(r.last_heartbeat->heartbeat().charge(), 1073741824U);
}

}  // namespace
}  // namespace wrackline::recorder
