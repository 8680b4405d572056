// The objects loaded into this process, for the unwinder: which one holds a pc, and where is its
// unwind table.
//
// Found without the loader's lock, which a thread that samples must not take: it may be held by a
// thread that waits for a lock of the program which the sampled thread holds (jemalloc#2282 and its
// many cousins). glibc 2.35 and later have _dl_find_object, lock-free and async-signal-safe; it is
// looked up at start-up, because a reference to it, even a weak one, would be a version the loaders
// of older images refuse. There, a snapshot made by the recorder thread is read.
#pragma once

#include <cstdint>

namespace wrackline::preload {

struct LocalObject {
  std::uint64_t start, end;       // addresses [start, end)
  std::uint64_t eh_frame_header;  // its PT_GNU_EH_FRAME; 0: it has none
  const char* path;  // the loader's name for it, valid while it is loaded; null: not known
};

// Finds _dl_find_object, or else takes the first snapshot. Before the first FindLocalObject; may
// take the loader's lock.
void PrepareLocalObjects();

// The object that holds `pc`. Any thread, async-signal-safe, lock-free. False: none, or it was
// loaded after the last snapshot, or the snapshot is being changed at this moment.
bool FindLocalObject(std::uint64_t pc, LocalObject* out);

// Recorder thread, at each tick: renews the snapshot when objects came or went. Does nothing where
// _dl_find_object is.
void PublishLocalObjects();

// Around a fork, in its parent: no renewal is under way in the child, where the loader's lock would stay taken. Waits for one, 20 ms at the
// longest. As many calls of each.
void HoldRenewals();
void AllowRenewals();

namespace internal {
// For tests: answer from the snapshot even where _dl_find_object is.
void UseSnapshotOnly(bool only);
}  // namespace internal

}  // namespace wrackline::preload
