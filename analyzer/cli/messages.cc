#include <cstdio>

#include "analyzer/cli/command.h"
#include "analyzer/cli/waiting.h"
#include "analyzer/render/inert.h"

namespace wrackline::cli {

void Say(const std::string& message) {
  const std::string line = "wrackline: " + render::Inert(message, true) + "\n";
  Waiting::Hide();
  std::fputs(line.c_str(), stderr);
}

int Fail(const std::string& message, int status) {
  Say(message);
  return status;
}

}  // namespace wrackline::cli
