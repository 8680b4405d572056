#include "analyzer/cli/text_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace wrackline::cli {

Result<std::string> ReadTextFile(const std::string& path, std::size_t most, const char* what,
                                 const char* hint) {
  std::ifstream file(path == "-" ? "/dev/stdin" : path, std::ios::binary);
  if (!file) return Error{"cannot read " + path + ": " + std::strerror(errno), "check the path"};
  std::string text;
  char buffer[65536];
  while (file.read(buffer, sizeof buffer) || file.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(file.gcount()));
    if (text.size() > most) return Error{path + " is larger than " + what, hint};
  }
  if (file.bad()) return Error{"cannot read " + path + ": " + std::strerror(errno), ""};
  return text;
}

}  // namespace wrackline::cli
