// Stacks with Java frames: from a recording's records to the report.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/evidence/improve_names.h"
#include "analyzer/evidence/java_frames.h"
#include "analyzer/evidence/symbol_folders.h"
#include "analyzer/render/json.h"
#include "analyzer/render/text.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::evidence {
namespace {

using ::testing::HasSubstr;
using testing::kMi;
using ::testing::Not;
using testing::RecordingBuilder;

constexpr std::uint64_t kJava = std::uint64_t{1} << 63;

struct Method {
  const char* name;
  const char* file = "";
  std::uint32_t line = 0;
};

// Adds Java frames, callees first, behind the native ones of the stack that was added last.
void CalledBy(RecordingBuilder& builder, std::uint64_t first_method,
              std::initializer_list<Method> methods) {
  recorder::Recording& recording = builder.recording();
  recorder::Stack& stack = recording.stacks.rbegin()->second;
  std::uint64_t method = first_method;
  for (const Method& one : methods) {
    const std::uint64_t pc = kJava | std::uint64_t{7} << 47 | method++;
    stack.frames.push_back(pc);
    if (*one.name == '\0') continue;  // unloaded
    proto::FrameName& name = recording.frame_names[pc];
    name.set_pc(pc);
    name.set_java(true);
    name.set_symbol(one.name);
    if (one.line != 0) {
      name.set_file(one.file);
      name.set_line(one.line);
    }
  }
}

void Inflaters(RecordingBuilder& builder, std::uint64_t methods = 0x1000) {
  builder.Live({"malloc", "inflateInit2_", "Java_java_util_zip_Inflater_init"}, 60 * kMi, 60 * kMi);
  CalledBy(builder, methods,
           {{"java.util.zip.Inflater.init"},
            {"java.util.zip.Inflater.<init>", "Inflater.java", 116},
            {"com.example.pipeline.ConfigDecoder.decode", "ConfigDecoder.java", 42},
            {"com.example.pipeline.Enricher.map", "Enricher.java", 17},
            {"java.lang.Thread.run", "Thread.java", 840}});
}

Site FirstSite(RecordingBuilder& builder) {
  return EvidenceFromRecording(builder.recording(), std::nullopt).sites.at(0);
}
std::string LabelOf(RecordingBuilder& builder) {
  const Site site = FirstSite(builder);
  return site.frames.at(site.label).function;
}
report::Report ReportOf(RecordingBuilder& builder) {
  builder.Charge(10, 100 * kMi, 200 * kMi);
  return report::BuildReport(EvidenceFromRecording(builder.recording(), std::nullopt),
                             std::nullopt);
}

TEST(JavaSites, TheLabelIsTheApplicationsMethodAndTheKindOfMemoryIsBelow) {
  RecordingBuilder builder;
  Inflaters(builder);
  const std::string text =
      render::RenderText(ReportOf(builder), {.width = 120, .colour = false, .utf8 = false});
  EXPECT_THAT(text, HasSubstr("com.example.pipeline.ConfigDecoder.decode (ConfigDecoder.java:42)\n"
                              "      by java.util.zip.Inflater.init <- "
                              "Java_java_util_zip_Inflater_init <- inflateInit2_\n"
                              "      from com.example.pipeline.Enricher.map (Enricher.java:17)\n"));
  EXPECT_THAT(text, Not(HasSubstr("Thread.run")));
  EXPECT_THAT(text, HasSubstr("com.example.pipeline.ConfigDecoder.decode held 60.0 MiB"));
}

TEST(JavaSites, NarrowPagesKeepClassAndMethod) {
  RecordingBuilder builder;
  Inflaters(builder);
  const std::string text =
      render::RenderText(ReportOf(builder), {.width = 70, .colour = false, .utf8 = false});
  EXPECT_THAT(text, HasSubstr("ConfigDecoder.decode"));
}

TEST(JavaSites, JsonHasEveryFrameAndSaysWhichAreJava) {
  RecordingBuilder builder;
  Inflaters(builder);
  const auto json = nlohmann::json::parse(render::RenderJson(ReportOf(builder)));
  const auto& site = json["sites"][0];
  EXPECT_EQ(site["label"], "com.example.pipeline.ConfigDecoder.decode");
  ASSERT_EQ(site["frames"].size(), 8u);
  EXPECT_FALSE(site["frames"][2].contains("java"));
  EXPECT_EQ(site["frames"][3]["java"], true);
  EXPECT_EQ(site["frames"][5]["file"], "ConfigDecoder.java");
  EXPECT_EQ(site["frames"][5]["line"], 42);
}

TEST(JavaSites, AMethodThatWasLoadedTwiceIsOneSite) {
  RecordingBuilder builder;
  // Another class loader, other method ids.
  Inflaters(builder, 0x1000);
  Inflaters(builder, 0x9000);
  const Evidence evidence = EvidenceFromRecording(builder.recording(), std::nullopt);
  // RecordingBuilder gives each native symbol an address of its own, and the names are the same.
  ASSERT_EQ(evidence.sites.size(), 1u);
  EXPECT_EQ(evidence.sites[0].stacks.size(), 2u);
}

TEST(JavaSites, AnUnloadedMethodIsSaidToBeOneAndIsNoLabel) {
  RecordingBuilder builder;
  builder.Live({"malloc", "Java_com_example_Native_grab"}, kMi, kMi);
  CalledBy(builder, 1, {{""}, {"com.example.Job.run", "Job.java", 3}});
  const Site site = FirstSite(builder);
  EXPECT_EQ(site.frames.at(2).function, "(unloaded Java method)");
  EXPECT_TRUE(site.frames.at(2).java);
  EXPECT_FALSE(site.frames.at(2).named);
  EXPECT_EQ(site.label, 3u);
}

TEST(JavaSites, RocksDbAndBuffersAreNamedByTheirCaller) {
  RecordingBuilder rocksdb;
  rocksdb.Live({"malloc", "_ZN7rocksdb7OptionsC1Ev", "Java_org_rocksdb_Options_newOptions"}, kMi,
               kMi);
  CalledBy(rocksdb, 1,
           {{"org.rocksdb.Options.newOptions"},
            {"org.rocksdb.Options.<init>"},
            {"org.apache.flink.contrib.streaming.state.RocksDBResourceContainer.getDbOptions"},
            {"com.example.Stateful.open"}});
  EXPECT_EQ(LabelOf(rocksdb), "com.example.Stateful.open");
  EXPECT_TRUE(FirstSite(rocksdb).in_rocksdb);

  RecordingBuilder netty;
  netty.Live({"malloc", "os_malloc", "Unsafe_AllocateMemory0"}, kMi, kMi);
  CalledBy(netty, 1,
           {{"jdk.internal.misc.Unsafe.allocateMemory0"},
            {"java.nio.DirectByteBuffer.<init>"},
            {"org.apache.flink.shaded.netty4.io.netty.buffer.PoolArena.allocate"},
            {"org.apache.flink.runtime.io.network.netty.NettyBufferPool.directBuffer"}});
  EXPECT_EQ(LabelOf(netty),
            "org.apache.flink.runtime.io.network.netty.NettyBufferPool.directBuffer");
}

TEST(JavaSites, WithoutTheApplicationALibraryAndThenNativeCodeIsTheLabel) {
  RecordingBuilder library;
  library.Live({"malloc", "Java_org_rocksdb_Options_newOptions"}, kMi, kMi);
  CalledBy(library, 1, {{"org.rocksdb.Options.<init>"}, {"java.lang.Thread.run"}});
  EXPECT_EQ(LabelOf(library), "org.rocksdb.Options.<init>");

  RecordingBuilder jdk;
  jdk.Live({"malloc", "inflateInit2_"}, kMi, kMi);
  CalledBy(jdk, 1, {{"java.util.zip.Inflater.init"}, {"java.lang.Thread.run"}});
  EXPECT_EQ(LabelOf(jdk), "inflateInit2_");
  const std::string text =
      render::RenderText(ReportOf(jdk), {.width = 100, .colour = false, .utf8 = false});
  EXPECT_THAT(text, HasSubstr("from java.util.zip.Inflater.init\n"));
}

TEST(JavaSites, SymbolsLeaveJavaFramesAlone) {
  RecordingBuilder builder;
  builder.Live({"malloc", "grab"}, kMi, kMi);
  CalledBy(builder, 1, {{""}, {"com.example.Job.run"}});
  // A module that seems to be where the Java frame's number points.
  proto::Module& module = builder.recording().modules[5];
  module.set_id(5);
  module.set_start(kJava);
  module.set_end(~std::uint64_t{0});
  module.set_path("/opt/libx.so");
  auto folders = SymbolFolders::Open({"/usr/lib"});
  ASSERT_TRUE(folders.ok());
  const std::size_t names = builder.recording().frame_names.size();
  ImproveNames(&folders.value(), &builder.recording());
  EXPECT_EQ(builder.recording().frame_names.size(), names);
  EXPECT_EQ(FirstSite(builder).frames.at(2).function, "(unloaded Java method)");
}

TEST(JavaFrames, AreTheJdksALibrarysOrTheApplications) {
  EXPECT_EQ(JavaCodeOf("java.util.zip.Inflater.init"), JavaCode::kJdk);
  EXPECT_EQ(JavaCodeOf("sun.nio.ch.FileChannelImpl.map"), JavaCode::kJdk);
  EXPECT_EQ(JavaCodeOf("javaagent.Main.run"), JavaCode::kApplication);
  EXPECT_EQ(JavaCodeOf("org.rocksdb.RocksDB.open"), JavaCode::kLibrary);
  EXPECT_EQ(JavaCodeOf("io.netty.util.internal.PlatformDependent0.allocateDirectNoCleaner"),
            JavaCode::kLibrary);
  EXPECT_EQ(JavaCodeOf("org.apache.flink.core.memory.MemorySegmentFactory.allocateUnpooled"),
            JavaCode::kLibrary);
  EXPECT_EQ(JavaCodeOf("org.apache.flink.streaming.api.operators.StreamMap.processElement"),
            JavaCode::kApplication);
  EXPECT_EQ(JavaCodeOf(""), JavaCode::kApplication);
}

}  // namespace
}  // namespace wrackline::evidence
