#include "preload/jvm/resident.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "lib/container/process.h"
#include "lib/container/scan.h"
#include "preload/pagemap.h"
#include "preload/pages.h"
#include "preload/text.h"

namespace wrackline::preload {
namespace {

using container::scan::Span;

// A larger mapping that a stack pointer is in has more in it than a stack.
constexpr std::uint64_t kLargestStack = 1ull << 30;
constexpr std::uint64_t kPage = 4096;

std::uint64_t Overlap(const AddressRange& a, const AddressRange& b) {
  const std::uint64_t start = std::max(a.start, b.start);
  const std::uint64_t end = std::min(a.end, b.end);
  return end > start ? end - start : 0;
}

// "Anonymous:           828 kB" behind its key.
std::uint64_t Kilobytes(Span line) {
  container::scan::SkipBlanks(&line);
  const auto number = container::scan::TakeDecimal(&line);
  std::uint64_t bytes = 0;
  if (!number || !line.StartsWith(" kB") || __builtin_mul_overflow(*number, 1024ull, &bytes)) {
    return 0;
  }
  return bytes;
}

// Bytes of a file's private mapping that were written to.
std::uint64_t PrivatePages(int pagemap, const AddressRange& mapping) {
  std::uint64_t found = 0;
  for (std::uint64_t page = mapping.start / kPage; page < mapping.end / kPage;) {
    const std::uint64_t looked =
        pagemap::Read(pagemap, page, mapping.end / kPage - page, [&](std::uint64_t entry) {
          found += (entry & (pagemap::kPresent | pagemap::kOfFile)) == pagemap::kPresent;
        });
    if (looked == 0) break;
    page += looked;
  }
  return found * kPage;
}

// Of an entry that getdents64 gives: where its length and its name are. opendir would allocate.
constexpr std::size_t kEntryLength = 16, kEntryName = 19;

// The stack pointer of a thread that waits in the kernel: the last word but one of its `syscall`. 0: it runs just now.
std::uint64_t StackPointerIn(const char* text, long length) {
  Span rest{text, static_cast<std::size_t>(length)};
  while (rest.size > 0 && (rest.data[rest.size - 1] == '\n')) --rest.size;
  Span before{}, last{};
  while (rest.size > 0) {
    before = last;
    last = container::scan::TakeWord(&rest);
  }
  if (!before.StartsWith("0x")) return 0;
  before.Skip(2);
  return container::scan::TakeHex(&before).value_or(0);
}

}  // namespace

void JvmResidentMemory::AddRange(JvmKind kind, const AddressRange& range) {
  if (range_count_ < kMostRanges && range.end > range.start)
    ranges_[range_count_++] = {range, kind};
}

void JvmResidentMemory::SetMappedByVm(const ProfileState* state, const AddressRange& libjvm) {
  mapped_count_ = stack_count_ = 0;
  if (state == nullptr || libjvm.end <= libjvm.start) return;
  for (std::uint32_t slot = 0; slot < MappingTable::kSlots && mapped_count_ < kMostMapped; ++slot) {
    MappedRange range;
    if (state->mappings.Read(slot, &range) != MappingTable::SlotState::kOccupied) continue;
    // Of a thread's stack libjvm is who starts the thread.
    if ((range.flags & MappedRange::kThread) != 0) {
      if (stack_count_ < kMostMapped) stacks_[stack_count_++] = {range.start, range.end()};
      continue;
    }
    // A file's is named in smaps.
    if ((range.flags & MappedRange::kFile) != 0) continue;
    const std::uint64_t* frames = nullptr;
    std::uint32_t depth = 0;
    bool truncated = false;
    if (!state->stacks.Frames(range.stack_id, &frames, &depth, &truncated) || depth == 0) continue;
    if (frames[0] < libjvm.start || frames[0] >= libjvm.end) continue;
    mapped_[mapped_count_++] = {range.start, range.end()};
  }
  const auto by_start = [](const AddressRange& a, const AddressRange& b) {
    return a.start < b.start;
  };
  std::sort(mapped_, mapped_ + mapped_count_, by_start);
  std::sort(stacks_, stacks_ + stack_count_, by_start);
}

void JvmResidentMemory::AddStackPointer(std::uint64_t address, std::uint32_t thread) {
  if (thread_count_ == kMostThreads) return;
  threads_[thread_count_++] = {address, thread};
}

void JvmResidentMemory::SortStackPointers() {
  std::sort(threads_, threads_ + thread_count_,
            [](const Thread& a, const Thread& b) { return a.stack_pointer < b.stack_pointer; });
}

void JvmResidentMemory::ReadThreads(const char* pid) {
  std::memcpy(earlier_, threads_, sizeof(Thread) * static_cast<std::size_t>(thread_count_));
  earlier_count_ = thread_count_;
  std::sort(earlier_, earlier_ + earlier_count_,
            [](const Thread& a, const Thread& b) { return a.id < b.id; });
  thread_count_ = 0;
  // The thread that asks runs.
  AddStackPointer(reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)), 0);

  Text<64> path;
  path.Append("/proc/").Append(pid).Append("/task");
  const int folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  alignas(8) char entries[4096];
  for (;;) {
    const long got = syscall(SYS_getdents64, folder, entries, sizeof(entries));
    if (got <= 0) break;
    for (long at = 0; at < got;) {
      std::uint16_t entry_length = 0;
      std::memcpy(&entry_length, entries + at + kEntryLength, sizeof(entry_length));
      const char* digits = entries + at + kEntryName;
      at += entry_length;
      std::uint64_t id = 0;
      if (!TakeNumber(&digits, &id)) continue;
      Text<32> name;
      name.AppendNumber(id).Append("/syscall");
      char text[256];
      const long length = container::scan::ReadFileAt(folder, name.c_str(), text, sizeof(text));
      std::uint64_t stack_pointer = length > 0 ? StackPointerIn(text, length) : 0;
      const auto thread = static_cast<std::uint32_t>(id);
      if (stack_pointer == 0) {
        const Thread* known =
            std::lower_bound(earlier_, earlier_ + earlier_count_, thread,
                             [](const Thread& a, std::uint32_t b) { return a.id < b; });
        if (known != earlier_ + earlier_count_ && known->id == thread) {
          stack_pointer = known->stack_pointer;
        }
      }
      if (stack_pointer != 0) AddStackPointer(stack_pointer, thread);
    }
  }
  close(folder);
  SortStackPointers();
}

// Of a mapping, or what is left of one, that no range of the VM's covers.
JvmKind JvmResidentMemory::KindByName(bool stacks_are_taken) const {
  if (heap_by_name_) return JvmKind::kHeap;
  if (archive_by_name_) return JvmKind::kArchive;
  if (stack_by_name_) return JvmKind::kThreadStacks;
  if (!anonymous_mapping_) return JvmKind::kNone;
  const Thread* thread = std::lower_bound(
      threads_, threads_ + thread_count_, mapping_.start,
      [](const Thread& a, std::uint64_t address) { return a.stack_pointer < address; });
  if (!stacks_are_taken && thread != threads_ + thread_count_ &&
      thread->stack_pointer < mapping_.end && mapping_.end - mapping_.start <= kLargestStack) {
    return JvmKind::kThreadStacks;
  }
  std::uint64_t by_vm = 0;
  const AddressRange* mapped = std::upper_bound(
      mapped_, mapped_ + mapped_count_, mapping_.start,
      [](std::uint64_t address, const AddressRange& range) { return address < range.end; });
  for (; mapped != mapped_ + mapped_count_ && mapped->start < mapping_.end; ++mapped) {
    by_vm += Overlap(*mapped, mapping_);
  }
  // A mapping of the VM that the kernel joined with another's is whose more of it is.
  return by_vm >= (mapping_.end - mapping_.start + 1) / 2 ? JvmKind::kOther : JvmKind::kNone;
}

void JvmResidentMemory::Add(JvmKind kind, std::uint64_t anonymous, std::uint64_t mapped) {
  if (kind == JvmKind::kNone) return;
  memory_[static_cast<int>(kind)].anonymous += anonymous;
  memory_[static_cast<int>(kind)].mapped += mapped;
}

// True: a range covers the whole mapping.
bool JvmResidentMemory::TakeRanges() {
  const std::uint64_t size = mapping_.end - mapping_.start;
  for (int i = 0; i < range_count_; ++i) {
    const AddressRange& range = ranges_[i].at;
    const std::uint64_t part = Overlap(range, mapping_);
    if (part == 0) continue;
    if (part == size) {
      Add(ranges_[i].kind, anonymous_, size);
      return true;
    }
    const std::uint64_t start = std::max(range.start, mapping_.start);
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    const std::uint64_t resident = resident_in_(reinterpret_cast<const void*>(start), part);
    const std::uint64_t taken = std::min(resident, anonymous_);
    Add(ranges_[i].kind, taken, part);
    anonymous_ -= taken;
  }
  return false;
}

// Before Linux 6.7 a stack and what lies next to it (a large block of malloc's, say) become one mapping: of that a stack is no more
// than was mapped for it, where a thread is in it. Returns how much of the address space that is.
std::uint64_t JvmResidentMemory::TakeJoinedStacks() {
  std::uint64_t taken = 0;
  const AddressRange* stack = std::upper_bound(
      stacks_, stacks_ + stack_count_, mapping_.start,
      [](std::uint64_t address, const AddressRange& range) { return address < range.end; });
  for (; stack != stacks_ + stack_count_ && stack->start < mapping_.end; ++stack) {
    const std::uint64_t start = std::max(stack->start, mapping_.start);
    const std::uint64_t part = Overlap(*stack, mapping_);
    if (part == mapping_.end - mapping_.start) continue;
    const Thread* thread = std::lower_bound(
        threads_, threads_ + thread_count_, start,
        [](const Thread& a, std::uint64_t address) { return a.stack_pointer < address; });
    if (thread == threads_ + thread_count_ || thread->stack_pointer >= start + part) continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    const std::uint64_t resident = resident_in_(reinterpret_cast<const void*>(start), part);
    const std::uint64_t anonymous = std::min(resident, anonymous_);
    Add(JvmKind::kThreadStacks, anonymous, part);
    anonymous_ -= anonymous;
    taken += part;
  }
  return taken;
}

void JvmResidentMemory::TakeMapping() {
  if (!in_mapping_) return;
  in_mapping_ = false;
  // Of the heap alone: ZGC's is shared memory. What a file's mapping shares with the page cache is the file's.
  if (heap_by_name_ && pss_ > anonymous_) {
    memory_[static_cast<int>(JvmKind::kHeap)].shared += pss_ - anonymous_;
  }
  if (TakeRanges()) return;
  const std::uint64_t stacks = anonymous_mapping_ ? TakeJoinedStacks() : 0;
  Add(KindByName(stacks != 0), anonymous_, mapping_.end - mapping_.start - stacks);
}

void JvmResidentMemory::Begin(ResidentIn resident_in) {
  std::memset(memory_, 0, sizeof(memory_));
  in_mapping_ = false;
  resident_in_ = resident_in;
}

void JvmResidentMemory::TakeLine(const char* line, std::size_t size) {
  Span rest{line, size};
  // A field's key begins with a capital letter, an address does not.
  if (rest.size > 0 && *rest.data >= 'A' && *rest.data <= 'Z') {
    const Span key = container::scan::TakeUntil(&rest, ':');
    if (key.Is("Pss")) pss_ = Kilobytes(rest);
    if (key.Is("Anonymous")) anonymous_ = Kilobytes(rest);
    return;
  }
  container::Mapping mapping;
  if (!container::ParseMappingLine(line, size, &mapping)) return;
  TakeMapping();
  in_mapping_ = true;
  mapping_ = {mapping.start, mapping.end};
  anonymous_ = pss_ = 0;
  anonymous_mapping_ = mapping.name[0] == '\0' || std::strncmp(mapping.name, "[anon:", 6) == 0;
  stack_by_name_ = std::strcmp(mapping.name, "[stack]") == 0;
  huge_by_name_ = std::strncmp(mapping.name, "/anon_hugepage", 14) == 0;
  heap_by_name_ = std::strstr(mapping.name, "java_heap") != nullptr;
  archive_by_name_ =
      std::strstr(mapping.name, ".jsa") != nullptr || std::strstr(mapping.name, ".aot") != nullptr;
  // wrackline's own.
  if (std::strcmp(mapping.name, "[anon:wrackline]") == 0) anonymous_mapping_ = false;
}

bool JvmResidentMemory::Read(const char* pid) {
  ReadThreads(pid);
  return (std::strcmp(pid, "self") == 0 && ReadMaps()) || ReadSmaps(pid);
}

// Whether any of the mapping is the VM's.
bool JvmResidentMemory::OfVm() const {
  for (int i = 0; i < range_count_; ++i) {
    if (Overlap(ranges_[i].at, mapping_) != 0) return true;
  }
  return KindByName(false) != JvmKind::kNone;
}

bool JvmResidentMemory::ReadMaps() {
  container::scan::LineReader lines("/proc/self/maps");
  const int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  const bool good = lines.ok() && pagemap >= 0;
  Begin(ResidentBytes);
  Span line;
  while (good && lines.Next(&line)) {
    // A line of smaps that begins a mapping is a line of maps.
    TakeLine(line.data, line.size);
    if (heap_by_name_) break;
    // Reserved huge pages are no part of what a memory cgroup is charged with, nor of `Anonymous` in smaps.
    if (!in_mapping_ || huge_by_name_ || !OfVm()) continue;
    anonymous_ = anonymous_mapping_ || stack_by_name_
                     // NOLINTNEXTLINE(performance-no-int-to-ptr)
                     ? ResidentBytes(reinterpret_cast<const void*>(mapping_.start),
                                     mapping_.end - mapping_.start)
                     : PrivatePages(pagemap, mapping_);
  }
  if (pagemap >= 0) close(pagemap);
  Finish();
  return good && !heap_by_name_;
}

bool JvmResidentMemory::ReadSmaps(const char* pid) {
  Text<64> path;
  path.Append("/proc/").Append(pid).Append("/smaps");
  container::scan::LineReader lines(path.c_str());
  if (!lines.ok()) return false;
  Begin(ResidentBytes);
  Span line;
  while (lines.Next(&line)) TakeLine(line.data, line.size);
  Finish();
  return true;
}

}  // namespace wrackline::preload
