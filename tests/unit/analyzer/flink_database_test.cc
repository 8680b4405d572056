#include "analyzer/evidence/flink_database.h"

#include <gtest/gtest.h>

namespace wrackline::evidence {
namespace {

const std::string kFolder =
    "/tmp/tm_10.1.2.3:6122-4ac/tmp/job_5f2a90c1d4e14b0fb6a7f6e2c3d4a5b6_op_WindowOperator_"
    "90bea66de1c231edf33913ecd54406c1__1_4__uuid_7c1f1c0e-9b0a-4a6e-8f31-52d7bd1f2a10";

TEST(FlinkDatabase, IsReadFromItsFolder) {
  for (const std::string& path : {kFolder, kFolder + "/db", kFolder + "/db/"}) {
    const auto found = ParseFlinkDatabase(path);
    ASSERT_TRUE(found) << path;
    EXPECT_EQ(found->job_id, "5f2a90c1d4e14b0fb6a7f6e2c3d4a5b6");
    EXPECT_EQ(found->operator_name, "WindowOperator");
    EXPECT_EQ(found->operator_id, "90bea66de1c231edf33913ecd54406c1");
    EXPECT_EQ(found->subtask, 1);
    EXPECT_EQ(found->parallelism, 4);
  }
  EXPECT_EQ(DatabaseTitle(kFolder + "/db"),
            "WindowOperator, subtask 1 of 4 (operator 90bea66d, job 5f2a90c1)");
}

// What is no letter, digit or hyphen in the class's name is an underscore.
TEST(FlinkDatabase, HasAnOperatorWithUnderscores) {
  std::string path = kFolder;
  path.replace(path.find("WindowOperator"), 14, "My_op_2__Function__12_24_");
  const auto found = ParseFlinkDatabase(path);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->operator_name, "My_op_2__Function__12_24_");
  EXPECT_EQ(found->parallelism, 4);
}

TEST(FlinkDatabase, OtherPathsAreNone) {
  const auto without = [](const char* part) {
    std::string path = kFolder;
    return path.erase(path.find(part), std::string(part).size());
  };
  for (const std::string& path :
       {std::string(), std::string("/"), std::string("/data/orders/db"), without("job_"),
        without("_uuid_"), without("__1_4_"), without("e1c2"), without("_op_"), without("5f2a")}) {
    EXPECT_FALSE(ParseFlinkDatabase(path)) << path;
    EXPECT_EQ(DatabaseTitle(path), path);
  }
  std::string beyond = kFolder;
  beyond.replace(beyond.find("__1_4_"), 6, "__5_4_");
  EXPECT_FALSE(ParseFlinkDatabase(beyond));
}

}  // namespace
}  // namespace wrackline::evidence
