#include "analyzer/evidence/run_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "analyzer/evidence/folder_files.h"

namespace wrackline::evidence {
namespace {

using nlohmann::json;
using sizing::Moment;
using sizing::Run;

constexpr std::string_view kMark = "\"wrackline_run\"";
// No machine has a pebibyte, and sums of many such sizes cannot overflow.
constexpr std::int64_t kMostBytes = std::int64_t{1} << 50;
// A hundred years in milliseconds.
constexpr std::int64_t kMostTime = std::int64_t{100} * 366 * 24 * 3600 * 1000;
constexpr std::int64_t kMostCount = 1'000'000;
constexpr std::size_t kMostName = 4096;
constexpr double kMostRate = 1e18;

// The columns of "moments", in the order of Columns.
constexpr std::array<std::string_view, 9> kColumns = {"at_ms",     "working_set", "heap",
                                                      "heap_live", "metaspace",   "direct",
                                                      "caches",    "memtables",   "table_readers"};
using Cell = std::optional<std::int64_t>;

// Where in the line the parser is.
enum class Place {
  kStart,
  kRun,
  kGranted,
  kFamilies,
  kFamily,
  kLeaks,
  kLeak,
  kMoments,
  kColumn,
};

struct GrantedField {
  std::string_view key;
  Bytes flink::TaskManagerMemory::*field;
};
constexpr std::array<GrantedField, 8> kGranted = {{
    {"framework_heap", &flink::TaskManagerMemory::framework_heap},
    {"task_heap", &flink::TaskManagerMemory::task_heap},
    {"framework_off_heap", &flink::TaskManagerMemory::framework_off_heap},
    {"task_off_heap", &flink::TaskManagerMemory::task_off_heap},
    {"network", &flink::TaskManagerMemory::network},
    {"managed", &flink::TaskManagerMemory::managed},
    {"jvm_metaspace", &flink::TaskManagerMemory::jvm_metaspace},
    {"jvm_overhead", &flink::TaskManagerMemory::jvm_overhead},
}};

// Fills one run from the events of one line. Every event returns false to stop; `problem` then says why.
class RunReader {
 public:
  using number_integer_t = json::number_integer_t;
  using number_unsigned_t = json::number_unsigned_t;
  using number_float_t = json::number_float_t;
  using string_t = json::string_t;
  using binary_t = json::binary_t;

  bool null() {
    if (skipped_ > 0) return true;
    if (place_ != Place::kColumn) return place_ != Place::kStart || Fail("it is no JSON object");
    return Append(std::nullopt);
  }
  bool boolean(bool value) {
    if (skipped_ > 0) return true;
    if (place_ == Place::kRun) {
      if (key_ == "killed") return run_.killed = value, true;
      if (key_ == "partial") return run_.partial = value, true;
      if (key_ == "rocksdb_managed") return run_.rocksdb_managed = value, true;
    }
    return Other("true or false");
  }
  bool number_integer(number_integer_t value) {
    if (skipped_ > 0) return true;
    return value >= 0 ? Number(value)
                      : Other(std::to_string(value) + ", and nothing here is below zero");
  }
  bool number_unsigned(number_unsigned_t value) {
    if (skipped_ > 0) return true;
    constexpr auto kTop = static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max());
    return Number(static_cast<std::int64_t>(std::min(value, kTop)));
  }
  bool number_float(number_float_t value, const string_t& text) {
    if (skipped_ > 0) return true;
    if (place_ == Place::kLeak && key_ == "bytes_per_hour") return Rate(value);
    return Other(text + ": sizes and times are whole numbers");
  }
  bool string(string_t& text) {
    if (skipped_ > 0) return true;
    if (text.size() > kMostName) return Fail("a text of more than 4,096 bytes");
    if (place_ == Place::kRun && key_ == "name") return run_.name = std::move(text), true;
    if (place_ == Place::kRun && key_ == "flink_version")
      return run_.flink_version = std::move(text), true;
    if (place_ == Place::kFamily && key_ == "name")
      return run_.families.back().name = std::move(text), true;
    if (place_ == Place::kLeak && key_ == "what")
      return run_.leaks.back().what = std::move(text), true;
    return Other("a text");
  }
  bool binary(binary_t&) { return Fail("binary data"); }

  bool start_object(std::size_t) {
    if (skipped_ > 0) return ++skipped_, true;
    switch (place_) {
      case Place::kStart:
        return Enter(Place::kRun);
      case Place::kRun:
        if (key_ == "granted") {
          run_.granted.emplace();
          granted_seen_ = 0;
          return Enter(Place::kGranted);
        }
        if (key_ == "moments") return Enter(Place::kMoments);
        return Skip("an object");
      case Place::kFamilies:
        if (run_.families.size() >= kMostRunFamilies) return Fail("more than 10,000 families");
        run_.families.emplace_back();
        return Enter(Place::kFamily);
      case Place::kLeaks:
        if (run_.leaks.size() >= kMostRunLeaks) return Fail("more than 1,000 leaks");
        run_.leaks.emplace_back();
        return Enter(Place::kLeak);
      default:
        return Skip("an object");
    }
  }
  bool key(string_t& key) {
    if (skipped_ == 0) key_ = std::move(key);
    return true;
  }
  bool end_object() {
    if (skipped_ > 0) return --skipped_, true;
    return Leave();
  }
  bool start_array(std::size_t) {
    if (skipped_ > 0) return ++skipped_, true;
    if (place_ == Place::kRun && key_ == "families") return Enter(Place::kFamilies);
    if (place_ == Place::kRun && key_ == "leaks") return Enter(Place::kLeaks);
    if (place_ == Place::kMoments) {
      const auto found = std::find(kColumns.begin(), kColumns.end(), key_);
      if (found == kColumns.end()) return Skip("a list");
      column_ = static_cast<std::size_t>(found - kColumns.begin());
      if (!columns_[column_].empty()) return Fail("the column \"" + key_ + "\" is there twice");
      return Enter(Place::kColumn);
    }
    return Skip("a list");
  }
  bool end_array() { return end_object(); }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) {
    return Fail("it is not JSON from character " + std::to_string(position) + " on");
  }

  // What was wrong, with what to do; empty: nothing.
  const std::string& problem() const { return problem_; }
  const std::string& next_step() const { return next_step_; }

  // The run, once the line is read. False: `problem`.
  bool Finish(Run* run) {
    if (!version_) return Fail("it has no \"wrackline_run\"");
    if (granted_seen_ != 0 && granted_seen_ != (1U << kGranted.size()) - 1)
      return Fail("\"granted\" has not all eight components");
    if (run_.granted) {
      flink::TaskManagerMemory& memory = *run_.granted;
      memory.total_flink = memory.JvmHeap() + memory.JvmDirect() + memory.managed;
      memory.total_process = memory.total_flink + memory.jvm_metaspace + memory.jvm_overhead;
      if (granted_seen_ == 0) run_.granted.reset();
    }
    if (!FinishMoments()) return false;
    *run = std::move(run_);
    return true;
  }

 private:
  bool Fail(std::string problem, std::string next_step = {}) {
    problem_ = std::move(problem);
    next_step_ = std::move(next_step);
    return false;
  }
  std::string Named() const { return key_.empty() ? "a value" : "\"" + key_ + "\""; }
  // A value of another kind than the field has; one whose field is not known is nothing to us.
  bool Other(const std::string& what) {
    if (place_ == Place::kStart) return Fail("it is no JSON object");
    if (place_ == Place::kFamilies || place_ == Place::kLeaks || place_ == Place::kColumn ||
        Known())
      return Fail(Named() + " is " + what);
    return true;
  }
  bool Skip(const char* what) {
    if (!Other(what)) return false;
    skipped_ = 1;
    return true;
  }
  bool Known() const {
    const auto among = [this](std::initializer_list<std::string_view> keys) {
      return std::find(keys.begin(), keys.end(), key_) != keys.end();
    };
    switch (place_) {
      case Place::kRun:
        return among({"wrackline_run", "name", "limit", "killed", "partial", "flink_version",
                      "granted", "slots", "rocksdb_managed", "rocksdb_fixed", "families",
                      "databases", "network_used", "managed_used", "leaks", "moments",
                      "lifetime_ms"});
      case Place::kGranted:
        return std::any_of(kGranted.begin(), kGranted.end(),
                           [this](const GrantedField& field) { return field.key == key_; });
      case Place::kFamily:
        return among({"name", "write_buffer_size", "max_write_buffers", "memtables_peak",
                      "own_cache_capacity", "databases"});
      case Place::kLeak:
        return among({"what", "held", "bytes_per_hour"});
      case Place::kMoments:
        return std::find(kColumns.begin(), kColumns.end(), key_) != kColumns.end();
      default:
        return false;
    }
  }
  bool Enter(Place place) {
    around_[depth_++] = place_;
    place_ = place;
    return true;
  }
  bool Leave() {
    place_ = around_[--depth_];
    return true;
  }

  bool Size(std::int64_t value, Bytes* size) {
    if (value > kMostBytes) return Fail(Named() + " is more than a pebibyte");
    *size = Bytes{value};
    return true;
  }
  bool Size(std::int64_t value, std::optional<Bytes>* size) {
    return Size(value, &size->emplace());
  }
  bool Count(std::int64_t value, int* count) {
    if (value > kMostCount) return Fail(Named() + " is more than a million");
    *count = static_cast<int>(value);
    return true;
  }
  bool Rate(double value) {
    if (!(std::abs(value) <= kMostRate)) return Fail(Named() + " is no rate of memory");
    run_.leaks.back().bytes_per_hour = value;
    return true;
  }
  bool Number(std::int64_t value) {
    switch (place_) {
      case Place::kColumn:
        return Append(value);
      case Place::kRun:
        return NumberOfRun(value);
      case Place::kGranted:
        for (std::size_t i = 0; i < kGranted.size(); ++i) {
          if (kGranted[i].key != key_) continue;
          granted_seen_ |= 1U << i;
          return Size(value, &((*run_.granted).*kGranted[i].field));
        }
        return true;
      case Place::kFamily:
        return NumberOfFamily(value, &run_.families.back());
      case Place::kLeak:
        if (key_ == "held") return Size(value, &run_.leaks.back().held);
        if (key_ == "bytes_per_hour") return Rate(static_cast<double>(value));
        return Other("a number");
      default:
        return Other("a number");
    }
  }
  bool NumberOfRun(std::int64_t value) {
    if (key_ == "wrackline_run") {
      if (value != kRunFileVersion)
        return Fail("it is a run of version " + std::to_string(value) +
                        ", and this wrackline reads " + std::to_string(kRunFileVersion),
                    "read it with the wrackline that wrote it, or a newer one");
      version_ = true;
      return true;
    }
    if (key_ == "limit") return Size(value, &run_.limit);
    if (key_ == "rocksdb_fixed") return Size(value, &run_.rocksdb_fixed);
    if (key_ == "network_used") return Size(value, &run_.network_used);
    if (key_ == "managed_used") return Size(value, &run_.managed_used);
    if (key_ == "slots") return Count(value, &run_.slots.emplace());
    if (key_ == "databases") return Count(value, &run_.databases);
    if (key_ == "lifetime_ms") {
      if (value > kMostTime) return Fail(Named() + " is more than a hundred years");
      run_.lifetime = sizing::Milliseconds(value);
      return true;
    }
    return Other("a number");
  }
  bool NumberOfFamily(std::int64_t value, sizing::FamilyDemand* family) {
    if (key_ == "write_buffer_size") return Size(value, &family->write_buffer_size);
    if (key_ == "memtables_peak") return Size(value, &family->memtables_peak);
    if (key_ == "own_cache_capacity") return Size(value, &family->own_cache_capacity);
    if (key_ == "max_write_buffers") return Count(value, &family->max_write_buffers);
    if (key_ == "databases") return Count(value, &family->databases);
    return Other("a number");
  }
  bool Append(Cell cell) {
    std::vector<Cell>& column = columns_[column_];
    if (column.size() >= kMostRunMoments)
      return Fail("it has more than " + std::to_string(kMostRunMoments) + " moments");
    if (cell && *cell > (column_ == 0 ? kMostTime : kMostBytes))
      return Fail(Named() + (column_ == 0 ? " has a time of more than a hundred years"
                                          : " has more than a pebibyte"));
    if (!cell && column_ < 2) return Fail(Named() + " has a null, and every moment needs it");
    column.push_back(cell);
    return true;
  }

  bool FinishMoments() {
    const std::size_t count = columns_[0].size();
    if (count == 0) return Fail("it has no moment: there is nothing to replay");
    for (std::size_t i = 1; i < columns_.size(); ++i) {
      if (columns_[i].size() == count || (i > 1 && columns_[i].empty())) continue;
      return Fail("\"" + std::string(kColumns[i]) + "\" has " + std::to_string(columns_[i].size()) +
                  " values for " + std::to_string(count) + " moments");
    }
    run_.moments.resize(count);
    std::int64_t before = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t at = *columns_[0][i];
      if (at < before) return Fail("its moments are not in order of time");
      before = at;
      run_.moments[i].at = sizing::Milliseconds(at);
      run_.moments[i].working_set = Bytes{*columns_[1][i]};
    }
    constexpr std::array<std::optional<Bytes> Moment::*, 7> kParts = {
        &Moment::heap,   &Moment::heap_live, &Moment::metaspace,    &Moment::direct,
        &Moment::caches, &Moment::memtables, &Moment::table_readers};
    for (std::size_t part = 0; part < kParts.size(); ++part) {
      const std::vector<Cell>& column = columns_[part + 2];
      for (std::size_t i = 0; i < column.size(); ++i) {
        if (column[i]) run_.moments[i].*kParts[part] = Bytes{*column[i]};
      }
    }
    return true;
  }

  Run run_;
  std::array<std::vector<Cell>, kColumns.size()> columns_;
  std::size_t column_ = 0;
  unsigned granted_seen_ = 0;
  bool version_ = false;
  Place place_ = Place::kStart;
  std::array<Place, 8> around_{};  // no place is deeper than kColumn: four
  std::size_t depth_ = 0;
  std::size_t skipped_ = 0;  // levels of a value that is not known
  std::string key_;
  std::string problem_, next_step_;
};

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view Trimmed(std::string_view line) {
  while (!line.empty() && IsSpace(line.front())) line.remove_prefix(1);
  while (!line.empty() && IsSpace(line.back())) line.remove_suffix(1);
  return line;
}

}  // namespace

bool LooksLikeRunFile(std::string_view head) {
  while (!head.empty() && (IsSpace(head.front()) || head.front() == '\n')) head.remove_prefix(1);
  if (!head.starts_with('{')) return false;
  head.remove_prefix(1);
  while (!head.empty() && IsSpace(head.front())) head.remove_prefix(1);
  return head.starts_with(kMark);
}

Result<std::vector<Run>> ReadRuns(std::string_view text, std::string_view file) {
  constexpr const char* kWrittenBy = "write it again with `wrackline size --save-runs`";
  std::vector<Run> runs;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = Trimmed(text.substr(0, end));
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
    if (line.empty()) continue;
    const std::string place = std::string(file) + ":" + std::to_string(number) + ": ";
    if (runs.size() >= kMostRuns) return Error{place + "more than 100,000 runs", "split the file"};
    RunReader reader;
    const bool read = json::sax_parse(line.begin(), line.end(), &reader);
    Run run;
    if (!read || !reader.Finish(&run))
      return Error{place + (reader.problem().empty() ? "it is no run" : reader.problem()),
                   reader.next_step().empty() ? kWrittenBy : reader.next_step()};
    runs.push_back(std::move(run));
  }
  if (runs.empty()) return Error{std::string(file) + " has no run in it", kWrittenBy};
  return runs;
}

bool IsRunFile(const std::string& path) {
  const Result<FolderListing> listing = ListFolder(path);
  if (!listing.ok() || !listing.value().single || listing.value().files.size() != 1) return false;
  const FolderFile& file = listing.value().files.front();
  if (file.gzip) {
    const Result<std::string> text = LoadFile(file);
    return text.ok() && LooksLikeRunFile(text.value());
  }
  std::string head(512, '\0');
  std::ifstream stream(path, std::ios::binary);
  stream.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(stream.gcount()));
  return LooksLikeRunFile(head);
}

Result<std::vector<Run>> ReadRunFile(const std::string& path) {
  const Result<FolderListing> listing = ListFolder(path);
  if (!listing.ok()) return listing.error();
  if (!listing.value().single || listing.value().files.size() != 1)
    return Error{path + " is no file", "name the file of runs"};
  const Result<std::string> text = LoadFile(listing.value().files.front());
  if (!text.ok()) return text.error();
  return ReadRuns(text.value(), path);
}

}  // namespace wrackline::evidence
