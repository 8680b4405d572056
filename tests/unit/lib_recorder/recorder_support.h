// What the recorder's tests share: a folder of their own, records, and an owner of state that emits
// it at snapshots.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/proto/wrackline.pb.h"
#include "lib/recorder/format.h"
#include "lib/recorder/reader.h"
#include "lib/recorder/recorder.h"

namespace wrackline::recorder {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = ::testing::TempDir() + "wrackline-recorder-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) abort();
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string File(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void Spill(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline proto::Record CounterRecord(std::uint32_t stack, std::uint64_t samples) {
  proto::Record record;
  record.set_time_ns(1000 + samples);
  proto::StackCounter* counter = record.mutable_stack_counters()->add_counters();
  counter->set_stack_id(stack);
  counter->set_allocated_samples(samples);
  counter->set_allocated_bytes(samples * 512);
  return record;
}

inline proto::Record TimelineRecord(std::uint64_t n) {
  proto::Record record;
  record.set_time_ns(1'000'000 + n);
  record.mutable_timeline()->set_monotonic_ns(n);
  record.mutable_timeline()->mutable_cgroup()->set_charge(n * 4096);
  return record;
}

inline proto::Record HeartbeatRecord(std::uint64_t n) {
  proto::Record record;
  record.set_time_ns(1'000'000 + n);
  record.mutable_heartbeat()->set_monotonic_ns(n);
  return record;
}

inline bool PutRecord(Recorder& recorder, const proto::Record& record) {
  const std::string bytes = record.SerializeAsString();
  return recorder.PutEncoded(bytes.data(), bytes.size());
}

inline bool LogRecord(Recorder& recorder, std::uint64_t key, const proto::Record& record) {
  const std::string bytes = record.SerializeAsString();
  return recorder.LogEncoded(key, bytes.data(), bytes.size());
}

inline bool AppendTo(Writer& writer, const proto::Record& record) {
  const std::string bytes = record.SerializeAsString();
  return writer.Append(bytes.data(), bytes.size());
}

// Stack counters with dirty marks, as the preload's tables have them.
class CounterOwner {
 public:
  void Set(std::uint32_t stack, std::uint64_t samples) {
    values_[stack] = samples;
    dirty_.insert(stack);
  }
  void Forget(std::uint32_t stack) {
    values_.erase(stack);
    dirty_.erase(stack);
  }
  // Offers what is dirty; what is refused stays dirty.
  void PutDirty(Recorder& recorder) {
    for (auto it = dirty_.begin(); it != dirty_.end();) {
      if (!PutRecord(recorder, CounterRecord(*it, values_.at(*it)))) return;
      it = dirty_.erase(it);
    }
  }
  bool clean() const { return dirty_.empty(); }
  const std::map<std::uint32_t, std::uint64_t>& values() const { return values_; }

  static bool Emit(void* context, std::uint64_t* cursor, Recorder& recorder) {
    auto& owner = *static_cast<CounterOwner*>(context);
    // The cursor is the next stack id; ids vanish and appear between calls.
    for (auto it = owner.values_.lower_bound(static_cast<std::uint32_t>(*cursor));
         it != owner.values_.end(); ++it) {
      if (recorder.SnapshotSliceFull()) return false;
      if (!PutRecord(recorder, CounterRecord(it->first, it->second))) return false;
      *cursor = it->first + 1;
    }
    return true;
  }
  RecorderOptions Options(const std::string& path, std::uint64_t file_bytes = kMinFileBytes) {
    RecorderOptions options;
    options.path = path.c_str();
    options.file_bytes = file_bytes;
    options.emit_state = Emit;
    options.emit_context = this;
    return options;
  }

 private:
  std::map<std::uint32_t, std::uint64_t> values_;
  std::set<std::uint32_t> dirty_;
};

inline std::map<std::uint32_t, std::uint64_t> CountersOf(const Recording& recording) {
  std::map<std::uint32_t, std::uint64_t> counters;
  for (const auto& [id, stack] : recording.stacks)
    counters[id] = stack.counters.allocated_samples();
  return counters;
}

}  // namespace wrackline::recorder
