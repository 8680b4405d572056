// A stripped program: named while it lives where its debug file is installed, and afterwards by
// `wrackline report --symbols` where it was not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/shim_runs.h"

namespace wrackline::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

// A copy of the stripped program in `folder`, profiled.
ProcessOptions Stripped(const TemporaryFolder& folder, const std::string& out) {
  fs::copy_file(std::string(WRACKLINE_LEAKY_LOCAL) + ".stripped", folder / "leaky");
  ProcessOptions options = Target({}, out);
  options.command = {folder / "leaky"};
  return options;
}

// The frames of the largest site, innermost first, as "function file:line".
std::vector<std::string> LargestSite(const std::string& out, const std::vector<std::string>& more) {
  ProcessOptions options;
  options.command = {WRACKLINE_COMMAND, "report", "--format", "json", out};
  options.command.insert(options.command.end(), more.begin(), more.end());
  const ProcessEnd end = RunProcess(options);
  EXPECT_TRUE(end.exited(0)) << end.err;
  std::vector<std::string> frames;
  const json report = json::parse(end.out, nullptr, false);
  if (report.is_discarded() || report.at("sites").empty()) return frames;
  for (const json& frame : report.at("sites").at(0).at("frames")) {
    std::string text = frame.at("function");
    if (frame.contains("line")) {
      text += " " + fs::path(frame.at("file").get<std::string>()).filename().string() + ":" +
              std::to_string(frame.at("line").get<int>());
    }
    frames.push_back(text);
  }
  return frames;
}

const std::string kLeak = "LeakSession leaky_local.cc:101";
const std::string kServe = "Serve leaky_local.cc:201";

bool HasBoth(const std::vector<std::string>& frames) {
  const auto has = [&](const std::string& text) {
    for (const std::string& frame : frames) {
      // In an anonymous namespace.
      if (frame.size() >= text.size() &&
          frame.compare(frame.size() - text.size(), text.size(), text) == 0)
        return true;
    }
    return false;
  };
  return has(kLeak) && has(kServe);
}

TEST(Symbols, AnOldDumpOfAStrippedProgramIsImproved) {
  const TemporaryFolder program, out, symbols;
  ASSERT_TRUE(RunProcess(Stripped(program, out.path())).exited(0));
  const auto before = LargestSite(out.path(), {});
  EXPECT_FALSE(HasBoth(before)) << testing::PrintToString(before);
  EXPECT_THAT(testing::PrintToString(before), HasSubstr("leaky+0x"));
  EXPECT_GE(ReadOnly(out.path()).losses.frames_unnamed(), 2u);

  // The machine that reads it need not have the program, only what was stripped off.
  fs::remove(program / "leaky");
  fs::copy_file(std::string(WRACKLINE_LEAKY_LOCAL) + ".debug", symbols / "from-the-build");
  const auto after = LargestSite(out.path(), {"--symbols", symbols.path()});
  EXPECT_TRUE(HasBoth(after)) << testing::PrintToString(after);
}

TEST(Symbols, ADebugFileBesideTheProgramNamesItWhileItLives) {
  const TemporaryFolder program, out;
  ProcessOptions options = Stripped(program, out.path());
  fs::create_directory(program / ".debug");
  // The name that the link in the program has.
  fs::copy_file(
      std::string(WRACKLINE_LEAKY_LOCAL) + ".debug",
      program / ".debug/" + fs::path(WRACKLINE_LEAKY_LOCAL).filename().string() + ".debug");
  // Killed: no end at which names could be completed.
  options.command.push_back("k");
  ChildProcess child(options);
  // Its name and, later, its line are in the file while it lives.
  const bool found = WaitFor(
      [&] {
        const auto files = RecorderFiles(out.path());
        if (files.size() != 1) return false;
        const auto recording = recorder::ReadRecording(files[0]);
        if (!recording.ok()) return false;
        for (const auto& [pc, name] : recording.value().frame_names) {
          if (name.line() == 101 && name.symbol().find("LeakSession") != std::string::npos)
            return true;
        }
        return false;
      },
      std::chrono::seconds(60));
  EXPECT_FALSE(child.Ended());
  child.Kill(SIGKILL);
  child.Wait();
  EXPECT_TRUE(found);
  const auto frames = LargestSite(out.path(), {});
  EXPECT_TRUE(HasBoth(frames)) << testing::PrintToString(frames);
}

}  // namespace
}  // namespace wrackline::test
