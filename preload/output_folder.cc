#include "preload/output_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lib/base/aside_descriptor.h"
#include "preload/clock.h"
#include "preload/pages.h"
#include "preload/text.h"

namespace wrackline::preload {
namespace {

constexpr std::size_t kMaxEntries = 2048;
constexpr std::size_t kMaxName = 256;
// A file is made a moment before its writer holds it.
constexpr std::uint64_t kNewlyMade = 2 * kSecond;

struct Listing {
  FolderEntry entries[kMaxEntries];
  char names[kMaxEntries][kMaxName];
  std::size_t count;
  alignas(8) char buffer[32 * 1024];  // of getdents64
};

// As the kernel's getdents64 gives it; opendir would allocate.
struct KernelEntry {
  std::uint64_t inode;
  std::int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[1];
};

bool IsRecorderFile(const char* name) {
  constexpr char kPrefix[] = "wrackline-";
  constexpr char kSuffix[] = ".wrack";
  const std::size_t length = std::strlen(name);
  return length < kMaxName && length > sizeof(kPrefix) + sizeof(kSuffix) &&
         std::strncmp(name, kPrefix, sizeof(kPrefix) - 1) == 0 &&
         std::strcmp(name + length - (sizeof(kSuffix) - 1), kSuffix) == 0;
}

// False: it is no regular file, or went away.
bool Examine(int folder, const char* name, std::uint64_t now_ns, FolderEntry* out) {
  const int file = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat status;
  if (file < 0) {
    // Someone else's, unreadable: it still takes its room, and may be removed if the folder lets
    // us.
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  } else if (fstat(file, &status) != 0) {
    close(file);
    return false;
  }
  const bool regular = S_ISREG(status.st_mode);
  if (regular) {
    *out = {};
    out->modified_ns = static_cast<std::uint64_t>(status.st_mtim.tv_sec) * kSecond +
                       static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
    out->bytes = static_cast<std::uint64_t>(status.st_blocks) * 512;
    out->alive = out->modified_ns + kNewlyMade > now_ns;
  }
  if (regular && file >= 0) {
    EndMark mark{};
    out->clean = pread(file, &mark, sizeof(mark), kEndMarkOffset) == sizeof(mark) &&
                 std::memcmp(mark.magic, kEndMagic, sizeof(kEndMagic)) == 0;
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    const bool held = fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    out->alive = held || (out->alive && !out->clean);
  }
  if (file >= 0) close(file);
  return regular;
}

void List(int folder, Listing* out) {
  const std::uint64_t now_ns = RealtimeNs();
  out->count = 0;
  for (;;) {
    const long got = syscall(SYS_getdents64, folder, out->buffer, sizeof(out->buffer));
    if (got <= 0) return;
    for (long at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const KernelEntry*>(out->buffer + at);
      at += entry->length;
      if (!IsRecorderFile(entry->name)) continue;
      if (out->count == kMaxEntries) return;
      if (!Examine(folder, entry->name, now_ns, &out->entries[out->count])) continue;
      CopyText(out->names[out->count++], kMaxName, entry->name);
    }
  }
}

}  // namespace

std::size_t ChooseRemovals(FolderEntry* entries, std::size_t count, std::uint64_t new_bytes,
                           std::uint32_t keep_files, std::uint64_t keep_bytes) {
  std::uint64_t files = count + 1;
  std::uint64_t bytes = new_bytes;
  for (std::size_t i = 0; i < count; ++i) {
    entries[i].remove = false;
    bytes += entries[i].bytes;
  }
  std::size_t removed = 0;
  while (files > keep_files || bytes > keep_bytes) {
    FolderEntry* least = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
      FolderEntry& entry = entries[i];
      if (entry.alive || entry.remove) continue;
      const bool worth_less =
          least == nullptr ||
          (entry.clean != least->clean ? entry.clean : entry.modified_ns < least->modified_ns);
      if (worth_less) least = &entry;
    }
    if (least == nullptr) break;
    least->remove = true;
    --files;
    bytes -= std::min(bytes, least->bytes);
    ++removed;
  }
  return removed;
}

int MakeFolder(const char* path) {
  char partial[sizeof(Settings::output_folder)];
  if (std::strlen(path) >= sizeof(partial)) return ENAMETOOLONG;
  CopyText(partial, sizeof(partial), path);
  for (char* at = partial + 1;; ++at) {
    if (*at != '/' && *at != '\0') continue;
    const char kept = *at;
    *at = '\0';
    const int error = mkdir(partial, 0700) == 0 ? 0 : errno;
    struct stat status;
    const bool there = error == 0 || (stat(partial, &status) == 0 && S_ISDIR(status.st_mode));
    if (!there) return error == EEXIST ? ENOTDIR : error;
    *at = kept;
    if (kept == '\0') return 0;
  }
}

std::size_t TidyFolder(const char* path, std::uint64_t new_bytes, std::uint32_t keep_files,
                       std::uint64_t keep_bytes) {
  const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return 0;
  std::size_t removed = 0;
  auto* listing = static_cast<Listing*>(MapPages(sizeof(Listing)));
  if (listing != nullptr) {
    List(folder, listing);
    ChooseRemovals(listing->entries, listing->count, new_bytes, keep_files, keep_bytes);
    for (std::size_t i = 0; i < listing->count; ++i) {
      if (listing->entries[i].remove && unlinkat(folder, listing->names[i], 0) == 0) ++removed;
    }
    munmap(listing, sizeof(Listing));
  }
  close(folder);
  return removed;
}

bool FilePath(const char* folder, const char* host, std::uint32_t pid, std::uint64_t start_seconds,
              std::uint32_t attempt, char* out, std::size_t size) {
  Text<4096> path;
  path.Append(folder).Append("/wrackline-").Append(host, strnlen(host, 64));
  path.Append("-").AppendNumber(pid).Append("-").AppendNumber(start_seconds);
  if (attempt > 1) path.Append("-").AppendNumber(attempt);
  path.Append(".wrack");
  if (path.cut() || path.size() >= size) return false;
  CopyText(out, size, path.c_str());
  return true;
}

int HoldFile(const char* path) {
  const int file = AsideDescriptor(open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file < 0) return -1;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  // Where locks are not to be had, the file's age alone protects it.
  if (fcntl(file, F_SETLK, &lock) != 0) errno = 0;
  return file;
}

int MarkClean(int descriptor, std::uint64_t time_ns) {
  EndMark mark{};
  std::memcpy(mark.magic, kEndMagic, sizeof(kEndMagic));
  mark.time_ns = time_ns;
  return pwrite(descriptor, &mark, sizeof(mark), kEndMarkOffset) == sizeof(mark) ? 0 : errno;
}

}  // namespace wrackline::preload
