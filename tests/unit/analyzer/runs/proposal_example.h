// A proposal with everything in it, names from outside among them.
#pragma once

#include "analyzer/sizing/proposal.h"

namespace wrackline::testing {

inline constexpr char kHostile[] =
    "a|b`c*d_e<script>[x](http://y)\n# z: \"q\" '@team #12 \x1b[31m{%}&amp; ${HOME}\xff";

inline sizing::Proposal Example() {
  sizing::Proposal p;
  p.fits = true;
  p.summary = "Give each component what it needs.";
  p.changes = {
      {"taskmanager.memory.process.size", "1024m", "1536m", "It is 1.00 GiB too small."},
      {"taskmanager.memory.task.off-heap.size", "", "64m", "RocksDB goes beyond: 5.6 MiB."},
      {"taskmanager.memory.managed.fraction", "0.4", "", "The size is given instead."},
      {"state.backend.rocksdb.memory.managed", "false", "true", "One bound for all."}};
  p.arithmetic = {"4 families x (2 x 64.0 MiB + 8.0 MiB) = 544.0 MiB"};
  p.advice = {"Record the next run too."};
  for (const sizing::Change& change : p.changes) p.settings[change.key] = change.new_value;
  p.predicted_peak = 1200 * kMiB;
  p.headroom = 336 * kMiB;
  p.smallest_limit = 1400 * kMiB;
  p.components = {{"JVM heap", 90 * kMiB, 135 * kMiB, 512 * kMiB, 256 * kMiB, "3/2 of its use"},
                  {"network", std::nullopt, 64 * kMiB, 64 * kMiB, 64 * kMiB, "not known"}};
  p.kept = {{"taskmanager.memory.jvm-metaspace.size", "256m", "it is enough"}};
  sizing::BackTest& test = p.backtest.emplace();
  test.limit = 1536 * kMiB;
  test.memory.total_process = 1536 * kMiB;
  test.headroom_asked = 154 * kMiB;
  test.least_headroom = 336 * kMiB;
  test.survives = true;
  sizing::Replay& replay = test.replays.emplace_back();
  replay.run = "monday.wrack";
  replay.peak = 1200 * kMiB;
  replay.peak_at = std::chrono::seconds(40);
  replay.headroom = 336 * kMiB;
  replay.parts = {{"heap", 100 * kMiB, 90 * kMiB}};
  return p;
}

// The same with every text from outside hostile.
inline sizing::Proposal HostileExample() {
  sizing::Proposal p = Example();
  p.changes.push_back({kHostile, kHostile, kHostile, kHostile});
  p.changes.push_back({"evil.removed", kHostile, "", kHostile});
  p.summary = kHostile;
  p.advice = p.arithmetic = {kHostile};
  p.components[0].reason = kHostile;
  p.kept = {{kHostile, kHostile, kHostile}};
  p.backtest->replays[0].run = kHostile;
  p.settings[kHostile] = kHostile;
  return p;
}

inline sizing::Proposal NoFit() {
  sizing::Proposal p;
  p.summary = "Nothing fits under 512.0 MiB: 200.0 MiB are missing.";
  p.smallest_limit = 712 * kMiB;
  return p;
}

}  // namespace wrackline::testing
