// The native part of JvmEvidence.java: what wrackline asks the VM, asked by the program's own thread, so that the program can
// ask the same of java.lang.management at the same moment. "key value" a line.
#include <jni.h>
#include <jvmti.h>
#include <wrackline_nanopb/wrackline.pb.h>

#include <cstdio>
#include <cstring>

#include "preload/jvm/evidence.h"
#include "preload/jvm/management.h"

namespace {

using wrackline::preload::JvmContext;
using wrackline::preload::Management;

char g_text[1 << 16];
int g_length = 0;

void Say(const char* key, unsigned long long value) {
  g_length += std::snprintf(g_text + g_length, sizeof(g_text) - static_cast<std::size_t>(g_length),
                            "%s %llu\n", key, value);
}
void Say(const char* key, const char* value) {
  g_length += std::snprintf(g_text + g_length, sizeof(g_text) - static_cast<std::size_t>(g_length),
                            "%s %s\n", key, value);
}

#define SAY_IF(message, field) \
  if ((message).has_##field) Say(#field, static_cast<unsigned long long>((message).field))

void SaySample(const wrackline_proto_JvmSample& sample) {
  SAY_IF(sample, heap_used);
  SAY_IF(sample, heap_committed);
  SAY_IF(sample, heap_max);
  SAY_IF(sample, heap_used_after_collection);
  SAY_IF(sample, non_heap_used);
  SAY_IF(sample, metaspace_used);
  SAY_IF(sample, metaspace_committed);
  SAY_IF(sample, class_space_used);
  SAY_IF(sample, threads);
  SAY_IF(sample, classes_loaded);
  SAY_IF(sample, classes_unloaded);
  SAY_IF(sample, direct_buffers);
  SAY_IF(sample, direct_used);
  SAY_IF(sample, direct_capacity);
  SAY_IF(sample, direct_max);
  SAY_IF(sample, mapped_buffers);
  SAY_IF(sample, mapped_used);
  SAY_IF(sample, native_committed);
  SAY_IF(sample, collections);
  SAY_IF(sample, collection_ms);
  for (unsigned i = 0; i < sample.pools_count; ++i) {
    char key[128];
    std::snprintf(key, sizeof(key), "pool[%s].used", sample.pools[i].name);
    Say(key, static_cast<unsigned long long>(sample.pools[i].used));
  }
  for (unsigned i = 0; i < sample.native_memory_count; ++i) {
    char key[128];
    std::snprintf(key, sizeof(key), "native[%s].committed", sample.native_memory[i].category);
    Say(key, static_cast<unsigned long long>(sample.native_memory[i].committed));
  }
  for (unsigned i = 0; i < sample.resident_count; ++i) {
    char key[64];
    std::snprintf(key, sizeof(key), "resident[%d]", static_cast<int>(sample.resident[i].kind));
    Say(key,
        static_cast<unsigned long long>(sample.resident[i].anonymous + sample.resident[i].shared));
  }
  Say("cost_ns", static_cast<unsigned long long>(sample.cost_ns));
}

void SayFacts(const wrackline_proto_JvmFacts& facts) {
  Say("vm_name", facts.vm_name);
  Say("vm_version", facts.vm_version);
  Say("java_version", facts.java_version);
  Say("collector", facts.collector);
  Say("native_memory_tracking", facts.native_memory_tracking);
  SAY_IF(facts, max_heap);
  SAY_IF(facts, max_direct_memory);
  SAY_IF(facts, max_metaspace);
  SAY_IF(facts, reserved_code_cache);
  SAY_IF(facts, compressed_class_space);
}

}  // namespace

// JvmEvidence.ask(boolean resident)
extern "C" __attribute__((visibility("default"))) jstring Java_JvmEvidence_ask(JNIEnv* env, jclass,
                                                                               jboolean resident) {
  static wrackline_proto_JvmSample sample;
  static wrackline_proto_JvmFacts facts;
  static jvmtiEnv* jvmti = nullptr;
  JavaVM* vm = nullptr;
  env->GetJavaVM(&vm);
  if (jvmti == nullptr) vm->GetEnv(reinterpret_cast<void**>(&jvmti), JVMTI_VERSION_1_2);
  const JvmContext context{vm, env, jvmti};
  Management management;
  management.Open(context);
  const auto before = management.Number(context, Management::kClassesLoaded);
  std::memset(&sample, 0, sizeof(sample));
  std::memset(&facts, 0, sizeof(facts));
  g_length = 0;
  g_text[0] = '\0';
  if (FillJvmFacts(context, {"agent", 1, 2, ""}, &facts)) SayFacts(facts);
  if (FillJvmSample(context, resident != JNI_FALSE, &sample)) SaySample(sample);
  const auto after = management.Number(context, Management::kClassesLoaded);
  if (before && after) Say("classes_loaded_by_asking", *after - *before);
  return env->NewStringUTF(g_text);
}
