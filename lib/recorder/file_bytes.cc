#include "lib/recorder/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <fmt/format.h>

#include "lib/recorder/format.h"
#include "lib/recorder/frame_scan.h"
#include "lib/recorder/packed.h"

namespace wrackline::recorder {
namespace {

constexpr std::size_t kPage = 4096;

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// Reads up to `length` bytes at `offset`; fewer at the end of the file. -1: errno says why.
ssize_t ReadAt(int descriptor, char* buffer, std::size_t length, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < length) {
    const ssize_t count =
        pread(descriptor, buffer + done, length - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return static_cast<ssize_t>(done);
}

// What decides which frames are valid: both segment headers, as they stand now.
std::string SegmentHeaders(int descriptor) {
  FileHeader header{};
  if (ReadAt(descriptor, reinterpret_cast<char*>(&header), sizeof header, 0) != sizeof header)
    return {};
  if (header.segment_bytes > kMaxFileBytes) return {};
  std::string headers(2 * sizeof(SegmentHeader), '\0');
  for (std::uint64_t i = 0; i < 2; ++i) {
    const std::uint64_t offset = header.header_bytes + i * header.segment_bytes;
    if (ReadAt(descriptor, headers.data() + i * sizeof(SegmentHeader), sizeof(SegmentHeader),
               offset) < 0)
      return {};
  }
  return headers;
}

Error CannotRead(const std::string& path, int error) {
  std::string hint;
  if (error == ENOENT) hint = "WRACKLINE_OUT names the folder that recorder files are written to";
  if (error == EACCES)
    hint =
        "recorder files are readable by the user of the recorded process only; use that user or "
        "root";
  return {fmt::format("cannot read {}: {}", path, std::strerror(error)), hint};
}

}  // namespace

Result<std::string> ReadFileBytes(const std::string& path) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0) return CannotRead(path, errno);
  if (S_ISDIR(status.st_mode)) {
    return Error{fmt::format("{} is a folder", path), "give one of the .wrack files in it"};
  }
  if (!S_ISREG(status.st_mode))
    return Error{fmt::format("{} is not a regular file", path), "give a .wrack file"};
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > kMaxFileBytes) {
    return Error{fmt::format("{} is too large for a recorder file: {} bytes", path, size),
                 "give a .wrack file"};
  }

  std::string bytes(size, '\0');
  // The headers must be the same before and after: otherwise the segment that they call active may
  // have been rewritten while its frames were read. A snapshot lasts seconds, so a few tries are
  // enough.
  for (int attempt = 0; attempt < 8; ++attempt) {
    const std::string before = SegmentHeaders(file.get());
    std::size_t end = bytes.size();
    // From the end to the beginning, page by page: the writer appends, so what was read later (the
    // lower pages) is at least as new as what was read before. A frame is then never seen without
    // the frames in front of it, which would look like damage.
    for (std::size_t page = (bytes.size() + kPage - 1) / kPage; page-- > 0;) {
      const std::size_t offset = page * kPage;
      const std::size_t length = std::min(kPage, bytes.size() - offset);
      const ssize_t count = ReadAt(file.get(), bytes.data() + offset, length, offset);
      if (count < 0) return CannotRead(path, errno);
      // Cut while we read it.
      if (static_cast<std::size_t>(count) < length) end = offset + static_cast<std::size_t>(count);
    }
    bytes.resize(end);
    if (SegmentHeaders(file.get()) == before) break;
  }
  return bytes;
}

Result<std::string> ReadSettledBytes(const std::string& path) {
  Result<std::string> bytes = ReadFileBytes(path);
  for (int attempt = 0; attempt < 4 && bytes.ok() && !IsPacked(bytes.value()); ++attempt) {
    const Result<FrameScan> scan = ScanFrames(bytes.value(), path, [](const Frame&) {});
    if (scan.ok() && scan.value().damage.empty()) break;
    Result<std::string> again = ReadFileBytes(path);
    if (!again.ok() || again.value() == bytes.value()) break;
    bytes = std::move(again);
  }
  return bytes;
}

}  // namespace wrackline::recorder
