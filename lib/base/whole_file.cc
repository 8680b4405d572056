#include "lib/base/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

namespace wrackline {
namespace {

Error Failed(const std::string& path, int error) {
  return {fmt::format("cannot write {}: {}", path, std::strerror(error)),
          "choose an output folder that exists, has room and may be written"};
}

// A name for a descriptor of this process, where others write too: `-o /dev/stdout >> log`.
bool IsOpenAlready(std::string_view path) {
  return path == "/dev/stdout" || path == "/dev/stderr" || path.starts_with("/dev/fd/") ||
         path.starts_with("/proc/");
}

// errno, or 0. Closes the descriptor.
int WriteAndClose(int descriptor, std::string_view bytes) {
  int error = 0;
  while (!bytes.empty() && error == 0) {
    const ssize_t count = write(descriptor, bytes.data(), bytes.size());
    if (count >= 0)
      bytes.remove_prefix(static_cast<std::size_t>(count));
    else if (errno != EINTR)
      error = errno;
  }
  if (close(descriptor) != 0 && error == 0) error = errno;
  return error;
}

}  // namespace

Status WriteWholeFile(const std::string& path, std::string_view bytes, mode_t mode) {
  std::string target = path;
  struct stat info {};
  if (stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return Failed(path, EISDIR);
    if (!S_ISREG(info.st_mode) || IsOpenAlready(path)) {
      const int descriptor = open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
      const int error = descriptor < 0 ? errno : WriteAndClose(descriptor, bytes);
      return error == 0 ? Status() : Failed(path, error);
    }
    std::error_code none;
    const std::filesystem::path real = std::filesystem::canonical(path, none);
    if (!none) target = real.string();
  }
  const std::string temporary = fmt::format("{}.{}.tmp", target, getpid());
  const int descriptor =
      open(temporary.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, mode);
  if (descriptor < 0) return Failed(path, errno);
  int error = WriteAndClose(descriptor, bytes);
  if (error == 0 && rename(temporary.c_str(), target.c_str()) != 0) error = errno;
  if (error == 0) return std::nullopt;
  unlink(temporary.c_str());
  return Failed(path, error);
}

}  // namespace wrackline
