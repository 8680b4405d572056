// The allocator's figures from the recording to the ledger, the finding and the report.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analyzer/diagnosis/allocator_facts.h"
#include "analyzer/evidence/from_recording.h"
#include "analyzer/render/json.h"
#include "analyzer/render/text.h"
#include "analyzer/report/report.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kMi;
using ::testing::Not;
using testing::RecordingBuilder;

report::Report Of(RecordingBuilder& builder) {
  return report::BuildReport(evidence::EvidenceFromRecording(builder.recording(), std::nullopt),
                             std::nullopt);
}

std::optional<Bytes> Amount(const report::Report& report, const std::string& id) {
  for (const ledger::Line& line : report.ledger->lines)
    if (line.id == id) return line.amount;
  return std::nullopt;
}

const diagnosis::Finding* Retention(const report::Report& report) {
  const auto& findings = report.diagnosis.findings;
  const auto found = std::find_if(findings.begin(), findings.end(), [](const auto& finding) {
    return finding.rule == "allocator_retention";
  });
  return found == findings.end() ? nullptr : &*found;
}

std::vector<std::string> Facts(const report::Report& report) {
  return diagnosis::AllocatorFacts(report.evidence.process, *report.Allocator());
}

// 300 MiB charged; each allocator below holds 100 MiB for the program and 150 MiB or more beyond.
proto::AllocatorMemory& Tick(RecordingBuilder& builder, const char* allocator) {
  builder.process().set_allocator(allocator);
  builder.process().set_online_cpus(64);
  builder.process().set_usable_cpus(64);
  proto::AllocatorMemory& memory = *builder.Charge(10, 300 * kMi, 350 * kMi).mutable_allocator();
  memory.set_monotonic_ns(10 * testing::kSecond);
  return memory;
}

proto::AllocatorMemory& Jemalloc(RecordingBuilder& builder) {
  proto::AllocatorMemory& memory = Tick(builder, "jemalloc 5.3.0-0-g54eaed1d8b56");
  memory.set_in_use(100 * kMi);
  memory.set_active(120 * kMi);
  memory.set_free_in_heap(20 * kMi);
  memory.set_dirty(140 * kMi);
  memory.set_metadata(5 * kMi);
  memory.set_resident(265 * kMi);
  memory.set_retained(1000 * kMi);
  memory.set_thread_caches(2 * kMi);
  memory.set_dirty_decay_ms(10'000);
  memory.set_background_thread(false);
  memory.set_arenas(256);
  memory.set_arenas_made(40);
  return memory;
}

proto::AllocatorMemory& Glibc(RecordingBuilder& builder) {
  proto::AllocatorMemory& memory = Tick(builder, "glibc 2.36");
  memory.set_in_use(100 * kMi);
  memory.set_free_in_heap(150 * kMi);
  memory.set_arenas_made(33);
  memory.set_heaps(40);
  memory.set_heaps_mapped(240 * kMi);
  memory.set_heaps_resident(200 * kMi);
  return memory;
}

proto::AllocatorMemory& Tcmalloc(RecordingBuilder& builder) {
  proto::AllocatorMemory& memory = Tick(builder, "tcmalloc, gperftools 2.10");
  memory.set_in_use(100 * kMi);
  memory.set_heap_size(1000 * kMi);
  memory.set_page_heap_free(120 * kMi);
  memory.set_central_cache(20 * kMi);
  memory.set_transfer_cache(10 * kMi);
  memory.set_thread_caches(30 * kMi);
  memory.set_page_heap_unmapped(720 * kMi);
  return memory;
}

TEST(AllocatorLedger, JemallocsThreadCachesAreALineAndNoRounding) {
  RecordingBuilder builder;
  Jemalloc(builder);
  builder.Live({"work"}, 90 * kMi, 90 * kMi);
  const report::Report report = Of(builder);
  EXPECT_EQ(Amount(report, "allocator.thread_caches"), 2 * kMiB);
  EXPECT_EQ(Amount(report, "allocator.free"), 160 * kMiB);
  EXPECT_EQ(Amount(report, "allocator.rounding"), 8 * kMiB);  // 100 in use, 90 sampled, 2 cached
}

TEST(AllocatorLedger, SampledObjectsThatTheShimPlacedAreNotInTheAllocator) {
  RecordingBuilder builder;
  Tcmalloc(builder);
  builder.recording().timeline.back().mutable_timeline()->set_placed_bytes(3 * kMi);
  builder.Live({"work"}, 90 * kMi, 90 * kMi);
  EXPECT_EQ(Amount(Of(builder), "allocator.rounding"), 13 * kMiB);
}

TEST(AllocatorLedger, TcmallocsPartsAreNotInUse) {
  RecordingBuilder builder;
  Tcmalloc(builder);
  builder.Live({"work"}, 90 * kMi, 90 * kMi);
  const report::Report report = Of(builder);
  EXPECT_EQ(Amount(report, "allocator.free"), 150 * kMiB);  // not what is unmapped
  EXPECT_EQ(Amount(report, "allocator.thread_caches"), 30 * kMiB);
  EXPECT_EQ(Amount(report, "allocator.rounding"), 10 * kMiB);
}

TEST(AllocatorLedger, WhatMimallocKeepsIsNotKnown) {
  RecordingBuilder builder;
  proto::AllocatorMemory& memory = Tick(builder, "mimalloc 2.0.9");
  memory.set_committed(290 * kMi);
  memory.set_committed_peak(320 * kMi);
  const report::Report report = Of(builder);
  EXPECT_EQ(report.ledger->Of(ledger::Holder::kAllocator), Bytes{});
  EXPECT_THAT(report.ledger->notes, Contains(HasSubstr("does not say how much")));
  EXPECT_EQ(Retention(report), nullptr);
  EXPECT_THAT(Facts(report), Contains(AllOf(HasSubstr("committed 290.0 MiB, 320.0 MiB at its peak"),
                                            HasSubstr("does not count"))));
}

TEST(AllocatorAdvice, JemallocsArenasAgainstTheQuota) {
  RecordingBuilder builder;
  Jemalloc(builder);
  builder.process().set_cpu_quota_thousandths(3500);
  const report::Report report = Of(builder);
  const diagnosis::Finding* finding = Retention(report);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->amount, 162 * kMiB);
  EXPECT_EQ(finding->confidence, diagnosis::Confidence::kHigh);  // thread caches are a small part
  EXPECT_THAT(
      finding->evidence,
      Contains("40 arenas made, at most 256, on 64 processors; the container's CPU quota is 3.5"));
  EXPECT_THAT(
      finding->evidence,
      Contains("in use 100.0 MiB; held beyond that: unused pages 140.0 MiB, unused parts of "
               "pages in use 20.0 MiB, thread caches (counted as in use) 2.0 MiB"));
  EXPECT_THAT(finding->advice, ElementsAre(AllOf(HasSubstr("narenas:4"),
                                                 HasSubstr("40 arenas (at most 256) for 64 "
                                                           "processors"),
                                                 HasSubstr("may use 4")),
                                           HasSubstr("background_thread:true")));
}

TEST(AllocatorAdvice, WithoutAQuotaNoNumberIsGiven) {
  for (auto* make : {&Jemalloc, &Glibc}) {
    RecordingBuilder builder;
    make(builder);
    const report::Report report = Of(builder);
    ASSERT_NE(Retention(report), nullptr);
    EXPECT_THAT(Retention(report)->evidence, Contains(HasSubstr("CPU quota is not known")));
    EXPECT_THAT(Retention(report)->advice, Contains(HasSubstr("not known")));
    EXPECT_THAT(Retention(report)->advice,
                Not(Contains(::testing::ContainsRegex("(narenas:|ARENA_MAX=)[0-9]"))));
  }
}

TEST(AllocatorAdvice, FewArenasAreNotBlamed) {
  RecordingBuilder builder;
  proto::AllocatorMemory& memory = Jemalloc(builder);
  memory.set_arenas_made(4);
  memory.set_background_thread(true);
  builder.process().set_cpu_quota_thousandths(4000);
  const report::Report report = Of(builder);
  ASSERT_NE(Retention(report), nullptr);
  EXPECT_THAT(Retention(report)->advice, ElementsAre(HasSubstr("dirty_decay_ms:1000")));
}

TEST(AllocatorAdvice, PagesThatAreNeverGivenBackAreSaid) {
  RecordingBuilder builder;
  Jemalloc(builder).set_dirty_decay_ms(-1);
  const report::Report report = Of(builder);
  ASSERT_NE(Retention(report), nullptr);
  EXPECT_THAT(Facts(report), Contains(HasSubstr("never given back")));
  EXPECT_THAT(Retention(report)->advice, Contains(HasSubstr("dirty_decay_ms:10000")));
}

TEST(AllocatorAdvice, GlibcsArenasAgainstTheQuota) {
  RecordingBuilder builder;
  Glibc(builder);
  builder.process().set_cpu_quota_thousandths(500);
  report::Report report = Of(builder);
  ASSERT_NE(Retention(report), nullptr);
  EXPECT_THAT(Retention(report)->advice,
              ElementsAre(AllOf(HasSubstr("MALLOC_ARENA_MAX=2"), HasSubstr("33 arenas"))));
  EXPECT_THAT(Facts(report),
              Contains("40 heaps of the arenas beside the main one hold 240.0 MiB, 200.0 MiB of it "
                       "resident"));
  // Where it is set already, and the arenas are as few, there is nothing to advise.
  builder.process().set_allocator_settings("GLIBC_TUNABLES=glibc.malloc.arena_max=2");
  builder.recording().timeline.back().mutable_timeline()->mutable_allocator()->set_arenas_made(2);
  report = Of(builder);
  EXPECT_THAT(Retention(report)->advice, IsEmpty());
  EXPECT_THAT(Retention(report)->evidence, Contains(HasSubstr("at most 2 by the environment")));
}

TEST(AllocatorAdvice, AQuotaBeyondTheUsableProcessorsIsNone) {
  RecordingBuilder builder;
  Glibc(builder);
  builder.process().set_cpu_quota_thousandths(100'000);
  builder.process().set_usable_cpus(6);
  EXPECT_THAT(Retention(Of(builder))->advice, ElementsAre(HasSubstr("MALLOC_ARENA_MAX=6")));
}

TEST(AllocatorAdvice, TcmallocsLargestPartDecides) {
  RecordingBuilder builder;
  proto::AllocatorMemory& memory = Tcmalloc(builder);
  report::Report report = Of(builder);
  ASSERT_NE(Retention(report), nullptr);
  EXPECT_EQ(Retention(report)->amount, 180 * kMiB);
  EXPECT_EQ(Retention(report)->confidence, diagnosis::Confidence::kMedium);
  EXPECT_THAT(Retention(report)->advice, ElementsAre(HasSubstr("TCMALLOC_RELEASE_RATE")));
  memory.set_thread_caches(130 * kMi);
  report = Of(builder);
  EXPECT_THAT(Retention(report)->advice,
              ElementsAre(HasSubstr("TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES")));
}

TEST(AllocatorReport, TextAndJsonHaveTheFigures) {
  RecordingBuilder builder;
  Jemalloc(builder);
  builder.process().set_cpu_quota_thousandths(2000);
  builder.process().set_allocator_settings("MALLOC_CONF=narenas:40\x1b[31m");
  const report::Report report = Of(builder);
  const std::string text =
      render::RenderText(report, {.width = 80, .colour = false, .utf8 = false});
  EXPECT_THAT(text, HasSubstr("The allocator: jemalloc 5.3.0, 0 ms before the last record\n"));
  EXPECT_THAT(text, HasSubstr("1000.0 MiB of address space kept without memory"));
  EXPECT_THAT(text, HasSubstr("try: narenas:2 in MALLOC_CONF"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  const auto json = nlohmann::json::parse(render::RenderJson(report));
  EXPECT_EQ(json["allocator"]["dirty"], 140 * kMi);
  EXPECT_EQ(json["allocator"]["arenas_made"], 40);
  EXPECT_EQ(json["allocator"]["background_thread"], false);
  EXPECT_FALSE(json["allocator"].contains("heap_size"));
  EXPECT_EQ(json["process"]["cpu_quota_thousandths"], 2000);
  EXPECT_EQ(json["process"]["usable_cpus"], 64);
}

TEST(AllocatorReport, WithoutFiguresThereIsNoSuchPart) {
  RecordingBuilder builder;
  builder.Charge(10, 300 * kMi, 350 * kMi);
  const report::Report report = Of(builder);
  EXPECT_EQ(report.Allocator(), nullptr);
  EXPECT_THAT(render::RenderText(report, {.width = 80, .colour = false, .utf8 = false}),
              Not(HasSubstr("The allocator:")));
  EXPECT_FALSE(nlohmann::json::parse(render::RenderJson(report)).contains("allocator"));
}

}  // namespace
}  // namespace wrackline
