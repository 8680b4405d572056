// `wrackline rocksdb`: what each database and family holds, each byte once, and what adding up the
// families' own figures counts twice.
#pragma once

#include <string>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/render/page.h"

namespace wrackline::render {

struct RocksDbView {
  std::string subject;  // "TaskManager 10.0.0.1:6122-c5", "java (pid 12 on host)"
  std::string source;   // the file
  bool metrics = false;
  int scrapes = 0;  // of metrics; more than one: peaks are shown
  // At least one of them. All databases may be closed and what Java made not.
  const evidence::RocksDb* rocksdb = nullptr;
  const evidence::RocksDbObjects* objects = nullptr;
  std::vector<std::string> notes;
};

std::string RenderRocksDbText(const std::vector<RocksDbView>& views, const TextOptions& options);

// One object: {"schema": 1, "views": [...]}; docs/cli.md lists the fields.
std::string RenderRocksDbJson(const std::vector<RocksDbView>& views);

}  // namespace wrackline::render
