// From JvmFacts and JvmSamples to the ledger's lines and the report; and a killed VM's counters in their place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/evidence/hsperfdata.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/render/json.h"
#include "analyzer/render/text.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline {
namespace {

using ::testing::HasSubstr;
using testing::kEpoch;
using testing::kMi;
using testing::kSecond;
using ::testing::Not;
using testing::RecordingBuilder;

proto::JvmSample& Sample(RecordingBuilder& builder, std::uint64_t second) {
  proto::Record& record = builder.recording().jvm_samples.emplace_back();
  record.set_time_ns(kEpoch + second * kSecond);
  record.mutable_jvm_sample()->set_monotonic_ns(second * kSecond);
  return *record.mutable_jvm_sample();
}

void Resident(proto::JvmSample& sample, proto::JvmResident::Kind kind, std::uint64_t anonymous,
              std::uint64_t shared = 0) {
  proto::JvmResident& resident = *sample.add_resident();
  resident.set_kind(kind);
  resident.set_anonymous(anonymous);
  resident.set_shared(shared);
  resident.set_mapped(anonymous + shared);
}

evidence::Evidence EvidenceOf(RecordingBuilder& builder) {
  return evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
}

ledger::Ledger LedgerOf(RecordingBuilder& builder) {
  const std::optional<ledger::Ledger> ledger = ledger::BuildLedger(EvidenceOf(builder));
  EXPECT_TRUE(ledger.has_value());
  EXPECT_EQ(ledger->Sum() + ledger->unexplained, ledger->total);
  return *ledger;
}

std::int64_t Mebibytes(const ledger::Ledger& ledger, const std::string& id) {
  for (const ledger::Line& line : ledger.lines) {
    if (line.id == id) return line.amount.count / (1 << 20);
  }
  return -1;
}

bool HasNote(const ledger::Ledger& ledger, const std::string& text) {
  return std::any_of(ledger.notes.begin(), ledger.notes.end(),
                     [&](const std::string& note) { return note.find(text) != std::string::npos; });
}

TEST(JvmLedger, EachKindHasItsLineAndUnexplainedCloses) {
  RecordingBuilder builder;
  builder.Charge(10, 300 * kMi, 350 * kMi);
  builder.recording().jvm_facts.emplace().set_max_heap(256 * kMi);
  proto::JvmSample& sample = Sample(builder, 10);
  Resident(sample, proto::JvmResident::HEAP, 150 * kMi);
  Resident(sample, proto::JvmResident::METASPACE, 40 * kMi);
  Resident(sample, proto::JvmResident::CLASS_SPACE, 5 * kMi);
  Resident(sample, proto::JvmResident::CODE_CACHE, 30 * kMi);
  Resident(sample, proto::JvmResident::THREAD_STACKS, 8 * kMi);
  Resident(sample, proto::JvmResident::CLASS_ARCHIVE, 12 * kMi);
  Resident(sample, proto::JvmResident::OTHER, 25 * kMi);
  const ledger::Ledger ledger = LedgerOf(builder);
  EXPECT_EQ(Mebibytes(ledger, "jvm.heap"), 150);
  EXPECT_EQ(Mebibytes(ledger, "jvm.metaspace"), 45);
  EXPECT_EQ(Mebibytes(ledger, "jvm.code_cache"), 30);
  EXPECT_EQ(Mebibytes(ledger, "jvm.thread_stacks"), 8);
  EXPECT_EQ(Mebibytes(ledger, "jvm.class_archive"), 12);
  EXPECT_EQ(Mebibytes(ledger, "jvm.other"), 25);
  EXPECT_EQ(ledger.unexplained, 30 * kMiB);
  EXPECT_EQ(ledger.Of(ledger::Holder::kJvm), 270 * kMiB);
  EXPECT_FALSE(HasNote(ledger, "resident memory"));
}

TEST(JvmLedger, DirectBuffersAreMallocsAndHaveNoLine) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  builder.Live({"Unsafe_AllocateMemory0"}, 64 * kMi, 64 * kMi);
  proto::JvmSample& sample = Sample(builder, 10);
  sample.set_direct_used(64 * kMi);
  Resident(sample, proto::JvmResident::HEAP, 20 * kMi);
  const ledger::Ledger ledger = LedgerOf(builder);
  EXPECT_EQ(ledger.Sum(), 84 * kMiB);
  EXPECT_EQ(ledger.unexplained, 16 * kMiB);
}

TEST(JvmLedger, ZgcsHeapIsTakenOutOfSharedMemory) {
  RecordingBuilder builder;
  proto::TimelineSample& tick = builder.Charge(10, 300 * kMi, 350 * kMi);
  tick.mutable_cgroup()->set_anon(60 * kMi);
  tick.mutable_cgroup()->set_file(240 * kMi);
  tick.mutable_cgroup()->set_shmem(210 * kMi);
  Resident(Sample(builder, 10), proto::JvmResident::HEAP, 0, 200 * kMi);
  const ledger::Ledger ledger = LedgerOf(builder);
  EXPECT_EQ(Mebibytes(ledger, "jvm.heap"), 200);
  EXPECT_EQ(Mebibytes(ledger, "file.shmem"), 10);
  EXPECT_EQ(Mebibytes(ledger, "file.page_cache"), 30);
  EXPECT_EQ(ledger.unexplained, 60 * kMiB);
}

TEST(JvmLedger, SharedHeapIsNeverMoreThanTheKernelsSharedMemory) {
  RecordingBuilder builder;
  proto::TimelineSample& tick = builder.Charge(10, 300 * kMi, 350 * kMi);
  tick.mutable_cgroup()->set_anon(190 * kMi);
  tick.mutable_cgroup()->set_file(110 * kMi);
  tick.mutable_cgroup()->set_shmem(100 * kMi);
  Resident(Sample(builder, 10), proto::JvmResident::HEAP, 0, 200 * kMi);
  const ledger::Ledger ledger = LedgerOf(builder);
  EXPECT_EQ(Mebibytes(ledger, "jvm.heap"), 100);
  EXPECT_EQ(Mebibytes(ledger, "file.shmem"), -1);
}

TEST(JvmLedger, AnOlderReadingIsUsedAndSaysSo) {
  RecordingBuilder builder;
  builder.Charge(1, 100 * kMi, 350 * kMi);
  builder.Charge(10, 200 * kMi, 350 * kMi);
  Resident(Sample(builder, 2), proto::JvmResident::HEAP, 50 * kMi);
  Sample(builder, 9).set_heap_used(70 * kMi);  // without resident bytes
  const ledger::Ledger ledger = LedgerOf(builder);
  EXPECT_EQ(Mebibytes(ledger, "jvm.heap"), 50);
  EXPECT_TRUE(HasNote(ledger, "read 8 s before"));
}

TEST(JvmLedger, AReadingAfterTheLastTickMayBeNearer) {
  RecordingBuilder builder;
  builder.Charge(9, 100 * kMi, 350 * kMi);
  Resident(Sample(builder, 5), proto::JvmResident::HEAP, 50 * kMi);
  Resident(Sample(builder, 10), proto::JvmResident::HEAP, 60 * kMi);
  const ledger::Ledger ledger = LedgerOf(builder);
  EXPECT_EQ(Mebibytes(ledger, "jvm.heap"), 60);
  EXPECT_FALSE(HasNote(ledger, "resident memory"));
}

TEST(JvmLedger, WithoutResidentBytesThereIsNoLineOfZero) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  Sample(builder, 9).set_heap_used(70 * kMi);
  const ledger::Ledger ledger = LedgerOf(builder);
  EXPECT_EQ(Mebibytes(ledger, "jvm.heap"), -1);
  EXPECT_EQ(ledger.unexplained, 100 * kMiB);
  EXPECT_TRUE(HasNote(ledger, "not read"));
}

TEST(JvmLedger, AtThePeakTheReadingOfThenCounts) {
  RecordingBuilder builder;
  builder.Charge(5, 300 * kMi, 350 * kMi);
  builder.Charge(10, 20 * kMi, 350 * kMi);
  builder.recording().exit.emplace().mutable_exit()->set_kind(proto::Exit::CLEAN);
  Resident(Sample(builder, 4), proto::JvmResident::HEAP, 200 * kMi);
  Resident(Sample(builder, 10), proto::JvmResident::HEAP, 10 * kMi);
  const ledger::Ledger ledger = LedgerOf(builder);
  EXPECT_EQ(ledger.moment, ledger::When::kPeak);
  EXPECT_EQ(Mebibytes(ledger, "jvm.heap"), 200);
}

void Whole(RecordingBuilder& builder) {
  builder.Charge(10, 300 * kMi, 350 * kMi);
  proto::JvmFacts& facts = builder.recording().jvm_facts.emplace();
  facts.set_vm_name("OpenJDK 64-Bit Server VM");
  facts.set_java_version("17.0.1");
  facts.set_collector("G1");
  facts.set_max_heap(256 * kMi);
  facts.set_compressed_class_space(1024 * kMi);
  proto::JvmSample& sample = Sample(builder, 8);
  sample.set_heap_used(100 * kMi);
  sample.set_heap_committed(200 * kMi);
  sample.set_heap_used_after_collection(80 * kMi);
  sample.set_metaspace_used(50 * kMi);
  sample.set_class_space_used(6 * kMi);
  sample.set_direct_used(30 * kMi);
  sample.set_direct_buffers(3);
  sample.set_direct_max(64 * kMi);
  sample.set_threads(77);
  sample.set_classes_loaded(12345);
  sample.set_collections(9);
  sample.set_native_committed(400 * kMi);
  proto::JvmPool& pool = *sample.add_pools();
  pool.set_name("eden space");
  pool.set_heap(true);
  pool.set_used(20 * kMi);
  proto::JvmNativeMemory& category = *sample.add_native_memory();
  category.set_category("GC");
  category.set_committed(40 * kMi);
  Resident(sample, proto::JvmResident::HEAP, 150 * kMi);
}

TEST(JvmReport, TextSaysWhatTheVmHeld) {
  RecordingBuilder builder;
  Whole(builder);
  const std::string text =
      render::RenderText(report::BuildReport(EvidenceOf(builder), std::nullopt),
                         {.width = 160, .colour = false, .utf8 = false});
  EXPECT_THAT(text, HasSubstr("The JVM at the end: 2.0 s before the last record"));
  EXPECT_THAT(text, HasSubstr("OpenJDK 64-Bit Server VM, Java 17.0.1, collector G1"));
  EXPECT_THAT(text,
              HasSubstr("heap: 100.0 MiB used (80.0 MiB after the last collection), 200.0 MiB "
                        "committed, 256.0 MiB at most"));
  EXPECT_THAT(text, HasSubstr("heap by part: eden space 20.0 MiB"));
  EXPECT_THAT(text, HasSubstr("metaspace: 50.0 MiB used; of it class space 6.0 MiB of 1.00 GiB; no "
                              "MaxMetaspaceSize"));
  EXPECT_THAT(text, HasSubstr("direct buffers: 30.0 MiB of 64.0 MiB in 3"));
  EXPECT_THAT(text, HasSubstr("77 threads that run Java, 12345 classes, 9 collections"));
  EXPECT_THAT(text, HasSubstr("Native Memory Tracking: 400.0 MiB committed: GC 40.0 MiB"));
  EXPECT_THAT(text, HasSubstr("Java heap"));
  RecordingBuilder none;
  none.Charge(10, 300 * kMi, 350 * kMi);
  EXPECT_THAT(render::RenderText(report::BuildReport(EvidenceOf(none), std::nullopt),
                                 {.width = 160, .colour = false, .utf8 = false}),
              Not(HasSubstr("JVM")));
}

TEST(JvmReport, Json) {
  RecordingBuilder builder;
  Whole(builder);
  const auto json = nlohmann::json::parse(
      render::RenderJson(report::BuildReport(EvidenceOf(builder), std::nullopt)));
  EXPECT_EQ(json.at("/jvm/collector"_json_pointer), "G1");
  EXPECT_EQ(json.at("/jvm/last/heap_used"_json_pointer), 100 * kMi);
  EXPECT_EQ(json.at("/jvm/last/pools/0/name"_json_pointer), "eden space");
  EXPECT_FALSE(json.at("/jvm/last/pools/0"_json_pointer).contains("committed"));
  EXPECT_EQ(json.at("/jvm/last/native_memory/0/committed"_json_pointer), 40 * kMi);
  EXPECT_EQ(json.at("/jvm/resident/0/heap"_json_pointer), 150 * kMi);
  EXPECT_EQ(json.at("/ledger/lines/0/holder"_json_pointer), "jvm");
}

std::string Data(const std::string& name) {
  std::ifstream file(std::string(WRACKLINE_TEST_DATA) + "/jvm/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Hsperfdata, OfARealVmThatWasKilled) {
  for (const auto& [name, java] :
       {std::pair("hsperfdata_17_g1", "17.0.21.1"), std::pair("hsperfdata_25_g1", "25.0.3")}) {
    const std::optional<evidence::Jvm> jvm = evidence::JvmFromHsperfdata(Data(name));
    ASSERT_TRUE(jvm.has_value()) << name;
    EXPECT_EQ(jvm->origin, "hsperfdata");
    EXPECT_EQ(jvm->collector, "G1");
    EXPECT_EQ(jvm->java_version, java);
    ASSERT_NE(jvm->Last(), nullptr);
    const evidence::JvmFigures& figures = *jvm->Last();
    EXPECT_GT(figures.heap_used->count, 50 << 20) << name;
    EXPECT_EQ(figures.heap_committed->count >> 20, 256) << name;
    EXPECT_EQ(figures.threads, 6u) << name;
    EXPECT_EQ(figures.collections, 5u) << name;
    EXPECT_GT(figures.metaspace_committed->count, 64 << 10);
    EXPECT_GT(*figures.classes_loaded, 300u);
    // Within the second and a half that it ran.
    const auto began = evidence::Time(std::chrono::seconds(1795871195));
    EXPECT_GT(figures.time, began) << name;
    EXPECT_LT(figures.time, began + std::chrono::seconds(5)) << name;
  }
}

TEST(Hsperfdata, OtherFilesAreRefused) {
  EXPECT_FALSE(evidence::JvmFromHsperfdata("").has_value());
  EXPECT_FALSE(evidence::JvmFromHsperfdata(std::string(32768, '\0')).has_value());
  EXPECT_FALSE(evidence::ReadHsperfdata("/nowhere/at/all").ok());
}

TEST(Hsperfdata, TheVmsOwnWordComesFirst) {
  const std::optional<evidence::Jvm> file = evidence::JvmFromHsperfdata(Data("hsperfdata_17_g1"));
  ASSERT_TRUE(file.has_value());
  evidence::Evidence evidence;
  evidence::AddHsperfdata(*file, &evidence);
  EXPECT_EQ(evidence.jvm->origin, "hsperfdata");

  RecordingBuilder builder;
  Whole(builder);
  evidence = EvidenceOf(builder);
  evidence::AddHsperfdata(*file, &evidence);
  EXPECT_EQ(evidence.jvm->Last()->heap_used, 100 * kMiB);

  builder.recording().jvm_samples.clear();
  evidence = EvidenceOf(builder);
  evidence::AddHsperfdata(*file, &evidence);
  EXPECT_EQ(evidence.jvm->java_version, "17.0.1");
  EXPECT_EQ(evidence.jvm->origin, "hsperfdata");
  EXPECT_EQ(evidence.jvm->Last()->threads, 6u);
}

TEST(Hsperfdata, IsFoundBesideTheRecording) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(::testing::TempDir()) / "wrackline_hsperfdata";
  fs::create_directories(folder / "hsperfdata_flink");
  std::ofstream(folder / "hsperfdata_flink" / "42") << "x";
  EXPECT_EQ(evidence::HsperfdataBeside((folder / "a.wrack").string(), 42),
            (folder / "hsperfdata_flink" / "42").string());
  EXPECT_EQ(evidence::HsperfdataBeside((folder / "a.wrack").string(), 43), "");
  fs::remove_all(folder);
}

}  // namespace
}  // namespace wrackline
