// Exports whose names try to break each format: wrackline_export_fixtures FOLDER
//
// hostile.FORMAT; prints the live bytes of all samples.
#include <cstdio>
#include <fstream>
#include <string>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/export/formats.h"
#include "analyzer/render/json.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace {

using namespace wrackline;
using testing::kMi;

// Each with one live object of a MiB: consumers must count as many.
const char* const kNames[] = {"=cmd|' /C calc'!A0",
                              "semi;colon; 12 34",
                              "line\nbreak\r\nand\ttab",
                              "quo\"te'and\\back`slash",
                              "\u202eright to left\u202c",
                              "</script><script>alert(1)</script>",
                              "\x1b[31mred\x07",
                              "# a comment",
                              "-- heap",
                              "operator--",
                              "(only brackets)",
                              "   ",
                              "@ 0x1 0x2",
                              "--- symbol",
                              "pipe | and `code` and [link](http://example.org) @name",
                              "\xff\xfe no text",
                              "{\"json\": [1"};

recorder::Recording Hostile() {
  testing::RecordingBuilder builder;
  builder.Charge(9, 64 * kMi, 64 * kMi);
  static const std::string long_name(100'000, 'x');
  const auto size = static_cast<std::uint64_t>(exports::SizeOfWeight(kMi, 512 << 10) + 0.5);
  for (const char* name : kNames) builder.Live({name, "main"}, size, kMi);
  builder.Live({long_name.c_str(), "main"}, size, kMi);
  // A stack that was lost, and one that was cut.
  builder.Live({}, size, kMi)
      .Live({"deep"}, size, kMi)
      .Live({"_ZN7rocksdb8MemTable3AddEv"}, size, kMi);
  recorder::Recording recording = builder.recording();
  // Java's names are taken as they are, without a demangler that shortens them.
  recording.frame_names.clear();
  for (auto& [id, stack] : recording.stacks) {
    for (std::uint64_t& pc : stack.frames) {
      proto::FrameName name = builder.recording().frame_names[pc];
      if (name.symbol().starts_with("_ZN7rocksdb")) {
        recording.frame_names[pc] = name;
        continue;
      }
      pc |= std::uint64_t{1} << 63;
      name.set_pc(pc);
      name.set_java(true);
      recording.frame_names[pc] = name;
    }
  }
  recording.stacks.at(20).truncated = true;
  std::uint32_t thread = 0;
  for (auto& [slot, object] : recording.live_objects) {
    object.set_thread_id(++thread);
    proto::Thread& of = recording.threads[{thread, 0}];
    of.set_thread_id(thread);
    of.set_java_name(kNames[thread % std::size(kNames)]);
  }
  proto::Module& module = recording.modules[1];
  module.set_id(1);
  module.set_start(1);
  module.set_end(0x1000);
  module.set_path("/opt/\n\"evil\"; lib\u202e.so");
  testing::RecordingBuilder::Family(builder.RocksDb(1, 9), 1, "x", 0, 1);
  builder.Describe(1, 1, "=1+1|\n`evil`", 64 * kMi, 2, 0);
  recording.rocksdb_databases = builder.recording().rocksdb_databases;
  proto::RocksDbSample& sample = builder.RocksDb(1, 9);
  testing::RecordingBuilder::Family(sample, 1, "=1+1|\n`evil`", 0, 8 * kMi);
  recording.rocksdb_samples = {builder.recording().rocksdb_samples.back()};
  recording.process->set_executable("=app\n</details>");
  return recording;
}

void Write(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string hostile = std::string(argv[1]) + "/hostile.";
  const recorder::Recording recording = Hostile();
  const exports::Profile profile = exports::ProfileOfRecording(recording);
  Write(hostile + "pprof", exports::Pprof(profile));
  Write(hostile + "collapsed", exports::Collapsed(profile, exports::Value::kLive));
  Write(hostile + "speedscope", exports::Speedscope(profile));
  for (const bool named : {false, true}) {
    const Result<std::string> dump = exports::Jemalloc(profile, named);
    if (!dump.ok()) return 1;
    Write(hostile + (named ? "jeprof" : "jemalloc"), dump.value());
  }
  const report::Report report =
      report::BuildReport(evidence::EvidenceFromRecording(recording, std::nullopt), std::nullopt);
  Write(hostile + "json", render::RenderJson(report));
  Write(hostile + "markdown", exports::ReportMarkdown(report));
  const Result<std::string> csv = exports::LedgerCsv(report);
  if (!csv.ok()) return 1;
  Write(hostile + "csv", csv.value());
  std::printf("%lld\n", static_cast<long long>(profile.Live().bytes));
  return 0;
}
