// The forms of a proposal that are applied, read back as those read them who apply them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <string>

#include "analyzer/evidence/manifest/operator_memory.h"
#include "analyzer/flink/config_file.h"
#include "analyzer/flink/memory_size.h"
#include "analyzer/render/proposal.h"
#include "tests/unit/analyzer/runs/proposal_example.h"

namespace wrackline::render {
namespace {

using testing::Example;
using ::testing::HasSubstr;
using testing::HostileExample;
using testing::kHostile;
using testing::NoFit;
using ::testing::Not;

TEST(ProposalConfig, BothFilesOfFlinkReadTheSame) {
  for (const sizing::Proposal& proposal : {Example(), HostileExample()}) {
    const std::string text = ProposalConfig(proposal);
    const flink::Configuration flat = flink::ParseFlatConfig(text, "flink-conf.yaml");
    const auto yaml = flink::ParseYamlConfig(text, "config.yaml");
    ASSERT_TRUE(yaml.ok()) << yaml.error().Text() << text;
    for (const flink::Configuration& read : {flat, yaml.value()}) {
      EXPECT_EQ(read.Get("taskmanager.memory.process.size"), "1536m");
      EXPECT_EQ(read.Get("taskmanager.memory.task.off-heap.size"), "64m");
      EXPECT_EQ(read.Get("state.backend.rocksdb.memory.managed"), "true");
      EXPECT_FALSE(read.Contains("taskmanager.memory.managed.fraction"));
      EXPECT_EQ(std::distance(read.begin(), read.end()), 3);
    }
  }
  EXPECT_THAT(ProposalConfig(Example()),
              HasSubstr("# remove: taskmanager.memory.managed.fraction: 0.4\n"));
}

TEST(ProposalConfig, OfOneThatDoesNotFitIsAComment) {
  const std::string text = ProposalConfig(NoFit());
  EXPECT_THAT(text, HasSubstr("# Nothing fits under 512.0 MiB"));
  EXPECT_TRUE(flink::ParseFlatConfig(text, "flink-conf.yaml").empty());
}

TEST(ProposalDiff, TakesAwayAndAdds) {
  EXPECT_EQ(ProposalDiff(Example(), "conf/config.yaml"),
            "# Give each component what it needs.\n"
            "--- conf/config.yaml\n"
            "+++ conf/config.yaml (proposed)\n"
            "# It is 1.00 GiB too small.\n"
            "- taskmanager.memory.process.size: 1024m\n"
            "+ taskmanager.memory.process.size: 1536m\n"
            "# RocksDB goes beyond: 5.6 MiB.\n"
            "+ taskmanager.memory.task.off-heap.size: 64m\n"
            "# The size is given instead.\n"
            "- taskmanager.memory.managed.fraction: 0.4\n"
            "# One bound for all.\n"
            "- state.backend.rocksdb.memory.managed: false\n"
            "+ state.backend.rocksdb.memory.managed: true\n");
}

TEST(ProposalDiff, NothingFromOutsideBeginsALine) {
  std::istringstream lines(ProposalDiff(HostileExample(), kHostile));
  for (std::string line; std::getline(lines, line);)
    EXPECT_NE(std::string("#-+").find(line.at(0)), std::string::npos) << line;
}

TEST(FlinkDeploymentPatch, IsWhatTheOperatorReads) {
  const std::string text = FlinkDeploymentPatch(Example(), {"orders", "", {}});
  EXPECT_THAT(text, HasSubstr("# kubectl patch flinkdeployment orders --type merge --patch-file "));
  const YAML::Node spec = YAML::Load(text)["spec"];
  const YAML::Node flink = spec["flinkConfiguration"];
  EXPECT_EQ(flink.size(), 3u);
  EXPECT_EQ(flink["taskmanager.memory.task.off-heap.size"].as<std::string>(), "64m");
  EXPECT_TRUE(flink["taskmanager.memory.managed.fraction"].IsNull());
  // A text, and not a truth value: the CRD takes texts alone.
  EXPECT_EQ(flink["state.backend.rocksdb.memory.managed"].Tag(), "!");
  const std::string memory = spec["taskManager"]["resource"]["memory"].as<std::string>();
  const auto written = evidence::OperatorMemoryText(memory);
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(flink::ParseMemorySize(written.value()).value().bytes, (1536 * kMiB).count);
}

TEST(FlinkDeploymentPatch, WritesTheMemoryWhereTheManifestHasIt) {
  const auto patched = [](const char* manager) {
    const auto manifest = evidence::FlinkFromManifest(
        std::string("apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\n"
                    "metadata: {name: orders}\nspec:\n  flinkVersion: v1_20\n  taskManager: ") +
            manager + "\n",
        "orders.yaml", {});
    EXPECT_TRUE(manifest.ok()) << manifest.error().Text();
    const std::string text = FlinkDeploymentPatch(Example(), PatchTargetOf(manifest.value()));
    return YAML::Load(text)["spec"]["taskManager"];
  };
  EXPECT_EQ(patched("{resource: {memory: 1g}}")["resource"]["memory"].as<std::string>(), "1536m");
  YAML::Node memory = patched("{resources: {requests: {memory: 1Gi}, limits: {memory: 1536Mi}}}");
  EXPECT_FALSE(memory["resource"]);
  EXPECT_EQ(memory["resources"]["requests"]["memory"].as<std::string>(), "1536Mi");
  EXPECT_EQ(memory["resources"]["limits"]["memory"].as<std::string>(), "2304Mi");
  memory = patched("{resources: {limits: {memory: 1Gi}}}")["resources"];
  EXPECT_FALSE(memory["requests"]);
  EXPECT_EQ(memory["limits"]["memory"].as<std::string>(), "1536Mi");
  memory = patched("{resources: {requests: {cpu: 1}}}")["resources"];
  EXPECT_EQ(memory["requests"]["memory"].as<std::string>(), "1536Mi");
  EXPECT_FALSE(memory["limits"]);
}

TEST(FlinkDeploymentPatch, LeavesAloneWhatDoesNotChange) {
  sizing::Proposal proposal = Example();
  proposal.changes.erase(proposal.changes.begin());
  EXPECT_FALSE(YAML::Load(FlinkDeploymentPatch(proposal, {}))["spec"]["taskManager"]);
  proposal.changes = {Example().changes[0]};
  const YAML::Node spec = YAML::Load(FlinkDeploymentPatch(proposal, {}))["spec"];
  EXPECT_FALSE(spec["flinkConfiguration"]);
  EXPECT_TRUE(spec["taskManager"]);
  // Removed: it is the configuration's then, and the operator has nothing to say.
  proposal.changes[0].new_value = "";
  const YAML::Node removed = YAML::Load(FlinkDeploymentPatch(proposal, {}))["spec"];
  EXPECT_FALSE(removed["taskManager"]);
  EXPECT_TRUE(removed["flinkConfiguration"]["taskmanager.memory.process.size"].IsNull());
  EXPECT_EQ(YAML::Load(FlinkDeploymentPatch(NoFit(), {})).size(), 0u);
}

// Bytes that are no text cannot stand in YAML.
std::string Utf8(std::string text) {
  while (!text.empty() && text.back() == '\xff') text.replace(text.size() - 1, 1, "\xEF\xBF\xBD");
  return text;
}

TEST(FlinkDeploymentPatch, NamesFromOutsideAreOnlyText) {
  const YAML::Node document =
      YAML::Load(FlinkDeploymentPatch(HostileExample(), {kHostile, "", {}}));
  ASSERT_EQ(document.size(), 1u);
  const YAML::Node flink = document["spec"]["flinkConfiguration"];
  EXPECT_EQ(flink.size(), 5u);
  EXPECT_EQ(flink[Utf8(kHostile)].as<std::string>(), Utf8(kHostile));
  EXPECT_TRUE(flink["evil.removed"].IsNull());
}

TEST(DeploymentPatch, SetsTheContainersMemoryAndTheWholeVariable) {
  PatchTarget target{"orders-tm", "flink", {}};
  target.flink_properties =
      "taskmanager.memory.process.size: 1024m\n  taskmanager.memory.managed.fraction : 0.4\n"
      "jobmanager.rpc.address: jm\n";
  const std::string text = DeploymentPatch(Example(), target);
  const YAML::Node containers = YAML::Load(text)["spec"]["template"]["spec"]["containers"];
  ASSERT_EQ(containers.size(), 1u);
  EXPECT_EQ(containers[0]["name"].as<std::string>(), "flink");
  EXPECT_EQ(containers[0]["resources"]["limits"]["memory"].as<std::string>(), "1536Mi");
  EXPECT_EQ(containers[0]["resources"]["requests"]["memory"].as<std::string>(), "1536Mi");
  ASSERT_EQ(containers[0]["env"].size(), 1u);
  EXPECT_EQ(containers[0]["env"][0]["name"].as<std::string>(), "FLINK_PROPERTIES");
  EXPECT_EQ(containers[0]["env"][0]["value"].as<std::string>(),
            "jobmanager.rpc.address: jm\n"
            "taskmanager.memory.process.size: 1536m\n"
            "taskmanager.memory.task.off-heap.size: 64m\n"
            "state.backend.rocksdb.memory.managed: true\n");
  EXPECT_THAT(text, HasSubstr("value: |"));
}

TEST(DeploymentPatch, AVariableOfAnyTextComesBack) {
  for (const std::string& before :
       {std::string("  indented: x\n\n\n"), std::string("tab\there: x\n"), std::string("a: \"b\n"),
        Utf8(kHostile) + "\n", std::string("\xC3\xA4: x\n"), std::string("a:\r\n")}) {
    const std::string text = DeploymentPatch(Example(), {"", "", before});
    const YAML::Node container = YAML::Load(text)["spec"]["template"]["spec"]["containers"][0];
    EXPECT_EQ(container["env"][0]["value"].as<std::string>().substr(0, before.size()), before);
    EXPECT_EQ(container["name"].as<std::string>(), "taskmanager");
  }
}

TEST(DeploymentPatch, WithoutTheVariableTheKeysAreForAConfigMap) {
  const std::string text = DeploymentPatch(Example(), {});
  EXPECT_FALSE(YAML::Load(text)["spec"]["template"]["spec"]["containers"][0]["env"]);
  EXPECT_THAT(text, HasSubstr("#   taskmanager.memory.process.size: 1536m\n"));
  EXPECT_THAT(text, HasSubstr("#   remove taskmanager.memory.managed.fraction\n"));
  EXPECT_EQ(YAML::Load(DeploymentPatch(NoFit(), {})).size(), 0u);
  EXPECT_EQ(YAML::Load(DeploymentPatch(HostileExample(), {kHostile, kHostile, {}})).size(), 1u);
  sizing::Proposal odd = Example();
  odd.backtest->limit = Bytes{1'500'000'001};
  EXPECT_THAT(DeploymentPatch(odd, {}), HasSubstr("\"1500000001\""));
}

// A limit that is cut beside a process that stays is a kill.
TEST(DeploymentPatch, OfWhatTheArgumentsSetThereIsNothingToApply) {
  PatchTarget target{"orders-tm", "flink", "jobmanager.rpc.address: jm\n"};
  target.arguments = {"taskmanager.memory.process.size"};
  const std::string text = DeploymentPatch(Example(), target);
  EXPECT_EQ(YAML::Load(text).size(), 0u);
  EXPECT_THAT(text, HasSubstr("#   -Dtaskmanager.memory.process.size=1536m\n"));
  EXPECT_THAT(text, HasSubstr("#   remove -Dtaskmanager.memory.managed.fraction\n"));
  EXPECT_THAT(text, HasSubstr("limit and request: 1536Mi"));
  target.arguments = {"taskmanager.numberOfTaskSlots"};
  EXPECT_TRUE(YAML::Load(DeploymentPatch(Example(), target))["spec"]);
}

TEST(PatchTarget, OnlyWhatTheImageReadsIsChanged) {
  const auto target = [](const char* container) {
    const auto manifest = evidence::FlinkFromManifest(
        std::string("apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: tm}\nspec:\n"
                    "  template:\n    spec:\n      containers:\n        - name: tm\n"
                    "          image: flink:1.20.3\n          env:\n"
                    "            - {name: FLINK_PROPERTIES, value: \"a: b\"}\n          ") +
            container + "\n",
        "tm.yaml", {});
    EXPECT_TRUE(manifest.ok()) << manifest.error().Text();
    return PatchTargetOf(manifest.value());
  };
  const PatchTarget usual = target("args: [taskmanager, -Dtaskmanager.memory.process.size=1728m]");
  EXPECT_EQ(usual.kind, "statefulset");
  EXPECT_EQ(usual.flink_properties, "a: b");
  EXPECT_EQ(usual.arguments, std::set<std::string>{"taskmanager.memory.process.size"});
  EXPECT_FALSE(target("command: [bin/taskmanager.sh, start-foreground]").flink_properties);
  EXPECT_TRUE(TakesPatch("StatefulSet"));
  for (const char* kind : {"Pod", "Job", "CronJob", "PodTemplate", ""})
    EXPECT_FALSE(TakesPatch(kind)) << kind;
}

TEST(PatchTarget, IsTheManifestsFlinkContainer) {
  const auto manifest = evidence::FlinkFromManifest(R"(apiVersion: apps/v1
kind: Deployment
metadata: {name: orders-tm}
spec:
  template:
    spec:
      containers:
        - {name: sidecar, image: envoy}
        - name: tm
          image: flink:1.20.3
          args: [taskmanager]
          env:
            - name: FLINK_PROPERTIES
              value: |
                taskmanager.memory.process.size: 1g
)",
                                                    "tm.yaml", {});
  ASSERT_TRUE(manifest.ok()) << manifest.error().Text();
  const PatchTarget target = PatchTargetOf(manifest.value());
  EXPECT_EQ(target.name, "orders-tm");
  EXPECT_EQ(target.container, "tm");
  EXPECT_EQ(target.flink_properties, "taskmanager.memory.process.size: 1g\n");
}

}  // namespace
}  // namespace wrackline::render
