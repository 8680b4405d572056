#include "lib/recorder/fold.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/wire_format_lite.h>

namespace wrackline::recorder {
namespace {

// Of a stack: the preload records 128 at the most, and a damaged file must not fill the reader's memory.
constexpr std::size_t kMostFrames = 4096;

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;

// Length of the valid UTF-8 character at the front of `text` (RFC 3629), 0 if there is none.
std::size_t CharacterLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  unsigned char lowest = 0x80;
  unsigned char highest = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    if (first == 0xe0) lowest = 0xa0;   // overlong
    if (first == 0xed) highest = 0x9f;  // surrogates
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    if (first == 0xf0) lowest = 0x90;
    if (first == 0xf4) highest = 0x8f;  // beyond U+10FFFF
  } else {
    return 0;
  }
  if (length > text.size() || byte(1) < lowest || byte(1) > highest) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

void RepairText(char* text, std::size_t length) {
  for (std::size_t i = 0; i < length;) {
    const std::size_t step = CharacterLength({text + i, length - i});
    if (step == 0) text[i] = '?';
    i += std::max<std::size_t>(step, 1);
  }
}

// Walks the wire format by the schema and repairs every string in place: no length changes.
bool RepairMessage(char* bytes, std::size_t length, const Descriptor* type, int depth) {
  if (depth > 8) return false;
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const std::uint8_t*>(bytes),
                                               static_cast<int>(length));
  while (const std::uint32_t tag = input.ReadTag()) {
    const FieldDescriptor* field = type->FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
    if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&input, tag)) return false;
      continue;
    }
    std::uint32_t size = 0;
    if (!input.ReadVarint32(&size)) return false;
    const auto position = static_cast<std::size_t>(input.CurrentPosition());
    if (size > length - position) return false;
    if (field != nullptr && field->type() == FieldDescriptor::TYPE_STRING) {
      RepairText(bytes + position, size);
    } else if (field != nullptr && field->type() == FieldDescriptor::TYPE_MESSAGE) {
      if (!RepairMessage(bytes + position, size, field->message_type(), depth + 1)) return false;
    }
    if (!input.Skip(static_cast<int>(size))) return false;
  }
  return true;
}

// The order of time within one process is that of its monotonic clock: the wall clock may be set
// back.
std::uint64_t HistoryTime(const proto::Record& record) {
  if (record.has_timeline()) return record.timeline().monotonic_ns();
  if (record.has_jvm_sample()) return record.jvm_sample().monotonic_ns();
  if (record.has_rocksdb_objects()) return record.rocksdb_objects().monotonic_ns();
  return record.rocksdb_sample().monotonic_ns();
}

std::uint64_t HistoryKey(const proto::Record& record) {
  if (record.has_rocksdb_objects()) return record.rocksdb_objects().library_id();
  return record.has_rocksdb_sample() ? record.rocksdb_sample().database_id() : 0;
}

void SortHistory(std::vector<proto::Record>& records) {
  const auto order = [](const proto::Record& record) {
    return std::tuple(HistoryTime(record), HistoryKey(record), record.time_ns());
  };
  std::stable_sort(
      records.begin(), records.end(),
      [&](const proto::Record& a, const proto::Record& b) { return order(a) < order(b); });
  // A sample has its series and its time for identity: a second one is the same record, met again
  // in a snapshot.
  records.erase(std::unique(records.begin(), records.end(),
                            [&](const proto::Record& a, const proto::Record& b) {
                              return order(a) == order(b) &&
                                     a.SerializeAsString() == b.SerializeAsString();
                            }),
                records.end());
}

}  // namespace

bool ParseRecord(std::string_view bytes, proto::Record* record, std::string* repaired) {
  const google::protobuf::LogSilencer silencer;  // says "invalid UTF-8" on standard error
  if (repaired != nullptr) repaired->clear();
  if (bytes.size() > static_cast<std::size_t>(INT32_MAX)) return false;
  if (record->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return true;
  std::string text(bytes);
  if (!RepairMessage(text.data(), text.size(), proto::Record::descriptor(), 0) ||
      !record->ParseFromString(text)) {
    return false;
  }
  if (repaired != nullptr) *repaired = std::move(text);
  return true;
}

std::string RepairUtf8(std::string text) {
  RepairText(text.data(), text.size());
  return text;
}

void Folder::Add(proto::Record record, std::size_t bytes) {
  ++recording_.records;
  recording_.record_bytes += bytes;
  if (!record.has_aftermath())
    recording_.last_time_ns = std::max(recording_.last_time_ns, record.time_ns());
  switch (record.body_case()) {
    case proto::Record::kProcess:
      recording_.process = std::move(*record.mutable_process());
      break;
    case proto::Record::kModule:
      recording_.modules[record.module().id()] = std::move(*record.mutable_module());
      break;
    case proto::Record::kStack: {
      Stack& stack = recording_.stacks[record.stack().id()];
      stack.truncated = record.stack().truncated();
      stack.frames.clear();
      std::uint64_t frame = 0;
      for (const std::int64_t delta : record.stack().frame_deltas()) {
        if (stack.frames.size() == kMostFrames) {
          stack.truncated = true;
          break;
        }
        frame += static_cast<std::uint64_t>(delta);
        stack.frames.push_back(frame);
      }
      break;
    }
    case proto::Record::kStackCounters:
      for (auto& counter : *record.mutable_stack_counters()->mutable_counters()) {
        recording_.stacks[counter.stack_id()].counters = std::move(counter);
      }
      break;
    case proto::Record::kLiveObjects:
      for (auto& object : *record.mutable_live_objects()->mutable_objects()) {
        const std::uint32_t slot = object.slot();
        if (object.address() == 0) {
          recording_.live_objects.erase(slot);
        } else {
          recording_.live_objects[slot] = std::move(object);
        }
      }
      break;
    case proto::Record::kMappings:
      for (auto& mapping : *record.mutable_mappings()->mutable_mappings()) {
        const std::uint32_t slot = mapping.slot();
        if (mapping.start() == 0) {
          recording_.mappings.erase(slot);
        } else {
          recording_.mappings[slot] = std::move(mapping);
        }
      }
      break;
    case proto::Record::kTimeline:
      recording_.timeline.push_back(std::move(record));
      break;
    case proto::Record::kFrameNames:
      for (auto& name : *record.mutable_frame_names()->mutable_names()) {
        const std::uint64_t pc = name.pc();
        recording_.frame_names[pc] = std::move(name);
      }
      break;
    case proto::Record::kThreads:
      for (auto& thread : *record.mutable_threads()->mutable_threads()) {
        const std::pair key(thread.thread_id(), thread.since_ms());
        recording_.threads[key] = std::move(thread);
      }
      break;
    case proto::Record::kUntouched:
      recording_.untouched = std::move(*record.mutable_untouched());
      break;
    case proto::Record::kJvmFacts:
      recording_.jvm_facts = std::move(*record.mutable_jvm_facts());
      break;
    case proto::Record::kJvmSample:
      recording_.jvm_samples.push_back(std::move(record));
      break;
    case proto::Record::kLosses:
      recording_.losses = std::move(*record.mutable_losses());
      break;
    case proto::Record::kHeartbeat:
      recording_.last_heartbeat = std::move(record);
      break;
    case proto::Record::kExit:
      recording_.exit = std::move(record);
      break;
    case proto::Record::kRocksdbDatabase:
      recording_.rocksdb_databases[record.rocksdb_database().database_id()] =
          std::move(*record.mutable_rocksdb_database());
      break;
    case proto::Record::kRocksdbSample:
      recording_.rocksdb_samples.push_back(std::move(record));
      break;
    case proto::Record::kRocksdbObjects:
      recording_.rocksdb_objects.push_back(std::move(record));
      break;
    case proto::Record::kAftermath:
      recording_.aftermath = std::move(*record.mutable_aftermath());
      break;
    case proto::Record::BODY_NOT_SET:  // a kind of record that a later minor version added
      break;
  }
}

void Folder::Finish() {
  SortHistory(recording_.timeline);
  SortHistory(recording_.rocksdb_samples);
  SortHistory(recording_.jvm_samples);
  SortHistory(recording_.rocksdb_objects);
}

}  // namespace wrackline::recorder
