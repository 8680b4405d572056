#include "lib/recorder/crc32c.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace wrackline::recorder {
namespace {

using Function = std::uint32_t (*)(std::uint32_t, const void*, std::size_t);
const Function kBoth[] = {&Crc32c, &internal::Crc32cPortable};

// RFC 3720, appendix B.4. The RFC prints the checksum's bytes in the order they are sent: lowest
// first.
TEST(Crc32c, VectorsOfRfc3720) {
  const std::string zeros(32, '\0');
  const std::string ones(32, '\xff');
  std::string up;
  std::string down;
  for (int i = 0; i < 32; ++i) {
    up += static_cast<char>(i);
    down += static_cast<char>(31 - i);
  }
  const unsigned char scsi_read[48] = {
      0x01, 0xc0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0,
      0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0};
  for (const Function crc : kBoth) {
    EXPECT_EQ(crc(0, zeros.data(), zeros.size()), 0x8a9136aaU);
    EXPECT_EQ(crc(0, ones.data(), ones.size()), 0x62a8ab43U);
    EXPECT_EQ(crc(0, up.data(), up.size()), 0x46dd794eU);
    EXPECT_EQ(crc(0, down.data(), down.size()), 0x113fdb5cU);
    EXPECT_EQ(crc(0, scsi_read, sizeof scsi_read), 0xd9963a56U);
    EXPECT_EQ(crc(0, "123456789", 9), 0xe3069283U);
    EXPECT_EQ(crc(0, nullptr, 0), 0U);
  }
}

TEST(Crc32c, BothWaysAgreeAtEveryLengthAndAlignment) {
  std::mt19937_64 random(7);
  std::vector<unsigned char> bytes(600);
  for (auto& byte : bytes) byte = static_cast<unsigned char>(random());
  for (std::size_t begin = 0; begin < 16; ++begin) {
    for (std::size_t length = 0; length < 512; ++length) {
      const auto seed = static_cast<std::uint32_t>(random());
      ASSERT_EQ(Crc32c(seed, bytes.data() + begin, length),
                internal::Crc32cPortable(seed, bytes.data() + begin, length));
    }
  }
}

TEST(Crc32c, ContinuesWhereItStopped) {
  const std::string text = "the line of debris that the highest tide leaves";
  for (const Function crc : kBoth) {
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      ASSERT_EQ(crc(crc(0, text.data(), cut), text.data() + cut, text.size() - cut),
                crc(0, text.data(), text.size()));
    }
  }
}

}  // namespace
}  // namespace wrackline::recorder
