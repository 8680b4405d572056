// Leaks that Java made are named by Java: each of tests/e2e/java's programs loses native memory in its own way, under the shim in a
// real VM; the report's first site of the program is the method that lost it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/java_home.h"
#include "tests/support/profiled_process.h"

namespace wrackline::test {
namespace {

using Json = nlohmann::json;

struct Leak {
  const char* name;
  int amount;
  // Class and method, without the package; a class alone is the beginning of one.
  const char* method;
  // Of the live bytes at sites of that method: at least.
  double bytes;
  // The largest site of all is the leak's; otherwise it is the largest of those that Java made.
  bool first_of_all;
};

// For gtest's messages.
void PrintTo(const Leak& leak, std::ostream* out) { *out << leak.name; }

const Leak kLeaks[] = {
    // 32 KiB of window and 7 KB of state each.
    {"inflater", 1500, "ConfigDecoder.decode", 1500 * 39000.0, true},
    {"deflater", 200, "RecordSerializer.compress", 200 * 260000.0, true},
    {"direct", 1000, "NetworkBuffers.acquire", 1000 * 20000.0, true},
    {"unsafe", 1500, "OffHeapIndex.grow", 1500 * 16384.0, true},
    {"jni", 1500, "NativeCodec.open", 1500 * 12000.0, true},
    {"zip", 800, "ArchiveReader.read", 800 * 39000.0, true},
    // What the VM allocates for each with malloc; the stacks and the metaspace are in JvmMappedLeaks.
    {"threads", 400, "WorkerPool.submit", 400 * 1000.0, false},
    {"loaders", 300, "PluginLoader", 300 * 1000.0, false},
};

// Runs the program under the shim; the report on its recording.
Json ReportOf(ProcessOptions java) {
  const TemporaryFolder folder;
  java.environment = {{"LD_PRELOAD", WRACKLINE_PRELOAD_LIBRARY},
                      {"WRACKLINE_OUT", folder.path()},
                      {"WRACKLINE_INTERVAL", "4096"}};
  ChildProcess child(java);
  const ProcessEnd end = child.Wait();
  EXPECT_TRUE(end.exited(0)) << end.out << end.err;
  // Programs that the VM ran have files too.
  const std::string pid = "-" + std::to_string(child.pid()) + "-";
  for (const std::string& file : RecorderFiles(folder.path())) {
    if (file.find(pid) == std::string::npos) continue;
    ProcessOptions command;
    command.command = {WRACKLINE_COMMAND, "report", "--format", "json", file};
    const ProcessEnd report = RunProcess(command);
    EXPECT_TRUE(report.exited(0)) << report.err;
    return Json::parse(report.out);
  }
  ADD_FAILURE() << "no recording\n" << end.out << end.err;
  return Json::object();
}

void ExpectNamed(const Json& json, const Leak& leak) {
  const std::string wanted = std::string("com.example.pipeline.") + leak.method;
  const auto made_by_java = [](const Json& site) {
    return std::any_of(site["frames"].begin(), site["frames"].end(),
                       [](const Json& frame) { return frame.value("java", false); });
  };
  std::string first;
  double bytes = 0;
  bool has_line = false;
  for (const Json& site : json.value("sites", Json::array())) {
    const std::string label = site["label"];
    if (first.empty() && (leak.first_of_all || made_by_java(site))) first = label;
    if (!label.starts_with(wanted)) continue;
    bytes += site["live"].get<double>();
    for (const Json& frame : site["frames"]) {
      const std::string function = frame["function"];
      if (function.starts_with("com.example.") && frame.value("line", 0) > 0) {
        has_line = true;
        EXPECT_THAT(frame["file"].get<std::string>(), testing::EndsWith(".java"));
      }
    }
  }
  EXPECT_THAT(first, testing::StartsWith(wanted));
  // Sampled at 4 KiB, some hundred to ten thousand times: within a tenth.
  EXPECT_GE(bytes, leak.bytes * 0.9);
  EXPECT_TRUE(has_line);
}

ProcessOptions Program(const std::string& home, const std::vector<std::string>& arguments) {
  ProcessOptions java;
  java.command = {home + "/bin/java",
                  "-Xmx256m",
                  "-XX:-UsePerfData",
                  std::string("-Dcodec=") + WRACKLINE_JAVA_CODEC,
                  "-cp",
                  WRACKLINE_JAVA_LEAKS,
                  "com.example.pipeline.Leaks"};
  java.command.insert(java.command.end(), arguments.begin(), arguments.end());
  return java;
}

class JvmLeaks : public testing::TestWithParam<std::tuple<Leak, const char*>> {};

TEST_P(JvmLeaks, AreNamedByTheMethodThatMadeThem) {
  const auto [leak, version] = GetParam();
  const std::string home = JavaHome(version);
  ASSERT_NE(home, "") << NoJava(version);
  ExpectNamed(ReportOf(Program(home, {leak.name, std::to_string(leak.amount)})), leak);
}

std::string Name(const testing::TestParamInfo<std::tuple<Leak, const char*>>& info) {
  return std::string(std::get<0>(info.param).name) + "_Java" + std::get<1>(info.param);
}
INSTANTIATE_TEST_SUITE_P(Java17, JvmLeaks,
                         testing::Combine(testing::ValuesIn(kLeaks), testing::Values("17")), Name);
INSTANTIATE_TEST_SUITE_P(Java25, JvmLeaks,
                         testing::Combine(testing::Values(kLeaks[0], kLeaks[2], kLeaks[4],
                                                          kLeaks[6]),
                                          testing::Values("25")),
                         Name);

// RocksDB's Java interface, from Maven: what its objects hold is native, and close() is the program's to call.
class JvmRocksDbLeaks : public testing::TestWithParam<const char*> {
 protected:
  void ExpectLeakNamed(const Leak& leak) {
    const std::string home = JavaHome(GetParam()), jdk = JavaHome("17");
    ASSERT_NE(home, "") << NoJava(GetParam());
    ASSERT_NE(jdk, "") << NoJava("17");
    const std::string jar = JavaLibrary("rocksdbjni.jar");
    ASSERT_NE(jar, "") << NoJavaLibrary("rocksdbjni.jar");
    const TemporaryFolder folder;
    ProcessOptions javac;
    javac.command = {jdk + "/bin/javac", "-cp", jar, "-d", folder.path(), WRACKLINE_STATE_READER};
    const ProcessEnd compiled = RunProcess(javac);
    ASSERT_TRUE(compiled.exited(0)) << compiled.err;
    ProcessOptions java;
    java.command = {home + "/bin/java",
                    "-Xmx256m",
                    "-XX:-UsePerfData",
                    "-Djava.io.tmpdir=" + folder.path(),
                    "-cp",
                    folder.path() + ":" + jar,
                    "com.example.pipeline.StateReader",
                    leak.name,
                    std::to_string(leak.amount),
                    folder / "db"};
    ExpectNamed(ReportOf(java), leak);
  }
};

TEST_P(JvmRocksDbLeaks, ReadOptionsNeverClosed) {
  ExpectLeakNamed({"options", 100000, "StateReader.lookup", 100000 * 100.0, true});
}

TEST_P(JvmRocksDbLeaks, IteratorsNeverClosed) {
  ExpectLeakNamed({"iterators", 5000, "StateReader.scan", 5000 * 3000.0, true});
}

INSTANTIATE_TEST_SUITE_P(Versions, JvmRocksDbLeaks, testing::Values("17", "25"),
                         [](const auto& info) { return std::string("Java") + info.param; });

// What is mapped, and not allocated: mapped files, the stacks of threads, metaspace.
class JvmMappedLeaks : public testing::TestWithParam<const char*> {
 protected:
  // The report on the program; "mapping_makers" of that kind begin with the leak's method.
  Json ReportWithMaker(const std::vector<std::string>& arguments, const char* kind,
                       const std::string& method) {
    const std::string home = JavaHome(GetParam());
    if (home.empty()) {
      ADD_FAILURE() << NoJava(GetParam());
      return Json::object();
    }
    Json report = ReportOf(Program(home, arguments));
    const Json first = First(report, kind);
    EXPECT_THAT(first.value("label", ""), testing::StartsWith("com.example.pipeline." + method))
        << report.value("mapping_makers", Json());
    EXPECT_TRUE(first.value("java", false));
    return report;
  }
  static Json First(const Json& report, const char* kind) {
    const Json makers = report.value("mapping_makers", Json::object());
    const Json of_kind = makers.value(kind, Json::array());
    return of_kind.empty() ? Json::object() : of_kind[0];
  }
};

TEST_P(JvmMappedLeaks, MappedFilesAreNamedAndCountedAsTheVmDoes) {
  // The VM is asked once a second.
  const Json report = ReportWithMaker({"mapped", "300", "3000"}, "file", "SegmentCache.load");
  const Json first = First(report, "file");
  EXPECT_EQ(first.value("accessible", 0.0), 300.0 * (1 << 20));
  EXPECT_EQ(first.value("file", ""), "SegmentCache.java");
  EXPECT_GT(first.value("line", 0), 0);
  const Json& last = report["jvm"]["last"];
  EXPECT_EQ(last.value("mapped_used", 0.0), 300.0 * (1 << 20)) << last;
  EXPECT_EQ(last.value("mapped_buffers", 0), 300) << last;
}

TEST_P(JvmMappedLeaks, ThreadsThatNeverStopAreNamedByWhoStartedThem) {
  const Json report = ReportWithMaker({"threads", "400"}, "thread", "WorkerPool.submit");
  const Json first = First(report, "thread");
  EXPECT_EQ(first.value("ranges", 0), 400);
  // 256 KiB each, as the program asks for.
  EXPECT_EQ(first.value("accessible", 0.0), 400.0 * (256 << 10));
  EXPECT_GT(first.value("resident", 0.0), 400.0 * 4096);
  EXPECT_LT(first.value("resident", 0.0), 400.0 * (256 << 10));
  EXPECT_EQ(first.value("file", ""), "WorkerPool.java");
}

TEST_P(JvmMappedLeaks, ClassLoadersAreNamedByWhoMadeMetaspaceGrow) {
  const Json report = ReportWithMaker({"loaders", "600"}, "metaspace", "PluginLoader");
  // Two classes in each, and no loader of them ever goes.
  EXPECT_GT(First(report, "metaspace").value("accessible", 0.0), 600.0 * 6000);
}

INSTANTIATE_TEST_SUITE_P(Versions, JvmMappedLeaks, testing::Values("17", "25"),
                         [](const auto& info) { return std::string("Java") + info.param; });

}  // namespace
}  // namespace wrackline::test
