#include "lib/recorder/reader.h"

#include <fmt/format.h>

#include "lib/recorder/file_bytes.h"
#include "lib/recorder/fold.h"
#include "lib/recorder/frame_scan.h"
#include "lib/recorder/packed.h"

namespace wrackline::recorder {
namespace {

void AddUnreadable(std::string& damage, std::uint64_t count, std::uint64_t first_offset) {
  if (count == 0) return;
  AddDamage(damage, fmt::format("record at {:#x}: not a Record{}", first_offset,
                                count > 1 ? fmt::format(", and {} more", count - 1) : ""));
}

Result<Recording> ParseFrames(std::string_view bytes, const std::string& name) {
  Recording recording;
  recording.source = name;
  Folder folder(recording);
  std::uint64_t unreadable = 0;
  std::uint64_t first_unreadable = 0;
  Result<FrameScan> scan = ScanFrames(bytes, name, [&](const Frame& frame) {
    proto::Record record;
    if (ParseRecord(frame.record, &record)) {
      folder.Add(std::move(record), frame.record.size());
    } else if (unreadable++ == 0) {
      first_unreadable = frame.offset;
    }
  });
  if (!scan.ok()) return scan.error();
  folder.Finish();
  recording.format_version = scan.value().version;
  recording.generation = scan.value().segment.generation;
  recording.damage = scan.value().damage;
  AddUnreadable(recording.damage, unreadable, first_unreadable);
  return recording;
}

Result<Recording> ParsePacked(std::string_view bytes, const std::string& name) {
  Recording recording;
  recording.source = name;
  recording.packed = true;
  Folder folder(recording);
  std::uint64_t unreadable = 0;
  std::uint64_t first_unreadable = 0;
  Result<PackedInfo> info = ScanPacked(bytes, name, [&](const Frame& frame) {
    proto::Record record;
    if (ParseRecord(frame.record, &record)) {
      folder.Add(std::move(record), frame.record.size());
    } else if (unreadable++ == 0) {
      first_unreadable = frame.offset;
    }
  });
  if (!info.ok()) return info.error();
  folder.Finish();
  recording.format_version = info.value().format_version;
  recording.damage = info.value().damage;
  AddUnreadable(recording.damage, unreadable, first_unreadable);
  return recording;
}

}  // namespace

Result<Recording> ParseRecording(std::string_view bytes, const std::string& name) {
  return IsPacked(bytes) ? ParsePacked(bytes, name) : ParseFrames(bytes, name);
}

Result<Recording> ReadRecording(const std::string& path) {
  Result<std::string> bytes = ReadSettledBytes(path);
  if (!bytes.ok()) return bytes.error();
  return ParseRecording(bytes.value(), path);
}

Result<std::vector<RawRecord>> ReadRawRecords(const std::string& path) {
  Result<std::string> bytes = ReadSettledBytes(path);
  if (!bytes.ok()) return bytes.error();
  std::vector<RawRecord> records;
  const auto add = [&](const Frame& frame) {
    RawRecord raw;
    raw.offset = frame.offset;
    raw.sequence = frame.sequence;
    if (ParseRecord(frame.record, &raw.record)) records.push_back(std::move(raw));
  };
  if (IsPacked(bytes.value())) {
    if (auto info = ScanPacked(bytes.value(), path, add); !info.ok()) return info.error();
  } else {
    if (auto scan = ScanFrames(bytes.value(), path, add); !scan.ok()) return scan.error();
  }
  return records;
}

}  // namespace wrackline::recorder
