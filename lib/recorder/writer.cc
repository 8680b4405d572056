#include "lib/recorder/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/aside_descriptor.h"
#include "lib/recorder/crc32c.h"
#include "lib/recorder/format.h"
#include "lib/recorder/pages.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the structs of format.h are written as they lie in memory");

namespace wrackline::recorder {
namespace {

constexpr std::size_t kPage = 4096;
// A batch is written when it holds this much, whether or not Flush was called: large enough that
// the system call does not matter (64 KiB writes were measured to be fine), small enough that the
// resident batch stays small. Only while writes fail a batch grows further, up to its whole size.
constexpr std::size_t kWriteBytes = 256 << 10;

constexpr std::size_t FrameBytes(std::size_t length) {
  return (sizeof(FrameHeader) + length + 7) / 8 * 8;
}

std::uint64_t NowNs(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t FileSizeLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
  return limit.rlim_cur;
}

// The system call, not fstat(3): that is a symbol of glibc 2.33. The kernel's struct is glibc's on
// x86-64 and aarch64.
bool StatusOf(int descriptor, struct stat* status) {
  return syscall(SYS_fstat, descriptor, status) == 0;
}

int Preallocate(int descriptor, std::uint64_t bytes) {
  int error = 0;
  // A signal may interrupt a long fallocate, again and again under a profiler's timer: not for
  // ever.
  for (int attempt = 0; attempt < 100; ++attempt) {
    if (fallocate(descriptor, 0, 0, static_cast<off_t>(bytes)) == 0) return 0;
    error = errno;
    if (error != EINTR) break;
  }
  // The file system cannot preallocate (NFS 3, some FUSE ones): the space may then run out later,
  // which is a write error. posix_fallocate would write every block instead, which can take
  // seconds.
  if (error == EOPNOTSUPP || error == ENOSYS) {
    return ftruncate(descriptor, static_cast<off_t>(bytes)) == 0 ? 0 : errno;
  }
  return error;
}

}  // namespace

int Writer::Open(const char* path, std::uint64_t file_bytes) {
  if (is_open()) return EBUSY;
  if (path == nullptr || file_bytes < kMinFileBytes || file_bytes > INT64_MAX) return EINVAL;
  if (file_bytes > FileSizeLimit()) return EFBIG;

  *this = Writer{};
  file_bytes_ = file_bytes;
  // Whole pages, so that no header lies across two and a kill can not tear one.
  segment_bytes_ = (file_bytes - kHeaderBytes) / 2 / kPage * kPage;
  batch_bytes_ = FrameBytes(max_record_bytes()) + kWriteBytes;
  batch_bytes_ = (batch_bytes_ + kPage - 1) / kPage * kPage;
  const std::size_t mapped = 2 * batch_bytes_;
  std::uint8_t* const memory = MapPages(mapped);
  if (memory == nullptr) return errno;
  mapped_ = mapped;
  for (int i = 0; i < 2; ++i) {
    areas_[i].batch = memory + static_cast<std::size_t>(i) * batch_bytes_;
    areas_[i].offset = kHeaderBytes + static_cast<std::uint64_t>(i) * segment_bytes_;
    areas_[i].end = areas_[i].offset + sizeof(SegmentHeader);
    areas_[i].sequence = 1;
  }

  const int error = Create(path, file_bytes);
  if (error != 0) Discard(path);
  return error;
}

void Writer::Discard(const char* path) {
  if (descriptor_ >= 0) {
    unlink(path);  // ours: it was made with O_EXCL
    close(descriptor_);
  }
  if (mapped_ != 0) munmap(areas_[0].batch, mapped_);
  *this = Writer{};
}

int Writer::Create(const char* path, std::uint64_t file_bytes) {
  descriptor_ =
      AsideDescriptor(open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (descriptor_ < 0) return errno;
  struct stat status {};
  if (!StatusOf(descriptor_, &status)) return errno;
  device_ = status.st_dev;
  inode_ = status.st_ino;
  if (const int error = Preallocate(descriptor_, file_bytes); error != 0) return error;

  FileHeader header{};
  memcpy(header.magic, kFileMagic, sizeof header.magic);
  header.version = kFormatVersion;
  header.header_bytes = kHeaderBytes;
  header.file_bytes = file_bytes;
  header.segment_bytes = segment_bytes_;
  header.created_time_ns = NowNs(CLOCK_REALTIME);
  header.pid = static_cast<std::uint32_t>(getpid());
  header.crc32c = Crc32c(0, &header, offsetof(FileHeader, crc32c));
  std::size_t written = 0;
  if (const int error = WriteAt(0, &header, sizeof header, &written); error != 0) return error;
  if (const int error = WriteSegmentHeader(areas_[0], 1, areas_[0].sequence); error != 0)
    return error;
  generation_ = statistics_.generation = 1;
  active_ = 0;
  due_bytes_ = segment_bytes_ - segment_bytes_ / 4;
  return 0;
}

std::size_t Writer::max_record_bytes() const {
  const std::uint64_t quarter = segment_bytes_ / 4;
  return quarter < kMaxRecordBytes ? static_cast<std::size_t>(quarter) : kMaxRecordBytes;
}

// pwrites all of `data` unless an error stops it; `*written` counts what reached the file. Returns
// 0 or an errno value.
int Writer::WriteAt(std::uint64_t offset, const void* data, std::size_t length,
                    std::size_t* written) {
  *written = 0;
  int error = 0;
  while (*written < length) {
    const std::uint64_t at = offset + *written;
    // Beyond the limit the kernel would send SIGXFSZ, whose default action ends the program that we
    // observe.
    if (at >= FileSizeLimit()) {
      error = EFBIG;
      break;
    }
    const std::uint64_t begin = NowNs(CLOCK_MONOTONIC);
    const ssize_t count = pwrite(descriptor_, static_cast<const std::uint8_t*>(data) + *written,
                                 length - *written, static_cast<off_t>(at));
    error = count < 0 ? errno : 0;
    const std::uint64_t took = NowNs(CLOCK_MONOTONIC) - begin;
    if (took > statistics_.longest_write_ns) statistics_.longest_write_ns = took;
    ++statistics_.writes;
    if (error == EINTR) continue;
    if (count == 0)
      error = EIO;  // a file never says 0 for more than 0 bytes; do not spin if it does
    if (error != 0) break;
    *written += static_cast<std::size_t>(count);
    statistics_.bytes_written += static_cast<std::uint64_t>(count);
  }
  if (*written == length) return 0;
  ++statistics_.write_errors;
  statistics_.last_errno = error;
  return error;
}

int Writer::WriteSegmentHeader(const Area& area, std::uint64_t generation,
                               std::uint64_t first_sequence) {
  SegmentHeader header{};
  if (generation != 0) {  // 0: all zero, which is no valid header
    memcpy(header.magic, kSegmentMagic, sizeof header.magic);
    header.generation = generation;
    header.first_sequence = first_sequence;
    header.committed_time_ns = NowNs(CLOCK_REALTIME);
    header.crc32c = Crc32c(0, &header, offsetof(SegmentHeader, crc32c));
  }
  std::size_t written = 0;
  return WriteAt(area.offset, &header, sizeof header, &written);
}

bool Writer::FitsSegment(const Area& area, std::size_t frame_bytes) const {
  return area.end + area.batch_used + frame_bytes <= area.offset + segment_bytes_;
}

bool Writer::MakeRoom(Area& area, std::size_t frame_bytes) {
  if (area.batch_used + frame_bytes > kWriteBytes && area.batch_used > 0 && !batch_write_failed_) {
    batch_write_failed_ = FlushArea(area) != 0;
  }
  return area.batch_used + frame_bytes <= batch_bytes_;
}

void Writer::AddFrame(Area& area, const void* record, std::size_t length) {
  std::uint8_t* frame = area.batch + area.batch_used;
  FrameHeader header{};
  header.length = static_cast<std::uint32_t>(length);
  header.sequence = area.sequence++;
  header.crc32c = Crc32c(Crc32c(0, &header.sequence, sizeof header.sequence), record, length);
  memcpy(frame, &header, sizeof header);
  memcpy(frame + sizeof header, record, length);
  const std::size_t bytes = FrameBytes(length);
  memset(frame + sizeof header + length, 0, bytes - sizeof header - length);
  area.batch_used += bytes;
}

bool Writer::Append(const void* record, std::size_t length) {
  if (!is_open() || length == 0 || length > max_record_bytes()) return false;
  const std::size_t bytes = FrameBytes(length);
  if (!FitsSegment(active(), bytes)) {
    active_full_ = true;
    return false;
  }
  if (snapshot_running_ && !FitsSegment(other(), bytes)) snapshot_overflowed_ = true;
  const bool both = snapshot_running_ && !snapshot_overflowed_;
  // Room in both first: a record is taken whole or not at all.
  if (!MakeRoom(active(), bytes) || (both && !MakeRoom(other(), bytes))) return false;
  AddFrame(active(), record, length);
  if (both) AddFrame(other(), record, length);
  ++statistics_.records;
  return true;
}

bool Writer::AppendToSnapshot(const void* record, std::size_t length) {
  if (!is_open() || !snapshot_running_ || snapshot_overflowed_) return false;
  if (length == 0 || length > max_record_bytes()) return false;
  const std::size_t bytes = FrameBytes(length);
  if (!FitsSegment(other(), bytes)) {
    snapshot_overflowed_ = true;
    return false;
  }
  if (!MakeRoom(other(), bytes)) return false;
  AddFrame(other(), record, length);
  ++statistics_.records;
  return true;
}

int Writer::FlushArea(Area& area) {
  if (area.batch_used == 0) return 0;
  if (header_stands_ && &area == &other()) {
    // The old frames of this segment are about to be overwritten: first nobody may find them
    // through their header.
    if (const int error = WriteSegmentHeader(area, 0, 0); error != 0) return error;
    header_stands_ = false;
  }
  std::size_t written = 0;
  const int error = WriteAt(area.end, area.batch, area.batch_used, &written);
  // What was written stays written: the next attempt goes on right behind it, also in the middle of
  // a frame.
  area.end += written;
  area.batch_used -= written;
  if (area.batch_used > 0 && written > 0)
    memmove(area.batch, area.batch + written, area.batch_used);
  return error;
}

int Writer::Flush() {
  if (!is_open()) return EBADF;
  batch_write_failed_ = false;
  const int error = FlushArea(active());
  const int snapshot_error = snapshot_running_ ? FlushArea(other()) : 0;
  return error != 0 ? error : snapshot_error;
}

bool Writer::SnapshotDue() const {
  const Area& area = areas_[active_];
  return is_open() && (active_full_ || area.end + area.batch_used - area.offset > due_bytes_);
}

void Writer::BeginSnapshot() {
  if (!is_open() || snapshot_running_) return;
  snapshot_running_ = true;
  snapshot_overflowed_ = false;
  header_stands_ = true;
  Area& area = other();
  area.end = area.offset + sizeof(SegmentHeader);
  area.batch_used = 0;
  first_sequence_ = area.sequence;
}

std::uint64_t Writer::snapshot_bytes() const {
  if (!snapshot_running_) return 0;
  const Area& area = areas_[1 - active_];
  return area.end + area.batch_used - area.offset - sizeof(SegmentHeader);
}

int Writer::CommitSnapshot() {
  if (!is_open() || !snapshot_running_) return EINVAL;
  if (snapshot_overflowed_) return ENOSPC;
  if (const int error = Flush(); error != 0) return error;
  Area& area = other();
  // A header torn here has a wrong checksum, and the active segment is still whole.
  if (const int error = WriteSegmentHeader(area, generation_ + 1, first_sequence_); error != 0) {
    return error;
  }
  active_ = 1 - active_;
  ++generation_;
  snapshot_running_ = false;
  active_full_ = false;
  header_stands_ = false;
  ++statistics_.snapshots;
  statistics_.generation = generation_;
  // The next one is due at three quarters: a snapshot goes out in slices of 256 KiB, ten a second,
  // so that 16 MiB of state (half of a default segment) take 6.4 s, and the last quarter of a
  // default segment (8 MiB) holds the new records of that time up to 1.2 MiB/s. When the state
  // alone fills more than half, it is due half-way between it and the end: otherwise one snapshot
  // would follow on the other's heels.
  const std::uint64_t used = area.end - area.offset;
  const std::uint64_t middle = used + (segment_bytes_ - used) / 2;
  const std::uint64_t quarters = segment_bytes_ - segment_bytes_ / 4;
  due_bytes_ = middle > quarters ? middle : quarters;
  return 0;
}

void Writer::AbandonSnapshot() {
  if (!snapshot_running_) return;
  snapshot_running_ = false;
  snapshot_overflowed_ = false;
  other().batch_used = 0;
  ++statistics_.snapshots_abandoned;
}

int Writer::CheckFile() const {
  if (!is_open()) return EBADF;
  struct stat status {};
  if (!StatusOf(descriptor_, &status) || status.st_dev != device_ || status.st_ino != inode_)
    return ESTALE;
  if (status.st_nlink == 0 || static_cast<std::uint64_t>(status.st_size) < file_bytes_)
    return ESTALE;
  return 0;
}

bool Writer::IsOfFile(int descriptor) const {
  struct stat status {};
  return is_open() && StatusOf(descriptor, &status) && status.st_dev == device_ &&
         status.st_ino == inode_;
}

void Writer::Close() {
  if (!is_open()) return;
  if (IsOfFile(descriptor_)) {
    Flush();
    close(descriptor_);
  }
  munmap(areas_[0].batch, mapped_);
  const WriterStatistics statistics = statistics_;
  *this = Writer{};
  statistics_ = statistics;
}

}  // namespace wrackline::recorder
