#include "analyzer/evidence/evidence.h"

#include <algorithm>

namespace wrackline::evidence {

std::optional<Bytes> TimelinePoint::WorkingSet() const {
  if (!charge || !inactive_file) return given_working_set;
  return *inactive_file > *charge ? Bytes{} : *charge - *inactive_file;
}

std::optional<Bytes> TimelinePoint::ProcessAnonymous() const {
  if (!resident || !resident_shared) return std::nullopt;
  return *resident_shared > *resident ? Bytes{} : *resident - *resident_shared;
}

bool Ending::Clean() const {
  return !stopped_at_limit && !signal && !still_running && (clean_mark || exit_status) &&
         exit_status.value_or(0) == 0;
}

std::optional<std::uint32_t> ProcessFacts::QuotaCpus() const {
  if (!cpu_quota_thousandths) return std::nullopt;
  const std::uint32_t cpus = *cpu_quota_thousandths / 1000 + (*cpu_quota_thousandths % 1000 != 0);
  return usable_cpus && *usable_cpus > 0 ? std::min(cpus, *usable_cpus) : cpus;
}

Duration Evidence::Lifetime() const {
  const std::optional<Time> begin = process.start ? process.start : process.recording_start;
  if (!begin || last_record < *begin) return Duration{};
  return last_record - *begin;
}

std::optional<Duration> Evidence::LastRecordAge() const {
  if (!ending.time) return std::nullopt;
  return *ending.time > last_record ? *ending.time - last_record : Duration{};
}

}  // namespace wrackline::evidence
