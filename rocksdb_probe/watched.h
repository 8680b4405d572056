// A watched database, as the probe and its splitter share it.
#pragma once

#include <rocksdb/db.h>

#include <mutex>
#include <string>

#include "rocksdb_probe/sample.h"

namespace wrackline::probe {

struct WatchedDatabase {
  explicit WatchedDatabase(rocksdb::DB* watched) : db(watched) {}

  rocksdb::DB* const db;  // to be found by; touched through facts.db alone
  std::mutex mutex;       // held while the database is touched
  DatabaseFacts facts;    // facts.db is null once it was let go

  // Guarded by the probe's emit_mutex_.
  std::string state_record;
  bool closed = false;
  bool shim_has_state = false;
  bool file_has_state = false;
};

}  // namespace wrackline::probe
