// The reader over arbitrary bytes: recorder files and packed dumps.
//
// A checksum that the fuzzer cannot guess would keep it out of everything behind: so each input is
// read as it is, and once more with its headers and frames sealed anew, as far as their lengths
// lead.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "lib/recorder/crc32c.h"
#include "lib/recorder/format.h"
#include "lib/recorder/reader.h"

namespace {

using namespace wrackline::recorder;  // NOLINT(google-build-using-namespace)

template <typename T>
void Seal(std::string& bytes, std::size_t offset) {
  if (offset + sizeof(T) > bytes.size()) return;
  const std::uint32_t crc = Crc32c(0, bytes.data() + offset, offsetof(T, crc32c));
  std::memcpy(bytes.data() + offset + offsetof(T, crc32c), &crc, sizeof crc);
}

void SealSegment(std::string& bytes, std::size_t offset) {
  Seal<SegmentHeader>(bytes, offset);
  offset += sizeof(SegmentHeader);
  while (offset + sizeof(FrameHeader) <= bytes.size()) {
    FrameHeader header;
    std::memcpy(&header, bytes.data() + offset, sizeof header);
    const std::size_t room = bytes.size() - offset - sizeof header;
    if (header.length == 0 || header.length > room || header.length > kMaxRecordBytes) return;
    header.crc32c = Crc32c(Crc32c(0, &header.sequence, sizeof header.sequence),
                           bytes.data() + offset + sizeof header, header.length);
    std::memcpy(bytes.data() + offset, &header, sizeof header);
    offset = (offset + sizeof header + header.length + 7) / 8 * 8;
  }
}

void Check(std::string_view bytes) {
  const auto recording = ParseRecording(bytes, "fuzz");
  if (recording.ok()) {
    if (recording.value().damage.find('\n') != std::string::npos && !recording.value().packed)
      std::abort();
    if (!recording.value().packed && recording.value().record_bytes > bytes.size()) std::abort();
  } else if (recording.error().message.empty() ||
             recording.error().Text().find('\n') != std::string::npos) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Check(bytes);
  if (size < sizeof(FileHeader)) return 0;
  std::string sealed(bytes);
  FileHeader header;
  std::memcpy(&header, sealed.data(), sizeof header);
  Seal<FileHeader>(sealed, 0);
  if (header.header_bytes < size) SealSegment(sealed, header.header_bytes);
  if (header.segment_bytes < size && header.header_bytes < size) {
    SealSegment(sealed, header.header_bytes + header.segment_bytes);
  }
  Check(sealed);
  return 0;
}
