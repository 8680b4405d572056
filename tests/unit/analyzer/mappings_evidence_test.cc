#include "analyzer/evidence/mappings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/render/json.h"
#include "analyzer/render/text.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::evidence {
namespace {

using ::testing::HasSubstr;
using testing::kMi;
using ::testing::Not;
using testing::RecordingBuilder;

// A mapping of one frame, in a module of that path.
proto::Mapping& Map(RecordingBuilder& builder, std::uint32_t slot, const std::string& module,
                    const std::string& symbol, std::uint64_t mebibytes) {
  recorder::Recording& recording = builder.recording();
  const std::uint64_t pc = 0x700000000000 + slot * 0x10000;
  const std::uint32_t id = 1000 + slot;
  recording.stacks[id].frames = {pc};
  proto::Module& object = recording.modules[id];
  object.set_id(id);
  object.set_start(pc - 16);
  object.set_end(pc + 16);
  object.set_path(module);
  proto::FrameName& name = recording.frame_names[pc];
  name.set_pc(pc);
  name.set_symbol(symbol);
  name.set_module_id(id);
  proto::Mapping& mapping = recording.mappings[slot];
  mapping.set_slot(slot);
  mapping.set_start(0x100000000 + slot * (std::uint64_t{1} << 32));
  mapping.set_length(mebibytes * kMi);
  mapping.set_stack_id(id);
  return mapping;
}

TEST(Mappings, KindsAreToldApartAndSitesAreSummed) {
  RecordingBuilder builder;
  Map(builder, 1, "/opt/app", "make_buffers", 10);
  Map(builder, 2, "/opt/app", "make_buffers", 30).set_shared(true);
  Map(builder, 3, "/usr/lib/jvm/libjvm.so", "os_reserve", 400).set_reserved(true);
  Map(builder, 4, "/usr/lib/libjemalloc.so.2", "pages_map", 8);
  Map(builder, 5, "/opt/other", "own_malloc", 4).set_by_allocator(true);
  Map(builder, 6, "/opt/app", "make_stack", 2).set_stack_hint(true);
  builder.recording().mappings[7].set_start(0x5000);  // its stack was lost
  builder.recording().mappings[7].set_length(kMi);
  const auto sites = MappingsFromRecording(builder.recording());
  ASSERT_EQ(sites.size(), 6u);
  EXPECT_EQ(sites[0].kind, MappingKind::kJvm);
  EXPECT_EQ(sites[0].reserved.count, static_cast<std::int64_t>(400 * kMi));
  EXPECT_EQ(sites[0].accessible.count, 0);
  EXPECT_EQ(sites[1].kind, MappingKind::kProgram);
  EXPECT_EQ(sites[1].frames.at(0).function, "make_buffers");
  EXPECT_EQ(sites[1].accessible.count, static_cast<std::int64_t>(40 * kMi));
  EXPECT_EQ(sites[1].shared.count, static_cast<std::int64_t>(30 * kMi));
  EXPECT_EQ(sites[1].ranges, 2u);
  EXPECT_EQ(sites[2].kind, MappingKind::kAllocator);
  EXPECT_EQ(sites[3].kind, MappingKind::kAllocator);
  EXPECT_EQ(sites[4].kind, MappingKind::kThreadStack);
  EXPECT_EQ(sites[5].kind, MappingKind::kProgram);
  EXPECT_TRUE(sites[5].frames.empty());
}

TEST(Mappings, AreInTheReportAndInNoSum) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 200 * kMi);
  builder.Live({"malloc", "leak", "main"}, 60 * kMi, 60 * kMi);
  const auto report = [&] {
    return report::BuildReport(EvidenceFromRecording(builder.recording(), std::nullopt),
                               std::nullopt);
  };
  const auto before = nlohmann::json::parse(render::RenderJson(report()));
  EXPECT_FALSE(before.contains("mappings"));
  EXPECT_THAT(render::RenderText(report(), {}), Not(HasSubstr("Mappings")));
  Map(builder, 1, "/opt/app", "make_buffers", 70);
  const auto after = nlohmann::json::parse(render::RenderJson(report()));
  EXPECT_EQ(after.at("ledger"), before.at("ledger"));
  EXPECT_EQ(after.at("sites"), before.at("sites"));
  EXPECT_EQ(after.at("/mappings/0/kind"_json_pointer), "program");
  EXPECT_EQ(after.at("/mappings/0/label"_json_pointer), "make_buffers");
  EXPECT_EQ(after.at("/mappings/0/accessible"_json_pointer), 70 * kMi);
  const std::string text = render::RenderText(report(), {.width = 80, .utf8 = false});
  EXPECT_THAT(text, HasSubstr("Mappings: address space"));
  EXPECT_THAT(text, HasSubstr("make_buffers"));
  EXPECT_THAT(text, HasSubstr("60.0 MiB live in 1 sites"));
}

// A mapping whose stack has a Java method behind its native frame.
proto::Mapping& MapFromJava(RecordingBuilder& builder, std::uint32_t slot,
                            const std::string& module, const std::vector<std::string>& native,
                            const std::string& method, std::uint32_t line,
                            std::uint64_t mebibytes) {
  proto::Mapping& mapping = Map(builder, slot, module, native[0], mebibytes);
  recorder::Recording& recording = builder.recording();
  std::vector<std::uint64_t>& frames = recording.stacks[1000 + slot].frames;
  for (std::size_t i = 1; i < native.size(); ++i) {
    frames.push_back(frames[0] + i);
    recording.frame_names[frames.back()].set_symbol(native[i]);
    recording.frame_names[frames.back()].set_module_id(1000 + slot);
  }
  frames.push_back((std::uint64_t{1} << 63) + slot);
  proto::FrameName& name = recording.frame_names[frames.back()];
  name.set_symbol(method);
  name.set_line(line);
  name.set_file("Job.java");
  return mapping;
}

TEST(Mappings, FilesThreadsAndMetaspaceAreKindsOfTheirOwn) {
  RecordingBuilder builder;
  const std::string vm = "/usr/lib/jvm/libjvm.so";
  Map(builder, 1, "/opt/libnio.so", "map0", 10).set_file(true);
  Map(builder, 2, vm, "os_map_memory", 13).set_file(true);  // its class archive
  Map(builder, 3, vm, "os_create_thread", 1).set_thread(true);
  MapFromJava(builder, 4, vm, {"os_commit", "metaspace::VirtualSpaceNode::commit_range"},
              "com.example.Job.load", 7, 2);
  MapFromJava(builder, 5, vm, {"os_commit", "VirtualSpaceNode::expand_by"}, "com.example.Job.load",
              7, 3);
  // Behind the Java frames anything may stand, and a class archive is none of it.
  MapFromJava(builder, 6, vm, {"os_commit", "MetaspaceShared::map_archives"}, "metaspace::Job.load",
              7, 4);
  MapFromJava(builder, 7, "/opt/app", {"mmap", "metaspace::commit"}, "com.example.Job.load", 7, 5);
  std::map<std::string, std::int64_t> kinds;
  for (const MappingSite& site : MappingsFromRecording(builder.recording()))
    kinds[Name(site.kind)] += site.accessible.count / static_cast<std::int64_t>(kMi);
  EXPECT_EQ(kinds,
            (std::map<std::string, std::int64_t>{
                {"file", 10}, {"jvm", 17}, {"thread", 1}, {"metaspace", 5}, {"program", 5}}));
}

TEST(Mappings, MetaspaceIsWhereTheVmSaysThatItIs) {
  RecordingBuilder builder;
  const std::string vm = "/usr/lib/jvm/libjvm.so";
  Map(builder, 1, vm, "libjvm.so+0x1234", 10);
  Map(builder, 2, vm, "libjvm.so+0x1234", 20);
  Map(builder, 3, "/opt/app", "make_buffers", 30);
  for (const std::uint64_t at : {0, 2, 3}) {
    proto::Record& record = builder.recording().jvm_samples.emplace_back();
    record.set_time_ns(at);
    record.mutable_jvm_sample()->set_threads(1);
    // Asked only now and then; what is said last counts.
    if (at == 3) continue;
    for (const std::uint32_t slot : {3u, at == 0 ? 1u : 2u}) {
      proto::AddressRange& range = *record.mutable_jvm_sample()->add_metaspace_at();
      range.set_start(builder.recording().mappings[slot].start() - kMi);
      range.set_end(range.start() + 2 * kMi);
    }
  }
  const auto sites = MappingsFromRecording(builder.recording());
  ASSERT_EQ(sites.size(), 3u);
  EXPECT_EQ(sites[0].kind, MappingKind::kProgram);
  EXPECT_EQ(sites[1].kind, MappingKind::kMetaspace);
  EXPECT_EQ(sites[1].accessible.count, static_cast<std::int64_t>(20 * kMi));
  EXPECT_EQ(sites[2].kind, MappingKind::kJvm);
}

TEST(Mappings, WhereOnlyTheJdkIsOnTheStackItIsTheLabel) {
  RecordingBuilder builder;
  const std::string vm = "/usr/lib/jvm/libjvm.so";
  auto& thread =
      MapFromJava(builder, 1, vm, {"os::create_thread"}, "java.lang.Thread.start0", 0, 1);
  thread.set_thread(true);
  std::vector<std::uint64_t>& frames = builder.recording().stacks[1001].frames;
  frames.push_back((std::uint64_t{1} << 63) + 100);
  builder.recording().frame_names[frames.back()].set_symbol(
      "java.util.concurrent.ForkJoinPool.createWorker");
  const auto makers = MakersOf(MappingsFromRecording(builder.recording()), MappingKind::kThread);
  ASSERT_EQ(makers.size(), 1u);
  EXPECT_EQ(makers[0].frame.function, "java.util.concurrent.ForkJoinPool.createWorker");
}

TEST(Mappings, MakersAreAddedUpByTheirMethod) {
  RecordingBuilder builder;
  const std::string nio = "/opt/libnio.so";
  MapFromJava(builder, 1, nio, {"map0"}, "com.example.Job.load", 7, 10).set_file(true);
  auto& other = MapFromJava(builder, 2, nio, {"map0", "inner"}, "com.example.Job.load", 7, 30);
  other.set_file(true);
  other.set_resident(5 * kMi);
  MapFromJava(builder, 3, nio, {"map0"}, "com.example.Job.open", 9, 35).set_file(true);
  MapFromJava(builder, 4, nio, {"map0"}, "com.example.Job.open", 11, 1).set_file(true);
  const auto sites = MappingsFromRecording(builder.recording());
  const auto makers = MakersOf(sites, MappingKind::kFile);
  ASSERT_EQ(makers.size(), 2u);
  EXPECT_EQ(makers[0].frame.function, "com.example.Job.load");
  EXPECT_EQ(makers[0].frame.line, 7u);
  EXPECT_EQ(makers[0].accessible.count, static_cast<std::int64_t>(40 * kMi));
  EXPECT_EQ(makers[0].ranges, 2u);
  EXPECT_EQ(makers[0].resident->count, static_cast<std::int64_t>(5 * kMi));
  EXPECT_EQ(makers[1].accessible.count, static_cast<std::int64_t>(36 * kMi));
  EXPECT_EQ(makers[1].resident, std::nullopt);
  // Not one line of two.
  EXPECT_EQ(makers[1].frame.line, 0u);
  EXPECT_TRUE(MakersOf(sites, MappingKind::kThread).empty());
}

TEST(Mappings, MetaspaceIsRankedByWhatIsCommitted) {
  RecordingBuilder builder;
  const std::string vm = "/usr/lib/jvm/libjvm.so";
  Map(builder, 1, vm, "Metaspace::initialize", 1000).set_reserved(true);
  MapFromJava(builder, 2, vm, {"metaspace::commit"}, "com.example.Job.load", 7, 3);
  const auto makers = MakersOf(MappingsFromRecording(builder.recording()), MappingKind::kMetaspace);
  ASSERT_EQ(makers.size(), 2u);
  EXPECT_EQ(makers[0].frame.function, "com.example.Job.load");
}

TEST(Mappings, TheReportNamesWhoMadeThem) {
  RecordingBuilder builder;
  const std::string vm = "/usr/lib/jvm/libjvm.so";
  builder.Charge(10, 100 * kMi, 200 * kMi);
  auto& file =
      MapFromJava(builder, 1, "/opt/libnio.so", {"map0"}, "com.example.Cache.load", 7, 300);
  file.set_file(true);
  file.set_resident(12 * kMi);
  for (std::uint32_t slot = 2; slot < 9; ++slot)
    MapFromJava(builder, slot, vm, {"os_create"}, "com.example.Pool.submit", 9, 1).set_thread(true);
  Map(builder, 10, vm, "os_create", 1).set_thread(true);
  MapFromJava(builder, 11, vm, {"metaspace::commit"}, "com.example.Plugins.restart", 5, 4);
  Map(builder, 12, vm, "Metaspace::reserve", 500).set_reserved(true);
  const report::Report report =
      report::BuildReport(EvidenceFromRecording(builder.recording(), std::nullopt), std::nullopt);
  const std::string text = render::RenderText(report, {.width = 80, .utf8 = false});
  const auto line = [&](const std::string& part) {
    const std::size_t at = text.find(part);
    if (at == std::string::npos) return "no " + part;
    const std::size_t begin = text.rfind('\n', at) + 1;
    return text.substr(begin, text.find('\n', at) - begin);
  };
  EXPECT_THAT(line("Cache.load"), ::testing::AllOf(HasSubstr("300.0 MiB    12.0 MiB       1"),
                                                   HasSubstr("(Job.java:7)")));
  EXPECT_THAT(line("Pool.submit"), HasSubstr("7.0 MiB                   7"));
  EXPECT_THAT(line("Plugins.restart"), HasSubstr("4.0 MiB                   1"));
  EXPECT_THAT(line("(the VM itself)"), HasSubstr("1.0 MiB                   1"));
  EXPECT_THAT(text, Not(HasSubstr("Metaspace::reserve")));
  const auto json = nlohmann::json::parse(render::RenderJson(report));
  EXPECT_EQ(json.at("/mapping_makers/file/0/label"_json_pointer), "com.example.Cache.load");
  EXPECT_EQ(json.at("/mapping_makers/file/0/resident"_json_pointer), 12 * kMi);
  EXPECT_EQ(json.at("/mapping_makers/thread/0/ranges"_json_pointer), 7);
  EXPECT_EQ(json.at("/mapping_makers/metaspace/0/label"_json_pointer),
            "com.example.Plugins.restart");
  // No part of the sum.
  RecordingBuilder without;
  without.Charge(10, 100 * kMi, 200 * kMi);
  const auto bare = nlohmann::json::parse(render::RenderJson(
      report::BuildReport(EvidenceFromRecording(without.recording(), std::nullopt), std::nullopt)));
  EXPECT_EQ(json.at("ledger"), bare.at("ledger"));
}

}  // namespace
}  // namespace wrackline::evidence
