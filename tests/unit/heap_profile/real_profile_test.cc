// Heap profiles that the allocators of this machine write, against the tools that come with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "analyzer/evidence/heap_profile.h"

namespace wrackline::evidence {
namespace {

namespace fs = std::filesystem;

const std::string kHolder = WRACKLINE_HEAP_HOLDER;

struct Ran {
  int status = -1;
  std::string output;
};
Ran Shell(const std::string& command) {
  Ran ran;
  std::FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return ran;
  std::array<char, 4096> buffer;
  for (std::size_t got; (got = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    ran.output.append(buffer.data(), got);
  const int status = pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

class RealProfileTest : public ::testing::Test {
 protected:
  RealProfileTest() {
    std::string pattern = (fs::temp_directory_path() / "wrackline-profile-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~RealProfileTest() override { fs::remove_all(folder_); }

  std::string Load(const std::string& name) {
    std::ifstream file(folder_ / name, std::ios::binary);
    EXPECT_TRUE(file) << name;
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // "Total: 85785580 B", as the tool prints it.
  void ExpectTotal(const std::string& tool, const std::string& name, const std::string& options,
                   double ours) {
    const Ran ran = Shell(tool + " --text --show_bytes " + options + " " + kHolder + " " +
                          (folder_ / name).string());
    ASSERT_EQ(ran.status, 0) << tool;
    ASSERT_EQ(ran.output.rfind("Total: ", 0), 0u) << ran.output.substr(0, 200);
    EXPECT_EQ(std::atoll(ran.output.c_str() + 7), static_cast<long long>(ours)) << tool << options;
  }

  fs::path folder_;
};

// The site whose label is this function of heap_holder.
const Site* SiteOf(const std::vector<Site>& sites, const std::string& function) {
  for (const Site& site : sites) {
    for (const SiteFrame& frame : site.frames) {
      if (frame.function == function) return &site;
    }
  }
  return nullptr;
}

TEST_F(RealProfileTest, JemallocsTotalsAreJeprofs) {
  for (const int lg : {0, 14, 19}) {
    SCOPED_TRACE(lg);
    const Ran ran =
        Shell("MALLOC_CONF=prof:true,prof_accum:true,lg_prof_sample:" + std::to_string(lg) +
              " LD_PRELOAD=libjemalloc.so.2 " + kHolder + " " + (folder_ / "je.heap").string() +
              " 20000");
    ASSERT_EQ(ran.status, 0) << "jemalloc with profiling is needed (libjemalloc2)";
    const auto profile = ParseHeapProfile(Load("je.heap"));
    ASSERT_TRUE(profile.ok()) << profile.error().Text();
    ASSERT_GT(profile.value().live.bytes, 0);
    EXPECT_TRUE(profile.value().notes.empty());
    ExpectTotal("jeprof", "je.heap", "--inuse_space", profile.value().live.bytes);
    ExpectTotal("jeprof", "je.heap", "--alloc_space", profile.value().allocated.bytes);
    // What the program really holds: 20,000 blocks of 200 bytes (224 in jemalloc), 20 of 900,000, 2,000 mixed.
    double variance = 0;
    for (const HeapProfile::Stack& stack : profile.value().stacks) variance += stack.variance;
    const double error = std::sqrt(variance);
    EXPECT_NEAR(profile.value().live.bytes, 81e6, 5 * error + 8e6);
  }
}

TEST_F(RealProfileTest, FramesAreNamedFromTheFoldersOfSymbols) {
  ASSERT_EQ(Shell("MALLOC_CONF=prof:true,lg_prof_sample:12 LD_PRELOAD=libjemalloc.so.2 " + kHolder +
                  " " + (folder_ / "je.heap").string() + " 20000")
                .status,
            0);
  fs::create_directories(folder_ / "symbols");
  fs::copy_file(kHolder, folder_ / "symbols" / fs::path(kHolder).filename());
  Result<SymbolFolders> symbols = SymbolFolders::Open({(folder_ / "symbols").string()});
  ASSERT_TRUE(symbols.ok());
  const auto profile = ParseHeapProfile(Load("je.heap"));
  ASSERT_TRUE(profile.ok());
  std::vector<std::string> remarks;
  const std::vector<Site> sites = SitesOf(profile.value(), &symbols.value(), &remarks);
  const Site* large = SiteOf(sites, "cargo::Large");
  ASSERT_NE(large, nullptr);
  EXPECT_EQ(large->frames[large->label].function, "cargo::Large");
  EXPECT_EQ(fs::path(large->frames[large->label].file).filename(), "heap_holder.cc");
  EXPECT_GT(large->frames[large->label].line, 0u);
  // 900,000 bytes are 917,504 in jemalloc; objects much larger than the interval are all drawn.
  EXPECT_EQ(large->live.count / 20, 917504);
  EXPECT_EQ(large->samples, 20u);
  const Site* small = SiteOf(sites, "cargo::Small");
  ASSERT_NE(small, nullptr);
  EXPECT_NEAR(static_cast<double>(small->live.count), 20000 * 224.0,
              5 * static_cast<double>(small->standard_error.count));
  ASSERT_FALSE(remarks.empty());
  EXPECT_THAT(remarks[0], ::testing::HasSubstr("found by their names"));
}

TEST_F(RealProfileTest, GperftoolsTotalsAreGooglePprofs) {
  ASSERT_EQ(Shell("HEAPPROFILE=" + (folder_ / "gp").string() + " LD_PRELOAD=libtcmalloc.so.4 " +
                  kHolder + " none 20000")
                .status,
            0)
      << "gperftools is needed (libgoogle-perftools4)";
  const auto profile = ParseHeapProfile(Load("gp.0001.heap"));
  ASSERT_TRUE(profile.ok()) << profile.error().Text();
  EXPECT_TRUE(profile.value().exact);
  // Exactly what the program holds, and what it passed on: 10,000 blocks of 300 bytes.
  EXPECT_GE(profile.value().live.bytes, 20000 * 200 + 20 * 900000 + 53283000);
  EXPECT_GE(profile.value().allocated.bytes - profile.value().live.bytes, 3000000);
  ExpectTotal("google-pprof", "gp.0001.heap", "--inuse_space", profile.value().live.bytes);
  ExpectTotal("google-pprof", "gp.0001.heap", "--alloc_space", profile.value().allocated.bytes);
}

}  // namespace
}  // namespace wrackline::evidence
