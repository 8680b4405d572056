#include "analyzer/cli/past_profile.h"

#include <chrono>
#include <utility>

#include "analyzer/evidence/improve_names.h"
#include "analyzer/evidence/sites.h"
#include "analyzer/evidence/threads.h"
#include "lib/recorder/past.h"

namespace wrackline::cli {

std::vector<render::PastProfile> PastProfiles(const std::string& path,
                                              const evidence::Evidence& evidence,
                                              evidence::SymbolFolders* symbols) {
  const evidence::Duration lifetime = evidence.Lifetime();
  if (path.empty() || !evidence.recorded || evidence.sites.empty() || evidence.heap_profile ||
      lifetime < std::chrono::seconds(1))
    return {};
  const evidence::Time time = evidence.last_record - lifetime / 2;
  if (time.time_since_epoch().count() <= 0) return {};
  Result<recorder::Past> past =
      recorder::ReadPast(path, static_cast<std::uint64_t>(time.time_since_epoch().count()));
  if (!past.ok() || !past.value().state_known) return {};
  recorder::Recording& recording = past.value().recording;
  // The same names at both moments, or every frame would seem to have changed.
  if (symbols != nullptr) evidence::ImproveNames(symbols, &recording);
  render::PastProfile profile;
  profile.time = time;
  profile.sites = evidence::SitesFromRecording(recording, {});
  profile.thread_groups = evidence::ThreadGroupsFromRecording(recording, profile.sites);
  std::vector<render::PastProfile> profiles;
  if (!profile.sites.empty()) profiles.push_back(std::move(profile));
  return profiles;
}

}  // namespace wrackline::cli
