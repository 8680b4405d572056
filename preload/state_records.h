// Brings stacks, their counters, live objects and mappings from ProfileState to the file, as absolute values.
//
// Changes are taken from the tables' dirty bits in batches. A batch that the recorder refuses stays
// here and is offered first the next time; what it has not taken yet stays dirty at its source. A
// slot or stack that changes after it was taken is dirty again and is written again later, so that
// the last record of it is always the newest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "preload/frame_names.h"
#include "preload/mapping_residence.h"
#include "preload/sampling/profile_state.h"
#include "preload/state_sink.h"

namespace wrackline::preload {

class StateRecords {
 public:
  // Records of a batch; a LiveObject or a StackCounter takes up to 50 bytes in the file.
  static constexpr std::uint32_t kBatch = 512;

  // `residence`: null: what is resident of mappings is not written.
  void Open(ProfileState* state, FrameNames* names, const MappingResidence* residence = nullptr);

  // True when the tables hold something that no file has yet.
  bool HasChanges() const;
  // Notes the frames of new stacks for naming, and puts what changed. False: the recorder refused
  // something.
  bool PutChanges(StateSink& sink);

  // See recorder::EmitState; `*index` counts from 0.
  bool EmitStacks(std::uint64_t* index, StateSink& sink);
  bool EmitLive(std::uint64_t* index, StateSink& sink);
  bool EmitMappings(std::uint64_t* index, StateSink& sink);
  bool EmitThreads(std::uint64_t* index, StateSink& sink);

  // The file is a new one: everything is to be written with EmitStacks, EmitLive,
  // EmitMappings and EmitThreads, which the caller does.
  void NewFile();

 private:
  struct Counter {
    std::uint32_t id;
    StackSnapshot values;
  };
  struct Object {
    std::uint32_t slot;
    bool empty;
    LiveObject values;
  };
  struct Mapping {
    std::uint32_t slot;
    bool empty;
    std::optional<std::uint64_t> resident;
    MappedRange values;
  };
  template <typename Item>
  struct Batch {
    Item items[kBatch];
    std::uint32_t count = 0;
  };

  // A thread takes up to 300 bytes in the file.
  struct ThreadBatch {
    ThreadEntry items[64];
    std::uint32_t count = 0;
    bool full() const { return count == sizeof(items) / sizeof(items[0]); }
  };

  // The callbacks that nanopb calls for each list.
  struct Encoders;
  static bool PutStack(std::uint32_t id, const std::uint64_t* frames, std::uint32_t depth,
                       bool truncated, StateSink& sink);
  static bool PutCounters(Batch<Counter>* batch, StateSink& sink);
  static bool PutObjects(Batch<Object>* batch, StateSink& sink);
  std::optional<std::uint64_t> ResidentOf(const Mapping& mapping) const;
  static bool PutMappings(Batch<Mapping>* batch, StateSink& sink);
  static bool PutThreads(ThreadBatch* batch, StateSink& sink);

  ProfileState* state_ = nullptr;
  FrameNames* names_ = nullptr;
  const MappingResidence* residence_ = nullptr;
  Batch<Counter> counters_;
  Batch<Object> objects_;
  Batch<Counter> emitted_counters_;
  Batch<Object> emitted_objects_;
  Batch<Mapping> mappings_;
  Batch<Mapping> emitted_mappings_;
  ThreadBatch threads_;
  ThreadBatch emitted_threads_;
  std::uint64_t written_[StackTable::kSlots / 64] = {};  // stacks in the file
  std::uint64_t noted_[StackTable::kSlots / 64] = {};    // stacks whose frames names_ knows
};

}  // namespace wrackline::preload
