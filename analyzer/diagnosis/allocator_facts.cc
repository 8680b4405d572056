#include "analyzer/diagnosis/allocator_facts.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace wrackline::diagnosis {
namespace {

using evidence::AllocatorFigures;
using evidence::ProcessFacts;
using Texts = std::vector<std::string>;

bool Is(const ProcessFacts& process, std::string_view name) {
  return std::string_view(process.allocator).substr(0, name.size()) == name;
}

std::string Join(const Texts& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : ", ") + text;
  return joined;
}

// The value of NAME=value (or of a tunable name=value) in the recorded environment.
std::optional<std::string> Setting(const ProcessFacts& process, const std::string& name) {
  const std::string& text = process.allocator_settings;
  for (std::size_t at = text.find(name + "="); at != std::string::npos;
       at = text.find(name + "=", at + 1)) {
    if (at > 0 && text[at - 1] != ' ' && text[at - 1] != ':' && text[at - 1] != '=') continue;
    const std::size_t value = at + name.size() + 1;
    return text.substr(value, text.find(' ', value) - value);
  }
  return std::nullopt;
}

// glibc's bound on its arenas where the environment sets one. A call of mallopt is not seen.
std::optional<std::uint32_t> GlibcArenaMax(const ProcessFacts& process) {
  for (const char* name : {"MALLOC_ARENA_MAX", "glibc.malloc.arena_max"}) {
    const std::optional<std::string> value = Setting(process, name);
    std::uint32_t number = 0;
    if (value &&
        std::from_chars(value->data(), value->data() + value->size(), number).ec == std::errc{} &&
        number > 0)
      return number;
  }
  return std::nullopt;
}

std::uint32_t Cpus(const ProcessFacts& process) {
  return process.usable_cpus.value_or(process.online_cpus);
}

std::string QuotaText(const ProcessFacts& process) {
  if (!process.cpu_quota_thousandths)
    return "the container's CPU quota is not known (none is set where it can see)";
  return fmt::format("the container's CPU quota is {:g}", *process.cpu_quota_thousandths / 1000.0);
}

std::string Plural(std::uint32_t count, const char* name) {
  return fmt::format("{} {}{}", count, name, count == 1 ? "" : "s");
}

Texts Kept(const AllocatorFigures& f) {
  Texts parts;
  const auto add = [&parts](const char* name, const std::optional<Bytes>& amount) {
    if (amount && amount->count > 0)
      parts.push_back(fmt::format("{} {}", name, FormatBytes(*amount)));
  };
  if (f.page_heap_free) {
    add("free pages", f.page_heap_free);
    add("central lists", f.central_cache);
    add("transfer caches", f.transfer_cache);
  } else if (f.active) {
    add("unused pages", f.dirty);
    add("unused parts of pages in use", f.free_in_heap);
  } else {
    add("free chunks", f.free_in_heap);
  }
  // jemalloc counts them as in use, tcmalloc does not.
  add(f.heap_size ? "thread caches" : "thread caches (counted as in use)", f.thread_caches);
  return parts;
}

void AdviseGlibc(const ProcessFacts& process, const AllocatorFigures& f, Texts* advice) {
  if (!f.arenas_made || *f.arenas_made < 2) return;
  const auto cpus = process.QuotaCpus();
  if (!cpus) {
    advice->push_back(
        "MALLOC_ARENA_MAX: fewer arenas keep less, and threads wait more often for each other; how "
        "many would do is not known, as no CPU quota was recorded");
    return;
  }
  const std::uint32_t wanted = std::max(2u, *cpus);
  if (*f.arenas_made <= wanted) return;
  const std::uint32_t machine = Cpus(process);
  advice->push_back(fmt::format(
      "MALLOC_ARENA_MAX={}: glibc made {} arenas{}; the container may use {}; the price: threads "
      "wait more often for each other's arena",
      wanted, *f.arenas_made, machine > 0 ? " for " + Plural(machine, "processor") : std::string(),
      *cpus));
}

void AdviseJemalloc(const ProcessFacts& process, const AllocatorFigures& f, Texts* advice) {
  const auto cpus = process.QuotaCpus();
  if (f.arenas_made && cpus && *f.arenas_made > std::max(2u, *cpus)) {
    const std::uint32_t machine = Cpus(process);
    advice->push_back(fmt::format(
        "narenas:{} in MALLOC_CONF: jemalloc made {} arenas{}{}; the container may use {}; the "
        "price: threads wait more often for each other's arena",
        std::max(2u, *cpus), *f.arenas_made,
        f.arenas ? fmt::format(" (at most {})", *f.arenas) : std::string(),
        machine > 0 ? " for " + Plural(machine, "processor") : std::string(), *cpus));
  } else if (f.arenas_made && !cpus && *f.arenas_made > 2) {
    advice->push_back(
        "narenas in MALLOC_CONF: fewer arenas keep less; how many would do is not known, as no CPU "
        "quota was recorded");
  }
  const Bytes unused = f.dirty.value_or(Bytes{}), parts = f.free_in_heap.value_or(Bytes{}),
              cached = f.thread_caches.value_or(Bytes{});
  // The largest part of what is kept says which of the others would help.
  if (unused >= parts && unused >= cached && unused.count > 0) {
    if (f.dirty_decay_ms && *f.dirty_decay_ms < 0) {
      advice->push_back(
          "dirty_decay_ms:10000 in MALLOC_CONF, jemalloc's default: unused pages are then given "
          "back");
    } else if (f.background_thread == false) {
      advice->push_back(
          "background_thread:true in MALLOC_CONF: unused pages are then given back also by arenas "
          "that the program leaves alone; the price: a thread of jemalloc's");
    } else if (f.dirty_decay_ms && *f.dirty_decay_ms > 1000) {
      advice->push_back(fmt::format(
          "dirty_decay_ms:1000 in MALLOC_CONF (it is {}): unused pages are given back sooner; the "
          "price: more page faults",
          *f.dirty_decay_ms));
    }
  } else if (cached > parts) {
    advice->push_back(
        "lg_tcache_max:12 in MALLOC_CONF: threads keep no free objects above 4 KiB; the price: "
        "these take the arena's lock");
  }
}

void AdviseTcmalloc(const AllocatorFigures& f, Texts* advice) {
  const Bytes pages = f.page_heap_free.value_or(Bytes{}),
              cached = f.thread_caches.value_or(Bytes{});
  const Bytes central = f.central_cache.value_or(Bytes{}) + f.transfer_cache.value_or(Bytes{});
  if (pages >= cached && pages >= central && pages.count > 0) {
    advice->push_back(
        "TCMALLOC_RELEASE_RATE=10 (1 is the default): free pages are given back sooner; the price: "
        "more page faults");
  } else if (cached > central) {
    advice->push_back(
        "TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES below its default of 33554432: threads keep fewer "
        "free objects; the price: they take the central lists' locks more often");
  }
}

}  // namespace

std::optional<std::string> ArenasFact(const ProcessFacts& process, const AllocatorFigures& f) {
  if (!f.arenas_made && !f.arenas) return std::nullopt;
  std::string text = f.arenas_made ? Plural(*f.arenas_made, "arena") + " made" : "arenas";
  if (f.arenas) text += fmt::format("{} at most {}", f.arenas_made ? "," : ":", *f.arenas);
  if (const auto most = Is(process, "glibc") ? GlibcArenaMax(process) : std::nullopt)
    text += fmt::format(", at most {} by the environment", *most);
  if (Cpus(process) > 0) text += fmt::format(", on {}", Plural(Cpus(process), "processor"));
  return text + "; " + QuotaText(process);
}

Texts AllocatorFacts(const ProcessFacts& process, const AllocatorFigures& f) {
  Texts facts;
  if (f.in_use) {
    const Texts kept = Kept(f);
    facts.push_back(fmt::format("in use {}{}{}", FormatBytes(*f.in_use),
                                kept.empty() ? "" : "; held beyond that: ", Join(kept)));
    if (f.mmapped && f.mmapped->count > 0)
      facts.push_back(
          fmt::format("{} of what is in use lies in mappings of its own", FormatBytes(*f.mmapped)));
    if (f.dirty && f.dirty->count > 0 && f.dirty_decay_ms)
      facts.push_back(*f.dirty_decay_ms < 0
                          ? "unused pages are never given back (dirty_decay_ms:-1)"
                          : fmt::format("unused pages are given back some {} ms after their use",
                                        *f.dirty_decay_ms));
  } else if (f.committed) {
    facts.push_back(fmt::format(
        "committed {}{}; how much of it the program uses it does not count",
        FormatBytes(*f.committed),
        f.committed_peak ? fmt::format(", {} at its peak", FormatBytes(*f.committed_peak))
                         : std::string()));
  }
  // Address space, in no page: said so that nobody looks for it.
  if (const auto space = f.page_heap_unmapped ? f.page_heap_unmapped : f.retained;
      space && space->count > 0)
    facts.push_back(fmt::format("{} of address space kept without memory", FormatBytes(*space)));
  if (const auto arenas = ArenasFact(process, f)) facts.push_back(*arenas);
  if (f.heaps && *f.heaps > 0 && f.heaps_mapped)
    facts.push_back(fmt::format(
        "{} of the arenas beside the main one hold {}{}", Plural(*f.heaps, "heap"),
        FormatBytes(*f.heaps_mapped),
        f.heaps_resident ? fmt::format(", {} of it resident", FormatBytes(*f.heaps_resident))
                         : std::string()));
  if (!process.allocator_settings.empty())
    facts.push_back("set in the environment: " + process.allocator_settings);
  return facts;
}

Texts AllocatorAdvice(const ProcessFacts& process, const AllocatorFigures& figures) {
  Texts advice;
  if (Is(process, "glibc")) {
    AdviseGlibc(process, figures, &advice);
  } else if (Is(process, "jemalloc")) {
    AdviseJemalloc(process, figures, &advice);
  } else if (Is(process, "tcmalloc")) {
    AdviseTcmalloc(figures, &advice);
  }
  return advice;
}

}  // namespace wrackline::diagnosis
