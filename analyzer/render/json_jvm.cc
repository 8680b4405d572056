#include "analyzer/render/json_jvm.h"

#include <chrono>
#include <string>

namespace wrackline::render {
namespace {

using Json = nlohmann::ordered_json;

double Stamp(evidence::Time time) {
  return static_cast<double>(
             std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch())
                 .count()) /
         1e3;
}

void Put(Json* object, const char* key, const std::optional<Bytes>& amount) {
  if (amount) (*object)[key] = amount->count;
}
template <typename T>
void Put(Json* object, const char* key, const std::optional<T>& value) {
  if (value) (*object)[key] = *value;
}
void Put(Json* object, const char* key, const std::string& text) {
  if (!text.empty()) (*object)[key] = text;
}

// What changes from sample to sample; the series has no more than this.
Json Brief(const evidence::JvmFigures& figures) {
  Json json = {{"time", Stamp(figures.time)}};
  Put(&json, "heap_used", figures.heap_used);
  Put(&json, "heap_committed", figures.heap_committed);
  Put(&json, "heap_used_after_collection", figures.heap_used_after_collection);
  Put(&json, "metaspace_used", figures.metaspace_used);
  Put(&json, "direct_used", figures.direct_used);
  Put(&json, "threads", figures.threads);
  Put(&json, "classes_loaded", figures.classes_loaded);
  Put(&json, "collections", figures.collections);
  return json;
}

Json Full(const evidence::JvmFigures& figures) {
  Json json = Brief(figures);
  Put(&json, "heap_max", figures.heap_max);
  Put(&json, "non_heap_used", figures.non_heap_used);
  Put(&json, "non_heap_committed", figures.non_heap_committed);
  Put(&json, "metaspace_committed", figures.metaspace_committed);
  Put(&json, "class_space_used", figures.class_space_used);
  Put(&json, "class_space_committed", figures.class_space_committed);
  Put(&json, "classes_unloaded", figures.classes_unloaded);
  Put(&json, "direct_buffers", figures.direct_buffers);
  Put(&json, "direct_capacity", figures.direct_capacity);
  Put(&json, "direct_max", figures.direct_max);
  Put(&json, "mapped_buffers", figures.mapped_buffers);
  Put(&json, "mapped_used", figures.mapped_used);
  Put(&json, "collection_ms", figures.collection_ms);
  Put(&json, "native_reserved", figures.native_reserved);
  Put(&json, "native_committed", figures.native_committed);
  Json pools = Json::array();
  for (const evidence::JvmPool& pool : figures.pools) {
    Json one = {{"name", pool.name}, {"heap", pool.heap}, {"used", pool.used.count}};
    Put(&one, "committed", pool.committed);
    Put(&one, "max", pool.max);
    pools.push_back(std::move(one));
  }
  if (!pools.empty()) json["pools"] = std::move(pools);
  Json native = Json::array();
  for (const evidence::JvmNativeMemory& category : figures.native_memory) {
    Json one = {{"category", category.category},
                {"reserved", category.reserved.count},
                {"committed", category.committed.count}};
    Put(&one, "malloc", category.malloc);
    native.push_back(std::move(one));
  }
  if (!native.empty()) json["native_memory"] = std::move(native);
  return json;
}

Json ResidentJson(const evidence::JvmResident& resident) {
  Json json = {{"time", Stamp(resident.time)}};
  Put(&json, "heap", resident.heap);
  Put(&json, "heap_shared", resident.heap_shared);
  Put(&json, "metaspace", resident.metaspace);
  Put(&json, "class_space", resident.class_space);
  Put(&json, "code_cache", resident.code_cache);
  Put(&json, "thread_stacks", resident.thread_stacks);
  Put(&json, "class_archive", resident.class_archive);
  Put(&json, "other", resident.other);
  return json;
}

// At most so many of a series, counted back from the newest.
template <typename T, typename ToJson>
Json Series(const std::vector<T>& all, ToJson to_json) {
  constexpr std::size_t kMost = 300;
  const std::size_t step = all.size() / kMost + 1;
  Json json = Json::array();
  for (std::size_t i = (all.size() + step - 1) % step; i < all.size(); i += step)
    json.push_back(to_json(all[i]));
  return json;
}

}  // namespace

Json JvmJson(const evidence::Jvm& jvm) {
  Json json = {{"origin", jvm.origin}};
  Put(&json, "vm_name", jvm.vm_name);
  Put(&json, "vm_version", jvm.vm_version);
  Put(&json, "java_version", jvm.java_version);
  Put(&json, "collector", jvm.collector);
  Put(&json, "native_memory_tracking", jvm.native_memory_tracking);
  Put(&json, "attached_by", jvm.attached_by);
  Put(&json, "trouble", jvm.trouble);
  Put(&json, "max_heap", jvm.max_heap);
  Put(&json, "max_direct_memory", jvm.max_direct_memory);
  Put(&json, "max_metaspace", jvm.max_metaspace);
  Put(&json, "reserved_code_cache", jvm.reserved_code_cache);
  Put(&json, "compressed_class_space", jvm.compressed_class_space);
  if (const evidence::JvmFigures* last = jvm.Last()) json["last"] = Full(*last);
  if (jvm.figures.size() > 1) json["figures"] = Series(jvm.figures, Brief);
  if (!jvm.resident.empty()) json["resident"] = Series(jvm.resident, ResidentJson);
  return json;
}

}  // namespace wrackline::render
