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

// What was loaded when the events came on, whatever its name: a method of one of these may have been bound before.
constexpr std::uint32_t kEarlierObjects = 4096;
struct EarlierObjects {
  std::uint64_t bases[kEarlierObjects];
  std::uint32_t count;
  bool too_many;
};
constinit EarlierObjects g_earlier = {};
constinit std::atomic<bool> g_listed{false};  // g_earlier is complete, and is not written any more

bool IsEarlier(std::uint64_t base) {
  for (std::uint32_t i = 0; i < g_earlier.count; ++i) {
    if (g_earlier.bases[i] == base) return true;
  }
  return g_earlier.too_many;
}

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

// Of a library that has just got its place; the list is complete.
void Judge(BoundLibrary* library, std::uint64_t base) {
  if (!IsEarlier(base)) return library->whole.store(true, std::memory_order_release);
  if (library->early.exchange(true)) return;
  g_early.fetch_add(1, std::memory_order_relaxed);
  g_unwrapped.fetch_add(1, std::memory_order_relaxed);
}

// nullptr: there are too many. Two threads that come at once find the same.
BoundLibrary* LibraryAt(std::uint64_t base) {
  for (BoundLibrary& library : internal::g_bound_libraries) {
    std::uint64_t found = library.base.load(std::memory_order_acquire);
    if (found == base) return &library;
    if (found != 0) continue;
    // Either this thread sees that the list is complete, or who completes it sees this place: both orders are sequential.
    if (library.base.compare_exchange_strong(found, base)) {
      if (g_listed.load()) Judge(&library, base);
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
  unsigned long long loads;  // of all objects, up to then
};

// As dladdr says where an object begins.
std::uint64_t BaseOf(const dl_phdr_info& info) {
  const std::uint64_t page = 4096;
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    if (info.dlpi_phdr[i].p_type == PT_LOAD)
      return (info.dlpi_addr + info.dlpi_phdr[i].p_vaddr) / page * page;
  }
  return info.dlpi_addr;
}

int CountLoads(dl_phdr_info* info, std::size_t, void* context) {
  *static_cast<unsigned long long*>(context) = info->dlpi_adds;
  return 1;
}

int NoteObject(dl_phdr_info* info, std::size_t, void* context) {
  auto* found = static_cast<EarlierLibraries*>(context);
  found->loads = info->dlpi_adds;
  if (g_earlier.count < kEarlierObjects) {
    g_earlier.bases[g_earlier.count++] = BaseOf(*info);
  } else {
    g_earlier.too_many = true;
  }
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

// Whether all classes of the packages have one loader: only then they can have but one library.
bool HaveOneLoader(const JvmContext& jvm, const jclass* classes, jint count) {
  jobject loader = nullptr;
  bool some = false;
  for (jint i = 0; i < count; ++i) {
    VmText signature(jvm.jvmti);
    if (jvm.jvmti->GetClassSignature(classes[i], &signature.text, nullptr) != JVMTI_ERROR_NONE ||
        !IsPackage(signature.text)) {
      continue;
    }
    jobject own = nullptr;
    if (jvm.jvmti->GetClassLoader(classes[i], &own) != JVMTI_ERROR_NONE) return false;
    if (some && jvm.env->IsSameObject(own, loader) == JNI_FALSE) return false;
    if (some) {
      jvm.env->DeleteLocalRef(own);
    } else {
      loader = own;
    }
    some = true;
  }
  return true;
}

// Wraps the methods of classes that are loaded already. They may be bound, to the one library there is. False: not all of them, or
// there may be another library: one was loaded since `loads` were counted.
bool RebindLoadedClasses(const JvmContext& jvm, void* library, unsigned long long loads) {
  jint count = 0;
  jclass* classes = nullptr;
  if (jvm.env->PushLocalFrame(16) != JNI_OK) return false;
  bool done = jvm.jvmti->GetLoadedClasses(&count, &classes) == JVMTI_ERROR_NONE;
  AllowLocals(jvm.env, count);
  done = done && HaveOneLoader(jvm, classes, count);
  unsigned long long now = 0;
  dl_iterate_phdr(CountLoads, &now);
  done = done && now == loads;
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

// On return every library is either wrapped as a whole or not marked `whole`, and so will those be that come later.
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
  const bool rebound = found == 1 && RebindLoadedClasses(jvm, only, earlier.loads);
  if (!rebound) g_unwrapped.fetch_add(found, std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < found; ++i) {
    // It has a place, so that the place is no other's.
    if (BoundLibrary* library = LibraryAt(bases[i]); library != nullptr) {
      library->early.store(true, std::memory_order_release);
      if (rebound) library->whole.store(true, std::memory_order_release);
    }
  }
  g_listed.store(true);
  for (BoundLibrary& library : internal::g_bound_libraries) {
    const std::uint64_t base = library.base.load();
    if (base != 0 && !library.early.load(std::memory_order_acquire)) Judge(&library, base);
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
