#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

using evidence::ThreadGroup;
using evidence::ThreadKind;

constexpr std::size_t kGroups = 12;
constexpr std::size_t kSubtasks = 6;  // named one by one

// "subtasks 1, 3 of 4", "all 4 subtasks", "7 subtasks of 8", "12 threads"; empty: one thread.
std::string Extent(const ThreadGroup& group) {
  if (!group.subtasks.empty()) {
    const std::string of =
        group.parallelism ? fmt::format(" of {}", *group.parallelism) : std::string();
    if (group.parallelism && group.subtasks.size() == *group.parallelism)
      return *group.parallelism == 1 ? std::string()
                                     : fmt::format("all {} subtasks", *group.parallelism);
    if (group.subtasks.size() > kSubtasks)
      return fmt::format("{} subtasks{}", group.subtasks.size(), of);
    std::string text = group.subtasks.size() == 1 ? "subtask " : "subtasks ";
    for (std::size_t i = 0; i < group.subtasks.size(); ++i)
      text += (i == 0 ? "" : ", ") + std::to_string(group.subtasks[i]);
    return text + of;
  }
  return group.threads > 1 ? fmt::format("{} threads", group.threads) : std::string();
}

}  // namespace

void WriteThreads(const evidence::Evidence& evidence, Page* page) {
  const std::vector<ThreadGroup>& groups = evidence.thread_groups;
  if (groups.empty() || groups.front().live.count <= 0) return;
  // A program of one kind of thread is told nothing by their name.
  if (groups.size() == 1 && groups.front().kind != ThreadKind::kFlinkTask) return;
  const bool flink = std::any_of(groups.begin(), groups.end(), [](const ThreadGroup& group) {
    return group.kind == ThreadKind::kFlinkTask;
  });
  Bytes live;
  for (const ThreadGroup& group : groups) live += group.live;
  page->Heading(fmt::format("Native memory by {}: whose threads allocated what is live",
                            flink ? "operator" : "thread group"));
  Bytes rest;
  std::size_t shown = 0, more = 0;
  for (const ThreadGroup& group : groups) {
    if (group.live.count <= 0) break;
    if (shown == kGroups) {
      rest += group.live;
      ++more;
      continue;
    }
    ++shown;
    std::string extent = Extent(group);
    if (!extent.empty()) extent.insert(0, "  ");
    const std::size_t room = page->width() - 36;
    const std::size_t name = room > Columns(extent) + 16 ? room - Columns(extent) : 16;
    page->Line(fmt::format("  {} +- {}  {}  {}{}", Right(FormatBytes(group.live), 10, page->utf8()),
                           Left(FormatBytes(group.standard_error), 9, page->utf8()),
                           Right(Percent(group.live, live), 7, page->utf8()),
                           page->Styled(Style::kBold, page->Name(group.name, name)),
                           page->Styled(Style::kDim, extent)));
  }
  if (more != 0)
    page->Line(page->Styled(
        Style::kDim,
        fmt::format("  {} in {} more groups", Right(FormatBytes(rest), 10, page->utf8()), more)));
}

}  // namespace wrackline::render
