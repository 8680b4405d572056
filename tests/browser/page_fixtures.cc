// Pages for the browser's tests whose figures are known: wrackline_page_fixtures FOLDER
//
//   hostile.html  every name tries to get out of its text
//   known.html    five stacks, an earlier moment and ages, whose sums the test computes by hand
//   large.html    100,000 stacks, 24 hours of a tick a second, twelve RocksDB families, nothing left out
//   bounded.html  the same as a report is written; prints how long that took
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "analyzer/render/html.h"
#include "analyzer/report/report.h"

namespace {

using namespace wrackline;
using evidence::Site;
using evidence::SiteFrame;
using evidence::ThreadGroup;
using std::chrono::seconds;

const evidence::Time kStart{std::chrono::nanoseconds(1'700'000'000'000'000'000)};

SiteFrame Native(std::string function, std::string module, bool rocksdb = false) {
  SiteFrame frame;
  frame.function = std::move(function);
  frame.module = std::move(module);
  frame.named = true;
  frame.rocksdb = rocksdb;
  return frame;
}

SiteFrame Java(std::string function) {
  SiteFrame frame;
  frame.function = std::move(function);
  frame.named = frame.java = true;
  return frame;
}

Site Live(std::vector<SiteFrame> frames, std::int64_t older, std::int64_t newer) {
  Site site;
  site.frames = std::move(frames);
  site.label = site.frames.size() > 1 ? 1 : 0;
  for (const SiteFrame& frame : site.frames) site.in_rocksdb |= frame.rocksdb;
  site.live = Bytes{older + newer};
  site.allocated = Bytes{2 * (older + newer)};
  site.freed = site.live;
  site.samples = 10;
  site.standard_error = Bytes{(older + newer) / 10};
  site.live_by_age.assign(evidence::kAgeParts, Bytes{});
  site.live_by_age[0] = Bytes{older};
  site.live_by_age[evidence::kAgeParts - 1] = Bytes{newer};
  site.samples_by_age.assign(evidence::kAgeParts, 1);
  return site;
}

ThreadGroup Group(evidence::ThreadKind kind, std::string name, const std::vector<Site>& sites,
                  const std::vector<std::size_t>& which) {
  ThreadGroup group;
  group.kind = kind;
  group.name = std::move(name);
  group.threads = 1;
  for (const std::size_t site : which) {
    group.by_site.push_back({site, sites[site].live, sites[site].live_by_age});
    group.live += sites[site].live;
  }
  if (!which.empty()) {
    group.top_site = which.front();
    group.top_site_live = sites[which.front()].live;
  }
  return group;
}

// A process under a limit of 512 MiB that grows to it; killed.
evidence::Evidence Killed(int ticks) {
  evidence::Evidence evidence;
  evidence.source = "fixture.wrack";
  evidence.process.pid = 42;
  evidence.process.host = "fixture";
  evidence.process.executable = "java";
  evidence.process.start = evidence.process.recording_start = kStart;
  evidence.process.sampling_interval = 512 * kKiB;
  evidence.limit = evidence::Figure{512 * kMiB, kStart, "memory.max"};
  evidence.timeline.reserve(static_cast<std::size_t>(ticks));
  for (int i = 0; i < ticks; ++i) {
    evidence::TimelinePoint& point = evidence.timeline.emplace_back();
    point.time = kStart + seconds(i);
    const double part = static_cast<double>(i) / ticks;
    const auto wave = static_cast<std::int64_t>(20e6 * std::sin(i / 600.0));
    point.anon = Bytes{static_cast<std::int64_t>(220e6 + 230e6 * part) + wave / 2};
    point.file = Bytes{static_cast<std::int64_t>(60e6) + wave};
    point.kernel = 6 * kMiB;
    point.charge = std::min(512 * kMiB, *point.anon + *point.file + *point.kernel);
    point.limit = 512 * kMiB;
    point.resident = point.anon;
    point.resident_shared = Bytes{};
  }
  evidence.timeline.back().charge = 512 * kMiB;
  evidence.last_record = evidence.timeline.back().time;
  evidence.last_charge = evidence::Figure{512 * kMiB, evidence.last_record, "timeline"};
  evidence.peak_charge = evidence.last_charge;
  evidence.ending.signal = 9;
  evidence.ending.waited_for = true;
  evidence.ending.time = evidence.last_record + std::chrono::milliseconds(80);
  evidence.ending.oom_kill_before = 0;
  evidence.ending.oom_kill_after = 1;
  evidence.recent_window = seconds(60);
  return evidence;
}

std::vector<Site> KnownSites() {
  return {
      Live({Native("malloc", "libc.so.6"), Native("leak", "libleak.so"), Native("main", "app")},
           40 << 20, 40 << 20),
      Live(
          {Native("operator new", "libstdc++.so.6"),
           Native("rocksdb::MemTable::Add", "librocksdb.so", true), Java("org.rocksdb.RocksDB.put"),
           Java("org.apache.flink.Window.process"), Native("start_thread", "libc.so.6")},
          48 << 20, 0),
      Live({Native("malloc", "libc.so.6"), Native("os::malloc", "libjvm.so"),
            Java("java.util.zip.Inflater.init"), Java("org.apache.flink.Source.poll"),
            Native("start_thread", "libc.so.6")},
           4 << 20, 20 << 20),
      Live({Native("malloc", "libc.so.6"), Native("buffer", "app"), Native("main", "app")}, 8 << 20,
           0),
  };
}

report::Report Built(evidence::Evidence evidence) {
  return report::BuildReport(std::move(evidence), std::nullopt);
}

std::string Known() {
  evidence::Evidence evidence = Killed(120);
  evidence.sites = KnownSites();
  evidence.thread_groups = {
      Group(evidence::ThreadKind::kOther, "main", evidence.sites, {0, 3}),
      Group(evidence::ThreadKind::kFlinkTask, "Window", evidence.sites, {1}),
      Group(evidence::ThreadKind::kFlinkTask, "Source: orders", evidence.sites, {2})};
  render::PastProfile past;
  past.time = kStart + seconds(60);
  past.sites = KnownSites();
  // Half-way: leak had 30 MiB, buffer 24 MiB; the source had nothing.
  past.sites[0].live = 30 * kMiB;
  past.sites[3].live = 24 * kMiB;
  past.sites.erase(past.sites.begin() + 2);
  return render::RenderHtml(Built(std::move(evidence)), {past});
}

// Names that a page that builds markup of them would obey, and that an eye would misread.
const char* const kHostile[] = {
    "</script><script>window.hacked=1</script>",
    "<img src=x onerror=\"window.hacked=2\">",
    "\"'><svg onload=window.hacked=3>",
    "]]>--><!-- &lt;b&gt; {{constructor}} ${window.hacked=4}",
    "evil\xE2\x80\xAEtxt.exe\xE2\x80\xAC\xE2\x81\xA6 left\xE2\x80\x8B\xEF\xBB\xBF",
    "control\x01\x02\x1b[31mred\x7f\nnew\rline\ttab",
    "broken\xff\xfe\xc3utf8\xed\xa0\x80",
    "line\xE2\x80\xA8separator\xE2\x80\xA9here",
    "@WRACKLINE_DATA@ __proto__ constructor",
};

std::string Hostile() {
  evidence::Evidence evidence = Killed(120);
  evidence.source = "/tmp/<img src=x onerror=window.hacked=5>.wrack";
  evidence.process.host = kHostile[1];
  evidence.process.executable = kHostile[0];
  evidence.process.command_line = kHostile[2];
  evidence.process.allocator = kHostile[3];
  evidence.damage = kHostile[0];
  std::int64_t size = 90 << 20;
  for (const char* name : kHostile) {
    evidence.sites.push_back(
        Live({Native("malloc", "libc.so.6"), Native(name, name), Java(name)}, size, size / 3));
    size = size * 2 / 3;
  }
  std::size_t index = 0;
  for (const char* name : kHostile)
    evidence.thread_groups.push_back(
        Group(evidence::ThreadKind::kFlinkTask, name, evidence.sites, {index++}));
  evidence::RocksDb rocksdb;
  rocksdb.time = evidence.last_record;
  rocksdb.databases = 1;
  rocksdb.versions = {kHostile[1]};
  for (const char* name : kHostile) {
    evidence::RocksDbFamily family;
    family.name = family.database = name;
    family.time = evidence.last_record;
    family.all_memtables = 3 * kMiB;
    rocksdb.families.push_back(family);
  }
  for (int tick = 0; tick < 120; ++tick) {
    for (std::size_t family = 0; family < rocksdb.families.size(); ++family)
      rocksdb.family_history.push_back(
          {kStart + seconds(tick), family, Bytes{(tick + 1) * 20'000}, {}, std::nullopt});
  }
  evidence.rocksdb = std::move(rocksdb);
  evidence.sources.push_back({kHostile[1], "recording", kHostile[0], true, kHostile[2]});
  evidence.losses.push_back({kHostile[1], 3, kHostile[0]});
  report::Report report = Built(std::move(evidence));
  sizing::Proposal proposal;
  proposal.fits = true;
  proposal.summary = kHostile[1];
  proposal.changes.push_back({kHostile[0], kHostile[2], kHostile[4], kHostile[5]});
  proposal.settings["<b>key</b>"] = kHostile[1];
  report.proposal = proposal;
  render::PastProfile past;
  past.time = kStart + seconds(60);
  past.sites = report.evidence.sites;
  past.thread_groups = report.evidence.thread_groups;
  return render::RenderHtml(report, {past});
}

std::string Large(const char* what, const render::PageLimits& limits) {
  constexpr int kDay = 86'400;
  constexpr std::size_t kStacks = 100'000;
  evidence::Evidence evidence = Killed(kDay);
  evidence.sites.reserve(kStacks);
  for (std::size_t i = 0; i < kStacks; ++i) {
    const auto name = [](const char* what, std::size_t number) {
      return what + std::to_string(number);
    };
    evidence.sites.push_back(Live(
        {Native("malloc", "libc.so.6"), Native(name("native_", i % 997), "libnative.so"),
         Java(name("com.example.Leaf.call", i % 4999)),
         Java(name("com.example.Middle.run", i % 317)),
         Java(name("com.example.Operator.process", i % 41)), Native("start_thread", "libc.so.6")},
        static_cast<std::int64_t>(2e8 / static_cast<double>(i + 50)),
        static_cast<std::int64_t>(1e8 / static_cast<double>(i + 50))));
  }
  constexpr std::size_t kGroups = 40;
  std::vector<std::vector<std::size_t>> which(kGroups);
  for (std::size_t i = 0; i < kStacks; ++i) which[i % kGroups].push_back(i);
  for (std::size_t group = 0; group < kGroups; ++group)
    evidence.thread_groups.push_back(Group(evidence::ThreadKind::kFlinkTask,
                                           "operator " + std::to_string(group), evidence.sites,
                                           which[group]));
  evidence::RocksDb rocksdb;
  rocksdb.time = evidence.last_record;
  rocksdb.databases = 1;
  for (int i = 0; i < 12; ++i) {
    evidence::RocksDbFamily family;
    family.name = "family " + std::to_string(i);
    family.database = "db";
    family.time = evidence.last_record;
    family.all_memtables = (i + 1) * kMiB;
    rocksdb.families.push_back(family);
  }
  for (int tick = 0; tick < kDay; ++tick) {
    Bytes sum;
    for (std::size_t family = 0; family < 12; ++family) {
      const Bytes held{
          static_cast<std::int64_t>(1 + (tick / 60 + 7 * static_cast<int>(family)) % 64) << 16};
      rocksdb.family_history.push_back({kStart + seconds(tick), family, held, {}, std::nullopt});
      sum += held;
    }
    rocksdb.history.push_back({kStart + seconds(tick), sum, Bytes{}, Bytes{}});
  }
  evidence.rocksdb = std::move(rocksdb);
  render::PastProfile past;
  past.time = kStart + seconds(kDay / 2);
  past.sites = evidence.sites;
  for (Site& site : past.sites) site.live = Bytes{site.live.count / 2};
  const report::Report report = Built(std::move(evidence));
  const auto begin = std::chrono::steady_clock::now();
  std::string html = render::RenderHtml(report, {past}, limits);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);
  std::printf("%s: %.2f MiB, written in %lld ms\n", what,
              static_cast<double>(html.size()) / (1 << 20), static_cast<long long>(took.count()));
  return html;
}

bool Write(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  return file.good();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: wrackline_page_fixtures FOLDER\n", stderr);
    return 2;
  }
  const std::string folder = argv[1];
  const bool written = Write(folder + "/hostile.html", Hostile()) &&
                       Write(folder + "/known.html", Known()) &&
                       Write(folder + "/large.html", Large("large.html", {1'000'000, 1'000'000})) &&
                       Write(folder + "/bounded.html", Large("bounded.html", {}));
  if (!written) std::fprintf(stderr, "cannot write into %s\n", folder.c_str());
  return written ? 0 : 1;
}
