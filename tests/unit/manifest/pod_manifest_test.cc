#include "analyzer/evidence/pod_manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace wrackline::evidence {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Example(const std::string& name) {
  std::ifstream file(std::string(WRACKLINE_MANIFEST_EXAMPLES) + "/" + name);
  EXPECT_TRUE(file) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

PodManifest Read(const std::string& text, const ManifestChoice& choice = {}) {
  Result<PodManifest> read = FlinkFromManifest(text, "m.yaml", choice);
  EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().Text());
  return read.ok() ? read.value() : PodManifest{};
}

TEST(PodManifest, ADeploymentWithItsConfigMap) {
  const PodManifest pod = Read(Example("scripts.yaml"));
  EXPECT_EQ(pod.kind, "Deployment");
  EXPECT_EQ(pod.name, "flink-taskmanager");
  EXPECT_EQ(pod.role, FlinkRole::kTaskManager);
  EXPECT_EQ(pod.starter, FlinkStarter::kScripts);
  EXPECT_EQ(pod.mode, flink::Mode::kStandalone);
  EXPECT_EQ(pod.version, (flink::Version{1, 18, 1}));
  ASSERT_TRUE(pod.container);
  EXPECT_EQ(pod.container->name, "taskmanager");
  ASSERT_EQ(pod.others.size(), 1u);
  EXPECT_EQ(pod.memory_limit->bytes, 1500 * kMiB);
  EXPECT_EQ(pod.memory_limit->text, "1500Mi");
  EXPECT_EQ(pod.memory_request->bytes, kGiB);
  EXPECT_EQ(pod.configuration.Get("taskmanager.memory.process.size"), "1728m");
  EXPECT_EQ(pod.configuration.Get("taskmanager.memory.managed.fraction"), "0.3");
  EXPECT_EQ(pod.Additions().Get("taskmanager.memory.process.size"), std::nullopt);
  EXPECT_EQ(pod.Additions().Get("taskmanager.memory.managed.fraction"), "0.3");
}

// What was asked for decides which of two files is read.
TEST(PodManifest, TheVersionAskedForWins) {
  const std::string text =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n"
      "  flink-conf.yaml: |\n    taskmanager.memory.process.size: 1g\n"
      "  config.yaml: |\n    taskmanager.memory.process.size: 2g\n---\n"
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"
      "  - {name: taskmanager, image: 'flink:1.20.1', args: [taskmanager]}\n";
  EXPECT_EQ(Read(text).configuration.Get("taskmanager.memory.process.size"), "1g");
  ManifestChoice choice;
  choice.version = flink::Version{2, 0, 0};
  EXPECT_EQ(Read(text, choice).configuration.Get("taskmanager.memory.process.size"), "2g");
}

// A company's own tag.
TEST(PodManifest, ATagBeyondAllVersionsIsNone) {
  const auto with = [](const std::string& image) {
    return Read(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"
        "  - {name: taskmanager, image: '" +
        image + "', args: [taskmanager]}\n");
  };
  EXPECT_EQ(with("registry/platform/flink:2.3.1").version, (flink::Version{2, 3, 1}));
  const PodManifest own = with("registry/platform/flink:3.4.1");
  EXPECT_FALSE(own.version.has_value());
  EXPECT_THAT(own.notes, Contains(HasSubstr("the image's tag 3.4.1")));
}

TEST(PodManifest, MergeKeysOfAFlinkDeploymentAreFollowed) {
  const PodManifest pod = Read(
      "common: &c {taskmanager.memory.process.size: 4g, taskmanager.numberOfTaskSlots: '4'}\n"
      "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {name: a}\nspec:\n"
      "  flinkVersion: v1_20\n  flinkConfiguration:\n    <<: *c\n"
      "    taskmanager.numberOfTaskSlots: '2'\n");
  EXPECT_EQ(pod.configuration.Get("taskmanager.memory.process.size"), "4g");
  EXPECT_EQ(pod.configuration.Get("taskmanager.numberOfTaskSlots"), "2");
}

// Keys repeat those around them: a document of some MiB would be gigabytes.
TEST(PodManifest, LongKeysDoNotMultiply) {
  std::string text =
      "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {name: a}\nspec:\n"
      "  flinkVersion: v1_20\n  flinkConfiguration:\n    ? " +
      std::string(1 << 20, 'k') + "\n    :\n";
  for (int i = 0; i < 1000; ++i) text += "      a" + std::to_string(i) + ": 1\n";
  EXPECT_LE(Read(text).settings.size(), 20u);
}

TEST(PodManifest, PlacesAreTheManifests) {
  const PodManifest pod = Read(Example("scripts.yaml"));
  const ManifestSetting* size = pod.Find("taskmanager.memory.process.size");
  ASSERT_NE(size, nullptr);
  EXPECT_EQ(size->key_at, (Spot{11, 5, 31}));
  EXPECT_EQ(size->value_at, (Spot{11, 38, 5}));
  ASSERT_EQ(pod.texts.size(), 1u);
  EXPECT_EQ(pod.texts[0].first_line, 9);
  EXPECT_EQ(pod.texts[0].indent, 4);
  EXPECT_EQ(pod.memory_limit->at, (Spot{69, 21, 6}));
}

TEST(PodManifest, AConfigMapCannotBeWrittenByTheEntryPoint) {
  const PodManifest pod = Read(Example("scripts.yaml"));
  EXPECT_EQ(pod.configuration.Get("taskmanager.numberOfTaskSlots"), "2");
  const auto ignored =
      std::find_if(pod.settings.begin(), pod.settings.end(), [](const ManifestSetting& setting) {
        return setting.source == ManifestSetting::Source::kEnvironment;
      });
  ASSERT_NE(ignored, pod.settings.end());
  EXPECT_THAT(ignored->ignored, HasSubstr("/opt/flink/conf is a ConfigMap"));
}

TEST(PodManifest, TheJobManagerOfTheSameFile) {
  const PodManifest pod = Read(Example("scripts.yaml"), {FlinkRole::kJobManager, {}, true});
  EXPECT_EQ(pod.name, "flink-jobmanager");
  EXPECT_FALSE(pod.memory_limit);
}

TEST(PodManifest, SecretsAreNotKept) {
  for (const char* name : {"scripts.yaml", "operator.yaml"}) {
    const PodManifest pod = Read(Example(name));
    EXPECT_EQ(pod.configuration.Get("s3.secret-key"), "hidden") << name;
    for (const ManifestConfigText& text : pod.texts)
      EXPECT_EQ(text.text.find("do-not-print"), std::string::npos);
  }
  const PodManifest pod = Read(
      "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: taskmanager\n    image: "
      "flink:1.20\n"
      "    args: [taskmanager, -Dmy.password=x]\n    env:\n    - {name: DB_PASSWORD, value: x}\n");
  EXPECT_EQ(pod.configuration.Get("my.password"), "hidden");
  ASSERT_NE(pod.container->FindVariable("DB_PASSWORD"), nullptr);
  EXPECT_FALSE(pod.container->FindVariable("DB_PASSWORD")->value);
}

TEST(PodManifest, FlinkDeployment) {
  const PodManifest pod = Read(Example("operator.yaml"));
  EXPECT_EQ(pod.starter, FlinkStarter::kOperator);
  EXPECT_EQ(pod.mode, flink::Mode::kContainerized);
  EXPECT_EQ(pod.version, (flink::Version{1, 20, 1}));
  EXPECT_EQ(pod.configuration.Get("taskmanager.memory.process.size"), "4294967296");
  EXPECT_EQ(pod.configuration.Get("jobmanager.memory.process.size"), "2 gb");
  EXPECT_EQ(pod.configuration.Get("taskmanager.memory.managed.fraction"), "0.5");
  EXPECT_EQ(pod.memory_limit->bytes, 4 * kGiB);
  EXPECT_EQ(pod.memory_limit->at, (Spot{33, 15, 3}));
  // The two pod templates are one.
  EXPECT_EQ(pod.container->FindVariable("MALLOC_ARENA_MAX")->value, "2");
  EXPECT_EQ(pod.container->FindVariable("MALLOC_CONF")->value, "narenas:2");
  ASSERT_NE(pod.VolumeAt("/tmp/rocksdb"), nullptr);
  EXPECT_EQ(pod.VolumeAt("/tmp/rocksdb")->kind, ManifestVolume::Kind::kMemory);
  EXPECT_EQ(pod.VolumeAt("/tmp/rocksdb")->size_limit->bytes, kGiB);
  EXPECT_EQ(pod.VolumeAt("/tmpfoo"), nullptr);
  EXPECT_THAT(pod.notes, IsEmpty());
}

std::string Deployment(const std::string& spec) {
  return "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {name: "
         "d}\nspec:\n" +
         spec;
}

TEST(PodManifest, FlinkDeploymentNestedAndWithLimits) {
  const PodManifest pod =
      Read(Deployment("  flinkVersion: v2_0\n"
                      "  flinkConfiguration:\n"
                      "    taskmanager:\n      memory:\n        managed: {fraction: 0.30}\n"
                      "    a.list: [x, 1]\n    b: yes\n    taskmanager.memory.process.size: 1g\n"
                      "  taskManager:\n    resource: {memory: 9g}\n"
                      "    resources: {requests: {memory: 2Gi}, limits: {memory: 3Gi}}\n"));
  EXPECT_EQ(pod.configuration.Get("taskmanager.memory.managed.fraction"), "0.3");
  EXPECT_EQ(pod.configuration.Get("a.list"), "x;1");
  EXPECT_EQ(pod.configuration.Get("b"), "true");
  EXPECT_EQ(pod.configuration.Get("taskmanager.memory.process.size"), "2147483648");
  EXPECT_EQ(pod.configuration.Get("kubernetes.taskmanager.memory.limit-factor"), "1.5");
  EXPECT_EQ(pod.memory_request->bytes, 2 * kGiB);
  EXPECT_EQ(pod.memory_limit->bytes, 3 * kGiB);
  EXPECT_THAT(pod.notes, Contains(HasSubstr("ignores resource")));
}

TEST(PodManifest, TheJobManagerOfAFlinkDeployment) {
  const PodManifest whole = Read(Example("operator.yaml"), {FlinkRole::kJobManager, {}, true});
  EXPECT_EQ(whole.memory_limit->bytes, 2 * kGiB);
  // 1 GiB of heap, 128 MiB off-heap, 256 MiB of metaspace, 192 MiB of overhead; half as much again.
  const PodManifest derived =
      Read(Deployment("  flinkVersion: v1_20\n  flinkConfiguration:\n"
                      "    jobmanager.memory.heap.size: 1g\n"
                      "    kubernetes.jobmanager.memory.limit-factor: '1.5'\n"),
           {FlinkRole::kJobManager, {}, true});
  EXPECT_EQ(derived.memory_request->bytes, 1600 * kMiB);
  EXPECT_EQ(derived.memory_limit->bytes, 2400 * kMiB);
}

TEST(PodManifest, FlinkDeploymentStandalone) {
  const PodManifest pod = Read(Deployment(
      "  mode: standalone\n  flinkVersion: v1_17\n  taskManager: {resource: {memory: 1g}}\n"));
  EXPECT_EQ(pod.starter, FlinkStarter::kOperatorStandalone);
  EXPECT_EQ(pod.mode, flink::Mode::kStandalone);
  EXPECT_EQ(pod.version, (flink::Version{1, 17, 0}));
}

TEST(PodManifest, APodOfTheNativeIntegration) {
  const PodManifest pod = Read(Example("native_pod.yaml"));
  EXPECT_EQ(pod.starter, FlinkStarter::kNative);
  EXPECT_EQ(pod.mode, flink::Mode::kContainerized);
  EXPECT_EQ(pod.memory_limit->bytes, 2 * kGiB);
  EXPECT_EQ(pod.configuration.Get("taskmanager.memory.managed.size"), "665719939b");
  ASSERT_TRUE(pod.container->last_end);
  EXPECT_EQ(pod.container->last_end->reason, "OOMKilled");
  EXPECT_EQ(pod.container->last_end->exit_code, 137);
  const auto memory = flink::DeriveTaskManagerMemory(pod.configuration, *pod.version, pod.mode);
  ASSERT_TRUE(memory.ok()) << memory.error().Text();
  EXPECT_EQ(memory.value().total_process, 2 * kGiB);
}

TEST(PodManifest, FlinkPropertiesByVersion) {
  const auto with = [](const std::string& image) {
    return Read(
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: t\n    image: " + image +
        "\n    args: [taskmanager]\n    env:\n    - name: FLINK_PROPERTIES\n      value: |\n"
        "        taskmanager.memory.process.size: 2 g\n        a.b:1\n");
  };
  EXPECT_EQ(with("flink:1.18").configuration.Get("taskmanager.memory.process.size"), "2 g");
  EXPECT_EQ(with("flink:1.18").configuration.Get("a.b"), std::nullopt);
  EXPECT_EQ(with("flink:1.20").configuration.Get("taskmanager.memory.process.size"), "2g");
  EXPECT_EQ(with("flink:1.20").configuration.Get("a.b"), "1");
}

TEST(PodManifest, AJsonListAsKubectlPrintsIt) {
  const PodManifest pod = Read(
      R"({"apiVersion":"v1","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},
      "spec":{"containers":[{"name":"tm","image":"corp/flink:1.19.3","args":["taskmanager"],
      "resources":{"limits":{"memory":"2000M"}}}]}}],"kind":"List"})");
  EXPECT_EQ(pod.name, "p");
  EXPECT_EQ(pod.version, (flink::Version{1, 19, 3}));
  EXPECT_EQ(pod.memory_limit->bytes, Bytes{2000000000});
  EXPECT_EQ(pod.memory_request->bytes, Bytes{2000000000});
}

TEST(PodManifest, OnlyAConfigMap) {
  const std::string map =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  config.yaml: |\n"
      "    taskmanager:\n      memory: {process.size: 1g}\n  flink-conf.yaml: \"a: 1\\nb: 2\\n\"\n";
  const PodManifest old_one = Read(map, {{}, flink::Version{1, 20, 0}, true});
  EXPECT_FALSE(old_one.container);
  EXPECT_EQ(old_one.configuration.Get("b"), "2");
  EXPECT_EQ(old_one.Find("b")->key_at, (Spot{8, 3, 15}));
  const PodManifest new_one = Read(map, {{}, flink::Version{2, 0, 0}, true});
  EXPECT_EQ(new_one.configuration.Get("taskmanager.memory.process.size"), "1g");
  EXPECT_EQ(new_one.Find("taskmanager.memory.process.size")->key_at.line, 7);
}

std::string Problem(const std::string& text, const ManifestChoice& choice = {}) {
  const Result<PodManifest> read = FlinkFromManifest(text, "m.yaml", choice);
  return read.ok() ? "" : read.error().Text();
}

TEST(PodManifest, Errors) {
  EXPECT_THAT(Problem(""), HasSubstr("no Kubernetes object"));
  EXPECT_THAT(Problem("a: [1\n"), HasSubstr("m.yaml:"));
  EXPECT_THAT(Problem("apiVersion: v1\nkind: Secret\ndata: {password: eA==}\n"),
              HasSubstr("no Kubernetes object"));
  EXPECT_THAT(Problem("apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: redis}]}\n"),
              HasSubstr("nothing of Flink"));
  EXPECT_THAT(
      Problem("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    resources:\n"
              "      limits: {memory: 2gb}\n"),
      HasSubstr("m.yaml:7:24: '2gb' is no quantity of Kubernetes (write 2G)"));
  EXPECT_THAT(Problem(Deployment("  taskManager: {resource: {memory: lots}}\n")),
              HasSubstr("m.yaml:5:36: Flink's operator refuses 'lots'"));
  const std::string twice =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  config.yaml: |\n    a: 1\n"
      "    a: 2\n";
  EXPECT_THAT(Problem(twice), HasSubstr("duplicate key a"));
  EXPECT_EQ(Read(twice, {{}, {}, false}).texts.size(), 1u);
}

TEST(PodManifest, LooksLikeOne) {
  EXPECT_TRUE(LooksLikeManifest(Example("operator.yaml")));
  EXPECT_TRUE(LooksLikeManifest("{\"apiVersion\":\"v1\",\n\"kind\":\"Pod\"}"));
  EXPECT_FALSE(LooksLikeManifest("taskmanager.memory.process.size: 1g\nkind: x\n"));
  EXPECT_FALSE(LooksLikeManifest("a:\n  apiVersion: v1\n  kind: x\n"));
  EXPECT_FALSE(LooksLikeManifest(""));
}

}  // namespace
}  // namespace wrackline::evidence
