// The built command's lint: exit statuses, sources, options (docs/cli.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace wrackline {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

struct Done {
  int status = -1;
  std::string output;  // both streams
};

class LintCli : public ::testing::Test {
 protected:
  LintCli() {
    std::string pattern = (fs::temp_directory_path() / "wrackline-lint-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~LintCli() override { fs::remove_all(folder_); }

  std::string Make(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return (folder_ / name).string();
  }

  static Done Run(const std::string& arguments) {
    Done done;
    const std::string command = std::string(WRACKLINE_BINARY) + " lint " + arguments + " 2>&1";
    std::FILE* pipe = popen(command.c_str(), "r");
    std::array<char, 4096> buffer{};
    while (const std::size_t length = std::fread(buffer.data(), 1, buffer.size(), pipe))
      done.output.append(buffer.data(), length);
    done.status = WEXITSTATUS(pclose(pipe));
    return done;
  }

  fs::path folder_;
};

TEST_F(LintCli, ExitStatuses) {
  const std::string good = Make("good.yaml", "taskmanager.memory.process.size: 4g\n");
  const std::string warned = Make(
      "warned.yaml", "taskmanager.memory.process.size: 4g\ntaskmanager.memory.heap.size: 1g\n");
  const std::string told = Make("told.yaml", "taskmanager.memory.flink.size: 4g\n");
  const std::string refused = Make("refused.yaml", "taskmanager.memory.process.size: 4Gi\n");
  EXPECT_EQ(Run(good).status, 0);
  EXPECT_EQ(Run(told).status, 0);
  EXPECT_EQ(Run(told + " --fail-on info").status, 1);
  EXPECT_EQ(Run(warned).status, 1);
  EXPECT_EQ(Run(warned + " --fail-on error").status, 0);
  EXPECT_EQ(Run(warned + " --ignore unknown-key").status, 0);
  EXPECT_EQ(Run(refused + " --fail-on error").status, 1);
  EXPECT_EQ(Run(refused + " --fail-on never").status, 0);
}

TEST_F(LintCli, BadInput) {
  for (const std::string& arguments :
       {std::string(), std::string("/no/such/file"), std::string("x --flink-version 1.9"),
        std::string("x --format xml"), folder_.string(), std::string("x --ignore unknown-kye"),
        std::string("--explain no-such-rule-at-all")}) {
    const Done done = Run(arguments);
    EXPECT_EQ(done.status, 2) << arguments << "\n" << done.output;
    EXPECT_THAT(done.output, HasSubstr("wrackline: ")) << arguments;
  }
  EXPECT_THAT(Run("x --ignore unknown-kye").output, HasSubstr("did you mean 'unknown-key'?"));
}

TEST_F(LintCli, AFolderIsTheFileThatTheVersionReads) {
  Make("flink-conf.yaml", "taskmanager.memory.process.size: 4g\n");
  Make("config.yaml", "taskmanager.memory.process.size: 4g\n");
  EXPECT_THAT(Run(folder_.string() + " --flink-version 1.20").output,
              HasSubstr("reads only flink-conf.yaml [two-files]"));
  EXPECT_THAT(Run(folder_.string() + " --flink-version 2.0").output,
              HasSubstr("reads only config.yaml [two-files]"));
}

TEST_F(LintCli, StandardInput) {
  const std::string file = Make("c", "taskmanager.memory.heap.size: 1g\n");
  const Done done = Run("- < " + file);
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.output, HasSubstr("-:1:1: warning: "));
}

TEST_F(LintCli, ModeDecidesWhatTheOldKeyMeans) {
  const std::string file =
      Make("c", "taskmanager.heap.size: 1g\ntaskmanager.memory.process.size: 4g\n");
  EXPECT_THAT(Run(file).output, Not(HasSubstr("[ignored-key]")));
  EXPECT_THAT(Run(file + " --mode containerized").output,
              HasSubstr("taskmanager.memory.process.size wins [ignored-key]"));
}

const char kPod[] =
    "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
    "    image: flink:1.18.1\n    args: [taskmanager]\n"
    "    resources: {limits: {memory: 2Gi}, requests: {memory: 2Gi}}\n";

TEST_F(LintCli, AConfigurationAndItsPod) {
  const std::string file = Make("flink-conf.yaml", "taskmanager.memory.process.size: 4g\n");
  const std::string pod = Make("pod.yaml", kPod);
  const Done done = Run(file + " --pod " + pod);
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.output, HasSubstr("pod.yaml:8:34: error: The pod's limit is 2.00 GiB"));
  EXPECT_THAT(done.output, HasSubstr("read as Flink 1.18.1 does"));
  EXPECT_THAT(Run(file + " --pod " + pod + " --flink-version 1.20").output,
              HasSubstr("read as Flink 1.20.0 does"));
}

TEST_F(LintCli, AManifestIsKnownByItsContent) {
  const std::string manifest = Make(
      "deployment", std::string("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n"
                                "  flink-conf.yaml: |\n    taskmanager.memory.process.size: 2g\n"
                                "    taskmanager.memory.heap.size: 1g\n---\n") +
                        kPod);
  for (const std::string& arguments : {manifest, "--pod " + manifest, "- < " + manifest}) {
    const Done done = Run(arguments);
    EXPECT_EQ(done.status, 1) << done.output;
    EXPECT_THAT(done.output, HasSubstr(":7:5: warning: taskmanager.memory.heap.size"));
  }
  const Done both = Run(manifest + " --pod " + manifest);
  EXPECT_EQ(both.status, 2);
  EXPECT_THAT(both.output, HasSubstr("is a manifest itself"));
}

TEST_F(LintCli, AManifestThatKubernetesRefuses) {
  const std::string pod =
      Make("pod.yaml",
           "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
           "    args: [taskmanager]\n    resources: {limits: {memory: 2GB}}\n");
  const Done done = Run(pod);
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.output,
              HasSubstr("pod.yaml:7:34: '2GB' is no quantity of Kubernetes (write 2G)"));
}

TEST_F(LintCli, OutputFile) {
  const std::string file = Make("c", "taskmanager.memory.heap.size: 1g\n");
  const std::string sarif = (folder_ / "lint.sarif").string();
  EXPECT_EQ(Run(file + " --format sarif -o " + sarif).status, 1);
  std::ifstream stream(sarif);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  EXPECT_THAT(text, HasSubstr("\"ruleId\": \"unknown-key\""));
}

TEST_F(LintCli, Rules) {
  EXPECT_THAT(Run("--list-rules").output, HasSubstr("unknown-key"));
  const Done explained = Run("--explain unknown-key");
  EXPECT_EQ(explained.status, 0);
  EXPECT_THAT(explained.output, HasSubstr("taskmanager.memory.heap.size: 8g"));
}

}  // namespace
}  // namespace wrackline
