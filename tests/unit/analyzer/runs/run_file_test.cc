#include "analyzer/evidence/run_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "analyzer/render/run_file.h"

namespace wrackline::evidence {
namespace {

using sizing::Milliseconds;
using Recorded = sizing::Run;
using ::testing::HasSubstr;

// Every field set; the second moment knows less than the first.
Recorded Whole() {
  Recorded run;
  run.name = "tm-7 \"a\"\n\xff.wrack";
  run.limit = kGiB;
  run.killed = run.partial = true;
  run.flink_version = "1.20.3";
  flink::TaskManagerMemory& granted = run.granted.emplace();
  granted.framework_heap = granted.framework_off_heap = 128 * kMiB;
  granted.task_heap = Bytes{26'843'542};
  granted.task_off_heap = Bytes{};
  granted.network = 64 * kMiB;
  granted.managed = Bytes{241'591'914};
  granted.jvm_metaspace = 256 * kMiB;
  granted.jvm_overhead = 192 * kMiB;
  granted.total_flink = Bytes{603'979'776};
  granted.total_process = kGiB;
  run.slots = 2;
  run.rocksdb_managed = false;
  sizing::FamilyDemand& family = run.families.emplace_back();
  family.name = "window-contents";
  family.write_buffer_size = 64 * kMiB;
  family.max_write_buffers = 2;
  family.memtables_peak = Bytes{71'303'168};
  family.own_cache_capacity = 8 * kMiB;
  family.databases = 2;
  run.databases = 4;
  run.network_used = Bytes{720'896};
  run.managed_used = Bytes{};
  run.leaks.push_back({"com.example.DecodeOrder.forget", 90 * kMiB, 123456.5});
  run.lifetime = Milliseconds(99'123);
  run.moments = {{Milliseconds(0), Bytes{1000}, Bytes{1}, Bytes{2}, Bytes{3}, Bytes{4}, Bytes{5},
                  Bytes{6}, Bytes{0}},
                 {Milliseconds(99'000), kGiB, {}, {}, {}, {}, Bytes{7}, {}, {}}};
  return run;
}

void ExpectSame(const Recorded& a, const Recorded& b) {
  EXPECT_EQ(a.limit, b.limit);
  EXPECT_EQ(a.killed, b.killed);
  EXPECT_EQ(a.partial, b.partial);
  EXPECT_EQ(a.flink_version, b.flink_version);
  ASSERT_EQ(a.granted.has_value(), b.granted.has_value());
  if (a.granted) {
    EXPECT_EQ(a.granted->JvmArguments(), b.granted->JvmArguments());
    EXPECT_EQ(a.granted->framework_heap, b.granted->framework_heap);
    EXPECT_EQ(a.granted->managed, b.granted->managed);
    EXPECT_EQ(a.granted->jvm_overhead, b.granted->jvm_overhead);
    EXPECT_EQ(a.granted->total_flink, b.granted->total_flink);
    EXPECT_EQ(a.granted->total_process, b.granted->total_process);
  }
  EXPECT_EQ(a.slots, b.slots);
  EXPECT_EQ(a.rocksdb_managed, b.rocksdb_managed);
  EXPECT_EQ(a.databases, b.databases);
  EXPECT_EQ(a.network_used, b.network_used);
  EXPECT_EQ(a.managed_used, b.managed_used);
  EXPECT_EQ(a.lifetime, b.lifetime);
  ASSERT_EQ(a.families.size(), b.families.size());
  for (std::size_t i = 0; i < a.families.size(); ++i) {
    EXPECT_EQ(a.families[i].name, b.families[i].name);
    EXPECT_EQ(a.families[i].write_buffer_size, b.families[i].write_buffer_size);
    EXPECT_EQ(a.families[i].max_write_buffers, b.families[i].max_write_buffers);
    EXPECT_EQ(a.families[i].memtables_peak, b.families[i].memtables_peak);
    EXPECT_EQ(a.families[i].own_cache_capacity, b.families[i].own_cache_capacity);
    EXPECT_EQ(a.families[i].databases, b.families[i].databases);
  }
  ASSERT_EQ(a.leaks.size(), b.leaks.size());
  for (std::size_t i = 0; i < a.leaks.size(); ++i) {
    EXPECT_EQ(a.leaks[i].what, b.leaks[i].what);
    EXPECT_EQ(a.leaks[i].held, b.leaks[i].held);
    EXPECT_EQ(a.leaks[i].bytes_per_hour, b.leaks[i].bytes_per_hour);
  }
  ASSERT_EQ(a.moments.size(), b.moments.size());
  for (std::size_t i = 0; i < a.moments.size(); ++i) {
    EXPECT_EQ(a.moments[i].at, b.moments[i].at);
    EXPECT_EQ(a.moments[i].working_set, b.moments[i].working_set);
    EXPECT_EQ(a.moments[i].heap, b.moments[i].heap);
    EXPECT_EQ(a.moments[i].heap_live, b.moments[i].heap_live);
    EXPECT_EQ(a.moments[i].metaspace, b.moments[i].metaspace);
    EXPECT_EQ(a.moments[i].direct, b.moments[i].direct);
    EXPECT_EQ(a.moments[i].caches, b.moments[i].caches);
    EXPECT_EQ(a.moments[i].memtables, b.moments[i].memtables);
    EXPECT_EQ(a.moments[i].table_readers, b.moments[i].table_readers);
  }
}

std::string ErrorOf(const std::string& text) {
  const auto runs = ReadRuns(text, "a.jsonl");
  EXPECT_FALSE(runs.ok()) << text.substr(0, 200);
  return runs.ok() ? "" : runs.error().Text();
}

// The least that is a run, with `more` in it.
std::string Least(const std::string& more) {
  return R"({"wrackline_run":1,"moments":{"at_ms":[0,5],"working_set":[10,20])" + more + "}";
}

TEST(RunFile, EveryFieldComesBack) {
  Recorded bare;
  bare.moments = {{Milliseconds(3), Bytes{10}, {}, {}, {}, {}, {}, {}, {}}};
  const std::string text = render::RenderRun(Whole()) + render::RenderRun(bare);
  EXPECT_TRUE(LooksLikeRunFile(text));
  const auto runs = ReadRuns(text, "a.jsonl");
  ASSERT_TRUE(runs.ok()) << runs.error().Text();
  ASSERT_EQ(runs.value().size(), 2u);
  ExpectSame(runs.value()[0], Whole());
  ExpectSame(runs.value()[1], bare);
  EXPECT_EQ(runs.value()[0].name, "tm-7 \"a\"\n\xEF\xBF\xBD.wrack");
}

TEST(RunFile, ALineIsAnObjectThatSaysItsVersionAndIsPlainText) {
  const std::string text = render::RenderRun(Whole());
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return c > 0; }));
  const nlohmann::json json = nlohmann::json::parse(text);
  EXPECT_EQ(json.at("wrackline_run"), 1);
  EXPECT_EQ(json.at("moments").at("heap"), nlohmann::json::parse("[1,null]"));
  EXPECT_EQ(json.at("granted").at("managed"), 241591914);
  // Not observed at all: not there.
  Recorded bare;
  bare.moments.resize(1);
  const nlohmann::json less = nlohmann::json::parse(render::RenderRun(bare));
  EXPECT_EQ(less.at("moments").size(), 2u);
  for (const char* key : {"limit", "slots", "granted", "rocksdb_managed", "leaks", "network_used"})
    EXPECT_FALSE(less.contains(key)) << key;
}

TEST(RunFile, WhatIsNotKnownIsPassedOver) {
  const auto runs = ReadRuns(
      "\n  \n" + Least(R"(,"later":[[1,{"a":[null]}]]},"more":{"heap":[{}],"x":{}},"name":"n")") +
          "\r\n",
      "a.jsonl");
  ASSERT_TRUE(runs.ok()) << runs.error().Text();
  EXPECT_EQ(runs.value().at(0).name, "n");
  EXPECT_EQ(runs.value()[0].moments.size(), 2u);
}

TEST(RunFile, ErrorsNameTheLineAndWhatToDo) {
  EXPECT_THAT(ErrorOf(Least("}") + "\n{\"wrackline_run\":1"),
              HasSubstr("a.jsonl:2: it is not JSON"));
  EXPECT_THAT(ErrorOf(Least("}") + "\n{\"wrackline_run\":1"), HasSubstr("--save-runs"));
  EXPECT_THAT(ErrorOf(R"({"wrackline_run":2})"),
              HasSubstr("version 2, and this wrackline reads 1"));
  EXPECT_THAT(ErrorOf(R"({"name":"x"})"), HasSubstr("no \"wrackline_run\""));
  EXPECT_THAT(ErrorOf("\n\n"), HasSubstr("a.jsonl has no run in it"));
  EXPECT_THAT(ErrorOf("[1]"), HasSubstr("no JSON object"));
  EXPECT_THAT(ErrorOf("17"), HasSubstr("no JSON object"));
  EXPECT_THAT(ErrorOf("null"), HasSubstr("no JSON object"));
  EXPECT_THAT(ErrorOf(R"({"wrackline_run":1,"moments":{}})"), HasSubstr("no moment"));
  EXPECT_THAT(ErrorOf(R"({"wrackline_run":1})"), HasSubstr("no moment"));
}

TEST(RunFile, RefusesWhatNoRunCanBe) {
  EXPECT_THAT(ErrorOf(Least(R"(,"heap":[1]})")), HasSubstr("\"heap\" has 1 values for 2 moments"));
  EXPECT_THAT(ErrorOf(Least(R"(,"heap":[1,2],"heap":[1,2]})")), HasSubstr("twice"));
  EXPECT_THAT(ErrorOf(Least(R"(,"heap":[1,-2]})")), HasSubstr("below zero"));
  EXPECT_THAT(ErrorOf(Least(R"(,"heap":[1,2.5]})")), HasSubstr("whole numbers"));
  EXPECT_THAT(ErrorOf(Least(R"(,"heap":[1,"2"]})")), HasSubstr("\"heap\" is a text"));
  EXPECT_THAT(ErrorOf(Least(R"(,"heap":[1,[2]]})")), HasSubstr("\"heap\" is a list"));
  EXPECT_THAT(ErrorOf(Least(R"(,"heap":[1,1125899906842625]})")), HasSubstr("pebibyte"));
  EXPECT_THAT(ErrorOf(Least(R"(,"heap":[1,18446744073709551615]})")), HasSubstr("pebibyte"));
  EXPECT_THAT(ErrorOf(Least(R"(},"limit":1e400)")), HasSubstr("not JSON"));
  EXPECT_THAT(ErrorOf(Least(R"(},"limit":"1g")")), HasSubstr("\"limit\" is a text"));
  EXPECT_THAT(ErrorOf(Least(R"(},"killed":1)")), HasSubstr("\"killed\" is a number"));
  EXPECT_THAT(ErrorOf(Least(R"(},"granted":{"managed":1})")), HasSubstr("all eight"));
  EXPECT_THAT(ErrorOf(Least(R"(},"lifetime_ms":9999999999999999)")), HasSubstr("hundred years"));
  EXPECT_THAT(ErrorOf(R"({"wrackline_run":1,"moments":{"at_ms":[5,0],"working_set":[1,1]}})"),
              HasSubstr("order of time"));
  EXPECT_THAT(ErrorOf(R"({"wrackline_run":1,"moments":{"at_ms":[5,null],"working_set":[1,1]}})"),
              HasSubstr("every moment needs it"));
  EXPECT_THAT(ErrorOf(Least(R"(},"name":")" + std::string(5000, 'x') + '"')),
              HasSubstr("4,096 bytes"));
}

TEST(RunFile, CountsAreBounded) {
  std::string zeros = "0", families = "{}";
  for (std::size_t i = 0; i < kMostRunMoments; ++i) zeros += ",0";
  EXPECT_THAT(ErrorOf(R"({"wrackline_run":1,"moments":{"at_ms":[)" + zeros + "]}}"),
              HasSubstr("more than 4096 moments"));
  for (std::size_t i = 0; i < kMostRunFamilies; ++i) families += ",{}";
  EXPECT_THAT(ErrorOf(R"({"wrackline_run":1,"families":[)" + families + "]}"),
              HasSubstr("more than 10,000 families"));
  // Nothing recurses.
  EXPECT_THAT(ErrorOf(R"({"wrackline_run":1,"x":)" + std::string(1'000'000, '[')),
              HasSubstr("not JSON"));
}

TEST(RunFile, IsToldFromOtherJson) {
  EXPECT_TRUE(LooksLikeRunFile("\n { \"wrackline_run\": 1"));
  EXPECT_FALSE(LooksLikeRunFile("{\"name\":\"wrackline_run\"}"));
  EXPECT_FALSE(LooksLikeRunFile(""));
  EXPECT_FALSE(LooksLikeRunFile("wrackline_run"));
}

}  // namespace
}  // namespace wrackline::evidence
