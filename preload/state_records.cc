#include "preload/state_records.h"

#include <pb_encode.h>
#include <wrackline_nanopb/wrackline.pb.h>

#include <cstring>

#include "preload/clock.h"

namespace wrackline::preload {
namespace {

struct FramesToPut {
  const std::uint64_t* frames;
  std::uint32_t depth;
};

// The file's slot of the first object of the region; before it come those of the live table.
constexpr std::uint32_t kFirstPlaced = LiveTable::kSlots;

bool TestBit(const std::uint64_t* bits, std::uint32_t index) {
  return (bits[index / 64] >> (index % 64) & 1) != 0;
}
void SetBit(std::uint64_t* bits, std::uint32_t index) { bits[index / 64] |= 1ull << (index % 64); }

}  // namespace

// A message of a few numbers, of which a recording has hundreds in a second: written field by field, since nanopb goes by
// its descriptors, twice for a message in another. proto3: zero is not written.
class NumbersMessage {
 public:
  void Add(std::uint32_t tag, std::uint64_t value) {
    if (value == 0) return;
    pb_encode_tag(&stream_, PB_WT_VARINT, tag);
    pb_encode_varint(&stream_, value);
  }
  bool PutInto(pb_ostream_t* stream, const pb_field_t* field) const {
    return pb_encode_tag_for_field(stream, field) &&
           pb_encode_string(stream, bytes_, stream_.bytes_written);
  }

 private:
  pb_byte_t bytes_[8 * 11];  // fields of one byte of tag and ten of value
  pb_ostream_t stream_ = pb_ostream_from_buffer(bytes_, sizeof(bytes_));
};

struct StateRecords::Encoders {
  // Packed, as proto3 has it.
  static bool Frames(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
    const auto* stack = static_cast<const FramesToPut*>(*argument);
    pb_ostream_t sizing = PB_OSTREAM_SIZING;
    if (!Deltas(&sizing, *stack)) return false;
    return pb_encode_tag(stream, PB_WT_STRING, field->tag) &&
           pb_encode_varint(stream, sizing.bytes_written) && Deltas(stream, *stack);
  }
  static bool Deltas(pb_ostream_t* stream, const FramesToPut& stack) {
    std::uint64_t before = 0;
    for (std::uint32_t i = 0; i < stack.depth; ++i) {
      if (!pb_encode_svarint(stream, static_cast<std::int64_t>(stack.frames[i] - before))) {
        return false;
      }
      before = stack.frames[i];
    }
    return true;
  }

  static bool Counters(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
    const auto* batch = static_cast<const Batch<Counter>*>(*argument);
    for (std::uint32_t i = 0; i < batch->count; ++i) {
      const Counter& from = batch->items[i];
      NumbersMessage counter;
      counter.Add(wrackline_proto_StackCounter_stack_id_tag, from.id);
      counter.Add(wrackline_proto_StackCounter_allocated_samples_tag,
                  from.values.allocated_samples);
      counter.Add(wrackline_proto_StackCounter_freed_samples_tag, from.values.freed_samples);
      counter.Add(wrackline_proto_StackCounter_allocated_bytes_tag, from.values.allocated_bytes);
      counter.Add(wrackline_proto_StackCounter_freed_bytes_tag, from.values.freed_bytes);
      if (!counter.PutInto(stream, field)) return false;
    }
    return true;
  }

  static bool Objects(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
    const auto* batch = static_cast<const Batch<Object>*>(*argument);
    for (std::uint32_t i = 0; i < batch->count; ++i) {
      const Object& from = batch->items[i];
      NumbersMessage object;
      object.Add(wrackline_proto_LiveObject_slot_tag, from.slot);
      if (!from.empty) {
        object.Add(wrackline_proto_LiveObject_address_tag, from.values.address);
        object.Add(wrackline_proto_LiveObject_size_tag, from.values.size);
        object.Add(wrackline_proto_LiveObject_weight_tag, from.values.weight);
        object.Add(wrackline_proto_LiveObject_stack_id_tag, from.values.stack_id);
        object.Add(wrackline_proto_LiveObject_thread_id_tag, from.values.thread_id);
        object.Add(wrackline_proto_LiveObject_time_ms_tag, from.values.time_ms);
      }
      if (!object.PutInto(stream, field)) return false;
    }
    return true;
  }

  static bool Mappings(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
    const auto* batch = static_cast<const Batch<Mapping>*>(*argument);
    for (std::uint32_t i = 0; i < batch->count; ++i) {
      const Mapping& from = batch->items[i];
      wrackline_proto_Mapping mapping = wrackline_proto_Mapping_init_zero;
      mapping.slot = from.slot;
      if (!from.empty) {
        mapping.start = from.values.start;
        mapping.length = from.values.length;
        mapping.stack_id = from.values.stack_id;
        mapping.thread_id = from.values.thread_id;
        mapping.time_ms = from.values.time_ms;
        mapping.reserved = (from.values.flags & MappedRange::kReserved) != 0;
        mapping.shared = (from.values.flags & MappedRange::kShared) != 0;
        mapping.by_allocator = (from.values.flags & MappedRange::kAllocator) != 0;
        mapping.stack_hint = (from.values.flags & MappedRange::kStack) != 0;
        mapping.file = (from.values.flags & MappedRange::kFile) != 0;
        mapping.thread = (from.values.flags & MappedRange::kThread) != 0;
        mapping.has_resident = from.resident.has_value();
        mapping.resident = from.resident.value_or(0);
      }
      if (!pb_encode_tag_for_field(stream, field) ||
          !pb_encode_submessage(stream, wrackline_proto_Mapping_fields, &mapping)) {
        return false;
      }
    }
    return true;
  }

  static bool Threads(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
    const auto* batch = static_cast<const ThreadBatch*>(*argument);
    for (std::uint32_t i = 0; i < batch->count; ++i) {
      const ThreadEntry& from = batch->items[i];
      wrackline_proto_Thread thread = wrackline_proto_Thread_init_zero;
      thread.thread_id = from.thread_id;
      thread.since_ms = from.since_ms;
      static_assert(sizeof(thread.comm) == sizeof(from.comm));
      static_assert(sizeof(thread.java_name) == sizeof(from.java_name));
      std::memcpy(thread.comm, from.comm, sizeof(thread.comm));
      std::memcpy(thread.java_name, from.java_name, sizeof(thread.java_name));
      thread.java = from.jni_env != nullptr;
      if (!pb_encode_tag_for_field(stream, field) ||
          !pb_encode_submessage(stream, wrackline_proto_Thread_fields, &thread)) {
        return false;
      }
    }
    return true;
  }
};

void StateRecords::Open(ProfileState* state, FrameNames* names, const MappingResidence* residence) {
  state_ = state;
  names_ = names;
  residence_ = residence;
}

std::optional<std::uint64_t> StateRecords::ResidentOf(const Mapping& mapping) const {
  if (residence_ == nullptr || mapping.empty) return std::nullopt;
  return residence_->Of(mapping.slot, mapping.values.start);
}

bool StateRecords::PutStack(std::uint32_t id, const std::uint64_t* frames, std::uint32_t depth,
                            bool truncated, StateSink& sink) {
  FramesToPut stack{frames, depth};
  wrackline_proto_Record record = wrackline_proto_Record_init_zero;
  record.time_ns = RealtimeNs();
  record.which_body = wrackline_proto_Record_stack_tag;
  record.body.stack.id = id;
  record.body.stack.truncated = truncated;
  record.body.stack.frame_deltas.funcs.encode = Encoders::Frames;
  record.body.stack.frame_deltas.arg = &stack;
  return sink.Put(record);
}

namespace {

// One record of all that `batch` holds, which is empty then. `list`: where in the record's body it goes.
template <typename Batch, typename List, typename Encode>
bool PutAll(Batch* batch, StateSink& sink, pb_size_t tag, List list, Encode encode) {
  if (batch->count == 0) return true;
  wrackline_proto_Record record = wrackline_proto_Record_init_zero;
  record.time_ns = RealtimeNs();
  record.which_body = tag;
  pb_callback_t& out = list(record);
  out.funcs.encode = encode;
  out.arg = batch;
  if (!sink.Put(record)) return false;
  batch->count = 0;
  return true;
}

}  // namespace

bool StateRecords::PutCounters(Batch<Counter>* batch, StateSink& sink) {
  return PutAll(
      batch, sink, wrackline_proto_Record_stack_counters_tag,
      [](auto& record) -> auto& { return record.body.stack_counters.counters; },
      Encoders::Counters);
}

bool StateRecords::PutObjects(Batch<Object>* batch, StateSink& sink) {
  return PutAll(
      batch, sink, wrackline_proto_Record_live_objects_tag,
      [](auto& record) -> auto& { return record.body.live_objects.objects; }, Encoders::Objects);
}

bool StateRecords::PutMappings(Batch<Mapping>* batch, StateSink& sink) {
  return PutAll(
      batch, sink, wrackline_proto_Record_mappings_tag,
      [](auto& record) -> auto& { return record.body.mappings.mappings; }, Encoders::Mappings);
}

bool StateRecords::PutThreads(ThreadBatch* batch, StateSink& sink) {
  return PutAll(
      batch, sink, wrackline_proto_Record_threads_tag,
      [](auto& record) -> auto& { return record.body.threads.threads; }, Encoders::Threads);
}

bool StateRecords::HasChanges() const {
  if (counters_.count > 0 || objects_.count > 0 || state_->live.size() > 0 ||
      state_->region.UsedAny()) {
    return true;
  }
  bool changed = false;
  state_->stacks.TakeDirty([&changed](std::uint32_t) {
    changed = true;
    return false;
  });
  return changed;
}

bool StateRecords::PutChanges(StateSink& sink) {
  // What was refused the last time goes first: it is older than what is dirty now.
  bool open = PutCounters(&counters_, sink) && PutObjects(&objects_, sink) &&
              PutMappings(&mappings_, sink) && PutThreads(&threads_, sink);
  // Before the stacks: those of what it brings come first.
  state_->mappings.Settle();
  state_->stacks.TakeDirty([&](std::uint32_t id) {
    if (!open) return false;
    if (counters_.count == kBatch && !PutCounters(&counters_, sink)) return open = false;
    const std::uint64_t* frames = nullptr;
    std::uint32_t depth = 0;
    bool truncated = false;
    if (id != StackTable::kUnknown && !TestBit(written_, id)) {
      if (!state_->stacks.Frames(id, &frames, &depth, &truncated)) return false;
      if (!TestBit(noted_, id)) {
        names_->Add(frames, depth, MonotonicNs());
        SetBit(noted_, id);
      }
      if (!PutStack(id, frames, depth, truncated, sink)) return open = false;
      SetBit(written_, id);
    }
    counters_.items[counters_.count++] = {id, state_->stacks.Counters(id)};
    return true;
  });
  open = open && PutCounters(&counters_, sink);
  const auto take = [&](const auto& table, std::uint32_t first, std::uint32_t slot) {
    if (!open) return false;
    if (objects_.count == kBatch && !PutObjects(&objects_, sink)) return open = false;
    Object& object = objects_.items[objects_.count];
    const LiveTable::SlotState state = table.Read(slot, &object.values);
    if (state == LiveTable::SlotState::kChanging) return false;
    object.slot = first + slot;
    object.empty = state == LiveTable::SlotState::kEmpty;
    ++objects_.count;
    return true;
  };
  state_->live.TakeDirty([&](std::uint32_t slot) { return take(state_->live, 0, slot); });
  state_->region.TakeDirty(
      [&](std::uint32_t slot) { return take(state_->region, kFirstPlaced, slot); });
  open = open && PutObjects(&objects_, sink);
  state_->mappings.TakeDirty([&](std::uint32_t slot) {
    if (!open) return false;
    if (mappings_.count == kBatch && !PutMappings(&mappings_, sink)) return open = false;
    Mapping& mapping = mappings_.items[mappings_.count];
    const MappingTable::SlotState state = state_->mappings.Read(slot, &mapping.values);
    if (state == MappingTable::SlotState::kChanging) return false;
    mapping.slot = slot;
    mapping.empty = state == MappingTable::SlotState::kEmpty;
    mapping.resident = ResidentOf(mapping);
    ++mappings_.count;
    return true;
  });
  open = open && PutMappings(&mappings_, sink);
  state_->threads.TakeDirty([&](std::uint32_t slot) {
    if (!open) return false;
    if (threads_.full() && !PutThreads(&threads_, sink)) return open = false;
    if (!state_->threads.Read(slot, &threads_.items[threads_.count])) return false;
    ++threads_.count;
    return true;
  });
  return open && PutThreads(&threads_, sink);
}

bool StateRecords::EmitStacks(std::uint64_t* index, StateSink& sink) {
  std::uint64_t at = *index;
  const std::uint32_t extent = state_->stacks.Extent();
  for (; at < extent; ++at) {
    const std::uint32_t id = static_cast<std::uint32_t>(at);
    const StackSnapshot counters = state_->stacks.Counters(id);
    const std::uint64_t* frames = nullptr;
    std::uint32_t depth = 0;
    bool truncated = false;
    const bool known =
        id != StackTable::kUnknown && state_->stacks.Frames(id, &frames, &depth, &truncated);
    if (!known && counters.allocated_samples == 0) continue;
    if (emitted_counters_.count == kBatch || sink.Full()) break;
    if (known) {
      if (!TestBit(noted_, id)) {
        names_->Add(frames, depth, MonotonicNs());
        SetBit(noted_, id);
      }
      if (!PutStack(id, frames, depth, truncated, sink)) break;
      // One that came since the last change is not in the segment that counts until the snapshot is whole: it is put there as well.
      if (!sink.snapshot()) SetBit(written_, id);
    }
    emitted_counters_.items[emitted_counters_.count++] = {id, counters};
  }
  // Refused: the whole batch is made again from *index on.
  if (!PutCounters(&emitted_counters_, sink)) {
    emitted_counters_.count = 0;
    return false;
  }
  *index = at;
  return at >= extent;
}

bool StateRecords::EmitLive(std::uint64_t* index, StateSink& sink) {
  std::uint64_t at = *index;
  const std::uint32_t extent = state_->live.Extent();
  while (at < kFirstPlaced + SampledRegion::kSlots && emitted_objects_.count < kBatch) {
    Object& object = emitted_objects_.items[emitted_objects_.count];
    if (at >= extent && at < kFirstPlaced) at = kFirstPlaced;
    object.slot = static_cast<std::uint32_t>(at);
    object.empty = false;
    const std::uint32_t placed = object.slot - kFirstPlaced;
    constexpr std::uint32_t kPerClass = SampledRegion::kSlotsPerClass;
    if (at >= kFirstPlaced && placed % kPerClass >= state_->region.UsedSlots(placed / kPerClass)) {
      at += kPerClass - placed % kPerClass;  // the rest of its size is unused
      continue;
    }
    // One that is changing right now is dirty when it is done, and comes with the changes.
    const LiveTable::SlotState slot = at < kFirstPlaced
                                          ? state_->live.Read(object.slot, &object.values)
                                          : state_->region.Read(placed, &object.values);
    if (slot == LiveTable::SlotState::kOccupied) ++emitted_objects_.count;
    ++at;
  }
  if (sink.Full() || !PutObjects(&emitted_objects_, sink)) {
    emitted_objects_.count = 0;
    return false;
  }
  *index = at;
  return at == kFirstPlaced + SampledRegion::kSlots;
}

bool StateRecords::EmitMappings(std::uint64_t* index, StateSink& sink) {
  std::uint64_t at = *index;
  const std::uint32_t extent = state_->mappings.Extent();
  for (; at < extent && emitted_mappings_.count < kBatch; ++at) {
    Mapping& mapping = emitted_mappings_.items[emitted_mappings_.count];
    mapping.slot = static_cast<std::uint32_t>(at);
    mapping.empty = false;
    // One that is changing right now is dirty when it is done, and comes with the changes.
    if (state_->mappings.Read(mapping.slot, &mapping.values) ==
        MappingTable::SlotState::kOccupied) {
      mapping.resident = ResidentOf(mapping);
      ++emitted_mappings_.count;
    }
  }
  if (sink.Full() || !PutMappings(&emitted_mappings_, sink)) {
    emitted_mappings_.count = 0;
    return false;
  }
  *index = at;
  return at >= extent;
}

bool StateRecords::EmitThreads(std::uint64_t* index, StateSink& sink) {
  const std::uint32_t used = state_->threads.used();
  std::uint64_t at = *index;
  for (; at < used && !emitted_threads_.full(); ++at) {
    // One that is changing right now is dirty when it is done, and comes with the changes.
    ThreadEntry* const thread = &emitted_threads_.items[emitted_threads_.count];
    if (state_->threads.Read(static_cast<std::uint32_t>(at), thread)) ++emitted_threads_.count;
  }
  if (sink.Full() || !PutThreads(&emitted_threads_, sink)) {
    emitted_threads_.count = 0;
    return false;
  }
  *index = at;
  return at >= used;
}

void StateRecords::NewFile() {
  std::memset(written_, 0, sizeof(written_));
  counters_.count = 0;
  objects_.count = 0;
  mappings_.count = 0;
  threads_.count = 0;
}

}  // namespace wrackline::preload
