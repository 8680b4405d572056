#include <fmt/core.h>

#include <algorithm>
#include <cstdint>

#include "analyzer/render/inert.h"
#include "analyzer/render/model.h"

namespace wrackline::render {
namespace {

using flink::Component;
using flink::ModelFacts;
using flink::RocksDbBudgetKind;

std::string_view RoleName(flink::Role role) {
  return role == flink::Role::kTaskManager ? "TaskManager" : "JobManager";
}
std::string_view ModeName(flink::Mode mode) {
  return mode == flink::Mode::kStandalone ? "standalone" : "containerized";
}

std::string Percent(Bytes part, Bytes whole) {
  if (whole.count <= 0) return "-";
  return fmt::format("{:.1f} %",
                     100.0 * static_cast<double>(part.count) / static_cast<double>(whole.count));
}

std::string Bar(Bytes part, Bytes whole, std::size_t columns, bool utf8) {
  if (whole.count <= 0 || part.count <= 0) return "";
  const double share = static_cast<double>(part.count) / static_cast<double>(whole.count);
  const auto cells =
      std::min(columns, static_cast<std::size_t>(share * static_cast<double>(columns) + 0.5));
  std::string bar;
  for (std::size_t i = 0; i < std::max<std::size_t>(cells, 1); ++i) bar += utf8 ? "█" : "#";
  return bar;
}

class Rows {
 public:
  Rows(Page* page, Bytes whole) : page_(page), whole_(whole) {
    const std::size_t used = 2 + 20 + 1 + 11 + 1 + 15 + 1 + 8 + 1;
    bar_ = page->width() > used + 8 ? std::min<std::size_t>(page->width() - used, 40) : 8;
  }
  void Row(std::string_view name, Bytes bytes, Style style, bool bar) {
    std::string line = fmt::format("  {:<20} {:>11} {:>15} {:>8} ", name, FormatBytes(bytes),
                                   bytes.count, Percent(bytes, whole_));
    page_->Line(page_->Styled(style, line) + (bar ? Bar(bytes, whole_, bar_, page_->utf8()) : ""));
  }
  void Head(std::string_view of) {
    page_->Line(page_->Styled(Style::kDim,
                              fmt::format("  {:<20} {:>11} {:>15} {:>8}", "", "", "bytes", of)));
  }

 private:
  Page* page_;
  Bytes whole_;
  std::size_t bar_ = 8;
};

void WriteComponents(const ModelView& view, Page* page) {
  const ModelFacts& facts = view.facts;
  Rows rows(page, view.limit.value_or(facts.total_process));
  rows.Head(view.limit ? "of limit" : "of all");
  for (const Component& component : facts.components) {
    if (component.id == "jvm_metaspace")
      rows.Row("Total Flink Memory", facts.total_flink, Style::kDim, false);
    rows.Row(component.name, component.bytes, Style::kPlain, true);
  }
  rows.Row("Total Process Memory", facts.total_process, Style::kBold, false);
  if (view.limit) rows.Row("Pod limit", *view.limit, Style::kBold, false);
}

// What counts against the limit: one that Flink makes is the process size in whole MiB.
Bytes ProcessBeforeLimit(const ModelView& view) {
  const Bytes process = view.facts.total_process;
  return view.limit_by_flink ? Bytes{process.count / kMiB.count * kMiB.count} : process;
}

void WriteFit(const ModelView& view, Page* page) {
  if (!view.limit) return;
  page->Blank();
  const Bytes spare = *view.limit - ProcessBeforeLimit(view);
  if (spare.count < 0) {
    page->Paragraph(
        fmt::format("Does not fit: the process is configured for {} more than the limit of {} "
                    "({}). Set {}.memory.process.size to {}b or less.",
                    FormatBytes(-spare), FormatBytes(*view.limit), view.limit_from,
                    view.facts.role == flink::Role::kTaskManager ? "taskmanager" : "jobmanager",
                    view.limit->count),
        2, 2, Style::kRed);
  } else if (spare.count == 0) {
    page->Paragraph(fmt::format("Fits: the process size is the limit ({}).", view.limit_from), 2, 2,
                    Style::kGreen);
  } else {
    page->Paragraph(fmt::format("Fits: {} of the limit ({}) are not given to Flink.",
                                FormatBytes(spare), view.limit_from),
                    2, 2, Style::kGreen);
  }
}

// State memory that Flink does not count.
void WriteBeside(const ModelView& view, Page* page) {
  if (!view.limit || !view.facts.rocksdb) return;
  const flink::RocksDbFacts& rocksdb = *view.facts.rocksdb;
  if (rocksdb.kind != RocksDbBudgetKind::kFixedPerSlot &&
      rocksdb.kind != RocksDbBudgetKind::kFixedPerTaskManager)
    return;
  const Bytes spare = *view.limit - ProcessBeforeLimit(view);
  if (rocksdb.granted <= spare) return;
  page->Paragraph(
      fmt::format("RocksDB is granted {} beside it: more than the {} that the limit leaves.",
                  FormatBytes(rocksdb.granted), FormatBytes(std::max(spare, Bytes{}))),
      2, 2, Style::kYellow);
}

void WriteArguments(const ModelFacts& facts, Page* page) {
  page->Heading("What the process is started with");
  page->Paragraph(facts.jvm_arguments, 2, 2);
  for (const auto& [key, value] : facts.dynamic)
    page->Paragraph(fmt::format("-D {}={}", key, value), 2, 2);
}

std::string_view Granted(RocksDbBudgetKind kind) {
  switch (kind) {
    case RocksDbBudgetKind::kManaged:
      return "managed memory";
    case RocksDbBudgetKind::kFixedPerSlot:
      return "fixed-per-slot, outside of the process size";
    case RocksDbBudgetKind::kFixedPerTaskManager:
      return "fixed-per-tm, outside of the process size";
    case RocksDbBudgetKind::kNone:
      break;
  }
  return "nothing: every column family has its own cache and memtables, without a bound";
}

void WriteRocksDb(const ModelFacts& facts, Page* page) {
  page->Heading(fmt::format("Managed memory: {} slot{}, {} each", facts.slots,
                            facts.slots == 1 ? "" : "s", FormatBytes(facts.managed_per_slot)));
  for (const flink::SlotFacts& slot : facts.slot) {
    if (slot.with == "STATE_BACKEND") continue;  // all of the slot
    page->Line(fmt::format("  {:<24} {:<14} {:>6.2f} % {:>12} {:>15}", slot.with, slot.consumer,
                           100 * slot.fraction, FormatBytes(slot.bytes), slot.bytes.count));
  }
  if (!facts.rocksdb) {
    page->Paragraph("RocksDB: " + facts.rocksdb_problem, 2, 2, Style::kRed);
    return;
  }
  const flink::RocksDbFacts& rocksdb = *facts.rocksdb;
  page->Paragraph(
      fmt::format("If the state is in RocksDB, it is granted {}.", Granted(rocksdb.kind)), 2, 2,
      rocksdb.kind == RocksDbBudgetKind::kNone ? Style::kYellow : Style::kPlain);
  if (rocksdb.kind == RocksDbBudgetKind::kNone) {
    page->Paragraph(
        fmt::format("Each state can hold {}: a block cache of {} and {} memtables of {}. Four "
                    "states in a slot: {}. None of it is in the sum above.",
                    FormatBytes(rocksdb.per_state), FormatBytes(rocksdb.block_cache),
                    rocksdb.write_buffers, FormatBytes(rocksdb.write_buffer),
                    FormatBytes(4 * std::min(rocksdb.per_state, Bytes{INT64_MAX / 4}))),
        2, 2);
    return;
  }
  const auto row = [&](std::string_view name, Bytes bytes) {
    page->Line(fmt::format("  {:<39} {:>12} {:>15}", name, FormatBytes(bytes), bytes.count));
  };
  row(rocksdb.kind == RocksDbBudgetKind::kFixedPerTaskManager ? "for the whole TaskManager"
                                                              : "for each slot",
      rocksdb.shared);
  row("block cache, memtables included", rocksdb.cache);
  row("write buffer manager", rocksdb.write_buffer_manager);
  row("flush begins beyond (mutable limit)", rocksdb.mutable_limit);
  row("arena block of one memtable", rocksdb.arena);
  if (!rocksdb.arena_fits) {
    page->Paragraph(
        "The arena block is larger than the mutable limit: RocksDB flushes all the time. Lower "
        "state.backend.rocksdb.writebuffer.size, or give it more memory.",
        2, 2, Style::kYellow);
  }
}

}  // namespace

bool ModelFits(const ModelView& view) {
  return !view.facts.refused && (!view.limit || ProcessBeforeLimit(view) <= *view.limit);
}

std::string RenderModelText(const ModelView& view, const TextOptions& options) {
  const ModelFacts& facts = view.facts;
  Page page(options);
  page.Line(page.Styled(Style::kBold, fmt::format("Flink {} {}, {}", FormatVersion(facts.version),
                                                  RoleName(facts.role), ModeName(facts.mode))));
  page.Paragraph(view.source, 0, 0, Style::kDim);
  for (const std::string& note : view.notes) page.Paragraph("- " + note, 0, 2, Style::kYellow);
  page.Blank();
  if (facts.refused) {
    page.Paragraph("Flink refuses this configuration:", 0, 0, Style::kRed);
    page.Paragraph(facts.refused->error_class + ": " + facts.refused->message, 2, 2);
    for (const auto& cause : facts.refused->causes)
      page.Paragraph("Caused by: " + cause.error_class + ": " + cause.message, 2, 2);
    page.Blank();
    page.Paragraph("What to do: " + facts.next_step, 0, 2, Style::kBold);
    return page.Take();
  }
  WriteComponents(view, &page);
  WriteFit(view, &page);
  WriteBeside(view, &page);
  WriteArguments(facts, &page);
  if (facts.role == flink::Role::kTaskManager) WriteRocksDb(facts, &page);
  return page.Take();
}

}  // namespace wrackline::render
