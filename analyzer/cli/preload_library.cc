#include "analyzer/cli/preload_library.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

namespace wrackline::cli {
namespace {

namespace fs = std::filesystem;
constexpr const char* kName = "libwrackline_preload.so";

std::vector<fs::path> Candidates() {
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (error) return {};
  const fs::path prefix = here.parent_path();
  std::vector<fs::path> candidates = {prefix / "preload" / kName, here / kName,
                                      prefix / "lib" / kName, prefix / "lib64" / kName};
  // Debian's multi-architecture folders: lib/x86_64-linux-gnu.
  std::vector<fs::path> architectures;
  for (fs::directory_iterator it(prefix / "lib", error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().filename().string().find("-linux-") != std::string::npos)
      architectures.push_back(it->path() / kName);
  }
  std::sort(architectures.begin(), architectures.end());
  candidates.insert(candidates.end(), architectures.begin(), architectures.end());
  return candidates;
}

// ld.so splits LD_PRELOAD at spaces and colons and has no way to quote them.
Result<std::string> Usable(const fs::path& path) {
  std::error_code error;
  const std::string absolute = fs::absolute(path, error).string();
  if (absolute.find_first_of(" :\t\n") != std::string::npos)
    return Error{"LD_PRELOAD cannot hold the path " + absolute,
                 "copy the library to a path without spaces and colons"};
  return absolute;
}

}  // namespace

Result<std::string> FindPreloadLibrary() {
  std::error_code error;
  const char* chosen = std::getenv("WRACKLINE_PRELOAD_LIBRARY");
  if (chosen != nullptr && *chosen != '\0') {
    if (!fs::is_regular_file(chosen, error))
      return Error{"WRACKLINE_PRELOAD_LIBRARY names no file: " + std::string(chosen),
                   "unset it or correct the path"};
    return Usable(chosen);
  }
  for (const fs::path& candidate : Candidates()) {
    if (fs::is_regular_file(candidate, error)) return Usable(fs::canonical(candidate, error));
  }
  return Error{std::string(kName) + " is not beside this program nor in its lib folder",
               "build the target wrackline_preload, or set WRACKLINE_PRELOAD_LIBRARY to its path"};
}

}  // namespace wrackline::cli
