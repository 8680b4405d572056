#include "preload/jvm/management.h"

#include <dlfcn.h>

namespace wrackline::preload {
namespace {

struct Layout {
  jint version;
  int long_attribute;  // GetLongAttribute
  int execute;         // ExecuteDiagnosticCommand
};
// Places in JmmInterface. The versions differ by the functions for a thread's allocated bytes, and 8's for input arguments.
constexpr Layout kLayouts[] = {
    {0x20040000, 13, 39}, {0x20030000, 12, 38}, {0x20020000, 11, 37}, {0x20010000, 13, 39}};
constexpr int kGetVersion = 2;  // in each

using GetManagementFunction = void* (*)(jint version);
using GetVersionFunction = jint (*)(JNIEnv* env);
using GetLongAttributeFunction = jlong (*)(JNIEnv* env, jobject of, int attribute);
using ExecuteFunction = jstring (*)(JNIEnv* env, jstring command);

}  // namespace

bool Management::Open(const JvmContext& jvm) {
  void* library = dlopen("libjvm.so", RTLD_NOLOAD | RTLD_NOW);
  if (library == nullptr) return false;
  const auto get = reinterpret_cast<GetManagementFunction>(dlsym(library, "JVM_GetManagement"));
  dlclose(library);
  if (get == nullptr) return false;
  for (const Layout& layout : kLayouts) {
    void* const* table = static_cast<void* const*>(get(layout.version));
    if (table == nullptr) continue;
    // A VM that says another version than the one asked for keeps to no rule that is known here. JDK 8 answers with 0x200102xx.
    const jint says = reinterpret_cast<GetVersionFunction>(table[kGetVersion])(jvm.env);
    if (says >> 16 != layout.version >> 16) continue;
    if (table[layout.long_attribute] == nullptr || table[layout.execute] == nullptr) return false;
    table_ = table;
    long_attribute_ = layout.long_attribute;
    execute_ = layout.execute;
    return true;
  }
  return false;
}

std::optional<std::uint64_t> Management::Number(const JvmContext& jvm, Attribute attribute) const {
  if (table_ == nullptr) return std::nullopt;
  const auto get = reinterpret_cast<GetLongAttributeFunction>(table_[long_attribute_]);
  const jlong value = get(jvm.env, nullptr, attribute);
  if (jvm.env->ExceptionCheck() != JNI_FALSE) {
    jvm.env->ExceptionClear();
    return std::nullopt;
  }
  if (value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

long Management::Execute(const JvmContext& jvm, const char* command, char* text,
                         std::size_t size) const {
  if (table_ == nullptr || size == 0) return -1;
  JNIEnv* env = jvm.env;
  if (env->PushLocalFrame(4) != JNI_OK) {
    env->ExceptionClear();
    return -1;
  }
  long length = -1;
  const jstring name = env->NewStringUTF(command);
  const jstring answer =
      name == nullptr ? nullptr : reinterpret_cast<ExecuteFunction>(table_[execute_])(env, name);
  if (answer != nullptr && env->ExceptionCheck() == JNI_FALSE) {
    // Not GetStringUTFChars, which allocates. Of ASCII, which these texts are but for names, a character is a byte.
    jsize most = env->GetStringLength(answer);
    const auto room = static_cast<jsize>(size - 1);
    if (env->GetStringUTFLength(answer) <= room) {
      env->GetStringUTFRegion(answer, 0, most, text);
      length = env->GetStringUTFLength(answer);
    } else {
      most = most < room / 3 ? most : room / 3;
      env->GetStringUTFRegion(answer, 0, most, text);
      length = static_cast<long>(__builtin_strlen(text));
    }
    text[length] = '\0';
  }
  if (env->ExceptionCheck() != JNI_FALSE) env->ExceptionClear();
  env->PopLocalFrame(nullptr);
  return length;
}

}  // namespace wrackline::preload
