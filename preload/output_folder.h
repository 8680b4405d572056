// The output folder: it is made when missing, one file is named in it, and WRACKLINE_KEEP bounds
// what it holds.
//
// A crash loop must not fill the disk: before a file is made, older ones are removed until it fits.
// A file of a process that ended by itself is worth less than one of a process that was killed:
// files with an EndMark go first, oldest first, then the others. A file whose process lives is
// never removed.
//
// Whether it lives is asked of the kernel: the writer holds a POSIX record lock on its file, which
// ends with the process however it ends, is not inherited by a forked child, and is seen across pid
// namespaces (a pod's containers share a folder, but their pids mean nothing to each other).
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/settings.h"

namespace wrackline::preload {

// Written into the header page by a process that ended by itself, so that a folder can be tidied
// without parsing files. The Exit record says the same to a reader, with the status.
struct EndMark {
  char magic[8];          // kEndMagic
  std::uint64_t time_ns;  // CLOCK_REALTIME
};
inline constexpr char kEndMagic[8] = {'C', 'L', 'E', 'A', 'N', 'E', 'N', 'D'};
inline constexpr std::uint64_t kEndMarkOffset = 512;
static_assert(sizeof(EndMark) == 16);

// One recorder file in a folder.
struct FolderEntry {
  std::uint64_t modified_ns;
  std::uint64_t bytes;
  bool clean;  // has an EndMark
  bool alive;
  bool remove;  // out
};

// Decides which files go, so that with a new one of `new_bytes` there are at most keep_files and
// keep_bytes. Marks them in `remove` and returns how many. Pure.
std::size_t ChooseRemovals(FolderEntry* entries, std::size_t count, std::uint64_t new_bytes,
                           std::uint32_t keep_files, std::uint64_t keep_bytes);

// mkdir -p with mode 0700 for what is missing. 0 or an errno value.
int MakeFolder(const char* path);

// Removes recorder files (wrackline-*.wrack) from `path` by the rule above. Returns how many.
std::size_t TidyFolder(const char* path, std::uint64_t new_bytes, std::uint32_t keep_files,
                       std::uint64_t keep_bytes);

// "<folder>/wrackline-<host>-<pid>-<start>.wrack"; from `attempt` 2 on "-<attempt>" comes before
// the dot: the same process after exec, or after its file was lost. False: too long for `size`.
bool FilePath(const char* folder, const char* host, std::uint32_t pid, std::uint64_t start_seconds,
              std::uint32_t attempt, char* out, std::size_t size);

// Opens the file just made and holds it as its living writer. Returns a descriptor to be kept, or
// -1. The same process must open the file in no other way than its Writer: closing any descriptor
// of it gives the lock up.
int HoldFile(const char* path);
// Writes the EndMark through HoldFile's descriptor. 0 or an errno value.
int MarkClean(int descriptor, std::uint64_t time_ns);

}  // namespace wrackline::preload
