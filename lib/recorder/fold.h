// Folds records, one after the other, into a Recording: state records overwrite, history records
// line up.
#pragma once

#include <string>
#include <string_view>

#include "lib/recorder/reader.h"

namespace wrackline::recorder {

// Parses one serialized Record. Text that is not UTF-8 (a path in another encoding, a name cut
// inside a character) has its offending bytes replaced by '?', because libprotobuf would refuse the
// whole record; `*repaired`, when given, is then the record as parsed, of the same length, and
// empty otherwise. False: no Record.
bool ParseRecord(std::string_view bytes, proto::Record* record, std::string* repaired = nullptr);

// `text` with each byte that is not part of a UTF-8 character replaced by '?'.
std::string RepairUtf8(std::string text);

class Folder {
 public:
  explicit Folder(Recording& recording) : recording_(recording) {}

  // `bytes`: the record's size as written.
  void Add(proto::Record record, std::size_t bytes);
  // Sorts the history and drops records that a snapshot has repeated. Call once, after the last
  // Add.
  void Finish();

 private:
  Recording& recording_;
};

}  // namespace wrackline::recorder
