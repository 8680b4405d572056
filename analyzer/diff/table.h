// Rows of figures with the same name on two sides.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "analyzer/diff/diff.h"

namespace wrackline::diff {

// Adds figures up by id, in the order in which the ids were first seen.
class Table {
 public:
  enum class Which { kBefore, kAfter };

  Row& At(const std::string& id, const std::string& label, Unit unit = Unit::kBytes) {
    const auto [place, fresh] = index_.try_emplace(id, rows_.size());
    if (fresh) {
      Row row;
      row.id = id;
      row.label = label;
      row.unit = unit;
      rows_.push_back(std::move(row));
    }
    return rows_[place->second];
  }
  static void Add(Row* row, Which which, double amount) {
    std::optional<double>& figure = which == Which::kBefore ? row->before : row->after;
    figure = figure.value_or(0) + amount;
  }
  void Add(const std::string& id, const std::string& label, Which which,
           const std::optional<Bytes>& amount) {
    if (amount) Add(&At(id, label), which, static_cast<double>(amount->count));
  }
  std::vector<Row> Take() { return std::move(rows_); }

 private:
  std::vector<Row> rows_;
  std::map<std::string, std::size_t> index_;
};

// Runs `add` for both sides.
template <typename Function>
void ForBoth(const evidence::Evidence& before, const evidence::Evidence& after, Function add) {
  add(before, Table::Which::kBefore);
  add(after, Table::Which::kAfter);
}

}  // namespace wrackline::diff
