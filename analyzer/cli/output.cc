#include "analyzer/cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace wrackline::cli {

Status WriteOutput(const std::string& text, const std::string& path) {
  if (path.empty()) {
    // A reader that closed early (head) ends the output, which is no failure of ours to report
    // twice.
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
      return Error{std::string("cannot write the output: ") + std::strerror(errno), ""};
    return std::nullopt;
  }
  const std::string temporary = path + ".part";
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  if (file == nullptr)
    return Error{"cannot write " + path + ": " + std::strerror(errno),
                 "check the folder and its permissions"};
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = std::fclose(file) == 0;
  if (!written || !closed || std::rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error{"cannot write " + path + ": " + std::strerror(errno), ""};
    unlink(temporary.c_str());
    return error;
  }
  return std::nullopt;
}

}  // namespace wrackline::cli
