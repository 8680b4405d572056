#include "preload/jvm/facts.h"

#include <wrackline_nanopb/wrackline.pb.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "preload/text.h"

namespace wrackline::preload {
namespace {

template <typename Field>
void Set(bool* has, Field* field, const std::optional<std::uint64_t>& value) {
  *has = value.has_value();
  if (value) *field = *value;
}

void CopyProperty(const JvmContext& jvm, const char* name, char* to, std::size_t size) {
  char* value = nullptr;
  if (jvm.jvmti->GetSystemProperty(name, &value) != JVMTI_ERROR_NONE || value == nullptr) return;
  CopyText(to, size, value);
  jvm.jvmti->Deallocate(reinterpret_cast<unsigned char*>(value));
}

// The property java.version is Java's, which JVMTI does not know; the VM's counters have it, and the VM's own version begins
// with it.
void CopyJavaVersion(const jvm::PerfData& counters, wrackline_proto_JvmFacts* facts) {
  char* to = facts->java_version;
  if (const auto text = counters.Text("java.property.java.version"); text) {
    const std::size_t size = std::min(text->size, sizeof(facts->java_version) - 1);
    std::memcpy(to, text->data, size);
    to[size] = '\0';
    return;
  }
  CopyText(to, sizeof(facts->java_version), facts->vm_version);
  to[std::strcspn(to, "+-")] = '\0';
}

// A limit that was not set is the largest number there is.
std::optional<std::uint64_t> Limit(std::optional<std::uint64_t> value) {
  constexpr std::uint64_t kUnlimited = std::uint64_t{1} << 62;
  return value && *value > 0 && *value < kUnlimited ? value : std::nullopt;
}

}  // namespace

void FillFacts(const JvmContext& jvm, const VmFlags& flags, const jvm::PerfData& counters,
               const AttachmentFacts& attachment, wrackline_proto_JvmFacts* facts) {
  CopyProperty(jvm, "java.vm.name", facts->vm_name, sizeof(facts->vm_name));
  CopyProperty(jvm, "java.vm.version", facts->vm_version, sizeof(facts->vm_version));
  CopyJavaVersion(counters, facts);
  constexpr const char* kCollectors[][2] = {{"UseG1GC", "G1"},
                                            {"UseZGC", "ZGC"},
                                            {"UseSerialGC", "Serial"},
                                            {"UseParallelGC", "Parallel"},
                                            {"UseShenandoahGC", "Shenandoah"},
                                            {"UseConcMarkSweepGC", "CMS"},
                                            {"UseEpsilonGC", "Epsilon"}};
  for (const auto& [flag, name] : kCollectors) {
    if (flags.IsSet(flag)) CopyText(facts->collector, sizeof(facts->collector), name);
  }
  if (const char* tracking = flags.Text("NativeMemoryTracking"); tracking != nullptr) {
    CopyText(facts->native_memory_tracking, sizeof(facts->native_memory_tracking), tracking);
  }
  CopyText(facts->attached_by, sizeof(facts->attached_by), attachment.by);
  CopyText(facts->trouble, sizeof(facts->trouble), attachment.trouble);
  facts->attached_ms = attachment.at_ms;
  facts->attach_cost_ns = attachment.cost_ns;
  Set(&facts->has_max_heap, &facts->max_heap, Limit(flags.Number("MaxHeapSize")));
  Set(&facts->has_max_direct_memory, &facts->max_direct_memory,
      Limit(flags.Number("MaxDirectMemorySize")));
  Set(&facts->has_max_metaspace, &facts->max_metaspace, Limit(flags.Number("MaxMetaspaceSize")));
  Set(&facts->has_reserved_code_cache, &facts->reserved_code_cache,
      Limit(flags.Number("ReservedCodeCacheSize")));
  Set(&facts->has_compressed_class_space, &facts->compressed_class_space,
      flags.IsSet("UseCompressedClassPointers") ? Limit(flags.Number("CompressedClassSpaceSize"))
                                                : std::nullopt);
}

}  // namespace wrackline::preload
