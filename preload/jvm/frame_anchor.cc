#include "preload/jvm/frame_anchor.h"

#include <dlfcn.h>

#include <atomic>
#include <cstring>

#include "preload/jvm/context.h"

namespace wrackline::preload {
namespace {

// Larger than any VM's thread object.
constexpr std::uint64_t kMaxOffset = 1 << 16;
// Larger than any thread's stack.
constexpr std::uintptr_t kMaxStack = std::uintptr_t{1} << 32;

// From the address of a thread's JNIEnv; ready is set last.
struct Offsets {
  std::int64_t sp, pc;
  std::atomic<std::uint32_t> ready;
};
constinit Offsets g_offsets{};

std::uint64_t Exported(void* libjvm, const char* name) {
  const void* at = dlsym(libjvm, name);
  std::uint64_t value = 0;
  if (at != nullptr) std::memcpy(&value, at, sizeof(value));
  return value;
}

// The VM's table of its own types: an array of entries of `stride` bytes, each with the names of type and field and an
// offset at places that are said as well.
class VmStructs {
 public:
  explicit VmStructs(void* libjvm)
      : at_(Exported(libjvm, "gHotSpotVMStructs")),
        type_name_(Exported(libjvm, "gHotSpotVMStructEntryTypeNameOffset")),
        field_name_(Exported(libjvm, "gHotSpotVMStructEntryFieldNameOffset")),
        offset_(Exported(libjvm, "gHotSpotVMStructEntryOffsetOffset")),
        stride_(Exported(libjvm, "gHotSpotVMStructEntryArrayStride")) {}

  // False: no such field, or it lies too far off to be believed.
  bool Find(const char* type, const char* field, std::uint64_t* offset) const {
    if (at_ == 0 || stride_ == 0) return false;
    for (std::uint64_t entry = at_;; entry += stride_) {
      const char* type_name = Text(entry + type_name_);
      if (type_name == nullptr) return false;  // the end of the table
      const char* field_name = Text(entry + field_name_);
      if (field_name == nullptr || std::strcmp(type_name, type) != 0 ||
          std::strcmp(field_name, field) != 0) {
        continue;
      }
      *offset = Word(entry + offset_);
      return *offset <= kMaxOffset && *offset % sizeof(void*) == 0;
    }
  }

 private:
  static std::uint64_t Word(std::uint64_t at) {
    std::uint64_t word;
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    std::memcpy(&word, reinterpret_cast<const void*>(at), sizeof(word));
    return word;
  }
  static const char* Text(std::uint64_t at) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    return reinterpret_cast<const char*>(Word(at));
  }

  std::uint64_t at_, type_name_, field_name_, offset_, stride_;
};

// The VM's own object of the calling thread, which java.lang.Thread has in its field eetop; 0: there is no such field.
std::uint64_t VmThread(const JvmContext& jvm) {
  JNIEnv* env = jvm.env;
  if (env->PushLocalFrame(4) != JNI_OK) return 0;
  jthread thread = nullptr;
  std::uint64_t found = 0;
  if (jvm.jvmti->GetCurrentThread(&thread) == JVMTI_ERROR_NONE && thread != nullptr) {
    // Not FindClass, which asks the program's class loader where it has one of its own.
    const jfieldID field = env->GetFieldID(env->GetObjectClass(thread), "eetop", "J");
    if (field != nullptr) found = static_cast<std::uint64_t>(env->GetLongField(thread, field));
  }
  env->ExceptionClear();
  env->PopLocalFrame(nullptr);
  return found;
}

}  // namespace

void PrepareFrameAnchor(const JvmContext& jvm, void* libjvm) {
  const VmStructs structs(libjvm);
  std::uint64_t anchor = 0;
  std::uint64_t sp = 0;
  std::uint64_t pc = 0;
  if (!structs.Find("JavaThread", "_anchor", &anchor) ||
      !structs.Find("JavaFrameAnchor", "_last_Java_sp", &sp) ||
      !structs.Find("JavaFrameAnchor", "_last_Java_pc", &pc)) {
    return;
  }
  const std::uint64_t thread = VmThread(jvm);
  const auto env = reinterpret_cast<std::uint64_t>(jvm.env);
  // The JNIEnv is a part of that object.
  if (thread == 0 || env < thread || env - thread > kMaxOffset) return;
  const auto base = static_cast<std::int64_t>(anchor) - static_cast<std::int64_t>(env - thread);
  g_offsets.sp = base + static_cast<std::int64_t>(sp);
  g_offsets.pc = base + static_cast<std::int64_t>(pc);
  g_offsets.ready.store(1, std::memory_order_release);
}

CompleteAnchor::CompleteAnchor(JNIEnv* env) {
  if (g_offsets.ready.load(std::memory_order_acquire) == 0) return;
  char* const at = reinterpret_cast<char*>(env);
  auto* const pc = reinterpret_cast<std::uintptr_t*>(at + g_offsets.pc);
  const auto sp = *reinterpret_cast<const std::uintptr_t*>(at + g_offsets.sp);
  // Further out on this very stack.
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (*pc != 0 || sp <= here || sp - here > kMaxStack || sp % sizeof(void*) != 0) return;
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  *pc = reinterpret_cast<const std::uintptr_t*>(sp)[-1];
  if (*pc != 0) pc_ = pc;
}

}  // namespace wrackline::preload
