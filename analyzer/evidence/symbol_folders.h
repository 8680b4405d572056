// Objects with symbols below folders of the user's, found by build id: a distribution's debug tree
// (/usr/lib/debug), the folder of a build, a folder into which somebody copied the binaries of a pod.
//
//   Result<SymbolFolders> folders = SymbolFolders::Open({"/srv/symbols"});
//   if (!folders.ok()) return Fail(folders.error().Text());
//   for (const std::string& path : folders.value().Find("4f1c...")) ...
//
// A file counts by what is in it: any ELF executable or library below the folder, whatever its name.
// Folders are read when the first build id is asked for that no .build-id tree has. One thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace wrackline::evidence {

class SymbolFolders {
 public:
  // An error when one of them is no folder that can be read.
  static Result<SymbolFolders> Open(std::vector<std::string> folders);

  // Files with this build id (lower-case hex), in no particular order.
  std::vector<std::string> Find(const std::string& build_id);

  // A file of this name (or this name and ".debug") of another build: what a user took for the right
  // one.
  struct Stranger {
    std::string path, build_id;  // build_id empty: it has none
  };
  std::optional<Stranger> OtherBuild(const std::string& name, const std::string& build_id);

  // Files of this name, or this name and ".debug", of whatever build: for who knows no build id. Those first whose path ends with `path`,
  // whose last part the name is.
  std::vector<std::string> FindByName(const std::string& path);

  // Set when the folders hold more than could be looked at.
  const std::string& remark() const { return remark_; }

 private:
  explicit SymbolFolders(std::vector<std::string> folders) : folders_(std::move(folders)) {}
  void Scan();

  std::vector<std::string> folders_;
  bool scanned_ = false;
  std::string remark_;
  std::multimap<std::string, std::string> by_build_id_;
  std::multimap<std::string, Stranger> by_name_;
};

}  // namespace wrackline::evidence
