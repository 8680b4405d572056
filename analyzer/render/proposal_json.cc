#include <charconv>

#include "analyzer/render/backtest.h"
#include "analyzer/render/json_parts.h"
#include "analyzer/render/proposal.h"

namespace wrackline::render {
namespace {

using sizing::Proposal;

// A setting as its type: integers and booleans as JSON's own, everything else as a string.
Json Setting(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!text.empty() && parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size())
    return number;
  return text;
}

}  // namespace

Json JsonOfProposal(const Proposal& proposal) {
  Json changes = Json::array();
  for (const sizing::Change& change : proposal.changes)
    changes.push_back({{"key", change.key},
                       {"old_value", change.old_value},
                       {"new_value", change.new_value},
                       {"reason", change.reason}});
  Json settings = Json::object();
  for (const auto& [key, value] : proposal.settings) {
    if (!value.empty()) settings[key] = Setting(value);  // what goes is among the changes
  }
  Json json = {{"fits", proposal.fits},
               {"summary", proposal.summary},
               {"changes", std::move(changes)},
               {"settings", std::move(settings)},
               {"arithmetic", proposal.arithmetic},
               {"advice", proposal.advice},
               {"predicted_peak", proposal.predicted_peak.count},
               {"headroom", proposal.headroom.count},
               {"smallest_limit", proposal.smallest_limit.count}};
  for (const sizing::ComponentRow& row : proposal.components) {
    Json one = {{"name", row.name}};
    Put(&one, "peak", row.peak);
    one["need"] = row.need.count;
    one["before"] = row.before.count;
    one["after"] = row.after.count;
    one["reason"] = row.reason;
    json["components"].push_back(std::move(one));
  }
  for (const sizing::Kept& kept : proposal.kept)
    json["kept"].push_back({{"key", kept.key}, {"value", kept.value}, {"reason", kept.reason}});
  if (proposal.backtest) json["backtest"] = BackTestJson(*proposal.backtest);
  return json;
}

std::string ProposalJson(const Proposal& proposal) {
  Json json = {{"schema", kProposalJsonSchema}};
  json.update(JsonOfProposal(proposal));
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace wrackline::render
