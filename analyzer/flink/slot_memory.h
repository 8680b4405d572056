// A slot's managed memory and the share of each kind of consumer in it: Flink's ManagedMemoryUtils, since 1.12. Pure;
// thread-safe.
//
//   SlotShareQuestion q{.managed = Bytes{1073741824}, .slots = 2, .use_cases = {"STATE_BACKEND", "PYTHON"},
//                       .use_case = "STATE_BACKEND"};
//   ShareOfSlot(q, Version{1, 20, 5})   -> slot 536870912, fraction 0.7, bytes 375809638
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "analyzer/flink/java_exception.h"
#include "analyzer/flink/version.h"
#include "lib/units/bytes.h"

namespace wrackline::flink {

struct SlotShareQuestion {
  Bytes managed;
  int slots = 1;  // >= 1
  // taskmanager.memory.managed.consumer-weights; absent: that version's default.
  std::optional<std::string> consumer_weights;
  // The kinds of consumers in the slot: OPERATOR, STATE_BACKEND, PYTHON (1.12: BATCH_OP instead of the first).
  std::vector<std::string> use_cases;
  bool state_backend_uses_managed = true;
  std::string use_case;  // whose share is asked for
};

struct SlotShare {
  Bytes slot;
  double fraction = 0;
  // Or what Flink throws when an operator asks for a share of nothing.
  std::variant<Bytes, JavaException> bytes;
};

std::variant<SlotShare, JavaException> ShareOfSlot(const SlotShareQuestion& question,
                                                   Version version);

}  // namespace wrackline::flink
