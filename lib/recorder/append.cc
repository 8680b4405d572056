// AppendRecord: one more frame behind the last one of a recorder file whose process has ended.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "lib/recorder/crc32c.h"
#include "lib/recorder/file_bytes.h"
#include "lib/recorder/frame_scan.h"
#include "lib/recorder/packed.h"
#include "lib/recorder/reader.h"

namespace wrackline::recorder {

Status AppendRecord(const std::string& path, const proto::Record& record) {
  Result<std::string> bytes = ReadSettledBytes(path);
  if (!bytes.ok()) return bytes.error();
  if (IsPacked(bytes.value())) {
    return Error{fmt::format("{} is a packed dump, which takes no more records", path),
                 "append to the .wrack file and pack it again"};
  }
  Result<FrameScan> scan = ScanFrames(bytes.value(), path, [](const Frame&) {});
  if (!scan.ok()) return scan.error();

  std::string frame(sizeof(FrameHeader), '\0');
  record.AppendToString(&frame);
  const std::size_t length = frame.size() - sizeof(FrameHeader);
  if (length == 0 || length > kMaxRecordBytes) {
    return Error{fmt::format("cannot append a record of {} bytes to {}", length, path),
                 fmt::format("a record has 1 to {} bytes", kMaxRecordBytes)};
  }
  FrameHeader header{};
  header.length = static_cast<std::uint32_t>(length);
  header.sequence = scan.value().next_sequence;
  header.crc32c = Crc32c(Crc32c(0, &header.sequence, sizeof header.sequence),
                         frame.data() + sizeof header, length);
  std::memcpy(frame.data(), &header, sizeof header);
  frame.resize((frame.size() + 7) / 8 * 8, '\0');
  if (scan.value().end + frame.size() > scan.value().segment_end) {
    return Error{fmt::format("{} has no room for a record of {} bytes", path, length),
                 "its last segment is full; set WRACKLINE_RECORDER_SIZE higher"};
  }

  const int descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) {
    return Error{fmt::format("cannot write {}: {}", path, std::strerror(errno)),
                 "run as the user of the recorded process"};
  }
  std::size_t done = 0;
  while (done < frame.size()) {
    const ssize_t count = pwrite(descriptor, frame.data() + done, frame.size() - done,
                                 static_cast<off_t>(scan.value().end + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const int error = count < 0 ? errno : EIO;
      close(descriptor);
      return Error{fmt::format("cannot write {}: {}", path, std::strerror(error)),
                   "the file keeps what it had"};
    }
    done += static_cast<std::size_t>(count);
  }
  close(descriptor);
  return std::nullopt;
}

}  // namespace wrackline::recorder
