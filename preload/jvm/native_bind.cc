#include "preload/jvm/native_bind.h"

#include <dlfcn.h>
#include <link.h>

#include <cstring>

#include "preload/jvm/jni_names.h"
#include "preload/jvm/jvm_watch.h"
#include "preload/jvm/rocksdb_methods.h"
#include "preload/jvm/rocksdb_objects.h"

namespace wrackline::preload {

namespace internal {
constinit BoundLibrary g_bound_libraries[kBoundLibraries] = {};
}

int BoundLibrary::Index() const { return static_cast<int>(this - internal::g_bound_libraries); }

namespace {

// Whoever wraps methods has a line here.
constexpr NativeMethodTable (*kTables[])() = {RocksDbMethods, RocksDbObjectMethods};
// The names of JNI functions say the package: no library has it elsewhere.
constexpr const char* kPackages[] = {"org/rocksdb/", "org/forstdb/"};

constinit std::atomic<bool> g_on{false};
constinit std::atomic<std::uint32_t> g_early{0}, g_unwrapped{0};

bool IsClass(const char* signature, const char* class_name) {
  if (signature[0] != 'L') return false;
  for (const char* package : kPackages) {
    const std::size_t length = std::strlen(package);
    if (std::strncmp(signature + 1, package, length) != 0) continue;
    const char* name = signature + 1 + length;
    const std::size_t name_length = std::strlen(class_name);
    return std::strncmp(name, class_name, name_length) == 0 &&
           std::strcmp(name + name_length, ";") == 0;
  }
  return false;
}

bool IsPackage(const char* signature) {
  for (const char* package : kPackages) {
    if (signature[0] == 'L' && std::strncmp(signature + 1, package, std::strlen(package)) == 0) {
      return true;
    }
  }
  return false;
}

std::uint64_t BaseOf(const void* code) {
  Dl_info info;
  return dladdr(code, &info) == 0 ? 0 : reinterpret_cast<std::uint64_t>(info.dli_fbase);
}

// nullptr: there are too many. Two threads that come at once find the same.
BoundLibrary* LibraryAt(std::uint64_t base) {
  for (BoundLibrary& library : internal::g_bound_libraries) {
    std::uint64_t found = library.base.load(std::memory_order_acquire);
    if (found == base) return &library;
    if (found != 0) continue;
    if (library.base.compare_exchange_strong(found, base, std::memory_order_acq_rel)) {
      return &library;
    }
    if (found == base) return &library;
  }
  return nullptr;
}

// The wrapper of `method` for the library that has `code`; nullptr: it is left alone.
void* Wrap(const NativeMethod& method, void* code) {
  const std::uint64_t base = BaseOf(code);
  // Of no library, or a wrapper already.
  if (base == 0 || base == BaseOf(reinterpret_cast<void*>(&LibraryAt))) return nullptr;
  BoundLibrary* library = LibraryAt(base);
  if (library == nullptr) {
    g_unwrapped.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  method.originals[library->Index()].store(code, std::memory_order_release);
  return method.wrapper(library->Index());
}

// The text that JVMTI made, until the end of the block.
struct VmText {
  explicit VmText(jvmtiEnv* from) : jvmti(from) {}
  VmText(const VmText&) = delete;
  VmText& operator=(const VmText&) = delete;
  ~VmText() {
    if (text != nullptr) jvmti->Deallocate(reinterpret_cast<unsigned char*>(text));
  }
  jvmtiEnv* jvmti;
  char* text = nullptr;
};

bool IsMethod(const NativeMethod& row, const char* name, const char* signature) {
  return std::strcmp(row.name, name) == 0 && std::strcmp(row.signature, signature) == 0;
}

// Most methods of a VM are told apart by their names alone.
void JNICALL OnNativeMethodBind(jvmtiEnv* jvmti, JNIEnv* env, jthread, jmethodID id, void* address,
                                void** new_address) {
  if (!g_on.load(std::memory_order_acquire) || env == nullptr) return;
  VmText name(jvmti), signature(jvmti), class_name(jvmti);
  if (jvmti->GetMethodName(id, &name.text, &signature.text, nullptr) != JVMTI_ERROR_NONE) return;
  for (const auto get_table : kTables) {
    const NativeMethodTable table = get_table();
    for (std::size_t i = 0; i < table.count; ++i) {
      const NativeMethod& row = table.methods[i];
      if (!IsMethod(row, name.text, signature.text)) continue;
      if (class_name.text == nullptr) {
        jclass klass = nullptr;
        if (jvmti->GetMethodDeclaringClass(id, &klass) != JVMTI_ERROR_NONE) return;
        const jvmtiError error = jvmti->GetClassSignature(klass, &class_name.text, nullptr);
        env->DeleteLocalRef(klass);
        if (error != JVMTI_ERROR_NONE || !IsPackage(class_name.text)) return;
      }
      if (!IsClass(class_name.text, row.class_name)) continue;
      if (void* wrapper = Wrap(row, address); wrapper != nullptr) *new_address = wrapper;
      return;
    }
  }
}

// --- libraries that were loaded before the events were on ---

struct EarlierLibraries {
  char paths[kBoundLibraries][1024];
  int count;
};

int NoteObject(dl_phdr_info* info, std::size_t, void* context) {
  auto* found = static_cast<EarlierLibraries*>(context);
  const char* path = info->dlpi_name;
  const std::size_t length = path == nullptr ? 0 : std::strlen(path);
  // The loader's lock is held: no more than to look at the name.
  if (found->count < kBoundLibraries && length < sizeof(found->paths[0]) && length > 0 &&
      (std::strstr(path, "rocksdb") != nullptr || std::strstr(path, "forst") != nullptr)) {
    std::memcpy(found->paths[found->count++], path, length + 1);
  }
  return 0;
}

// What the library calls the function of `row` in the package of `class_signature`; nullptr: it has none.
void* OriginalIn(void* library, const char* class_signature, const NativeMethod& row) {
  char name[kJniNameBytes];
  for (const bool overloaded : {false, true}) {
    if (!JniName(class_signature, row.name, row.signature, overloaded, name, sizeof(name)))
      continue;
    if (void* found = dlsym(library, name); found != nullptr) return found;
  }
  return nullptr;
}

// Binds `row` of `klass` anew, to its wrapper. False: the VM does not.
bool Rebind(const JvmContext& jvm, jclass klass, const char* class_signature,
            const NativeMethod& row, void* library) {
  void* original = OriginalIn(library, class_signature, row);
  if (original == nullptr) return true;  // another version's
  void* wrapper = Wrap(row, original);
  if (wrapper == nullptr) return false;
  JNINativeMethod native = {const_cast<char*>(row.name), const_cast<char*>(row.signature), wrapper};
  const bool done = jvm.env->RegisterNatives(klass, &native, 1) == JNI_OK;
  // The class has no such method after all.
  if (jvm.env->ExceptionCheck() != 0) jvm.env->ExceptionClear();
  return done;
}

bool HasNative(const JvmContext& jvm, jmethodID const* methods, jint count,
               const NativeMethod& row) {
  for (jint i = 0; i < count; ++i) {
    VmText name(jvm.jvmti), signature(jvm.jvmti);
    jboolean is_native = JNI_FALSE;
    if (jvm.jvmti->IsMethodNative(methods[i], &is_native) == JVMTI_ERROR_NONE &&
        is_native == JNI_TRUE &&
        jvm.jvmti->GetMethodName(methods[i], &name.text, &signature.text, nullptr) ==
            JVMTI_ERROR_NONE &&
        IsMethod(row, name.text, signature.text)) {
      return true;
    }
  }
  return false;
}

bool RebindClass(const JvmContext& jvm, jclass klass, const char* class_signature, void* library) {
  jint count = 0;
  jmethodID* methods = nullptr;
  // Not prepared yet: nothing of it is bound, and its methods' events come.
  if (jvm.jvmti->GetClassMethods(klass, &count, &methods) != JVMTI_ERROR_NONE) return true;
  bool done = true;
  for (const auto get_table : kTables) {
    const NativeMethodTable table = get_table();
    for (std::size_t i = 0; i < table.count; ++i) {
      const NativeMethod& row = table.methods[i];
      if (!IsClass(class_signature, row.class_name) || !HasNative(jvm, methods, count, row)) {
        continue;
      }
      done = Rebind(jvm, klass, class_signature, row, library) && done;
    }
  }
  jvm.jvmti->Deallocate(reinterpret_cast<unsigned char*>(methods));
  return done;
}

// Wraps the methods of classes that are loaded already. They may be bound, to the one library there is.
bool RebindLoadedClasses(const JvmContext& jvm, void* library) {
  jint count = 0;
  jclass* classes = nullptr;
  if (jvm.env->PushLocalFrame(16) != JNI_OK) return false;
  bool done = jvm.jvmti->GetLoadedClasses(&count, &classes) == JVMTI_ERROR_NONE;
  AllowLocals(jvm.env, count);
  for (jint i = 0; done && i < count && StageOfJvm() < JvmStage::kDying; ++i) {
    VmText signature(jvm.jvmti);
    if (jvm.jvmti->GetClassSignature(classes[i], &signature.text, nullptr) == JVMTI_ERROR_NONE &&
        IsPackage(signature.text)) {
      done = RebindClass(jvm, classes[i], signature.text, library);
    }
  }
  if (classes != nullptr) jvm.jvmti->Deallocate(reinterpret_cast<unsigned char*>(classes));
  jvm.env->PopLocalFrame(nullptr);
  return done;
}

// A library is RocksDB's Java interface by what it exports, not by its name. nullptr: it is none.
const void* FunctionOfJniLibrary(void* library) {
  const void* code = dlsym(library, "Java_org_rocksdb_RocksDB_getDefaultColumnFamily");
  return code != nullptr ? code : dlsym(library, "Java_org_forstdb_RocksDB_getDefaultColumnFamily");
}

// On return every library is either wrapped as a whole or not marked `whole`.
void TakeEarlierLibraries(const JvmContext& jvm) {
  static constinit EarlierLibraries earlier = {};
  dl_iterate_phdr(NoteObject, &earlier);
  void* only = nullptr;
  std::uint64_t bases[kBoundLibraries];
  std::uint32_t found = 0;
  for (int i = 0; i < earlier.count; ++i) {
    void* library = dlopen(earlier.paths[i], RTLD_LAZY | RTLD_NOLOAD);
    if (library == nullptr) continue;
    const void* code = FunctionOfJniLibrary(library);
    if (code == nullptr) {
      dlclose(library);
      continue;
    }
    // Kept open: its functions are originals.
    only = library;
    bases[found++] = BaseOf(code);
  }
  g_early.store(found, std::memory_order_relaxed);
  // Of several, nothing says which class has which.
  if (found == 0 || (found == 1 && RebindLoadedClasses(jvm, only))) {
    found = 0;
  } else {
    g_unwrapped.fetch_add(found, std::memory_order_relaxed);
  }
  for (BoundLibrary& library : internal::g_bound_libraries) {
    bool earlier_one = false;
    for (std::uint32_t i = 0; i < found; ++i) {
      // It has a place, so that the place is no other's.
      earlier_one = earlier_one || LibraryAt(bases[i]) == &library;
    }
    if (!earlier_one) library.whole.store(true, std::memory_order_release);
  }
}

}  // namespace

void AskForNativeBinds(jvmtiEnv* jvmti, jvmtiEventCallbacks* callbacks) {
  jvmtiCapabilities wanted;
  std::memset(&wanted, 0, sizeof(wanted));
  wanted.can_generate_native_method_bind_events = 1;
  if (jvmti->AddCapabilities(&wanted) == JVMTI_ERROR_NONE) {
    callbacks->NativeMethodBind = OnNativeMethodBind;
  }
}

void StartNativeBinds(const JvmContext& jvm) {
  if (StageOfJvm() >= JvmStage::kDying) return;
  g_on.store(true, std::memory_order_release);
  if (jvm.jvmti->SetEventNotificationMode(JVMTI_ENABLE, JVMTI_EVENT_NATIVE_METHOD_BIND, nullptr) !=
      JVMTI_ERROR_NONE) {
    return;
  }
  TakeEarlierLibraries(jvm);
}

void StopNativeBinds() { g_on.store(false, std::memory_order_release); }

NativeBinds BoundSoFar() {
  NativeBinds binds = {};
  for (const BoundLibrary& library : internal::g_bound_libraries) {
    if (library.base.load(std::memory_order_acquire) != 0) ++binds.libraries;
  }
  binds.early = g_early.load(std::memory_order_relaxed);
  binds.unwrapped = g_unwrapped.load(std::memory_order_relaxed);
  return binds;
}

}  // namespace wrackline::preload
