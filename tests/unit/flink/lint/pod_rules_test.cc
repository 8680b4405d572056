// The rules about pods where their boundaries and places matter; rules_test has each one's examples.
#include <gmock/gmock.h>

#include "analyzer/evidence/pod_manifest.h"
#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kPod =
    "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n"
    "    image: flink:1.20.1\n    args: [taskmanager]\n";

LintReport LintPod(const std::string& manifest, const std::string& config, bool alone = false) {
  Result<evidence::PodManifest> pod =
      evidence::FlinkFromManifest(manifest, "pod.yaml", {{}, {}, false});
  EXPECT_TRUE(pod.ok()) << (pod.ok() ? "" : pod.error().Text());
  if (!pod.ok()) return {};
  LintInput input;
  input.text = alone ? manifest : config;
  input.file = alone ? "pod.yaml" : "flink-conf.yaml";
  input.manifest = alone;
  input.pod = &pod.value();
  input.mode = pod.value().mode;
  if (pod.value().version) input.version = *pod.value().version;
  input.additions = pod.value().Additions();
  return Lint(input, {});
}

std::string Limits(const std::string& limit, const std::string& request) {
  return kPod + "    resources:\n      limits: {memory: " + limit +
         "}\n      requests: {memory: " + request + "}\n";
}

TEST(PodRules, LimitAndProcessSize) {
  const auto at = [](const std::string& limit, const std::string& process) {
    return LintPod(Limits(limit, limit), "taskmanager.memory.process.size: " + process + "\n");
  };
  EXPECT_THAT(Of(at("4Gi", "4g"), "limit-below-process"), IsEmpty());
  const auto found = Of(at("4Gi", "4097m"), "limit-below-process");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].at, (Location{"pod.yaml", 9, 24, 3}));
  EXPECT_THAT(found[0].fix, HasSubstr("4097Mi, or taskmanager.memory.process.size to 4096m"));
  EXPECT_THAT(Of(at("4Gi", "3072m"), "limit-far-above-process"), IsEmpty());
  EXPECT_EQ(Of(at("4Gi", "3071m"), "limit-far-above-process").size(), 1u);
  // A small pod's slack is a large part of it.
  EXPECT_THAT(Of(at("1500Mi", "1g"), "limit-far-above-process"), IsEmpty());
}

// 3 GiB of Flink's memory are 3.72 GiB of process.
TEST(PodRules, APodThatHoldsFlinkSizeAndTheRestIsRight) {
  const std::string config = "taskmanager.memory.flink.size: 3g\n";
  EXPECT_THAT(Summary(LintPod(Limits("4Gi", "4Gi"), config)), IsEmpty());
  EXPECT_THAT(Summary(LintPod(Limits("3Gi", "3Gi"), config)),
              ElementsAre("9:24 limit-below-process"));
}

std::string Deployment(const std::string& spec) {
  return "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {name: a}\nspec:\n"
         "  flinkVersion: v1_20\n" +
         spec;
}

// Its limit is made of the process size, in whole MiB.
TEST(PodRules, APodThatFlinkMakesIsNotBelowItsProcess) {
  const std::string of_flink_size =
      Deployment("  flinkConfiguration: {taskmanager.memory.flink.size: 4g}\n");
  EXPECT_THAT(Of(LintPod(of_flink_size, "", true), "limit-below-process"), IsEmpty());
}

TEST(PodRules, KeysOfAFlinkDeploymentAreFound) {
  const auto found = Of(LintPod(Deployment("  flinkConfiguration:\n"
                                           "    taskmanager.memory.process.size: 4g\n"
                                           "    taskmanager.memory.managed.size: 1g\n"
                                           "    taskmanager.memory.managed.fraction: \"0.6\"\n"),
                                "", true),
                        "ignored-key");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].at.line, 9);
  EXPECT_GT(found[0].at.column, 0);
}

// The sizes may be in the image's own file, or in a ConfigMap that was not given.
TEST(PodRules, WhatIsNotInTheManifestIsNotMissing) {
  EXPECT_THAT(Of(LintPod(kPod, "", true), "refused"), IsEmpty());
  const std::string wrong =
      kPod +
      "    env: [{name: FLINK_PROPERTIES, value: \"taskmanager.memory.process.size: 1m\"}]\n";
  EXPECT_EQ(Of(LintPod(wrong, "", true), "refused").size(), 1u);
}

// A JobManager's manifest says nothing of a TaskManager's sizes.
TEST(PodRules, AJobManagerAloneIsNotRefused) {
  std::string pod = kPod;
  pod.replace(pod.find("name: taskmanager"), 17, "name: jobmanager");
  pod.replace(pod.find("[taskmanager]"), 13,
              "[standalone-job, -Djobmanager.memory.process.size=1600m]");
  EXPECT_THAT(Of(LintPod(pod, "", true), "refused"), IsEmpty());
}

// The mistake of an upgrade: the ConfigMap still has the old file.
TEST(PodRules, AFileThatThisVersionDoesNotReadIsNamed) {
  std::string pod = kPod;
  pod.replace(pod.find("flink:1.20.1"), 12, "flink:2.0.1");
  const std::string manifest =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  flink-conf.yaml: |\n"
      "    taskmanager.memory.process.size: 4g\n---\n" +
      pod;
  const LintReport report = LintPod(manifest, "", true);
  EXPECT_EQ(Of(report, "wrong-file").size(), 1u);
  EXPECT_THAT(Of(report, "refused"), IsEmpty());
}

// Flink never sees a value that another one replaces.
TEST(PodRules, AValueThatIsOverriddenIsOnlyAWarning) {
  const std::string manifest =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  flink-conf.yaml: |\n"
      "    taskmanager.memory.process.size: 4g\n    taskmanager.numberOfTaskSlots: ${SLOTS}\n"
      "---\n" +
      kPod;
  const auto plain = Of(LintPod(manifest, "", true), "unparsable-value");
  ASSERT_EQ(plain.size(), 1u);
  EXPECT_EQ(plain[0].severity, Severity::kError);
  std::string with = manifest;
  with.replace(with.find("[taskmanager]"), 13, "[taskmanager, -Dtaskmanager.numberOfTaskSlots=2]");
  const auto overridden = Of(LintPod(with, "", true), "unparsable-value");
  ASSERT_EQ(overridden.size(), 1u);
  EXPECT_EQ(overridden[0].severity, Severity::kWarning);
}

TEST(PodRules, TheImagesEntryPointBehindAShell) {
  std::string pod = kPod;
  pod +=
      "    command: [bash, -c, \"cp /x lib/; exec /docker-entrypoint.sh taskmanager\"]\n"
      "    env: [{name: FLINK_PROPERTIES, value: \"taskmanager.memory.process.size: 4g\"}]\n";
  const LintReport report = LintPod(pod, "", true);
  EXPECT_THAT(Of(report, "properties-ignored"), IsEmpty());
  EXPECT_THAT(Of(report, "glibc-arenas"), IsEmpty());
}

TEST(PodRules, AnotherProgramsConfFolderIsNotFlinks) {
  const auto with = [](const std::string& path) {
    const std::string pod =
        kPod +
        "    env: [{name: FLINK_PROPERTIES, value: \"taskmanager.memory.process.size: 4g\"}]\n"
        "    volumeMounts: [{name: c, mountPath: " +
        path + "}]\n  volumes: [{name: c, configMap: {name: c}}]\n";
    return Of(LintPod(pod, "", true), "properties-ignored").size();
  };
  EXPECT_EQ(with("/etc/hadoop/conf"), 0u);
  EXPECT_EQ(with("/opt/flink/conf"), 1u);
}

TEST(PodRules, AHistoryServerIsNoTaskManager) {
  const std::string history =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: history}\nspec:\n  containers:\n"
      "  - name: history\n    image: flink:1.20.1\n    args: [history-server]\n---\n";
  Result<evidence::PodManifest> pod =
      evidence::FlinkFromManifest(history + kPod, "pods.yaml", {{}, {}, false});
  ASSERT_TRUE(pod.ok());
  ASSERT_TRUE(pod.value().container.has_value());
  EXPECT_EQ(pod.value().container->name, "taskmanager");
}

TEST(PodRules, AManifestMayHaveAnyName) {
  Result<evidence::PodManifest> pod = evidence::FlinkFromManifest(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  flink-conf.yaml: |\n"
      "    taskmanager.memory.process.size: 4g\n",
      "config.yaml", {{}, ParseVersion("1.18.0").value(), false});
  ASSERT_TRUE(pod.ok());
  LintInput input;
  input.file = "config.yaml";
  input.manifest = true;
  input.pod = &pod.value();
  input.version = ParseVersion("1.18.0").value();
  EXPECT_THAT(Of(Lint(input, {}), "wrong-file"), IsEmpty());
}

TEST(PodRules, ArgumentsCountBesideTheFile) {
  std::string pod = Limits("4Gi", "4Gi");
  pod.replace(pod.find("[taskmanager]"), 13, "[taskmanager, -Dtaskmanager.memory.process.size=5g]");
  EXPECT_EQ(Of(LintPod(pod, "taskmanager.memory.process.size: 2g\n"), "limit-below-process").size(),
            1u);
}

TEST(PodRules, Requests) {
  const std::string config = "taskmanager.memory.process.size: 4g\n";
  EXPECT_THAT(Of(LintPod(Limits("4Gi", "4096Mi"), config), "request-below-limit"), IsEmpty());
  EXPECT_EQ(Of(LintPod(Limits("4Gi", "4095Mi"), config), "request-below-limit")[0].severity,
            Severity::kWarning);
  EXPECT_EQ(Of(LintPod(Limits("4Gi", "5Gi"), config), "request-below-limit")[0].severity,
            Severity::kError);
}

TEST(PodRules, Allocators) {
  const auto with = [](const std::string& variables, const std::string& command = "") {
    return Of(LintPod(kPod + command + "    env: [" + variables + "]\n",
                      "taskmanager.memory.process.size: 4g\n"),
              "glibc-arenas")
        .size();
  };
  EXPECT_EQ(with(""), 0u);
  EXPECT_EQ(with("{name: DISABLE_JEMALLOC, value: 'false'}"), 0u);
  EXPECT_EQ(with("{name: DISABLE_JEMALLOC, value: 'true'}"), 1u);
  EXPECT_EQ(with("{name: DISABLE_JEMALLOC, value: 'true'}, "
                 "{name: LD_PRELOAD, value: /usr/lib/libtcmalloc.so}"),
            0u);
  EXPECT_EQ(with("", "    command: [/opt/flink/bin/taskmanager.sh, start-foreground]\n"), 1u);
  EXPECT_EQ(with("", "    command: [/docker-entrypoint.sh]\n"), 0u);
}

TEST(PodRules, FoldersInMemory) {
  const auto with = [](const std::string& path, const std::string& config) {
    return Of(LintPod(kPod + "    volumeMounts: [{name: m, mountPath: " + path +
                          "}]\n  volumes: [{name: m, emptyDir: {medium: Memory}}]\n",
                      "taskmanager.memory.process.size: 4g\n" + config),
              "files-in-memory")
        .size();
  };
  EXPECT_EQ(with("/tmp", ""), 1u);  // io.tmp.dirs
  EXPECT_EQ(with("/tmp", "io.tmp.dirs: /data\n"), 0u);
  EXPECT_EQ(with("/dumps", "env.java.opts.all: -XX:HeapDumpPath=/dumps/heap.hprof\n"), 1u);
  EXPECT_EQ(with("/data", "state.backend.rocksdb.localdir: /data1,/data\n"), 1u);
}

TEST(PodRules, AManifestAlone) {
  const std::string manifest =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  flink-conf.yaml: |\n"
      "    taskmanager.memory.process.size: 4g\n    taskmanager.memory.heap.size: 2g\n---\n" +
      Limits("4Gi", "4Gi");
  EXPECT_THAT(Summary(LintPod(manifest, "", true)), Contains("7:5 unknown-key"));
}

TEST(PodRules, AFlinkDeploymentAlone) {
  const std::string manifest =
      "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {name: d}\nspec:\n"
      "  flinkVersion: v1_20\n  flinkConfiguration:\n"
      "    taskmanager.memory.process.size: 8g\n    taskmanager.memory.managed.fractio: '0.3'\n"
      "  taskManager: {resource: {memory: 4g, cpu: 1}}\n";
  const LintReport report = LintPod(manifest, "", true);
  EXPECT_THAT(Summary(report), Contains("7:5 operator-overrides"));
  EXPECT_THAT(Summary(report), Contains("8:5 unknown-key"));
}

TEST(PodRules, AConfigMapThatFlinkRefuses) {
  const std::string manifest =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  config.yaml: |\n"
      "    a: 1\n    a: 2\n";
  EXPECT_THAT(Summary(LintPod(manifest, "", true)), ElementsAre("7:5 file-refused"));
}

}  // namespace
}  // namespace wrackline::flink::lint
