// Writer: frames, segments and pwrite. Used through Recorder; on its own in tests. See recorder.h
// for the guarantees and format.h for the layout. One thread. Never allocates but by mmap in Open.
// The zero-initialised object is closed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wrackline::recorder {

struct WriterStatistics {
  std::uint64_t records = 0;  // taken
  std::uint64_t bytes_written = 0;
  std::uint64_t writes = 0;  // pwrite calls
  std::uint64_t write_errors = 0;
  int last_errno = 0;
  std::uint64_t longest_write_ns = 0;
  std::uint64_t snapshots = 0;  // committed
  std::uint64_t snapshots_abandoned = 0;
  std::uint64_t generation = 0;
};

class Writer {
 public:
  // Makes and preallocates the file. Returns 0 or an errno value (EINVAL: smaller than
  // kMinFileBytes; EFBIG: over the process's RLIMIT_FSIZE, which is checked first because crossing
  // it would send SIGXFSZ); on error nothing is left behind.
  int Open(const char* path, std::uint64_t file_bytes);
  bool is_open() const { return descriptor_ >= 0; }

  // Takes one serialized Record into the batch for the active segment and, while a snapshot is
  // under way, for the other one too. False: no room in the batch or the segment; nothing was
  // taken.
  bool Append(const void* record, std::size_t length);
  // Takes one serialized Record for the snapshot alone. False: as above.
  bool AppendToSnapshot(const void* record, std::size_t length);

  // pwrites the batches. 0 or an errno value; after an error they stay and are tried again.
  int Flush();

  // The active segment is nearly full: begin a snapshot.
  bool SnapshotDue() const;
  void BeginSnapshot();
  bool snapshot_running() const { return snapshot_running_; }
  // Flushes, then makes the other segment the active one. 0 or an errno value (then the old one
  // stays active and the commit can be tried again; ENOSPC after snapshot_overflowed(): it cannot).
  int CommitSnapshot();
  // Gives up the snapshot under way (its state did not fit).
  void AbandonSnapshot();

  // Append refused a record for want of room in the active segment: only the end of a snapshot
  // helps.
  bool active_full() const { return active_full_; }
  // A record did not fit into the segment of the snapshot: it must be abandoned.
  bool snapshot_overflowed() const { return snapshot_overflowed_; }
  // Bytes of frames in the snapshot so far.
  std::uint64_t snapshot_bytes() const;

  // 0, or ESTALE when the file lost its last name or was cut, or when its descriptor is another file's: somebody closed it.
  int CheckFile() const;
  // Whether `descriptor` is open, and of this file.
  bool IsOfFile(int descriptor) const;
  // Flushes, and closes the descriptor, where it still is the file's. The file stays. What could not be written is lost.
  void Close();
  // Closes and removes the file just opened at `path`.
  void Discard(const char* path);

  std::uint64_t segment_bytes() const { return segment_bytes_; }
  // The longest record that is ever taken: a quarter of a segment, kMaxRecordBytes at most.
  std::size_t max_record_bytes() const;
  const WriterStatistics& statistics() const { return statistics_; }
  // Of address space; of each batch the resident part is what it once held.
  std::uint64_t own_bytes() const { return mapped_; }
  const void* memory() const { return areas_[0].batch; }

 private:
  struct Area {                  // one segment being written
    std::uint64_t offset = 0;    // of its SegmentHeader in the file
    std::uint64_t end = 0;       // file offset behind the last byte handed to pwrite
    std::uint64_t sequence = 0;  // of the next frame; never goes back
    std::uint8_t* batch = nullptr;
    std::size_t batch_used = 0;
  };

  Area& active() { return areas_[active_]; }
  Area& other() { return areas_[1 - active_]; }
  bool FitsSegment(const Area& area, std::size_t frame_bytes) const;
  bool MakeRoom(Area& area, std::size_t frame_bytes);
  void AddFrame(Area& area, const void* record, std::size_t length);
  int FlushArea(Area& area);
  int WriteAt(std::uint64_t offset, const void* data, std::size_t length, std::size_t* written);
  int WriteSegmentHeader(const Area& area, std::uint64_t generation, std::uint64_t first_sequence);
  int Create(const char* path, std::uint64_t file_bytes);

  int descriptor_ = -1;
  std::uint64_t device_ = 0, inode_ = 0;  // of the file
  int active_ = 0;
  bool snapshot_running_ = false;
  bool snapshot_overflowed_ = false;
  bool active_full_ = false;
  bool header_stands_ =
      false;  // the other segment's header must be zeroed before any of its frames
  bool batch_write_failed_ = false;  // since the last Flush: do not try again at every Append
  std::uint64_t segment_bytes_ = 0;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t generation_ = 0;
  std::uint64_t first_sequence_ = 0;  // of the snapshot
  std::uint64_t due_bytes_ = 0;       // SnapshotDue when the active segment holds more
  std::size_t batch_bytes_ = 0;
  std::size_t mapped_ = 0;
  Area areas_[2];
  WriterStatistics statistics_;
};

}  // namespace wrackline::recorder
