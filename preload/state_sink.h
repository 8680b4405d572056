// StateSink: where state records go, in the three ways it happens: a change (one Put), the first
// pass over everything into a new file, and the slice of a snapshot, which must stop when the slice
// is full.
#pragma once

#include "lib/recorder/recorder.h"

namespace wrackline::preload {

class StateSink {
 public:
  StateSink(recorder::Recorder& recorder, bool snapshot)
      : recorder_(recorder), snapshot_(snapshot) {}

  // False: not taken; offer it again later.
  bool Put(const wrackline_proto_Record& record) {
    const bool taken = recorder_.Put(record);
    refused_ = refused_ || !taken;
    return taken;
  }
  // What is put is in a segment that is not the file's yet, and may be given up.
  bool snapshot() const { return snapshot_; }
  // Nothing more is taken now.
  bool Full() const { return refused_ || (snapshot_ && recorder_.SnapshotSliceFull()); }

 private:
  recorder::Recorder& recorder_;
  bool snapshot_;
  bool refused_ = false;
};

}  // namespace wrackline::preload
