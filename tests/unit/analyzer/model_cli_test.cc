// The built command's model: exit statuses, sources, options (docs/flink-memory-model.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace wrackline {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct Done {
  int status = -1;
  std::string output;  // both streams
};

class ModelCli : public ::testing::Test {
 protected:
  ModelCli() {
    std::string pattern = (fs::temp_directory_path() / "wrackline-model-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~ModelCli() override { fs::remove_all(folder_); }

  std::string Make(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return (folder_ / name).string();
  }

  static Done Run(const std::string& arguments, const std::string& before = "") {
    Done done;
    const std::string command = before + WRACKLINE_BINARY + " model " + arguments + " 2>&1";
    std::FILE* pipe = popen(command.c_str(), "r");
    std::array<char, 4096> buffer{};
    while (const std::size_t length = std::fread(buffer.data(), 1, buffer.size(), pipe))
      done.output.append(buffer.data(), length);
    done.status = WEXITSTATUS(pclose(pipe));
    return done;
  }

  fs::path folder_;
};

TEST_F(ModelCli, ExitStatuses) {
  const std::string good = Make("flink-conf.yaml", "taskmanager.memory.process.size: 4g\n");
  const std::string base = "--flink-version 1.20.5 --config " + good;
  EXPECT_EQ(Run(base).status, 0);
  EXPECT_EQ(Run(base + " --limit 4g").status, 0);
  EXPECT_EQ(Run(base + " --limit 3g").status, 1);
  const Done refused = Run(base + " -D taskmanager.memory.task.heap.size=10g");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.output, HasSubstr("What to do: "));
  EXPECT_EQ(Run("--flink-version 2.0.2 --config " + good).status, 2);  // not its file
  EXPECT_EQ(Run("--flink-version x --config " + good).status, 2);
  EXPECT_EQ(Run(base + " -D nothing").status, 2);
  EXPECT_EQ(Run("").status, 2);
  EXPECT_EQ(Run("--from 1.20.5 --to 1.16.3 --config " + good).status, 2);
}

TEST_F(ModelCli, LaterSourcesWin) {
  const std::string file = Make("flink-conf.yaml", "taskmanager.memory.process.size: 4g\n");
  const std::string base = "--format json --flink-version 1.20.5 --config " + file;
  const std::string properties = "FLINK_PROPERTIES='taskmanager.memory.process.size: 5g' ";
  EXPECT_THAT(Run(base).output, HasSubstr("\"total_process\": 4294967296"));
  EXPECT_THAT(Run(base, properties).output, HasSubstr("\"total_process\": 5368709120"));
  EXPECT_THAT(
      Run(base + " -D taskmanager.memory.process.size=6g -D taskmanager.numberOfTaskSlots=3",
          properties)
          .output,
      AllOf(HasSubstr("\"total_process\": 6442450944"), HasSubstr("\"slots\": 3")));
}

TEST_F(ModelCli, ReadsManifests) {
  const std::string file = Make("job.yaml",
                                "apiVersion: flink.apache.org/v1beta1\n"
                                "kind: FlinkDeployment\n"
                                "metadata: {name: job}\n"
                                "spec:\n"
                                "  flinkVersion: v1_18\n"
                                "  jobManager: {resource: {memory: 1g}}\n"
                                "  taskManager: {resource: {memory: 2g}}\n");
  EXPECT_THAT(Run("--config - < " + file).output,
              AllOf(HasSubstr("Flink 1.18"), HasSubstr("TaskManager, containerized"),
                    HasSubstr("2147483648")));
  EXPECT_THAT(Run("--role jobmanager --config " + file).output, HasSubstr("JobManager"));
}

TEST_F(ModelCli, ComparesVersions) {
  const std::string file = Make("flink-conf.yaml", "taskmanager.memory.process.size: 16g\n");
  const Done done = Run("--from 1.16.3 --to 1.20.5 --config " + file);
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.output, HasSubstr("1.17: taskmanager.memory.network.max"));
}

TEST_F(ModelCli, AnswersRowsInOrderAndGoesOnAfterABadOne) {
  const std::string rows = Make("rows",
                                "{\"id\":\"a\",\"mode\":\"standalone\",\"config\":{}}\n"
                                "\n"
                                "nonsense\n"
                                "{\"id\":\"b\",\"mode\":\"standalone\",\"config\":{}}");
  const Done done = Run("--batch --kind flink-memory --flink-version 1.20.5 < " + rows);
  EXPECT_EQ(done.status, 2);
  const std::size_t a = done.output.find("{\"id\":\"a\"");
  const std::size_t bad = done.output.find("\"error\":\"the line is not JSON\"");
  const std::size_t b = done.output.find("{\"id\":\"b\"");
  EXPECT_LT(a, bad);
  EXPECT_LT(bad, b);
  EXPECT_NE(b, std::string::npos);
  EXPECT_EQ(Run("--batch --kind flink-memory < " + rows).status, 2);  // no version
}

}  // namespace
}  // namespace wrackline
