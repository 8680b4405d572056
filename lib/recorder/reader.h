// Reader of recorder files (.wrack) and packed dumps (.wrackpack): live, finished, cut short or
// damaged ones.
//
// The bytes are hostile: every length is checked, damage never reads outside the file, memory is
// bounded by the file's size. What could be read is returned together with a note of what could
// not.
//
//   Result<Recording> recording = ReadRecording("wrackline-host-42-1700000000.wrack");
//   if (!recording.ok()) { std::cerr << recording.error().Text(); ... }
//   for (const auto& [id, stack] : recording.value().stacks) ...
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/result.h"
#include "lib/proto/wrackline.pb.h"

namespace wrackline::recorder {

struct Stack {
  std::vector<std::uint64_t> frames;  // return addresses and Java frames (proto), innermost first
  bool truncated = false;
  proto::StackCounter counters;  // zero when never sampled
};

// The state of a recorder at its last record: state records folded (last one wins), history in the
// order of time.
struct Recording {
  std::string source;  // the path it was read from
  std::uint32_t format_version = 0;
  bool packed = false;
  std::optional<proto::Process> process;
  std::map<std::uint32_t, proto::Module> modules;
  std::map<std::uint32_t, Stack> stacks;
  std::map<std::uint32_t, proto::LiveObject> live_objects;  // by slot; empty slots left out
  std::map<std::uint32_t, proto::Mapping> mappings;         // by slot; empty slots left out
  std::map<std::uint64_t, proto::FrameName> frame_names;    // by pc
  std::vector<proto::Record> timeline;                      // body is a TimelineSample
  std::map<std::uint64_t, proto::RocksDbDatabase> rocksdb_databases;
  std::vector<proto::Record> rocksdb_samples;  // body is a RocksDbSample
  std::vector<proto::Record> rocksdb_objects;  // body is a RocksDbObjects
  // By thread id and Thread.since_ms.
  std::map<std::pair<std::uint32_t, std::uint64_t>, proto::Thread> threads;
  std::optional<proto::JvmFacts> jvm_facts;
  std::optional<proto::Untouched> untouched;
  std::vector<proto::Record> jvm_samples;  // body is a JvmSample
  proto::Losses losses;
  std::optional<proto::Record> last_heartbeat;
  std::optional<proto::Record> exit;
  std::optional<proto::Aftermath> aftermath;
  std::uint64_t last_time_ns =
      0;  // CLOCK_REALTIME of the newest record that the recording process wrote
  std::uint64_t records = 0;
  std::uint64_t record_bytes = 0;
  std::uint64_t generation = 0;  // of the segment read
  // Empty, or one line that says what was damaged and where reading stopped ("record at 0x2f40:
  // checksum differs"). A torn last frame is the normal end of a killed process and is no damage.
  std::string damage;
};

// Errors (one line each, with a hint): no such file, not a recorder file, a file of zeros ("never
// written: the process ended before its first record"), an unknown version, no valid segment.
Result<Recording> ReadRecording(const std::string& path);
// The same from memory; `name` is for messages.
Result<Recording> ParseRecording(std::string_view bytes, const std::string& name);

// Every record in file order, unfolded, with its offset: for `wrackline inspect` and pack.
struct RawRecord {
  std::uint64_t offset = 0;
  std::uint64_t sequence = 0;
  proto::Record record;
};
Result<std::vector<RawRecord>> ReadRawRecords(const std::string& path);

// Writes `path`'s records as a zstd-compressed proto::Dump to `output`. ReadRecording(output) gives
// the same Recording but for source, packed and generation.
Status Pack(const std::string& path, const std::string& output);

// Changes a record before it is packed, and says whether it did; may be empty.
using RecordEdit = std::function<bool(proto::Record*)>;
// What Pack writes, with each record changed by `edit`. `name`: what the header and errors call it.
Result<std::string> PackedBytes(const std::string& path, const std::string& name,
                                const RecordEdit& edit);

// Appends one record to a recorder file whose process has ended (`wrackline run` adds the
// Aftermath).
Status AppendRecord(const std::string& path, const proto::Record& record);

}  // namespace wrackline::recorder
