// What Flink granted a TaskManager that ran: of its own configuration, not of one that is proposed. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "analyzer/evidence/evidence.h"
#include "analyzer/flink/memory_model.h"

namespace wrackline::report {

struct Granted {
  // All eight components, or nothing: a part of them says nothing of the whole.
  std::optional<flink::TaskManagerMemory> memory;
  std::optional<int> slots;
  std::string version;  // "1.20.3"; empty: not known
};

// The -D arguments that Flink's start script gives the process are what it ran with; where they are not all there, Flink's own log or
// its configuration under its version's model.
Granted GrantedOf(const evidence::Evidence& evidence);

// "java ... TaskManagerRunner -D taskmanager.memory.managed.size=241591914b ...": sizes in bytes, as Flink writes them, 1.11 and later.
// Slots are set where they are named, whatever else is missing.
Granted GrantedByCommandLine(std::string_view command_line);

}  // namespace wrackline::report
