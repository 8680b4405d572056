// An archive (.tar.zst, .tar.gz, .tar) of evidence, unpacked for a reader of folders.
//
//   Result<UnpackedArchive> archive = UnpackedArchive::Open("incident.tar.zst");
//   Report(archive.value().folder());
//
// The archive is anybody's: only regular files are taken, their names are made harmless (no "..", no absolute path, no links), and their
// number and sizes are bounded. They go to a folder of this process's own below TMPDIR, which is removed with the object.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace wrackline::collect {

// By its name: .tar, .tar.zst, .tar.gz, .tgz, .tar.xz. A packed recording is zstd too, so that bytes do not tell.
bool IsArchive(std::string_view path);

class UnpackedArchive {
 public:
  // Errors: not readable, not an archive, larger than 2 GiB or 8,192 files when unpacked.
  static Result<UnpackedArchive> Open(const std::string& path);

  UnpackedArchive(UnpackedArchive&& other) noexcept;
  UnpackedArchive& operator=(UnpackedArchive&&) = delete;
  UnpackedArchive(const UnpackedArchive&) = delete;
  ~UnpackedArchive();

  const std::string& folder() const { return folder_; }
  // What was left out, and why: one line each.
  const std::vector<std::string>& remarks() const { return remarks_; }

 private:
  explicit UnpackedArchive(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
  std::vector<std::string> remarks_;
};

}  // namespace wrackline::collect
