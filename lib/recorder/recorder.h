// Recorder: the one way by which records reach a file, for the preload's recorder thread and for a
// probe that works without the preload.
//
// Guarantees
//  - After Open no allocation from the program's allocator (memory comes from mmap), no exception,
//    no libstdc++.
//  - One thread calls it. It alone blocks on the file; a write that fails or stalls loses nothing
//    that is still dirty at its source: Put says false and the caller offers the record again at
//    the next tick.
//  - The file never grows beyond Options::file_bytes. State is re-emitted by the source at each
//    snapshot; history is kept here, bounded, and thinned from its old end.
//  - A kill between any two instructions leaves a file that Reader reads.
//
//   Recorder recorder;                                  // all zero: closed, every call refuses
//   if (int error = recorder.Open(options); error != 0) ...
//   recorder.Put(record);                               // state: absolute values
//   recorder.Log(key, record);                          // history: kept and thinned by the
//   recorder recorder.Flush();                                   // pwrite; call at least every 100
//   ms
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/recorder/format.h"
#include "lib/recorder/history.h"
#include "lib/recorder/writer.h"

extern "C" {
typedef struct _wrackline_proto_Record wrackline_proto_Record;
}

namespace wrackline::recorder {

class Recorder;

// Emits, from `*cursor` on (0 at first), the state records of its owner with Recorder::Put until
// Put says false or Recorder::SnapshotSliceFull() is true; moves `*cursor`. Returns true when all
// were emitted.
using EmitState = bool (*)(void* context, std::uint64_t* cursor, Recorder& recorder);

struct RecorderOptions {
  const char* path = nullptr;  // made with O_EXCL
  std::uint64_t file_bytes = kDefaultFileBytes;
  std::uint64_t history_bytes =
      0;  // 0: an eighth of a segment, 2 MiB at most; never more than half of a segment
  EmitState emit_state = nullptr;
  void* emit_context = nullptr;
};

class Recorder {
 public:
  // Makes the file, preallocates it and writes the first, empty segment. Returns 0 or an errno
  // value (EEXIST, ENOSPC, EROFS, EACCES, ...): then nothing is left behind and Open may be called
  // again.
  int Open(const RecorderOptions& options);
  bool is_open() const { return writer_.is_open(); }

  // Encodes one record into the batch (written to the file by Flush, earlier when the batch fills).
  // False: not taken; offer it again later. A record longer than Writer::max_record_bytes() (a
  // quarter of a segment, 1 MiB at most) is never taken: emit lists in pieces. The last Heartbeat
  // and the Exit are repeated in snapshots by the recorder itself.
  bool Put(const wrackline_proto_Record& record);
  // The same for a record that is serialized already.
  bool PutEncoded(const void* record, std::size_t length);

  // Put, and keep it so that snapshots repeat it. `key` names the series (thinning removes every
  // second record of the old half of the whole history; the newest record of each key always
  // stays). If the file refuses it, the history keeps it, and Flush brings it to the file as soon
  // as that takes records again. False: neither took it.
  bool Log(std::uint64_t key, const wrackline_proto_Record& record);
  bool LogEncoded(std::uint64_t key, const void* record, std::size_t length);
  // Keep one state record per key for snapshots, replacing the last one of that key: for submitted
  // records whose owner cannot be asked again. It goes to the file now only by PutEncoded. False:
  // no room. `ended`: it is the last of its key, and may go when many such are kept.
  bool KeepStateEncoded(std::uint64_t key, const void* record, std::size_t length,
                        bool ended = false);

  // Writes the batch, and one slice (about 256 KiB) of a snapshot when one is due. Returns 0 or an
  // errno value; after an error the batch stays and the next Flush tries again.
  int Flush();
  // True when the slice of the snapshot being emitted is full: an EmitState returns and is called
  // again.
  bool SnapshotSliceFull() const;
  // Once a second or so: the file vanished (its link count is 0), or was cut, or its descriptor is another file's. Returns 0, or ESTALE:
  // the caller closes and opens anew.
  int CheckFile();
  // Whether `descriptor` is open, and of the file that is being written.
  bool IsOfFile(int descriptor) const { return writer_.IsOfFile(descriptor); }

  // Flushes, and closes the descriptor. The file stays.
  void Close();

  const WriterStatistics& statistics() const { return writer_.statistics(); }
  std::uint64_t history_thinned() const { return history_.thinned(); }
  // Records that were too long or whose callbacks failed: never written.
  std::uint64_t unencodable() const { return unencodable_; }
  // Bytes of anonymous memory mapped by this object.
  std::uint64_t own_bytes() const;
  // How much of that is resident now (mincore: some 10 us).
  std::uint64_t resident_bytes() const;

 private:
  struct Kept {  // one encoded record that every snapshot repeats
    std::size_t length = 0;
    std::uint8_t bytes[64] = {};
  };

  std::size_t Encode(const wrackline_proto_Record& record);
  bool EmitRecord(const void* record, std::size_t length);
  void CatchUp();
  void BeginSnapshot();
  bool EmitSlice();
  int AdvanceSnapshot();
  void GiveUpSnapshot();

  Writer writer_;
  History history_;
  EmitState emit_state_ = nullptr;
  void* emit_context_ = nullptr;
  std::uint8_t* scratch_ = nullptr;
  std::size_t scratch_bytes_ = 0;
  std::uint64_t unencodable_ = 0;
  Kept heartbeat_;
  Kept exit_;

  // Serial of the first history record that the file has not got yet; 0: it has all.
  std::uint64_t backlog_ = 0;

  // The snapshot under way.
  bool emitting_ = false;  // Put goes to the snapshot alone
  bool refused_ = false;   // Put said false in this slice
  bool kept_emitted_ = false;
  bool history_emitted_ = false;
  bool state_emitted_ = false;
  std::uint64_t slice_begin_ = 0;  // snapshot_bytes() at the slice's begin
  std::uint64_t history_cursor_ = 0;
  std::uint64_t history_end_ = 0;  // later history records reach the snapshot by Log
  std::uint64_t state_cursor_ = 0;

  // After a state that did not fit.
  int tries_ = 0;  // in a row
  std::uint64_t flushes_to_wait_ = 0;
};

}  // namespace wrackline::recorder
