// How the tests of a VM under strain run one and read what it left.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "lib/recorder/reader.h"
#include "tests/support/java_home.h"
#include "tests/support/profiled_process.h"

namespace wrackline::test {

// A class of tests/e2e/java on the VM at `home`, with a small heap and no files beside the recording.
inline ProcessOptions JavaProgram(const std::string& home, const std::vector<std::string>& options,
                                  const std::string& type,
                                  const std::vector<std::string>& arguments) {
  ProcessOptions process;
  process.command = {
      home + "/bin/java",   "-Xmx256m", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError", "-cp",
      WRACKLINE_JAVA_STRESS};
  process.command.insert(process.command.end(), options.begin(), options.end());
  process.command.push_back("com.example.stress." + type);
  process.command.insert(process.command.end(), arguments.begin(), arguments.end());
  process.in_child = [] {
    const rlimit no_core{};
    setrlimit(RLIMIT_CORE, &no_core);
  };
  return process;
}

// With the shim, which samples every allocation.
inline void Preload(ProcessOptions& process, const std::string& folder) {
  process.environment["LD_PRELOAD"] = WRACKLINE_PRELOAD_LIBRARY;
  process.environment["WRACKLINE_OUT"] = folder;
  process.environment["WRACKLINE_INTERVAL"] = "1";
}

// Waits for the child's end. One that does not come is a hang: the VM is asked for its threads, and ended.
inline ProcessEnd WaitOrFail(ChildProcess& child, std::chrono::seconds limit) {
  if (!WaitFor([&] { return child.Ended(); }, limit)) {
    child.Kill(SIGQUIT);
    WaitFor([&] { return child.Ended(); }, std::chrono::seconds(5));
    child.Kill(SIGKILL);
    ProcessEnd end = child.Wait();
    ADD_FAILURE() << "hangs\n" << end.out << end.err;
    return end;
  }
  return child.Wait();
}

// What the process `pid` recorded; its children's files are left.
inline recorder::Recording ReadOf(const std::string& folder, pid_t pid) {
  const auto files = RecorderFiles(folder);
  const std::string part = "-" + std::to_string(pid) + "-";
  const auto file = std::find_if(files.begin(), files.end(), [&](const std::string& name) {
    return name.find(part) != std::string::npos;
  });
  if (file == files.end()) {
    ADD_FAILURE() << "no recording of process " << pid;
    return {};
  }
  auto recording = recorder::ReadRecording(*file);
  if (!recording.ok()) {
    ADD_FAILURE() << recording.error().Text();
    return {};
  }
  EXPECT_EQ(recording.value().damage, "");
  return recording.value();
}

}  // namespace wrackline::test
