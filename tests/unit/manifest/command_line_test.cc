#include "analyzer/evidence/manifest/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wrackline::evidence {
namespace {

using ::testing::ElementsAre;

CommandLine Read(const std::vector<std::string>& texts) {
  std::vector<CommandWord> words;
  for (const std::string& text : texts) words.push_back({text, {1, 1, 0}});
  return ReadCommandLine(words);
}

TEST(CommandLine, TheImagesWord) {
  const CommandLine line = Read({"taskmanager", "-Da.b=1", "-D", "c.d=2=3", "-Dbroken"});
  EXPECT_EQ(line.role, FlinkRole::kTaskManager);
  EXPECT_FALSE(line.native);
  ASSERT_EQ(line.properties.size(), 2u);
  EXPECT_EQ(line.properties[0].key, "a.b");
  EXPECT_EQ(line.properties[1].key, "c.d");
  EXPECT_EQ(line.properties[1].value, "2=3");
}

TEST(CommandLine, AShellsText) {
  const CommandLine line = Read(
      {"/bin/bash", "-ec", "cd /opt/flink; exec bin/jobmanager.sh start-foreground -Da='x y'"});
  EXPECT_EQ(line.role, FlinkRole::kJobManager);
  ASSERT_EQ(line.properties.size(), 1u);
  EXPECT_EQ(line.properties[0].value, "x y");
}

TEST(CommandLine, BehindTheMainClassOnly) {
  const CommandLine line = Read(
      {"bash", "-c",
       "$JAVA_HOME/bin/java -Xmx1g -Dlog.file=x -classpath y "
       "org.apache.flink.kubernetes.entrypoint.KubernetesApplicationClusterEntrypoint -D a=1"});
  EXPECT_EQ(line.role, FlinkRole::kJobManager);
  EXPECT_TRUE(line.native);
  EXPECT_THAT(line.jvm_options, ElementsAre("-Xmx1g"));
  ASSERT_EQ(line.properties.size(), 1u);
  EXPECT_EQ(line.properties[0].key, "a");
}

TEST(CommandLine, OtherProgramsAreNoFlink) {
  EXPECT_FALSE(Read({"redis-server", "--dir", "/data/taskmanager"}).role.has_value());
  EXPECT_TRUE(Read({"java", "-Da=b", "Main"}).properties.empty());
  EXPECT_FALSE(Read({}).role.has_value());
}

TEST(CommandLine, ShellWords) {
  EXPECT_THAT(SplitShellWords("a  'b c' \"d \\\" e\" f\\ g '' h'i'"),
              ElementsAre("a", "b c", "d \" e", "f g", "", "hi"));
  EXPECT_THAT(SplitShellWords("a 'open"), ElementsAre("a", "open"));
  EXPECT_THAT(SplitShellWords("a \\\n b"), ElementsAre("a", "", "b"));
  EXPECT_TRUE(SplitShellWords("").empty());
}

}  // namespace
}  // namespace wrackline::evidence
