#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "analyzer/diff/sections.h"
#include "analyzer/diff/table.h"
#include "analyzer/evidence/flink_database.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/ledger/rocksdb_totals.h"

namespace wrackline::diff {
namespace {

using evidence::Evidence;
using Which = Table::Which;

// Several lines of one id are summed, so they need a name of their own.
std::string LabelOf(const ledger::Line& line) {
  static constexpr std::pair<std::string_view, std::string_view> kSummed[] = {
      {"native.site", "native allocations, by stack"},
      {"direct.site", "direct buffers, by stack"},
      {"rocksdb.memtables", "RocksDB memtables"},
      {"rocksdb.block_cache", "RocksDB block caches"},
  };
  for (const auto& [id, label] : kSummed) {
    if (line.id == id) return std::string(label);
  }
  return line.label;
}

// Sites are named one by one in the ledger as long as they are large: here they are one line.
std::string IdOf(const ledger::Line& line) {
  if (line.id == "native.other_sites") return "native.site";
  return line.id == "direct.other_sites" ? "direct.site" : line.id;
}

// What comes and goes by design says nothing of growth from one moment to another: memtables fill and are flushed, the Java heap and
// the page cache take what they may, and a remainder is nobody's. Shared memory is no cache: the kernel cannot drop it.
bool IsJudged(const ledger::Line& line) {
  return (line.holder != ledger::Holder::kFile || line.id == "file.shmem") &&
         line.holder != ledger::Holder::kWrackline && line.id != "jvm.heap" &&
         line.id != "rocksdb.memtables" && line.confidence != ledger::Confidence::kUpperBound;
}

void AddLedger(const ledger::Ledger& ledger, Which which, Table* table) {
  Table::Add(&table->At("total", "total"), which, static_cast<double>(ledger.total.count));
  for (const ledger::Line& line : ledger.lines) {
    const bool site = IdOf(line) == "native.site" || IdOf(line) == "direct.site";
    ledger::Line named = line;
    named.id = IdOf(line);
    Row& row = table->At(named.id, LabelOf(named));
    Table::Add(&row, which, static_cast<double>(line.amount.count));
    if (line.standard_error) {
      double& error = which == Which::kBefore ? row.before_error : row.after_error;
      error = std::hypot(error, static_cast<double>(line.standard_error->count));
      row.sampled = true;
    }
    // The sites have a section of their own, where they are judged.
    row.judged = !site && IsJudged(line);
  }
  if (ledger.basis != ledger::Basis::kMetrics)
    Table::Add(&table->At("unexplained", "unexplained"), which,
               static_cast<double>(ledger.unexplained.count));
}

std::string OperatorOf(const std::string& database) {
  const auto flink = evidence::ParseFlinkDatabase(database);
  if (!flink) return database;
  return flink->operator_name + " " + std::to_string(flink->subtask) + "/" +
         std::to_string(flink->parallelism);
}

void AddRocksDb(const evidence::RocksDb& rocksdb, Which which, Table* table) {
  const ledger::RocksDbTotals totals = ledger::TotalsOf(rocksdb);
  Table::Add(&table->At("total", "RocksDB, each byte once"), which,
             static_cast<double>(totals.total.count));
  for (const evidence::RocksDbCache& cache : rocksdb.caches)
    table->Add("caches", "caches, usage", which, cache.usage);
  for (const evidence::RocksDbFamily& family : rocksdb.families) {
    table->Add("memtables", "memtables", which, family.all_memtables);
    table->Add("table_readers", "table readers", which, family.table_readers);
    // Flink gives a restarted job's folders new names: the operator and the family stay.
    const std::string place = OperatorOf(family.database) + ", " + family.name;
    table->Add("memtables:" + place, place + ": memtables", which, family.all_memtables);
    table->Add("table_readers:" + place, place + ": table readers", which, family.table_readers);
    if (family.cached_blocks)
      table->Add("cached_blocks:" + place, place + ": cached blocks", which,
                 family.cached_blocks->Total());
  }
  Table::Add(&table->At("databases", "open databases", Unit::kCount), which, rocksdb.databases);
}

void AddJvm(const evidence::JvmFigures& figures, Which which, Table* table) {
  const auto count = [&](const char* id, const char* label, const auto& number) {
    if (number)
      Table::Add(&table->At(id, label, Unit::kCount), which, static_cast<double>(*number));
  };
  table->Add("heap_after_collection", "heap used after the last collection", which,
             figures.heap_used_after_collection);
  if (figures.pools.empty()) {
    table->Add("heap", "heap, committed", which, figures.heap_committed);
    table->Add("metaspace", "metaspace, committed", which, figures.metaspace_committed);
  }
  for (const evidence::JvmPool& pool : figures.pools)
    table->Add("pool:" + pool.name, pool.name + (pool.committed ? ", committed" : ", used"), which,
               pool.committed ? *pool.committed : pool.used);
  table->Add("direct", "direct buffers", which, figures.direct_used);
  table->Add("mapped", "mapped buffers", which, figures.mapped_used);
  for (const evidence::JvmNativeMemory& category : figures.native_memory)
    table->Add("nmt:" + category.category, "NMT " + category.category + ", committed", which,
               category.committed);
  count("threads", "threads", figures.threads);
  count("classes", "loaded classes", figures.classes_loaded);
}

}  // namespace

namespace {

// False: there is nothing to compare; where one side has it, that is said.
bool OnBoth(bool before, bool after, const std::string& what, Section* section) {
  if (before != after)
    section->notes.push_back(std::string(before ? "B" : "A") + " has no figures of " + what + ".");
  return before && after;
}

}  // namespace

Section LedgerSection(const Evidence& before, const Evidence& after) {
  Section section{"ledger", "Ledger: each byte in one line", {}, {}};
  const auto a = ledger::BuildLedger(before), b = ledger::BuildLedger(after);
  if (!a || !b) return section;
  Table table;
  AddLedger(*a, Which::kBefore, &table);
  AddLedger(*b, Which::kAfter, &table);
  section.rows = table.Take();
  for (Row& row : section.rows) {
    if (!row.before || !row.after) row.judged = false;  // a source is missing, not the memory
  }
  if (a->basis != b->basis)
    section.notes.push_back("A's total is " + std::string(Name(a->basis)) + ", B's is " +
                            std::string(Name(b->basis)) +
                            ": totals and remainders do not compare, the lines do.");
  if (a->moment != b->moment)
    section.notes.push_back("A is taken at its " + std::string(Name(a->moment)) + ", B at its " +
                            std::string(Name(b->moment)) + ".");
  return section;
}

Section RocksDbSection(const Evidence& before, const Evidence& after) {
  Section section{"rocksdb", "RocksDB, by operator and family", {}, {}};
  if (!OnBoth(before.rocksdb.has_value(), after.rocksdb.has_value(), "RocksDB", &section))
    return section;
  Table table;
  AddRocksDb(*before.rocksdb, Which::kBefore, &table);
  AddRocksDb(*after.rocksdb, Which::kAfter, &table);
  section.rows = table.Take();
  return section;
}

Section RocksDbObjectSection(const Evidence& before, const Evidence& after) {
  Section section{"rocksdb_objects", "RocksDB objects of Java, not closed", {}, {}};
  Table table;
  ForBoth(before, after, [&table](const Evidence& evidence, Which which) {
    if (!evidence.rocksdb_objects) return;
    for (const evidence::RocksDbObjectKind& kind : evidence.rocksdb_objects->kinds)
      Table::Add(&table.At(kind.name, kind.name, Unit::kCount), which,
                 static_cast<double>(kind.Alive()));
  });
  section.rows = table.Take();
  return section;
}

Section JvmSection(const Evidence& before, const Evidence& after) {
  Section section{"jvm", "Java VM, by its own account", {}, {}};
  const auto has = [](const Evidence& evidence) {
    return evidence.jvm && evidence.jvm->Last() != nullptr;
  };
  if (!OnBoth(has(before), has(after), "a Java VM", &section)) return section;
  Table table;
  ForBoth(before, after, [&table](const Evidence& evidence, Which which) {
    AddJvm(*evidence.jvm->Last(), which, &table);
  });
  section.rows = table.Take();
  return section;
}

}  // namespace wrackline::diff
