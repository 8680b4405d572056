#include <variant>

#include "analyzer/flink/lint/facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  const Option max = options::NetworkMax(context.version);
  // With a task heap the network is the rest, and max only the range's end.
  if (context.memory == nullptr || !IsSet(context, max) || IsSet(context, options::kNetworkMin) ||
      IsSet(context, options::kNetworkFraction) || IsSet(context, options::kTaskHeap))
    return;
  Configuration without = context.configuration;
  without.Remove(max.key);
  without.Remove(max.deprecated_key);
  without.Remove(options::kLegacyNetworkBuffers.key);
  const auto answer = EvaluateTaskManagerMemory(without, context.version, context.mode);
  const auto* natural = std::get_if<TaskManagerMemory>(&answer);
  const std::string value = context.configuration.Get(KeyOf(context, max)).value_or("");
  const std::string key(KeyOf(context, max));
  const Bytes network = context.memory->network;
  const bool no_effect = natural != nullptr && natural->network == network;
  findings.push_back(
      {no_effect ? Severity::kWarning : Severity::kInfo, "", context.ValueOf(max),
       key + " alone is a ceiling, not a size: the network gets " + FormatBytes(network),
       no_effect ? "A tenth of Flink's memory (taskmanager.memory.network.fraction) is less than " +
                       value + " here, so that the key changes nothing."
                 : "Without it the network would get " +
                       (natural != nullptr ? FormatBytes(natural->network) : std::string("more")) +
                       "; with another total it can be less than " + value + ".",
       "To get exactly " + value + ", write taskmanager.memory.network.min: " + value +
           " too; to keep the derived size, delete it."});
}

}  // namespace

extern const Rule kNetworkMaxAlone;
const Rule kNetworkMaxAlone{
    .id = "network-max-alone",
    .severity = Severity::kWarning,
    .title = "taskmanager.memory.network.max without min or fraction",
    .explanation =
        "The network memory is a fraction (0.1) of Flink's memory kept between min and max. max "
        "alone never raises it. A warning when it changes nothing, an info when it does cap the "
        "size. (The default maximum is 1g up to Flink 1.16 and unlimited from 1.17 on, although "
        "the comment in the shipped file still says 1gb.)",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.memory.network.max: 1g\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.memory.network.min: 1g\n"
                        "taskmanager.memory.network.max: 1g\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
