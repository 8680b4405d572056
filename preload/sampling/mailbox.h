// Mailbox: serialized records on their way from wrackline_submit to the recorder thread.
//
// A bounded ring in ProfileState with many producers and one consumer. A producer claims space,
// copies and publishes, and waits for nobody; a full ring refuses. All zero is the valid, empty
// mailbox.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace wrackline::preload {

class Mailbox {
 public:
  static constexpr std::size_t kBytes = 1u << 18;
  static constexpr std::size_t kMaxRecord = 1u << 16;

  // 0, EINVAL or EAGAIN; any thread, async-signal-safe.
  int Put(std::uint64_t key, std::uint32_t kind, const void* record, std::size_t size);

  // Recorder thread: copies the oldest published record into `out` (kMaxRecord bytes). False: none
  // is ready.
  bool Take(std::uint64_t* key, std::uint32_t* kind, void* out, std::size_t* size);

 private:
  std::atomic<std::uint64_t> head_;  // bytes claimed by producers, ever
  std::atomic<std::uint64_t> tail_;  // bytes taken by the consumer, ever
  alignas(8) unsigned char ring_[kBytes];
};

}  // namespace wrackline::preload
