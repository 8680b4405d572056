// Recordings made in code: one call a fact, everything else absent.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "lib/recorder/reader.h"

namespace wrackline::testing {

inline constexpr std::uint64_t kEpoch = 1'700'000'000'000'000'000;
inline constexpr std::uint64_t kSecond = 1'000'000'000;
inline constexpr std::uint64_t kMi = 1 << 20;

class RecordingBuilder {
 public:
  RecordingBuilder() {
    recording_.source = "test.wrack";
    auto& process = recording_.process.emplace();
    process.set_pid(42);
    process.set_host("not-this-host");
    process.set_executable("/opt/app");
    process.set_start_time_ns(kEpoch);
    process.set_epoch_time_ns(kEpoch);
    process.set_sampling_interval(512 << 10);
    recording_.last_time_ns = kEpoch + 10 * kSecond;
  }

  proto::Process& process() { return *recording_.process; }
  recorder::Recording& recording() { return recording_; }

  // A tick at `second`, returned to be filled.
  proto::TimelineSample& Tick(std::uint64_t second) {
    proto::Record& record = recording_.timeline.emplace_back();
    record.set_time_ns(kEpoch + second * kSecond);
    record.mutable_timeline()->set_monotonic_ns(second * kSecond);
    return *record.mutable_timeline();
  }
  // A tick with a charge that is all anonymous memory of the process.
  proto::TimelineSample& Charge(std::uint64_t second, std::uint64_t bytes,
                                std::uint64_t limit = 0) {
    proto::TimelineSample& tick = Tick(second);
    tick.mutable_cgroup()->set_charge(bytes);
    tick.mutable_cgroup()->set_anon(bytes);
    if (limit != 0) tick.mutable_cgroup()->set_limit(limit);
    tick.mutable_process()->set_resident(bytes);
    tick.mutable_process()->set_resident_shared(0);
    return tick;
  }

  // A stack of these symbols, innermost first, with one live object of that weight.
  RecordingBuilder& Live(std::initializer_list<const char*> symbols, std::uint64_t size,
                         std::uint64_t weight, std::uint64_t time_ms = 0) {
    const std::uint32_t id = ++stacks_;
    recorder::Stack& stack = recording_.stacks[id];
    for (const char* symbol : symbols) {
      const std::uint64_t pc = ++next_pc_;
      stack.frames.push_back(pc);
      proto::FrameName& name = recording_.frame_names[pc];
      name.set_pc(pc);
      name.set_symbol(symbol);
    }
    stack.counters.set_stack_id(id);
    stack.counters.set_allocated_samples(1);
    stack.counters.set_allocated_bytes(weight);
    proto::LiveObject& object = recording_.live_objects[id];
    object.set_slot(id);
    object.set_address(0x1000 + id);
    object.set_size(size);
    object.set_weight(weight);
    object.set_stack_id(id);
    object.set_time_ms(time_ms);
    return *this;
  }

  // Of the stack of the last Live.
  RecordingBuilder& Untouched(std::uint64_t bytes) {
    if (!recording_.untouched) recording_.untouched.emplace();
    proto::StackUntouched* stack = recording_.untouched->add_stacks();
    stack->set_stack_id(stacks_);
    stack->set_untouched_bytes(bytes);
    return *this;
  }

  proto::RocksDbSample& RocksDb(std::uint64_t database, std::uint64_t second) {
    proto::Record& record = recording_.rocksdb_samples.emplace_back();
    record.set_time_ns(kEpoch + second * kSecond);
    record.mutable_rocksdb_sample()->set_database_id(database);
    record.mutable_rocksdb_sample()->set_monotonic_ns(second * kSecond);
    return *record.mutable_rocksdb_sample();
  }
  void Describe(std::uint64_t database, std::uint32_t family, const std::string& name,
                std::uint64_t buffer, int buffers, std::uint64_t cache, std::uint64_t manager = 0) {
    proto::RocksDbDatabase& description = recording_.rocksdb_databases[database];
    description.set_database_id(database);
    description.set_write_buffer_manager_id(manager);
    proto::RocksDbFamily& added = *description.add_families();
    added.set_id(family);
    added.set_name(name);
    added.set_write_buffer_size(buffer);
    added.set_max_write_buffer_number(static_cast<std::uint32_t>(buffers));
    added.set_cache_id(cache);
  }
  static void Family(proto::RocksDbSample& sample, std::uint32_t id, const std::string& name,
                     std::uint64_t cache, std::uint64_t memtables) {
    proto::RocksDbFamilySample& family = *sample.add_families();
    family.set_id(id);
    family.set_name(name);
    family.set_cache_id(cache);
    family.set_all_memtables(memtables);
    family.set_active_memtable(memtables);
  }
  static void Cache(proto::RocksDbSample& sample, std::uint64_t id, std::uint64_t capacity,
                    std::uint64_t usage) {
    proto::RocksDbCache& cache = *sample.add_caches();
    cache.set_id(id);
    cache.set_capacity(capacity);
    cache.set_usage(usage);
  }

  proto::Aftermath& Aftermath() {
    if (!recording_.aftermath) recording_.aftermath.emplace();
    return *recording_.aftermath;
  }

 private:
  recorder::Recording recording_;
  std::uint32_t stacks_ = 0;
  std::uint64_t next_pc_ = 0x100;
};

}  // namespace wrackline::testing
