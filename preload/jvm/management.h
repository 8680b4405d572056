// The VM's management interface, what java.lang.management stands on: its figures without its classes, which a program that
// never asked for them would otherwise load because of us.
//
// JVM_GetManagement is exported by libjvm and answers to its exact version only, so each version here has the places of its
// functions from that version's jmm.h: JDK 8 (0x20010000), 10 to 13 (0x20020000), 14 to 17 (0x20030000), 21 to 25 (0x20040000).
//
//   Management management;
//   if (management.Open(context)) {
//     const long length = management.Execute(context, "GC.heap_info", text, sizeof(text));
//   }
//
// The JVM thread alone. A call may wait for a collection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "preload/jvm/context.h"

namespace wrackline::preload {

class Management {
 public:
  // False: this VM has no interface that is known here.
  bool Open(const JvmContext& jvm);
  bool is_open() const { return table_ != nullptr; }

  enum Attribute : int {  // jmmLongAttribute
    kClassesLoaded = 1,
    kClassesUnloaded = 2,
    kThreadsLive = 4,
    kSharedClassesLoaded = 114,
    kSharedClassesUnloaded = 115,
  };
  std::optional<std::uint64_t> Number(const JvmContext& jvm, Attribute attribute) const;

  // Executes a diagnostic command; its text, in the VM's modified UTF-8, into `text`, cut where it does not fit. Its length, or
  // -1: the VM does not know the command, or it threw.
  long Execute(const JvmContext& jvm, const char* command, char* text, std::size_t size) const;

 private:
  void* const* table_ = nullptr;
  int long_attribute_ = 0;
  int execute_ = 0;
};

}  // namespace wrackline::preload
