#include "lib/recorder/frame_scan.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "lib/recorder/crc32c.h"

namespace wrackline::recorder {
namespace {

constexpr std::uint64_t kAlignment = 8;
// A resync checks a checksum only where length and sequence are plausible. Real damage asks for a
// few; a file made to waste time gets this much, beside four times its own size.
constexpr std::uint64_t kResyncBytes = 64 << 20;

constexpr std::uint64_t RoundUp(std::uint64_t value) {
  return (value + kAlignment - 1) / kAlignment * kAlignment;
}

// Precondition: offset + sizeof(T) <= bytes.size().
template <typename T>
T Load(std::string_view bytes, std::uint64_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

bool OnlyZeros(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

bool Usable(const FileHeader& header) {
  return header.header_bytes >= sizeof(FileHeader) && header.header_bytes <= (1U << 20) &&
         header.header_bytes % kAlignment == 0 && header.segment_bytes > sizeof(SegmentHeader) &&
         header.segment_bytes % kAlignment == 0 &&
         header.segment_bytes <= (std::uint64_t{1} << 40) &&
         header.file_bytes <= (std::uint64_t{1} << 41) &&
         header.header_bytes + 2 * header.segment_bytes <= header.file_bytes;
}

enum class HeaderState { kValid, kZero, kCutOff, kDamaged };

HeaderState ReadSegmentHeader(std::string_view bytes, std::uint64_t offset,
                              SegmentHeader* segment) {
  if (offset + sizeof(SegmentHeader) > bytes.size()) return HeaderState::kCutOff;
  const std::string_view text = bytes.substr(offset, sizeof(SegmentHeader));
  *segment = Load<SegmentHeader>(bytes, offset);
  if (std::memcmp(segment->magic, kSegmentMagic, sizeof kSegmentMagic) == 0 &&
      segment->generation != 0 &&
      segment->crc32c == Crc32c(0, text.data(), offsetof(SegmentHeader, crc32c))) {
    return HeaderState::kValid;
  }
  return OnlyZeros(text) ? HeaderState::kZero : HeaderState::kDamaged;
}

// Reads the file header into `*header`, repairing what it can; damage is noted.
Status ReadFileHeader(std::string_view bytes, const std::string& name, FileHeader* header,
                      std::string* damage) {
  if (bytes.empty()) {
    return Error{fmt::format("{} is empty", name),
                 "the output folder had no room, or the copy was cut short"};
  }
  if (OnlyZeros(bytes)) {
    return Error{fmt::format("{} holds only zeros", name),
                 "the process ended before its first record reached the disk, or the disk lost it"};
  }
  const std::size_t magic_bytes = std::min(bytes.size(), sizeof kFileMagic);
  if (std::memcmp(bytes.data(), kFileMagic, magic_bytes) != 0) {
    return Error{fmt::format("{} is not a recorder file", name),
                 "give a .wrack file, or a dump made by `wrackline pack`"};
  }
  if (bytes.size() < sizeof(FileHeader)) {
    return Error{fmt::format("{} is cut short: {} bytes, its header alone has {}", name,
                             bytes.size(), sizeof(FileHeader)),
                 "copy it again"};
  }
  *header = Load<FileHeader>(bytes, 0);
  // Before the checksum: a later version may keep that elsewhere.
  if (header->version > kFormatVersion) {
    return Error{
        fmt::format("{} has recorder format {}, which is newer than this wrackline reads ({})",
                    name, header->version, kFormatVersion),
        "use the wrackline that came with the preload"};
  }
  if (header->version == 0) {
    return Error{fmt::format("{} has recorder format 0, which does not exist", name),
                 "the header is damaged; copy the file again"};
  }
  const std::uint32_t crc = Crc32c(0, bytes.data(), offsetof(FileHeader, crc32c));
  if (crc == header->crc32c && Usable(*header)) return std::nullopt;
  AddDamage(*damage, "file header: checksum differs");
  // The geometry that a writer gives a file of this size is more likely than what a damaged header
  // says, when it leads to a second segment.
  FileHeader derived = *header;
  derived.header_bytes = kHeaderBytes;
  derived.file_bytes = bytes.size();
  derived.segment_bytes =
      (std::max(bytes.size(), kHeaderBytes) - kHeaderBytes) / 2 / kHeaderBytes * kHeaderBytes;
  SegmentHeader second{};
  const bool second_found = ReadSegmentHeader(bytes, kHeaderBytes + derived.segment_bytes,
                                              &second) == HeaderState::kValid;
  if (Usable(derived) && (second_found || !Usable(*header))) *header = derived;
  if (!Usable(*header)) return Error{fmt::format("{} has a damaged header", name), "copy it again"};
  return std::nullopt;
}

class SegmentReader {
 public:
  SegmentReader(std::string_view bytes, FrameScan& scan)
      : bytes_(bytes),
        scan_(scan),
        limit_(std::min<std::uint64_t>(scan.segment_end, bytes.size())),
        resync_budget_(kResyncBytes + 4 * bytes.size()) {}

  void Read(const std::function<void(const Frame&)>& visit) {
    std::uint64_t offset = scan_.segment_offset + sizeof(SegmentHeader);
    std::uint64_t sequence = scan_.segment.first_sequence;
    while (true) {
      std::optional<FrameHeader> header = FrameAt(offset, sequence, sequence);
      if (!header) {
        const char* what = WhatIsWrong(offset, sequence);
        std::uint64_t next = offset + kAlignment;
        header = Resync(&next, sequence);
        if (!header) break;
        Lost(offset, header->sequence - sequence, what);
        offset = next;
        sequence = header->sequence;
      }
      visit({offset, sequence, bytes_.substr(offset + sizeof(FrameHeader), header->length)});
      offset = RoundUp(offset + sizeof(FrameHeader) + header->length);
      ++sequence;
    }
    scan_.end = offset;
    scan_.next_sequence = sequence;
    if (places_ > 0) {
      AddDamage(scan_.damage,
                fmt::format("record at {:#x}: {}; {} record{} lost{}", first_place_, first_what_,
                            lost_, lost_ == 1 ? "" : "s",
                            places_ > 1 ? fmt::format(" in {} places", places_) : ""));
    }
  }

 private:
  // The frame at `offset` when its length is in range, its sequence within [lowest, highest] and
  // its checksum right.
  std::optional<FrameHeader> FrameAt(std::uint64_t offset, std::uint64_t lowest,
                                     std::uint64_t highest) {
    if (offset + sizeof(FrameHeader) > limit_) return std::nullopt;
    const auto header = Load<FrameHeader>(bytes_, offset);
    if (header.length == 0 || header.length > kMaxRecordBytes) return std::nullopt;
    if (header.length > limit_ - offset - sizeof(FrameHeader)) return std::nullopt;
    if (header.sequence < lowest || header.sequence > highest) return std::nullopt;
    checked_bytes_ += header.length;
    const char* record = bytes_.data() + offset + sizeof(FrameHeader);
    const std::uint32_t crc =
        Crc32c(Crc32c(0, &header.sequence, sizeof header.sequence), record, header.length);
    return crc == header.crc32c ? std::optional(header) : std::nullopt;
  }

  // The next frame of this use of the segment, from `*offset` on. Left-overs of an earlier use have
  // lower sequences.
  std::optional<FrameHeader> Resync(std::uint64_t* offset, std::uint64_t sequence) {
    const std::uint64_t begin = *offset;
    for (; *offset + sizeof(FrameHeader) <= limit_; *offset += kAlignment) {
      // No more records can be missing than fit in between: one needs at least 24 bytes.
      const std::uint64_t most = 1 + (*offset - begin + kAlignment) / 24;
      const std::uint64_t checked_before = checked_bytes_;
      const std::optional<FrameHeader> header = FrameAt(*offset, sequence, sequence + most);
      if (header) return header;
      resync_used_ += checked_bytes_ - checked_before;
      if (resync_used_ > resync_budget_) {
        AddDamage(scan_.damage, fmt::format("the search behind {:#x} was given up", begin));
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  const char* WhatIsWrong(std::uint64_t offset, std::uint64_t sequence) const {
    if (offset + sizeof(FrameHeader) > limit_) return "cut off";
    const auto header = Load<FrameHeader>(bytes_, offset);
    if (header.length == 0 || header.length > kMaxRecordBytes) return "impossible length";
    if (header.sequence != sequence) return "wrong sequence";
    return "checksum differs";
  }

  void Lost(std::uint64_t offset, std::uint64_t records, const char* what) {
    if (places_++ == 0) {
      first_place_ = offset;
      first_what_ = what;
    }
    lost_ += records;
  }

  std::string_view bytes_;
  FrameScan& scan_;
  std::uint64_t limit_;
  std::uint64_t resync_budget_;
  std::uint64_t resync_used_ = 0;
  std::uint64_t checked_bytes_ = 0;
  std::uint64_t places_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t first_place_ = 0;
  const char* first_what_ = "";
};

}  // namespace

void AddDamage(std::string& damage, const std::string& sentence) {
  if (!damage.empty()) damage += "; ";
  damage += sentence;
}

Result<FrameScan> ScanFrames(std::string_view bytes, const std::string& name,
                             const std::function<void(const Frame&)>& visit) {
  FileHeader header{};
  FrameScan scan;
  if (Status error = ReadFileHeader(bytes, name, &header, &scan.damage)) return *error;
  scan.version = header.version;

  bool cut_off = false;
  for (int i = 0; i < 2; ++i) {
    const std::uint64_t offset =
        header.header_bytes + static_cast<std::uint64_t>(i) * header.segment_bytes;
    SegmentHeader segment{};
    switch (ReadSegmentHeader(bytes, offset, &segment)) {
      case HeaderState::kValid:
        if (segment.generation > scan.segment.generation) {
          scan.segment = segment;
          scan.segment_offset = offset;
          scan.segment_end = offset + header.segment_bytes;
        }
        break;
      case HeaderState::kZero:  // never used, or a snapshot is being written there
        break;
      case HeaderState::kCutOff:
        cut_off = true;
        break;
      case HeaderState::kDamaged:
        AddDamage(
            scan.damage,
            fmt::format(
                "segment header at {:#x}: damaged, so that its records, which may be the newest, "
                "were not read",
                offset));
        break;
    }
  }
  if (scan.segment.generation == 0) {
    if (cut_off) {
      return Error{fmt::format("{} is cut short: {} of {} bytes, and no whole segment", name,
                               bytes.size(), header.file_bytes),
                   "copy it again"};
    }
    return Error{fmt::format("{} has no valid segment", name),
                 "the process ended while the file was made, or the file is damaged"};
  }
  SegmentReader(bytes, scan).Read(visit);
  if (bytes.size() < header.file_bytes) {
    AddDamage(scan.damage,
              fmt::format("file cut short: {} of {} bytes", bytes.size(), header.file_bytes));
  }
  return scan;
}

}  // namespace wrackline::recorder
