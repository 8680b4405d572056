#include "preload/sampling/thread_table.h"

#include <cstring>

namespace wrackline::preload {

std::uint32_t ThreadTable::Enter(std::uint32_t thread_id, std::uint32_t since_ms) {
  const std::uint32_t first = entered_.fetch_add(1, std::memory_order_relaxed);
  if (first >= kSlots - 1) wrapped_.store(1, std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < kProbes; ++i) {
    const std::uint32_t index = (first + i) % kSlots;
    Slot& slot = slots_[index];
    if (slot.state.load(std::memory_order_relaxed) == kLives || !Take(&slot)) continue;
    if (slot.state.load(std::memory_order_relaxed) == kLives) {
      Leave(&slot);
      continue;
    }
    slot.thread_id.store(thread_id, std::memory_order_relaxed);
    slot.since_ms.store(since_ms, std::memory_order_relaxed);
    slot.jni_env.store(nullptr, std::memory_order_relaxed);
    slot.comm[0] = '\0';
    slot.java_name[0] = '\0';
    slot.state.store(kLives, std::memory_order_relaxed);
    Leave(&slot);
    MarkDirty(index);
    return index + 1;
  }
  full_.fetch_add(1, std::memory_order_relaxed);
  return kFull;
}

void ThreadTable::SetJava(std::uint32_t entry, const void* jni_env) {
  if (entry == 0 || entry > kSlots) return;
  Slot& slot = slots_[entry - 1];
  if (slot.jni_env.load(std::memory_order_relaxed) == jni_env) return;
  slot.jni_env.store(jni_env, std::memory_order_relaxed);
  MarkDirty(entry - 1);
}

std::uint32_t ThreadTable::used() const {
  if (wrapped_.load(std::memory_order_relaxed) != 0) return kSlots;
  // Probing goes beyond the last that entered.
  const std::uint32_t used = entered_.load(std::memory_order_relaxed) + kProbes - 1;
  return used < kSlots ? used : kSlots;
}

bool ThreadTable::Is(const Slot& slot, const ThreadEntry& thread) {
  return slot.state.load(std::memory_order_relaxed) != kEmpty &&
         slot.thread_id.load(std::memory_order_relaxed) == thread.thread_id &&
         slot.since_ms.load(std::memory_order_relaxed) == thread.since_ms;
}

bool ThreadTable::Read(std::uint32_t index, ThreadEntry* out) {
  Slot& slot = slots_[index];
  if (slot.state.load(std::memory_order_relaxed) == kEmpty || !Take(&slot)) return false;
  out->thread_id = slot.thread_id.load(std::memory_order_relaxed);
  out->since_ms = slot.since_ms.load(std::memory_order_relaxed);
  out->jni_env = slot.jni_env.load(std::memory_order_relaxed);
  std::memcpy(out->comm, slot.comm, sizeof(out->comm));
  std::memcpy(out->java_name, slot.java_name, sizeof(out->java_name));
  Leave(&slot);
  return true;
}

bool ThreadTable::SetName(std::uint32_t index, const ThreadEntry& thread, char* name,
                          std::uint32_t room, const char* text) {
  Slot& slot = slots_[index];
  if (!Take(&slot)) return false;
  std::size_t length = strnlen(text, room - 1);
  // A character that is cut goes whole: the readers of a record refuse half of one.
  if (text[length] != '\0') {
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  }
  const bool changed =
      Is(slot, thread) && (std::strncmp(name, text, length) != 0 || name[length] != '\0');
  if (changed) {
    std::memcpy(name, text, length);
    name[length] = '\0';
  }
  Leave(&slot);
  if (changed) MarkDirty(index);
  return true;
}

bool ThreadTable::SetComm(std::uint32_t slot, const ThreadEntry& thread, const char* comm) {
  return SetName(slot, thread, slots_[slot].comm, sizeof(slots_[slot].comm), comm);
}

bool ThreadTable::SetJavaName(std::uint32_t slot, const ThreadEntry& thread, const char* name) {
  return SetName(slot, thread, slots_[slot].java_name, sizeof(slots_[slot].java_name), name);
}

void ThreadTable::End(std::uint32_t index, const ThreadEntry& thread) {
  Slot& slot = slots_[index];
  if (!Take(&slot)) return;
  if (Is(slot, thread)) slot.state.store(kEnded, std::memory_order_relaxed);
  Leave(&slot);
}

void ThreadTable::MarkDirty(std::uint32_t slot) {
  dirty_[slot / 64].fetch_or(std::uint64_t{1} << (slot % 64), std::memory_order_release);
}

}  // namespace wrackline::preload
