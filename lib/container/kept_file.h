// A small file of /proc or of a cgroup that is read again and again: it stays open, since opening is most of what a reading costs (5.6 and
// 0.5 us of a cgroup's charge, 4.4 and 0.9 us of statm).
// For a thread that has a table of descriptors of its own: in a shared one, the program may close the number and open
// another file there.
//
//   KeptFile charge;
//   std::optional<std::uint64_t> now = ReadCharge(cgroup, &charge);
//
// One thread at a time. Not closed by a destructor: whoever lets the table go calls Forget.
#pragma once

#include <cstddef>

namespace wrackline::container {

class KeptFile {
 public:
  // The text of the file's beginning, ended with a NUL byte; what does not fit is cut. Opens `path` when nothing is open, and again
  // when reading fails. -1 on error; `size` 0 is one. `path` is always the same.
  long Read(const char* path, char* buffer, std::size_t size);
  void Close();
  // The table of descriptors it was open in is no more.
  void Forget() { file_ = -1; }

 private:
  int file_ = -1;
};

}  // namespace wrackline::container
