// Recorder: the one way by which records reach a file, for the preload's recorder thread and for a probe that works
// without the preload.
//
// Guarantees
//  - After Open no allocation from the program's allocator (memory comes from mmap), no exception, no libstdc++.
//  - One thread calls it. It alone blocks on the file; a write that fails or stalls loses nothing that is still
//    dirty at its source: Put says false and the caller offers the record again at the next tick.
//  - The file never grows beyond Options::file_bytes. State is re-emitted by the source at each snapshot; history is
//    kept here, bounded, and thinned from its old end.
//  - A kill between any two instructions leaves a file that Reader reads.
//
//   Recorder recorder;                                  // all zero: closed, every call refuses
//   if (int error = recorder.Open(options); error != 0) ...
//   recorder.Put(record);                               // state: absolute values
//   recorder.Log(key, record);                          // history: kept and thinned by the recorder
//   recorder.Flush();                                   // pwrite; call at least every 100 ms
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/recorder/history.h"
#include "lib/recorder/writer.h"

extern "C" {
typedef struct _wrackline_proto_Record wrackline_proto_Record;
}

namespace wrackline::recorder {

class Recorder;

// Emits, from `*cursor` on (0 at first), the state records of its owner with Recorder::Put until Put says false or
// Recorder::SnapshotSliceFull() is true; moves `*cursor`. Returns true when all were emitted.
using EmitState = bool (*)(void* context, std::uint64_t* cursor, Recorder& recorder);

struct RecorderOptions {
  const char* path = nullptr;             // made with O_EXCL
  std::uint64_t file_bytes = kDefaultFileBytes;
  std::uint64_t history_bytes = 0;        // 0: an eighth of a segment, 2 MiB at most
  EmitState emit_state = nullptr;
  void* emit_context = nullptr;
};

class Recorder {
 public:
  // Makes the file, preallocates it and writes the first, empty segment. Returns 0 or an errno value (EEXIST, ENOSPC,
  // EROFS, EACCES, ...): then nothing is left behind and Open may be called again.
  int Open(const RecorderOptions& options);
  bool is_open() const { return writer_.is_open(); }

  // Encodes one record into the batch (written to the file by Flush, earlier when the batch fills). False: not taken;
  // offer it again later.
  bool Put(const wrackline_proto_Record& record);
  // The same for a record that is serialized already.
  bool PutEncoded(const void* record, std::size_t length);

  // Put, and keep it so that snapshots repeat it. `key` names the series (thinning removes every second record of the
  // old half of the whole history; the newest record of each key always stays). If the file refuses it, the history
  // keeps it for the next snapshot.
  bool Log(std::uint64_t key, const wrackline_proto_Record& record);
  bool LogEncoded(std::uint64_t key, const void* record, std::size_t length);
  // Keep one state record per key for snapshots, replacing the last one of that key: for submitted records whose
  // owner cannot be asked again. False: no room.
  bool KeepStateEncoded(std::uint64_t key, const void* record, std::size_t length);

  // Writes the batch, and one slice (about 256 KiB) of a snapshot when one is due. Returns 0 or an errno value; after an
  // error the batch stays and the next Flush tries again.
  int Flush();
  // True when the slice of the snapshot being emitted is full: an EmitState returns and is called again.
  bool SnapshotSliceFull() const;
  // Once a second or so: the file vanished (its link count is 0), or was cut. Returns 0, or ESTALE: the caller closes
  // and opens anew.
  int CheckFile();

  // Flushes, and closes the descriptor. The file stays.
  void Close();

  const WriterStatistics& statistics() const { return writer_.statistics(); }
  std::uint64_t history_thinned() const { return history_.thinned(); }
  // Bytes of anonymous memory mapped by this object.
  std::uint64_t own_bytes() const;

 private:
  Writer writer_;
  History history_;
};

}  // namespace wrackline::recorder
