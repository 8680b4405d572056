#include "preload/untouched.h"

#include <pb_encode.h>
#include <sys/mman.h>
#include <wrackline_nanopb/wrackline.pb.h>

#include <algorithm>
#include <cstring>

#include "preload/clock.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kPage = 4096;
// Every object of two pages has a chance of one whole page.
constexpr std::uint64_t kSmallest = 2 * kPage;

bool EncodeStacks(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) {
  bool good = true;
  static_cast<const UntouchedBytes*>(*argument)->Each([&](const UntouchedBytes::Stack& from) {
    wrackline_proto_StackUntouched stack = wrackline_proto_StackUntouched_init_zero;
    stack.stack_id = from.stack_id;
    stack.live_bytes = from.live_bytes;
    stack.untouched_bytes = from.untouched_bytes;
    good = good && pb_encode_tag_for_field(stream, field) &&
           pb_encode_submessage(stream, wrackline_proto_StackUntouched_fields, &stack);
  });
  return good;
}

}  // namespace

std::uint64_t UntouchedIn(std::uint64_t address, std::uint64_t size) {
  constexpr std::size_t kPagesAtOnce = 2048;
  unsigned char resident[kPagesAtOnce];
  std::uint64_t at = (address + kPage - 1) / kPage * kPage;
  const std::uint64_t end = (address + size) / kPage * kPage;
  std::uint64_t untouched = 0;
  while (at < end) {
    const std::size_t pages = std::min<std::uint64_t>((end - at) / kPage, kPagesAtOnce);
    // Freed and unmapped meanwhile.
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    if (mincore(reinterpret_cast<void*>(at), pages * kPage, resident) != 0) return 0;
    for (std::size_t i = 0; i < pages; ++i) untouched += (resident[i] & 1) == 0 ? kPage : 0;
    at += pages * kPage;
  }
  return untouched;
}

void UntouchedBytes::Measure(const ProfileState& state) {
  for (Stack& stack : stacks_) stack.stack_id = kNone;
  known_ = 0;
  rest_ = objects_ = 0;
  LiveObject object;
  for (std::uint32_t slot = 0; slot < state.live.Extent(); ++slot) {
    if (state.live.Read(slot, &object) == LiveTable::SlotState::kOccupied) Look(object);
  }
  for (std::uint32_t size_class = 0; size_class < SampledRegion::kClasses; ++size_class) {
    if ((kSmallest >> SampledRegion::kSmallestShift) > (std::uint64_t{1} << size_class)) continue;
    const std::uint32_t first = size_class * SampledRegion::kSlotsPerClass;
    for (std::uint32_t slot = 0; slot < state.region.UsedSlots(size_class); ++slot) {
      if (state.region.Read(first + slot, &object) == LiveTable::SlotState::kOccupied) Look(object);
    }
  }
}

void UntouchedBytes::Look(const LiveObject& object) {
  if (object.size < kSmallest) return;
  ++objects_;
  const std::uint64_t untouched = UntouchedIn(object.address, object.size);
  const double part = static_cast<double>(untouched) / static_cast<double>(object.size);
  const auto scaled = static_cast<std::uint64_t>(part * static_cast<double>(object.weight));
  Stack* const stack = Find(object.stack_id);
  if (stack == nullptr) {
    rest_ += scaled;
    return;
  }
  stack->live_bytes += object.weight;
  stack->untouched_bytes += scaled;
}

UntouchedBytes::Stack* UntouchedBytes::Find(std::uint32_t stack_id) {
  for (std::uint32_t place = stack_id * 0x9E3779B1u;; ++place) {
    Stack& stack = stacks_[place % kPlaces];
    if (stack.stack_id == stack_id) return &stack;
    if (stack.stack_id != kNone) continue;
    if (known_ == kStacks) return nullptr;
    ++known_;
    stack = {stack_id, 0, 0};
    return &stack;
  }
}

std::size_t UntouchedBytes::Encode(std::uint64_t monotonic_ns) {
  wrackline_proto_Record record = wrackline_proto_Record_init_zero;
  record.time_ns = RealtimeNs();
  record.which_body = wrackline_proto_Record_untouched_tag;
  record.body.untouched.monotonic_ns = monotonic_ns;
  record.body.untouched.objects = objects_;
  record.body.untouched.rest_bytes = rest_;
  record.body.untouched.stacks.funcs.encode = EncodeStacks;
  record.body.untouched.stacks.arg = this;
  pb_ostream_t stream = pb_ostream_from_buffer(encoded_, sizeof(encoded_));
  return pb_encode(&stream, wrackline_proto_Record_fields, &record) ? stream.bytes_written : 0;
}

}  // namespace wrackline::preload
