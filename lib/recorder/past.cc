#include "lib/recorder/past.h"

#include <utility>

#include "lib/recorder/file_bytes.h"
#include "lib/recorder/fold.h"
#include "lib/recorder/frame_scan.h"
#include "lib/recorder/packed.h"

namespace wrackline::recorder {
namespace {

// Of a file that was never snapshotted the first records are of the recording's beginning; a snapshot's are later.
constexpr std::uint64_t kBeginning = 2'000'000'000;

}  // namespace

Result<Past> ReadPast(const std::string& path, std::uint64_t time_ns) {
  Result<std::string> bytes = ReadSettledBytes(path);
  if (!bytes.ok()) return bytes.error();
  Past past;
  Recording whole;
  past.recording.source = whole.source = path;
  Folder until(past.recording), all(whole);
  std::uint64_t process_time_ns = 0;  // of the first such record
  const auto add = [&](const Frame& frame) {
    proto::Record record;
    if (!ParseRecord(frame.record, &record)) return;
    if (process_time_ns == 0 && record.has_process()) process_time_ns = record.time_ns();
    if (record.time_ns() <= time_ns) until.Add(record, frame.record.size());
    all.Add(std::move(record), frame.record.size());
  };
  if (IsPacked(bytes.value())) {
    const Result<PackedInfo> info = ScanPacked(bytes.value(), path, add);
    if (!info.ok()) return info.error();
    past.recording.packed = true;
    // A dump does not say whether it begins with a snapshot, and where that was complete.
    past.state_known = whole.process && process_time_ns != 0 &&
                       process_time_ns < whole.process->epoch_time_ns() + kBeginning;
  } else {
    const Result<FrameScan> scan = ScanFrames(bytes.value(), path, add);
    if (!scan.ok()) return scan.error();
    const SegmentHeader& segment = scan.value().segment;
    past.state_known = segment.generation == 1 || segment.committed_time_ns <= time_ns;
  }
  until.Finish();
  all.Finish();
  past.state_known = past.state_known && past.recording.process.has_value();
  past.recording.frame_names = std::move(whole.frame_names);
  past.recording.modules = std::move(whole.modules);
  past.recording.threads = std::move(whole.threads);
  return past;
}

}  // namespace wrackline::recorder
