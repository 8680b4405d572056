// Files of other processes and of the kernel, read with bounds: they may be endless, change, or be anybody's.
//
// Below "/proc/PID/root/" a link leads where it leads that process, never out of its own file system: a container's link to /etc/shadow
// is its own.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <ctime>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/result.h"

namespace wrackline::collect {

inline constexpr std::size_t kSmallFile = std::size_t{1} << 20;
inline constexpr std::size_t kLargeFile = std::size_t{128} << 20;

// From its beginning, at most `most` bytes. Regular files of the file system and of /proc only: no devices, no pipes. Errors: the path and why.
Result<std::string> ReadBounded(const std::string& path, std::size_t most);
// Its last `most` bytes, from the start of a line on where something was left out; `cut` says so.
Result<std::string> ReadTail(const std::string& path, std::size_t most, bool* cut);

// Names in a folder, at most 4,096, without "." and ".."; none when it cannot be read.
std::vector<std::string> NamesIn(const std::string& folder);
// When a regular file was last changed; nothing: it is none.
std::optional<std::time_t> ModifiedOf(const std::string& path);

// A file or a folder held open where its path leads, for what takes a path and would follow links its own way.
class Held {
 public:
  // `flags` as open() takes them: O_PATH will do for a folder.
  Held(const std::string& path, int flags);
  ~Held();
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  bool ok() const { return file_ >= 0; }
  // Of this process alone, and for as long as this lives.
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }
  // Device and inode: the same for two paths of one file.
  std::pair<dev_t, ino_t> id() const;

 private:
  int file_;
};

// "FOLDER/NAME".
std::string Within(const std::string& folder, const std::string& name);

}  // namespace wrackline::collect
