#include "analyzer/evidence/module_map.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "analyzer/evidence/frame_namer.h"

namespace wrackline::evidence {
namespace {

void Add(recorder::Recording* recording, std::uint32_t id, std::uint64_t start, std::uint64_t end,
         bool unloaded, const std::string& path = "") {
  proto::Module& module = recording->modules[id];
  module.set_id(id);
  module.set_start(start);
  module.set_end(end);
  module.set_path(path);
  module.set_unloaded(unloaded);
}

std::uint32_t Of(const ModuleMap& modules, std::uint64_t pc) {
  const proto::Module* module = modules.Of(pc);
  return module == nullptr ? 0 : module->id();
}

TEST(ModuleMap, AReturnAddressMayBeOneBehindTheEnd) {
  recorder::Recording recording;
  Add(&recording, 1, 0x1000, 0x2000, false);
  const ModuleMap modules(recording);
  EXPECT_EQ(Of(modules, 0x1000), 0u);  // its call would be before it
  EXPECT_EQ(Of(modules, 0x1001), 1u);
  EXPECT_EQ(Of(modules, 0x2000), 1u);
  EXPECT_EQ(Of(modules, 0x2001), 0u);
  EXPECT_EQ(Of(modules, 0), 0u);
}

TEST(ModuleMap, ALoadedModuleHasThePlaceOfAnUnloadedOne) {
  recorder::Recording recording;
  Add(&recording, 1, 0x7000, 0x8000, true, "/lib/libgone.so");
  Add(&recording, 2, 0x6000, 0x9000, false, "/lib/libthere.so");
  const ModuleMap modules(recording);
  EXPECT_EQ(Of(modules, 0x7800), 2u);
  EXPECT_EQ(Of(modules, 0x8800), 2u);
  FrameNamer namer(recording);
  EXPECT_EQ(namer.Name(0x7800).module, "libthere.so");
  EXPECT_EQ(namer.Name(0x8800).module, "libthere.so");
}

// Against a look at every module.
TEST(ModuleMap, IsWhatALookAtEveryModuleSays) {
  std::mt19937 random(7);
  const auto below = [&](std::uint64_t most) { return random() % most; };
  for (int round = 0; round < 300; ++round) {
    recorder::Recording recording;
    for (std::uint32_t id = 1; id <= 1 + below(12); ++id) {
      const std::uint64_t start = below(60);
      Add(&recording, id, start, start + below(20), below(2) == 0);
    }
    const ModuleMap modules(recording);
    for (std::uint64_t pc = 1; pc < 90; ++pc) {
      std::uint32_t wanted = 0;
      for (const bool unloaded : {true, false}) {
        for (const auto& [id, module] : recording.modules) {
          if (module.unloaded() == unloaded && module.start() < pc && pc <= module.end())
            wanted = id;
        }
      }
      ASSERT_EQ(Of(modules, pc), wanted) << round << " " << pc;
    }
  }
}

TEST(FrameNamer, TwoStacksAreNeverOneIdentity) {
  const auto frame = [](const std::string& module, const std::string& function) {
    SiteFrame made;
    made.module = module;
    made.function = function;
    return made;
  };
  std::vector<SiteFrame> two = {frame("", "a"), frame("", "b")};
  const std::vector<SiteFrame> one = {frame("", "a\n\tb")};
  EXPECT_NE(Identity(two, false), Identity(one, false));
  EXPECT_NE(Identity({frame("a", "b")}, false), Identity({frame("", "ab")}, false));
  EXPECT_NE(Identity({frame("", "1:a")}, false), Identity({frame("1", "a")}, false));
  KeepCommonLines(one, &two);  // of another length: nothing is read beyond its end
}

}  // namespace
}  // namespace wrackline::evidence
