// Which part of the live sampled objects has no page behind it: memory that was allocated and never touched (or was swapped
// out) costs the pod nothing, and a sum of requested bytes would explain more than is there. A network buffer pool that nobody
// has used yet is the usual case in Flink.
//
// Looked at from outside with mincore, page by page; objects of less than two pages count as touched, as do the pages that an
// object shares with its neighbours. About 0.4 us an object and 10 ns a page.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/sampling/profile_state.h"

namespace wrackline::preload {

class UntouchedBytes {
 public:
  // Stacks that are told apart; what other stacks hold untouched is in `rest`.
  static constexpr std::uint32_t kStacks = 1024;
  struct Stack {
    std::uint32_t stack_id;         // kNone: this place is empty
    std::uint64_t live_bytes;       // weights of its objects that were looked at
    std::uint64_t untouched_bytes;  // of these, scaled by each object's untouched part
  };
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  // Looks at everything that is live now. Any one thread at a time; the tables may change meanwhile.
  void Measure(const ProfileState& state);
  // The figures as a state record, looked at at this time. Of use until the next call; 0: never.
  std::size_t Encode(std::uint64_t monotonic_ns);
  const void* encoded() const { return encoded_; }

  // Visits the stacks that have untouched bytes.
  template <typename Visit>
  void Each(Visit visit) const {
    for (const Stack& stack : stacks_) {
      if (stack.stack_id != kNone && stack.untouched_bytes > 0) visit(stack);
    }
  }
  std::uint64_t rest() const { return rest_; }
  std::uint64_t objects() const { return objects_; }

 private:
  static constexpr std::uint32_t kPlaces = 2 * kStacks;
  void Look(const LiveObject& object);
  Stack* Find(std::uint32_t stack_id);

  Stack stacks_[kPlaces];
  std::uint32_t known_ = 0;
  std::uint64_t rest_ = 0;
  std::uint64_t objects_ = 0;
  unsigned char encoded_[Mailbox::kMaxRecord];
};

// Of [address, address + size): whole pages of it that are not resident, in bytes. 0 where that cannot be said.
std::uint64_t UntouchedIn(std::uint64_t address, std::uint64_t size);

}  // namespace wrackline::preload
