#include "preload/jvm/buffers.h"

#include <cstring>

namespace wrackline::preload {
namespace {

// Calls in which it looks each time, and one in so many of the later ones: a class may never come.
constexpr std::uint32_t kEagerCalls = 8, kLookEvery = 4;

// Those that count mappings: JDK 14 and later have two of them, before there was one.
const char* const kUnmapperNames[] = {"Lsun/nio/ch/FileChannelImpl$DefaultUnmapper;",
                                      "Lsun/nio/ch/FileChannelImpl$SyncUnmapper;",
                                      "Lsun/nio/ch/FileChannelImpl$Unmapper;"};

constexpr char kAtomicLong[] = "Ljava/util/concurrent/atomic/AtomicLong;";

void Forget(JNIEnv* env) {
  if (env->ExceptionCheck() != JNI_FALSE) env->ExceptionClear();
}

bool Initialized(const JvmContext& jvm, jclass of) {
  jint status = 0;
  return jvm.jvmti->GetClassStatus(of, &status) == JVMTI_ERROR_NONE &&
         (status & JVMTI_CLASS_STATUS_INITIALIZED) != 0;
}

}  // namespace

jfieldID Buffers::FieldOf(const JvmContext& jvm, jclass of, const char* newer, const char* older,
                          char* type) const {
  jint count = 0;
  jfieldID* fields = nullptr;
  jfieldID found = nullptr;
  if (jvm.jvmti->GetClassFields(of, &count, &fields) != JVMTI_ERROR_NONE) return nullptr;
  for (jint i = 0; i < count && found == nullptr; ++i) {
    char* name = nullptr;
    char* signature = nullptr;
    if (jvm.jvmti->GetFieldName(of, fields[i], &name, &signature, nullptr) != JVMTI_ERROR_NONE) {
      continue;
    }
    if (std::strcmp(name, newer) == 0 || std::strcmp(name, older) == 0) {
      found = fields[i];
      const bool atomic = std::strcmp(signature, kAtomicLong) == 0;
      *type = signature[1] == '\0' ? signature[0] : atomic ? 'A' : '?';
    }
    jvm.jvmti->Deallocate(reinterpret_cast<unsigned char*>(name));
    jvm.jvmti->Deallocate(reinterpret_cast<unsigned char*>(signature));
  }
  jvm.jvmti->Deallocate(reinterpret_cast<unsigned char*>(fields));
  return found;
}

Buffers::Counter Buffers::CounterOf(const JvmContext& jvm, jclass of, const char* newer,
                                    const char* older) const {
  char type = '?';
  const jfieldID field = FieldOf(jvm, of, newer, older, &type);
  if (type != 'A' && type != 'J' && type != 'I') return {};
  return {field, type == 'A', type == 'I'};
}

void Buffers::LookFor(const JvmContext& jvm) {
  JNIEnv* env = jvm.env;
  jint count = 0;
  jclass* classes = nullptr;
  // All of them are local references, which this frame gives back.
  if (env->PushLocalFrame(16) != JNI_OK) return Forget(env);
  if (jvm.jvmti->GetClassLoaderClasses(nullptr, &count, &classes) == JVMTI_ERROR_NONE) {
    AllowLocals(env, count);
    for (jint i = 0; i < count; ++i) {
      char* name = nullptr;
      if (jvm.jvmti->GetClassSignature(classes[i], &name, nullptr) != JVMTI_ERROR_NONE) continue;
      jclass* found = nullptr;
      if (std::strcmp(name, "Ljava/nio/Bits;") == 0) found = &bits_;
      for (int j = 0; j < kUnmappers; ++j) {
        if (std::strcmp(name, kUnmapperNames[j]) == 0) found = &unmappers_[j];
      }
      const bool atomic = std::strcmp(name, kAtomicLong) == 0;
      jvm.jvmti->Deallocate(reinterpret_cast<unsigned char*>(name));
      // A field of a class that is not initialized says nothing.
      if ((found == nullptr && !atomic) || !Initialized(jvm, classes[i])) continue;
      if (atomic && atomic_value_ == nullptr) {
        char type = '?';
        atomic_value_ = FieldOf(jvm, classes[i], "value", "value", &type);
        if (type != 'J') atomic_value_ = nullptr;
      }
      if (found != nullptr && *found == nullptr) {
        *found = static_cast<jclass>(env->NewGlobalRef(classes[i]));
      }
    }
    jvm.jvmti->Deallocate(reinterpret_cast<unsigned char*>(classes));
  }
  env->PopLocalFrame(nullptr);

  if (bits_ != nullptr && count_.field == nullptr) {
    count_ = CounterOf(jvm, bits_, "COUNT", "count");
    reserved_ = CounterOf(jvm, bits_, "RESERVED_MEMORY", "reservedMemory");
    capacity_ = CounterOf(jvm, bits_, "TOTAL_CAPACITY", "totalCapacity");
    char type = '?';
    maximum_ = FieldOf(jvm, bits_, "MAX_MEMORY", "maxMemory", &type);
    if (type != 'J') maximum_ = nullptr;
    maximum_set_ = FieldOf(jvm, bits_, "MEMORY_LIMIT_SET", "memoryLimitSet", &type);
    if (type != 'Z') maximum_set_ = nullptr;
  }
  for (int i = 0; i < kUnmappers; ++i) {
    if (unmappers_[i] == nullptr || unmapper_count_[i].field != nullptr) continue;
    unmapper_count_[i] = CounterOf(jvm, unmappers_[i], "count", "count");
    unmapper_size_[i] = CounterOf(jvm, unmappers_[i], "totalSize", "totalSize");
  }
}

std::optional<std::uint64_t> Buffers::Value(const JvmContext& jvm, jclass of,
                                            const Counter& counter) const {
  if (counter.field == nullptr) return std::nullopt;
  jlong value = -1;
  if (counter.narrow) {
    value = jvm.env->GetStaticIntField(of, counter.field);
  } else if (!counter.atomic) {
    value = jvm.env->GetStaticLongField(of, counter.field);
  } else if (atomic_value_ != nullptr) {
    const jobject atomic = jvm.env->GetStaticObjectField(of, counter.field);
    if (atomic != nullptr) value = jvm.env->GetLongField(atomic, atomic_value_);
    jvm.env->DeleteLocalRef(atomic);
  }
  if (value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

BufferPools Buffers::Read(const JvmContext& jvm) {
  const bool all = bits_ != nullptr && (unmappers_[0] != nullptr || unmappers_[2] != nullptr);
  if (!all && (calls_ < kEagerCalls || calls_ % kLookEvery == 0)) LookFor(jvm);
  ++calls_;
  BufferPools pools;
  if (bits_ != nullptr) {
    pools.direct_count = Value(jvm, bits_, count_);
    pools.direct_used = Value(jvm, bits_, reserved_);
    pools.direct_capacity = Value(jvm, bits_, capacity_);
    const bool set =
        maximum_set_ != nullptr && jvm.env->GetStaticBooleanField(bits_, maximum_set_) != JNI_FALSE;
    if (set && maximum_ != nullptr) {
      const jlong maximum = jvm.env->GetStaticLongField(bits_, maximum_);
      if (maximum > 0) pools.direct_max = static_cast<std::uint64_t>(maximum);
    }
  }
  for (int i = 0; i < kUnmappers; ++i) {
    if (unmappers_[i] == nullptr) continue;
    const auto count = Value(jvm, unmappers_[i], unmapper_count_[i]);
    const auto used = Value(jvm, unmappers_[i], unmapper_size_[i]);
    if (count) pools.mapped_count = pools.mapped_count.value_or(0) + *count;
    if (used) pools.mapped_used = pools.mapped_used.value_or(0) + *used;
  }
  return pools;
}

}  // namespace wrackline::preload
