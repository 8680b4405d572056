#include "analyzer/cli/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "lib/base/whole_file.h"

namespace wrackline::cli {

Status WriteOutput(const std::string& text, const std::string& path) {
  if (path.empty()) {
    // A reader that closed early (head) ends the output, which is no failure of ours to report
    // twice.
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
      return Error{std::string("cannot write the output: ") + std::strerror(errno), ""};
    return std::nullopt;
  }
  return WriteWholeFile(path, text, 0666);
}

}  // namespace wrackline::cli
