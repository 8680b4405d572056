// What wrackline asks a VM about its memory, against what java.lang.management says at the same moment in the same process: JDK
// 17 and 25, every collector. programs/JvmEvidence.java prints both.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/java_home.h"
#include "tests/support/profiled_process.h"

namespace wrackline::test {
namespace {

constexpr double kKi = 1024, kMi = 1024 * 1024;

struct Vm {
  const char* name;
  const char* version;
  const char* collector;  // -XX:+Use...GC
  const char* known_as;
};

void PrintTo(const Vm& vm, std::ostream* out) { *out << vm.name; }

// Lines "WHO KEY VALUE"; a key may hold blanks, a value does not but for texts, which are not looked up as numbers.
struct Said {
  std::map<std::string, std::string> by[3];  // early, ours, bean

  bool Has(int who, const std::string& key) const { return by[who].count(key) != 0; }
  double Number(int who, const std::string& key) const {
    const auto found = by[who].find(key);
    if (found == by[who].end()) {
      ADD_FAILURE() << key << " is missing";
      return -1;
    }
    return std::strtod(found->second.c_str(), nullptr);
  }
};
enum { kEarly, kOurs, kBean };

Said Ask(const Vm& vm, const std::vector<std::string>& more = {}) {
  ProcessOptions options;
  EXPECT_NE(JavaHome(vm.version), "") << NoJava(vm.version);
  options.command = {JavaHome(vm.version) + "/bin/java", "-Xmx256m",
                     std::string("-XX:+Use") + vm.collector + "GC", "-Djava.awt.headless=true"};
  options.command.insert(options.command.end(), more.begin(), more.end());
  for (const char* argument :
       {"-cp", WRACKLINE_JVM_EVIDENCE_CLASSES, "JvmEvidence", WRACKLINE_JVM_EVIDENCE_LIBRARY})
    options.command.emplace_back(argument);
  options.environment["JAVA_TOOL_OPTIONS"] = "";
  const ProcessEnd end = RunProcess(options);
  EXPECT_TRUE(end.exited(0)) << end.err;
  Said said;
  std::istringstream lines(end.out);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t who = line.find(' ');
    const bool named =
        line.compare(who + 1, 3, "vm_") == 0 || line.compare(who + 1, 5, "java_") == 0;
    const std::size_t value = named ? line.find(' ', who + 1) : line.rfind(' ');
    if (who == std::string::npos || value <= who) continue;
    const std::string speaker = line.substr(0, who);
    const int index = speaker == "early" ? kEarly : speaker == "ours" ? kOurs : kBean;
    said.by[index][line.substr(who + 1, value - who - 1)] = line.substr(value + 1);
  }
  return said;
}

class JvmEvidence : public ::testing::TestWithParam<Vm> {};

TEST_P(JvmEvidence, SaysWhatTheBeansSay) {
  const Vm& vm = GetParam();
  const Said said = Ask(vm);
  const auto near = [&](const char* key, double slack) {
    EXPECT_NEAR(said.Number(kOurs, key), said.Number(kBean, key), slack) << key;
  };
  // Asking itself, before the program used any bean, loads no class.
  EXPECT_EQ(said.Number(kEarly, "classes_loaded_by_asking"), 0);
  EXPECT_EQ(said.Number(kOurs, "classes_loaded_by_asking"), 0);

  EXPECT_EQ(said.by[kOurs].at("collector"), vm.known_as);
  EXPECT_EQ(said.Number(kOurs, "max_heap"), 256 * kMi);
  EXPECT_EQ(said.Number(kOurs, "heap_max"), 256 * kMi);
  // What the program's own printing allocates lies between the two; G1 counts whole regions, ZGC whole pages.
  near("heap_used", 8 * kMi);
  EXPECT_GT(said.Number(kOurs, "heap_used"), 30 * kMi);
  near("heap_committed", 64 * kMi);  // a concurrent collector may give some back in between
  near("metaspace_used", 512 * kKi);
  near("class_space_used", 128 * kKi);
  near("non_heap_used", 2 * kMi);
  near("threads", 2);
  near("classes_loaded", 30);
  EXPECT_GE(said.Number(kOurs, "collections"), 2);
  for (const char* key :
       {"direct_buffers", "direct_used", "direct_capacity", "mapped_buffers", "mapped_used"})
    EXPECT_EQ(said.Number(kOurs, key), said.Number(kBean, key)) << key;
  EXPECT_EQ(said.Number(kOurs, "direct_used"), 15 * kMi);
  EXPECT_GT(said.Number(kOurs, "direct_max"), 128 * kMi);

  // Resident bytes, by the kinds of JvmResident.
  EXPECT_GT(said.Number(kOurs, "resident[1]"), 30 * kMi);
  EXPECT_LT(said.Number(kOurs, "resident[1]"), 257 * kMi);
  EXPECT_NEAR(said.Number(kOurs, "resident[2]") + said.Number(kOurs, "resident[3]"),
              said.Number(kOurs, "metaspace_committed"), kMi);
  EXPECT_GT(said.Number(kOurs, "resident[4]"), 512 * kKi);
  EXPECT_GT(said.Number(kOurs, "resident[5]"), 26 * 20 * kKi);  // 26 threads and the collector's
  EXPECT_LT(said.Number(kOurs, "resident[5]"), 64 * kMi);
  // Nothing mapped with the shim's hooks, which are not in this process.
  EXPECT_FALSE(said.Has(kOurs, "resident[7]"));
}

INSTANTIATE_TEST_SUITE_P(Vms, JvmEvidence,
                         ::testing::Values(Vm{"jdk17_G1", "17", "G1", "G1"},
                                           Vm{"jdk17_Z", "17", "Z", "ZGC"},
                                           Vm{"jdk17_Serial", "17", "Serial", "Serial"},
                                           Vm{"jdk25_G1", "25", "G1", "G1"},
                                           Vm{"jdk25_Z", "25", "Z", "ZGC"},
                                           Vm{"jdk25_Parallel", "25", "Parallel", "Parallel"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(JvmNativeMemory, IsReadWhereTheVmTracksIt) {
  for (const char* version : {"17", "25"}) {
    const Said said = Ask({"", version, "G1", "G1"}, {"-XX:NativeMemoryTracking=summary"});
    EXPECT_EQ(said.by[kOurs].at("native_memory_tracking"), "summary");
    // One command after the other, and G1 gives regions back meanwhile.
    EXPECT_NEAR(said.Number(kOurs, "native[Java Heap].committed"),
                said.Number(kOurs, "heap_committed"), 32 * kMi);
    // The direct buffers.
    EXPECT_NEAR(said.Number(kOurs, "native[Other].committed"), 15 * kMi, kMi);
    EXPECT_GT(said.Number(kOurs, "native_committed"),
              said.Number(kOurs, "heap_committed") + 15 * kMi);
    // After the last collection the program only printed.
    EXPECT_NEAR(said.Number(kOurs, "heap_used_after_collection"),
                said.Number(kBean, "heap_used_after_collection"), kMi);
  }
}

TEST(JvmCounters, AreNotNeeded) {
  const Said said = Ask({"", "17", "Serial", "Serial"}, {"-XX:-UsePerfData"});
  EXPECT_FALSE(said.Has(kOurs, "collections"));
  EXPECT_EQ(said.by[kOurs].at("java_version").compare(0, 3, "17."), 0);
  EXPECT_GT(said.Number(kOurs, "heap_used"), 30 * kMi);
}

}  // namespace
}  // namespace wrackline::test
