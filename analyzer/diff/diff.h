// What grew from one account of memory to another: two recordings, two heap profiles, two moments.
//
//   Diff diff = Compare(before, after, {});
//   diff.grew                                          // something grew, beyond chance and beyond the thresholds
//   for (const Section& section : diff.sections) ...   // ledger, sites, thread groups, RocksDB, the JVM
//
// Sites match by the functions of their frames, so that the two may be of different processes, addresses, builds and lines.
// docs/diff.md says how each kind of figure is judged. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/diff/significance.h"
#include "analyzer/evidence/evidence.h"
#include "lib/units/bytes.h"

namespace wrackline::diff {

struct Options {
  // What is less does not count as grown, however sure it is: both must be met.
  Bytes least_growth = kMiB;
  double least_percent = 10;  // of what was there before
  bool per_hour = false;      // figures are divided by the hours that each side had run
};

enum class Unit { kBytes, kCount };

struct Row {
  std::string id;     // stable within its section, for programs
  std::string label;  // for people; may hold names from the recording
  Unit unit = Unit::kBytes;
  // Nothing: that side has no such figure, which is not the same as zero. Per hour where that was asked for.
  std::optional<double> before, after;
  bool sampled = false;  // else both were counted, and their difference is no estimate
  double before_error = 0, after_error = 0;  // standard errors
  std::uint64_t before_samples = 0, after_samples = 0;
  Verdict verdict;                          // of a sampled one
  bool judged = false;                      // it may count as grown
  bool grown = false;                       // it does
  std::vector<evidence::SiteFrame> frames;  // of a site: innermost first
  std::size_t label_frame = 0;

  double Change() const { return after.value_or(0) - before.value_or(0); }
  // Nothing where there was none before.
  std::optional<double> Percent() const;
};

struct Section {
  std::string id, title;  // id: "ledger", "sites", "threads", "rocksdb", "rocksdb_objects", "jvm"
  std::vector<Row> rows;  // grown ones first, then by the size of the change
  std::vector<std::string> notes;
};

struct Side {
  std::string source;   // the path
  std::string subject;  // "java (pid 4711 on tm-1)"
  std::string kind;     // "recording", "scrape", "jemalloc heap profile", ...
  evidence::Time time;  // that the figures are of
  std::optional<evidence::Duration> uptime;
  std::optional<Bytes> interval;
};

struct Diff {
  Side before, after;
  Options options;
  bool same_process = false;
  bool grew = false;
  std::vector<std::string> notes;
  std::vector<Section> sections;  // those with a figure on either side
};

// Per hour, a side without a known uptime has no figures: `notes` says so.
Diff Compare(const evidence::Evidence& before, const evidence::Evidence& after,
             const Options& options);

// Of a recording that is compared with its own past: what was allocated within the recent window of `sites` and still lives. That is
// the most by which a site can have grown since; what was freed meanwhile is not known, so nothing of it is judged.
Section NewSitesSection(const std::vector<evidence::Site>& sites);

std::string_view Name(Confidence confidence);

}  // namespace wrackline::diff
