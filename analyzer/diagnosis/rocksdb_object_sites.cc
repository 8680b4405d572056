#include "analyzer/diagnosis/rocksdb_object_sites.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace wrackline::diagnosis {
namespace {

constexpr std::array<std::string_view, 2> kPackages = {"Java_org_rocksdb_", "Java_org_forstdb_"};

bool IsOneOf(std::string_view function, const std::vector<std::string_view>& functions) {
  for (const std::string_view package : kPackages) {
    if (!function.starts_with(package)) continue;
    const std::string_view method = function.substr(package.size());
    return std::any_of(functions.begin(), functions.end(), [method](std::string_view beginning) {
      return method.starts_with(beginning);
    });
  }
  return false;
}

std::string PlaceOf(const evidence::Site& site) {
  const evidence::SiteFrame& frame = site.frames[site.label];
  if (frame.line == 0) return frame.function;
  return fmt::format("{} ({}:{})", frame.function, frame.file, frame.line);
}

}  // namespace

ObjectSites SitesOf(const std::vector<evidence::Site>& sites,
                    const std::vector<std::string_view>& functions) {
  ObjectSites found;
  for (const evidence::Site& site : sites) {
    const bool made_here = std::any_of(
        site.frames.begin(), site.frames.end(),
        [&](const evidence::SiteFrame& frame) { return IsOneOf(frame.function, functions); });
    if (!made_here) continue;
    found.live += site.live;
    if (found.top == nullptr || found.top->live < site.live) found.top = &site;
  }
  if (found.top != nullptr) found.place = PlaceOf(*found.top);
  return found;
}

}  // namespace wrackline::diagnosis
