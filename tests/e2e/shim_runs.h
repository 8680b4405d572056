// How the e2e tests run the target program with the shim and read what it left.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "lib/recorder/reader.h"
#include "tests/support/profiled_process.h"

namespace wrackline::test {

// The target with these arguments; `folder` gets the recorder files.
inline ProcessOptions Target(std::vector<std::string> arguments, const std::string& folder,
                             std::map<std::string, std::string> environment = {}) {
  ProcessOptions options;
  options.command = {WRACKLINE_SHIM_TARGET};
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  options.environment = std::move(environment);
  options.environment.emplace("LD_PRELOAD", WRACKLINE_PRELOAD_LIBRARY);
  options.environment.emplace("WRACKLINE_OUT", folder);
  options.environment.emplace("WRACKLINE_INTERVAL", "16384");
  return options;
}

// The same program without the shim.
inline ProcessOptions BareTarget(std::vector<std::string> arguments) {
  ProcessOptions options = Target(std::move(arguments), "");
  options.environment.clear();
  return options;
}

// The one file in `folder`, read; a test failure and an empty recording when there is none or
// several.
inline recorder::Recording ReadOnly(const std::string& folder) {
  const auto files = RecorderFiles(folder);
  EXPECT_EQ(files.size(), 1u);
  if (files.size() != 1) return {};
  auto recording = recorder::ReadRecording(files[0]);
  if (!recording.ok()) {
    ADD_FAILURE() << recording.error().Text();
    return {};
  }
  EXPECT_EQ(recording.value().damage, "");
  return recording.value();
}

}  // namespace wrackline::test
