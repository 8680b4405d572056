#include "analyzer/collect/read.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace wrackline::collect {
namespace {

// "/proc/PID/root/..." in two parts: the root, and what is below it. False for other paths.
bool IsBelowRoot(const std::string& path, std::string* root, std::string* below) {
  constexpr std::string_view kProc = "/proc/", kRoot = "/root/";
  if (path.compare(0, kProc.size(), kProc) != 0) return false;
  const std::size_t end = path.find_first_not_of("0123456789", kProc.size());
  if (end == kProc.size() || end == std::string::npos ||
      path.compare(end, kRoot.size(), kRoot) != 0)
    return false;
  *root = path.substr(0, end + kRoot.size());
  *below = path.substr(end + kRoot.size());
  return true;
}

int Open(const std::string& path, int flags) {
  std::string root, below;
  if (!IsBelowRoot(path, &root, &below)) return open(path.c_str(), flags | O_CLOEXEC);
  const int folder = open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return -1;
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  const int file = static_cast<int>(
      syscall(SYS_openat2, folder, below.empty() ? "." : below.c_str(), &how, sizeof(how)));
  const int failed = errno;
  close(folder);
  // Older than Linux 5.6, or a sandbox that does not know the call.
  if (file < 0 && (failed == ENOSYS || failed == EPERM))
    return open(path.c_str(), flags | O_CLOEXEC);
  errno = failed;
  return file;
}

Error Cannot(const std::string& path) {
  return Error{"cannot read " + path + ": " + std::strerror(errno), ""};
}

Result<std::string> Read(const std::string& path, std::size_t most, bool tail, bool* cut) {
  *cut = false;
  const int file = Open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return Cannot(path);
  struct stat info {};
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(file);
    return Error{"cannot read " + path + ": no regular file", ""};
  }
  if (tail && info.st_size > static_cast<off_t>(most)) {
    *cut = true;
    lseek(file, info.st_size - static_cast<off_t>(most), SEEK_SET);
  }
  std::string bytes;
  constexpr std::size_t kStep = std::size_t{64} * 1024;
  while (bytes.size() < most) {
    const std::size_t before = bytes.size(), step = std::min(kStep, most - before);
    bytes.resize(before + step);
    const ssize_t count = read(file, bytes.data() + before, step);
    bytes.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const Error failed = Cannot(path);
      close(file);
      return failed;
    }
    if (count == 0) break;
  }
  close(file);
  if (*cut) {
    const std::size_t line = bytes.find('\n');
    if (line != std::string::npos) bytes.erase(0, line + 1);
  }
  return bytes;
}

}  // namespace

Result<std::string> ReadBounded(const std::string& path, std::size_t most) {
  bool cut = false;
  return Read(path, most, false, &cut);
}

Result<std::string> ReadTail(const std::string& path, std::size_t most, bool* cut) {
  return Read(path, most, true, cut);
}

std::vector<std::string> NamesIn(const std::string& folder) {
  constexpr std::size_t kMost = 4096;
  std::vector<std::string> names;
  const int descriptor = Open(folder, O_RDONLY | O_DIRECTORY);
  DIR* entries = descriptor < 0 ? nullptr : fdopendir(descriptor);
  if (entries == nullptr) {
    if (descriptor >= 0) close(descriptor);
    return names;
  }
  while (names.size() < kMost) {
    const dirent* entry = readdir(entries);
    if (entry == nullptr) break;
    std::string name = static_cast<const char*>(entry->d_name);
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  closedir(entries);
  return names;
}

std::optional<std::time_t> ModifiedOf(const std::string& path) {
  const int file = Open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return std::nullopt;
  struct stat info {};
  const bool regular = fstat(file, &info) == 0 && S_ISREG(info.st_mode);
  close(file);
  if (!regular) return std::nullopt;
  return info.st_mtime;
}

Held::Held(const std::string& path, int flags) : file_(Open(path, flags)) {}

Held::~Held() {
  if (file_ >= 0) close(file_);
}

std::pair<dev_t, ino_t> Held::id() const {
  struct stat info {};
  if (fstat(file_, &info) != 0) return {};
  return {info.st_dev, info.st_ino};
}

std::string Within(const std::string& folder, const std::string& name) {
  std::string path = folder;
  path += '/';
  path += name;
  return path;
}

}  // namespace wrackline::collect
