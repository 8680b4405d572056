// Writer: frames, segments and pwrite. Used through Recorder; on its own in tests. See recorder.h for the guarantees and
// format.h for the layout.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wrackline::recorder {

struct WriterStatistics {
  std::uint64_t records = 0;          // taken
  std::uint64_t bytes_written = 0;
  std::uint64_t writes = 0;           // pwrite calls
  std::uint64_t write_errors = 0;
  int last_errno = 0;
  std::uint64_t longest_write_ns = 0;
  std::uint64_t snapshots = 0;        // committed
  std::uint64_t generation = 0;
};

class Writer {
 public:
  // Makes and preallocates the file. Returns 0 or an errno value; on error nothing is left behind.
  int Open(const char* path, std::uint64_t file_bytes);
  bool is_open() const { return descriptor_ >= 0; }

  // Takes one serialized Record into the batch for the active segment and, while a snapshot is under way, for the other
  // one too. False: no room in the batch or the segment; nothing was taken.
  bool Append(const void* record, std::size_t length);
  // Takes one serialized Record for the snapshot alone. False: as above.
  bool AppendToSnapshot(const void* record, std::size_t length);

  // pwrites the batches. 0 or an errno value; after an error they stay and are tried again.
  int Flush();

  // The active segment is nearly full: begin a snapshot.
  bool SnapshotDue() const;
  void BeginSnapshot();
  bool snapshot_running() const { return snapshot_running_; }
  // Flushes, then makes the other segment the active one. 0 or an errno value (then the old one stays active and the
  // commit can be tried again).
  int CommitSnapshot();
  // Gives up the snapshot under way (its state did not fit).
  void AbandonSnapshot();

  // 0, or ESTALE when the file lost its last name or was cut.
  int CheckFile() const;
  void Close();

  std::uint64_t segment_bytes() const { return segment_bytes_; }
  const WriterStatistics& statistics() const { return statistics_; }
  std::uint64_t own_bytes() const;

 private:
  struct Area {                  // one segment being written
    std::uint64_t offset = 0;    // of its SegmentHeader in the file
    std::uint64_t end = 0;       // file offset behind the last byte handed to pwrite
    std::uint64_t sequence = 0;  // of the next frame
    std::uint8_t* batch = nullptr;
    std::size_t batch_used = 0;
  };
  int descriptor_ = -1;
  std::uint64_t segment_bytes_ = 0;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t generation_ = 0;
  int active_ = 0;
  bool snapshot_running_ = false;
  Area areas_[2];
  WriterStatistics statistics_;
};

}  // namespace wrackline::recorder
