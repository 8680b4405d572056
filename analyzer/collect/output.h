// Where a collection goes: a folder, or one .tar.zst.
//
//   auto output = Output::Open("incident.tar.zst");
//   output.value()->Add("proc/7/status", bytes, modified);
//   if (Status failed = output.value()->Finish()) ...
//
// Files are the user's alone (0600), for what was masked may not be all. An archive appears whole under its name or not at all.
// Not thread-safe.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace wrackline::collect {

class Output {
 public:
  // A path that ends with ".tar.zst" is an archive, any other a folder, which is made and must be empty. Errors say what to do.
  static Result<std::unique_ptr<Output>> Open(const std::string& path);

  virtual ~Output() = default;
  // `name`: relative, with "/" between its parts; unsafe characters and ".." are replaced. One that was added already
  // gets another name. Errors: it cannot be written (the disk is full).
  Status Add(const std::string& name, std::string_view bytes, std::time_t modified);
  virtual Status Finish() = 0;

 protected:
  virtual Status Write(const std::string& name, std::string_view bytes, std::time_t modified) = 0;
};

// Parts made harmless: no "..", no "/" at the start, no characters but letters, digits and "._-+@=,:~".
std::string SafeName(std::string_view name);

bool IsArchiveName(std::string_view path);

}  // namespace wrackline::collect
