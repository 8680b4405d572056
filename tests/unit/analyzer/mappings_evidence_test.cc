#include "analyzer/evidence/mappings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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
  EXPECT_THAT(text, HasSubstr("Mappings: anonymous address space"));
  EXPECT_THAT(text, HasSubstr("make_buffers"));
  EXPECT_THAT(text, HasSubstr("60.0 MiB live in 1 sites"));
}

}  // namespace
}  // namespace wrackline::evidence
