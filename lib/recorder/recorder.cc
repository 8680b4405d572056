#include "lib/recorder/recorder.h"

#include <errno.h>
#include <pb_encode.h>
#include <string.h>
#include <sys/mman.h>

#include <wrackline_nanopb/wrackline.pb.h>

#include "lib/recorder/format.h"
#include "lib/recorder/pages.h"

namespace wrackline::recorder {
namespace {

// One slice a Flush, a Flush every 100 ms: at most 2.5 MiB/s for a snapshot, and no Flush is busy
// for long with it.
constexpr std::uint64_t kSliceBytes = 256 << 10;
// A state that did not fit is tried again at once while thinning the history helps, and then after
// 100 Flush calls (10 s), 200, 400, ... up to 6400 (11 min): the program may have freed what filled
// it, and each try writes up to half a file.
constexpr int kTriesAtOnce = 3;
constexpr std::uint64_t kFirstWait = 100;
constexpr int kMaxDoublings = 6;

// Of a mapping; 0 where there is none.
std::uint64_t ResidentBytes(const void* start, std::uint64_t bytes) {
  constexpr std::uint64_t kPage = 4096;
  constexpr std::uint64_t kPagesAtOnce = 1024;
  unsigned char pages[kPagesAtOnce];
  std::uint64_t resident = 0;
  for (std::uint64_t at = 0; start != nullptr && at < bytes; at += kPagesAtOnce * kPage) {
    const std::uint64_t now = bytes - at < kPagesAtOnce * kPage ? bytes - at : kPagesAtOnce * kPage;
    void* from = const_cast<std::uint8_t*>(static_cast<const std::uint8_t*>(start) + at);
    if (mincore(from, now, pages) != 0) break;
    for (std::uint64_t i = 0; i < (now + kPage - 1) / kPage; ++i)
      resident += (pages[i] & 1) * kPage;
  }
  return resident;
}

}  // namespace

int Recorder::Open(const RecorderOptions& options) {
  if (is_open()) return EBUSY;
  *this = Recorder{};
  if (const int error = writer_.Open(options.path, options.file_bytes); error != 0) return error;

  std::uint64_t history_bytes = options.history_bytes;
  const std::uint64_t most = writer_.segment_bytes() / 2;
  if (history_bytes == 0) {
    history_bytes = writer_.segment_bytes() / 8;
    if (history_bytes > (2U << 20)) history_bytes = 2U << 20;
  }
  if (history_bytes > most) history_bytes = most;
  int error = history_.Open(history_bytes);
  if (error == 0) {
    scratch_ = MapPages(writer_.max_record_bytes());
    if (scratch_ == nullptr) {
      error = errno;
    } else {
      scratch_bytes_ = writer_.max_record_bytes();
    }
  }
  if (error != 0) {
    writer_.Discard(options.path);
    Close();
    return error;
  }
  emit_state_ = options.emit_state;
  emit_context_ = options.emit_context;
  return 0;
}

// Returns the length in scratch_; 0: it does not fit or a callback failed.
std::size_t Recorder::Encode(const wrackline_proto_Record& record) {
  if (!is_open()) return 0;
  pb_ostream_t stream = pb_ostream_from_buffer(scratch_, scratch_bytes_);
  if (pb_encode(&stream, wrackline_proto_Record_fields, &record)) return stream.bytes_written;
  ++unencodable_;
  return 0;
}

bool Recorder::Put(const wrackline_proto_Record& record) {
  const std::size_t length = Encode(record);
  if (length == 0) {
    // Inside EmitState a record that can never be encoded must not hold up all snapshots for ever.
    return emitting_;
  }
  // These two are written once or superseded by the next; no source could emit them again at a
  // snapshot.
  Kept* kept = nullptr;
  if (record.which_body == wrackline_proto_Record_heartbeat_tag) kept = &heartbeat_;
  if (record.which_body == wrackline_proto_Record_exit_tag) kept = &exit_;
  if (kept != nullptr && length <= sizeof kept->bytes) {
    memcpy(kept->bytes, scratch_, length);
    kept->length = length;
  }
  return PutEncoded(scratch_, length);
}

bool Recorder::PutEncoded(const void* record, std::size_t length) {
  return emitting_ ? EmitRecord(record, length) : writer_.Append(record, length);
}

bool Recorder::EmitRecord(const void* record, std::size_t length) {
  if (length == 0 || length > writer_.max_record_bytes()) {
    ++unencodable_;
    return true;  // as in Put
  }
  if (writer_.AppendToSnapshot(record, length)) return true;
  refused_ = true;
  return false;
}

bool Recorder::Log(std::uint64_t key, const wrackline_proto_Record& record) {
  const std::size_t length = Encode(record);
  return length != 0 && LogEncoded(key, scratch_, length);
}

bool Recorder::LogEncoded(std::uint64_t key, const void* record, std::size_t length) {
  if (!is_open() || emitting_ || length == 0 || length > writer_.max_record_bytes()) return false;
  const std::uint64_t serial = history_.End();
  if (!history_.Append(key, record, length)) return writer_.Append(record, length);
  // Behind a backlog it waits its turn: CatchUp goes on from there.
  if (backlog_ == 0 && !writer_.Append(record, length)) backlog_ = serial;
  return true;
}

bool Recorder::KeepStateEncoded(std::uint64_t key, const void* record, std::size_t length,
                                bool ended) {
  if (!is_open() || emitting_ || length == 0 || length > writer_.max_record_bytes()) return false;
  return history_.Set(key, record, length, ended);
}

// Brings to the file what Log could only give to the history.
void Recorder::CatchUp() {
  if (backlog_ == 0) return;
  const void* record = nullptr;
  std::size_t length = 0;
  bool state = false;
  for (std::uint64_t cursor = backlog_; history_.Next(&cursor, &record, &length, &state);) {
    // State has an owner who offers it again; an old value must not follow a newer one.
    if (!state && !writer_.Append(record, length)) return;
    backlog_ = cursor;
  }
  backlog_ = 0;
}

void Recorder::BeginSnapshot() {
  writer_.BeginSnapshot();
  kept_emitted_ = history_emitted_ = state_emitted_ = false;
  history_cursor_ = state_cursor_ = 0;
  history_end_ = history_.End();
}

bool Recorder::SnapshotSliceFull() const {
  return refused_ || writer_.snapshot_bytes() - slice_begin_ >= kSliceBytes;
}

// Emits one slice. False: no progress was possible.
bool Recorder::EmitSlice() {
  const std::uint64_t state_before = state_cursor_;
  slice_begin_ = writer_.snapshot_bytes();
  refused_ = false;
  emitting_ = true;
  if (!kept_emitted_) {
    kept_emitted_ = (heartbeat_.length == 0 || EmitRecord(heartbeat_.bytes, heartbeat_.length)) &&
                    (exit_.length == 0 || EmitRecord(exit_.bytes, exit_.length));
  }
  // History before state: a state record kept there may be older than one that its owner emits.
  while (kept_emitted_ && !history_emitted_ && !SnapshotSliceFull()) {
    const void* record = nullptr;
    std::size_t length = 0;
    bool state = false;
    std::uint64_t next = history_cursor_;
    if (!history_.Next(&next, &record, &length, &state)) {
      history_emitted_ = true;
    } else if ((!state && next > history_end_) || EmitRecord(record, length)) {
      history_cursor_ = next;
    }
  }
  if (history_emitted_ && !state_emitted_ && !SnapshotSliceFull()) {
    state_emitted_ = emit_state_ == nullptr || emit_state_(emit_context_, &state_cursor_, *this);
    // An owner that was refused a record and says it is done would lose that record.
    if (refused_) state_emitted_ = false;
  }
  emitting_ = false;
  return state_emitted_ || state_cursor_ != state_before ||
         writer_.snapshot_bytes() != slice_begin_;
}

// One slice; the whole rest when the active segment takes no more, so that Put can be answered
// again.
int Recorder::AdvanceSnapshot() {
  do {
    const bool progress = state_emitted_ || EmitSlice();
    // Records that Put added to both segments count as well.
    if (writer_.snapshot_overflowed()) {
      GiveUpSnapshot();
      return 0;
    }
    if (const int error = writer_.Flush(); error != 0) return error;
    if (!state_emitted_) {
      if (!progress && !refused_) {
        GiveUpSnapshot();  // the owner neither emits nor ends
        return 0;
      }
      continue;
    }
    if (const int error = writer_.CommitSnapshot(); error != 0) return error;
    tries_ = 0;
    if (backlog_ != 0 && backlog_ < history_end_) backlog_ = history_end_;  // the snapshot had it
    CatchUp();
    return 0;
  } while (writer_.active_full());
  return 0;
}

void Recorder::GiveUpSnapshot() {
  writer_.AbandonSnapshot();
  ++tries_;
  // Would half of the history make a difference? Below a sixteenth of the segment it is the state
  // that is too large.
  if (tries_ <= kTriesAtOnce && history_.used_bytes() > writer_.segment_bytes() / 16) {
    history_.Shrink(history_.used_bytes() / 2);
    return;
  }
  const int doublings = tries_ > kMaxDoublings ? kMaxDoublings : tries_ - 1;
  flushes_to_wait_ = kFirstWait << doublings;
}

int Recorder::Flush() {
  if (!is_open()) return EBADF;
  if (const int error = writer_.Flush(); error != 0) return error;
  CatchUp();
  if (flushes_to_wait_ > 0) --flushes_to_wait_;
  if (!writer_.snapshot_running() && writer_.SnapshotDue() && flushes_to_wait_ == 0)
    BeginSnapshot();
  if (writer_.snapshot_running()) {
    if (const int error = AdvanceSnapshot(); error != 0) return error;
  }
  return writer_.Flush();
}

int Recorder::CheckFile() { return writer_.CheckFile(); }

void Recorder::Close() {
  writer_.Close();
  history_.Close();
  if (scratch_ != nullptr) munmap(scratch_, scratch_bytes_);
  scratch_ = nullptr;
  scratch_bytes_ = 0;
}

std::uint64_t Recorder::own_bytes() const {
  return writer_.own_bytes() + history_.own_bytes() + scratch_bytes_;
}

std::uint64_t Recorder::resident_bytes() const {
  return ResidentBytes(writer_.memory(), writer_.own_bytes()) +
         ResidentBytes(history_.memory(), history_.own_bytes()) +
         ResidentBytes(scratch_, scratch_bytes_);
}

}  // namespace wrackline::recorder
