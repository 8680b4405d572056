// Each source of the ledger taken away in turn, on a real TaskManager's recording: what it explained goes to `unexplained`, and no
// other line takes it over but those that docs/ledger.md names.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/ledger/ledger.h"

namespace wrackline::ledger {
namespace {

using evidence::Evidence;
using evidence::TimelinePoint;

struct Source {
  const char* name;
  std::function<void(Evidence*)> blind;
  std::set<std::string> gone;     // ids that only this source gives
  std::set<std::string> changed;  // ids that are known worse without it
  std::set<std::string> instead;  // ids that stand in for what is gone
};

std::function<void(Evidence*)> OfEveryPoint(void (*blind)(TimelinePoint*)) {
  return [blind](Evidence* evidence) {
    for (TimelinePoint& point : evidence->timeline) blind(&point);
  };
}

const Source kSources[] = {
    {"samples",
     [](Evidence* evidence) { evidence->sites.clear(); },
     {"native.site", "native.other_sites", "direct.network", "direct.framework", "direct.site",
      "direct.other_sites", "rocksdb.other", "allocator.rounding"},
     // What was never touched is known by the samples, and what of the allocator's pages is live.
     {"rocksdb.memtables", "allocator.free", "allocator.metadata", "allocator.thread_caches"},
     {"jvm.direct"}},
    {"rocksdb",
     [](Evidence* evidence) { evidence->rocksdb.reset(); },
     {"rocksdb.memtables", "rocksdb.block_cache", "rocksdb.table_readers", "rocksdb.other"},
     {},
     {"rocksdb.by_stack"}},
    {"allocator",
     [](Evidence* evidence) { evidence->allocator.reset(); },
     {"allocator.rounding", "allocator.free", "allocator.metadata", "allocator.thread_caches"},
     {},
     {}},
    {"jvm",
     [](Evidence* evidence) { evidence->jvm.reset(); },
     {"jvm.heap", "jvm.metaspace", "jvm.code_cache", "jvm.thread_stacks", "jvm.class_archive",
      "jvm.other"},
     {},
     {}},
    {"wrackline",
     OfEveryPoint([](TimelinePoint* point) { point->own_bytes.reset(); }),
     {"wrackline.own"},
     {},
     {}},
    {"files",
     OfEveryPoint([](TimelinePoint* point) { point->file.reset(); }),
     {"file.page_cache", "file.mapped", "file.shmem"},
     {},
     {}},
    {"kernel memory",
     OfEveryPoint([](TimelinePoint* point) {
       point->kernel.reset();
       point->slab.reset();
       point->kernel_stack.reset();
       point->page_tables.reset();
     }),
     {"kernel.memory", "kernel.slab", "kernel.stacks", "kernel.page_tables", "kernel.other"},
     {},
     {}},
};

using Amounts = std::map<std::string, Bytes>;  // by id

Amounts ById(const Ledger& ledger) {
  Amounts amounts;
  for (const Line& line : ledger.lines) amounts[line.id] += line.amount;
  return amounts;
}

class Blind : public testing::TestWithParam<const char*> {};

TEST_P(Blind, UnexplainedGrowsByWhatTheSourceExplained) {
  const auto read =
      evidence::ReadEvidence(std::string(WRACKLINE_TEST_DATA "/recordings/") + GetParam(), {});
  ASSERT_TRUE(read.ok()) << read.error().Text();
  const std::optional<Ledger> full = BuildLedger(read.value());
  ASSERT_TRUE(full.has_value());
  const Amounts before = ById(*full);
  std::set<std::string> explained;
  for (const Source& source : kSources) {
    SCOPED_TRACE(source.name);
    Evidence blinded = read.value();
    source.blind(&blinded);
    const std::optional<Ledger> ledger = BuildLedger(blinded);
    ASSERT_TRUE(ledger.has_value());
    EXPECT_EQ(ledger->total, full->total);
    Bytes lost;
    for (const auto& [id, amount] : before) lost += source.gone.count(id) != 0 ? amount : Bytes{};
    const Amounts after = ById(*ledger);
    Bytes known_worse;
    for (const auto& [id, amount] : after) {
      EXPECT_EQ(source.gone.count(id), 0u) << id << " comes from elsewhere too";
      const auto was = before.find(id);
      const Bytes then = was == before.end() ? Bytes{} : was->second;
      if (source.changed.count(id) != 0 || source.instead.count(id) != 0) {
        known_worse += amount - then;
      } else {
        EXPECT_EQ(amount, then) << id << " took something over";
      }
    }
    for (const auto& [id, amount] : before) {
      if (source.gone.count(id) != 0) continue;
      EXPECT_EQ(after.count(id), 1u) << id << " is gone too";
    }
    EXPECT_EQ(ledger->unexplained - full->unexplained, lost - known_worse);
    if (lost.count > 0) explained.insert(source.name);
  }
  // A source that explained nothing in this recording was not tested.
  EXPECT_EQ(explained.size(), std::size(kSources));
}

INSTANTIATE_TEST_SUITE_P(Recordings, Blind,
                         testing::Values("taskmanager_glibc_killed.wrackpack",
                                         "taskmanager_jemalloc_killed.wrackpack"),
                         [](const auto& info) {
                           const std::string name = info.param;
                           return name.find("jemalloc") == std::string::npos ? "Glibc" : "Jemalloc";
                         });

}  // namespace
}  // namespace wrackline::ledger
