#include "preload/glibc_heaps.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "lib/container/process.h"
#include "preload/pages.h"

namespace wrackline::preload {
namespace {

// HEAP_MAX_SIZE of malloc/arena.c: twice DEFAULT_MMAP_THRESHOLD_MAX, which is 32 MiB where long has
// 8 bytes.
constexpr std::uint64_t kHeapBytes = std::uint64_t{64} << 20;
constexpr std::uint64_t kMaxCandidates = 8192;  // 512 GiB
// An arena's first heap starts with its header and then the arena itself. The header had 32 bytes
// before glibc 2.35 and has 48 since.
constexpr std::uint64_t kSmallestHeader = 32, kLargestHeader = 64;

constexpr std::uint64_t kPresent = std::uint64_t{1} << 63, kSwapped = std::uint64_t{1} << 62;

class File {
 public:
  explicit File(const char* path) : descriptor_(open(path, O_RDONLY | O_CLOEXEC)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  bool ok() const { return descriptor_ >= 0; }
  bool Read(std::uint64_t at, void* out, std::size_t size) const {
    return pread(descriptor_, out, size, static_cast<off_t>(at)) == static_cast<ssize_t>(size);
  }

 private:
  int descriptor_;
};

class Search {
 public:
  bool ok() const { return memory_.ok() && pagemap_.ok() && complete_; }
  const GlibcHeaps& found() const { return found_; }

  static void Take(void* search, const container::Mapping& mapping) {
    static_cast<Search*>(search)->TakeMapping(mapping);
  }

 private:
  void TakeMapping(const container::Mapping& mapping) {
    const bool anonymous = mapping.inode == 0 && (mapping.name[0] == '\0' ||
                                                  std::strncmp(mapping.name, "[anon:", 6) == 0);
    // Ours has 64 GiB reserved, and no heaps.
    if (!anonymous || std::strncmp(mapping.name, "[anon:wrackline", 15) == 0) return;
    if (std::memcmp(mapping.permissions, "rw", 2) != 0 || mapping.permissions[3] != 'p') return;
    // Heaps that lie side by side, or behind another mapping of the same kind, are one line.
    const std::uint64_t first = (mapping.start + kHeapBytes - 1) & ~(kHeapBytes - 1);
    for (std::uint64_t at = first; at < mapping.end && complete_; at += kHeapBytes) TakeAddress(at);
  }

  void TakeAddress(std::uint64_t address) {
    if (++candidates_ > kMaxCandidates) {
      complete_ = false;
      return;
    }
    std::uint64_t page = 0;
    if (!pagemap_.Read(address / page_bytes_ * sizeof(page), &page, sizeof(page))) return;
    if ((page & kSwapped) != 0) complete_ = false;  // reading it would wait for the disk
    if ((page & kPresent) == 0) return;
    GlibcHeapHeader header;
    if (!memory_.Read(address, &header, sizeof(header)) || !IsGlibcHeap(address, header)) return;
    ++found_.heaps;
    if (header.previous == 0) ++found_.arenas;
    found_.mapped += header.size;
    found_.resident = found_.resident.value_or(0) +
                      ResidentBytes(reinterpret_cast<const void*>(address), header.size);
  }

  const File memory_{"/proc/self/mem"};
  const File pagemap_{"/proc/self/pagemap"};
  const std::uint64_t page_bytes_ = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  GlibcHeaps found_{1, 0, 0, 0};
  std::uint64_t candidates_ = 0;
  bool complete_ = true;
};

}  // namespace

bool IsGlibcHeap(std::uint64_t address, const GlibcHeapHeader& header) {
  constexpr std::uint64_t kPageMask = 4095;
  if (header.size == 0 || (header.size & kPageMask) != 0 || header.size > kHeapBytes) return false;
  if ((header.mprotect_size & kPageMask) != 0 || header.mprotect_size < header.size ||
      header.mprotect_size > kHeapBytes) {
    return false;
  }
  // Its arena is right behind the header of the arena's first heap.
  const std::uint64_t first = header.arena & ~(kHeapBytes - 1);
  const std::uint64_t behind = header.arena - first;
  if (first == 0 || behind < kSmallestHeader || behind > kLargestHeader) return false;
  if (header.previous == 0) return first == address;
  return first != address && (header.previous & (kHeapBytes - 1)) == 0;
}

std::optional<GlibcHeaps> ReadGlibcHeaps() {
  Search search;
  if (!search.ok() || !container::ReadMaps("", "self", Search::Take, &search) || !search.ok()) {
    return std::nullopt;
  }
  return search.found();
}

}  // namespace wrackline::preload
