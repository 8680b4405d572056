#include "preload/jvm/rocksdb_methods.h"

#include <cstring>

#include "preload/futex.h"
#include "preload/jvm/rocksdb_objects.h"
#include "preload/jvm/rocksdb_thread.h"
#include "preload/recording_control.h"
#include "rocksdb_probe/jni/registry.h"

namespace wrackline::preload {
namespace {

using rocksdb_jni::ObjectKind;

void* Pointer(jlong handle) { return reinterpret_cast<void*>(handle); }

// What a handle of a std::shared_ptr points to: its first word.
const void* ObjectOf(jlong shared_pointer) {
  return shared_pointer == 0 ? nullptr : *static_cast<void* const*>(Pointer(shared_pointer));
}

// --- what opens ---

// The database, and the handles of its families that came with it.
void NoteOpened(const BoundLibrary* library, const void* code, jlong db, void* const* families,
                std::size_t count) {
  if (!library->whole.load(std::memory_order_acquire)) return;
  NoteObjectMade(library, ObjectKind::kDatabase, db, code);
  RocksDbRegistry().Opened(code, Pointer(db), families, count);
  // The recorder thread makes the one that reads.
  FutexWake(&g_control.stop);
}

// Of an open that returns the database and then its families' handles.
template <typename Call>
void NoteOpenedAll(const Call& call, jlongArray handles) {
  // An exception is pending: there is nothing.
  if (handles == nullptr || call.env->ExceptionCheck() != 0) return;
  const jsize length = call.env->GetArrayLength(handles);
  if (length < 1) return;
  constexpr jsize kAtOnce = 128;
  jlong part[kAtOnce];
  void* families[kAtOnce];
  jlong db = 0;
  for (jsize at = 0; at < length;) {
    const jsize count = length - at < kAtOnce ? length - at : kAtOnce;
    call.env->GetLongArrayRegion(handles, at, count, part);
    const jsize first = at == 0 ? 1 : 0;
    if (at == 0) db = part[0];
    for (jsize i = first; i < count; ++i) families[i - first] = Pointer(part[i]);
    if (at == 0) {
      NoteOpened(call.library, call.code(), db, families, static_cast<std::size_t>(count - 1));
    } else {
      for (jsize i = 0; i < count; ++i) RocksDbRegistry().FamilyMade(Pointer(db), families[i]);
    }
    at += count;
  }
}

template <typename... Arguments>
jlong AroundOpen(const NativeCall<jlong, Arguments...>& call, Arguments... arguments) {
  const jlong db = call(arguments...);
  if (db != 0) NoteOpened(call.library, call.code(), db, nullptr, 0);
  return db;
}

template <typename... Arguments>
jlongArray AroundOpenFamilies(const NativeCall<jlongArray, Arguments...>& call,
                              Arguments... arguments) {
  const jlongArray handles = call(arguments...);
  NoteOpenedAll(call, handles);
  return handles;
}

// --- what makes families: the first argument is the database ---

template <typename... Arguments>
jlong AroundCreateFamily(const NativeCall<jlong, jlong, Arguments...>& call, jlong db,
                         Arguments... arguments) {
  const jlong handle = call(db, arguments...);
  if (handle != 0) RocksDbRegistry().FamilyMade(Pointer(db), Pointer(handle));
  return handle;
}

template <typename... Arguments>
jlongArray AroundCreateFamilies(const NativeCall<jlongArray, jlong, Arguments...>& call, jlong db,
                                Arguments... arguments) {
  const jlongArray handles = call(db, arguments...);
  if (handles == nullptr || call.env->ExceptionCheck() != 0) return handles;
  const jsize length = call.env->GetArrayLength(handles);
  for (jsize i = 0; i < length; ++i) {
    jlong handle = 0;
    call.env->GetLongArrayRegion(handles, i, 1, &handle);
    RocksDbRegistry().FamilyMade(Pointer(db), Pointer(handle));
  }
  return handles;
}

jlong AroundNewManager(const NativeCall<jlong, jlong, jlong>& call, jlong size, jlong cache) {
  const jlong manager = call(size, cache);
  if (manager != 0) {
    NoteObjectMade(call.library, ObjectKind::kWriteBufferManager, manager, call.code());
    RocksDbRegistry().ManagerMade(ObjectOf(manager), ObjectOf(cache));
  }
  return manager;
}
jlong AroundNewStallingManager(const NativeCall<jlong, jlong, jlong, jboolean>& call, jlong size,
                               jlong cache, jboolean allow_stall) {
  const jlong manager = call(size, cache, allow_stall);
  if (manager != 0) {
    NoteObjectMade(call.library, ObjectKind::kWriteBufferManager, manager, call.code());
    RocksDbRegistry().ManagerMade(ObjectOf(manager), ObjectOf(cache));
  }
  return manager;
}

// --- what closes: first nobody reads it any more ---

void AroundClose(const NativeCall<void, jlong>& call, jlong db) {
  NoteObjectClosed(call.library, ObjectKind::kDatabase, db);
  RocksDbRegistry().Closing(Pointer(db));
  call(db);
}
void AroundCloseFamily(const NativeCall<void, jlong>& call, jlong handle) {
  RocksDbRegistry().FamilyClosing(Pointer(handle));
  call(handle);
}

// The methods of RocksDB 5.17 to 11 and of ForSt. A family that is dropped keeps its memory, and may be read, until its handle is
// closed: dropColumnFamily needs no wrapper.
constexpr auto kOpen = &AroundOpen<jlong, jstring>;
constexpr auto kOpenFamilies = &AroundOpenFamilies<jlong, jstring, jobjectArray, jlongArray>;
constexpr auto kOpenReadOnly = &AroundOpen<jlong, jstring, jboolean>;
constexpr auto kOpenReadOnlyFamilies =
    &AroundOpenFamilies<jlong, jstring, jobjectArray, jlongArray, jboolean>;
constexpr auto kOpenSecondary = &AroundOpen<jlong, jstring, jstring>;
constexpr auto kOpenSecondaryFamilies =
    &AroundOpenFamilies<jlong, jstring, jstring, jobjectArray, jlongArray>;
constexpr auto kOpenTtl = &AroundOpen<jlong, jstring, jint, jboolean>;
constexpr auto kOpenTtlFamilies =
    &AroundOpenFamilies<jlong, jstring, jobjectArray, jlongArray, jintArray, jboolean>;
constexpr auto kOpenTransactions = &AroundOpen<jlong, jlong, jstring>;
constexpr auto kOpenTransactionsFamilies =
    &AroundOpenFamilies<jlong, jlong, jstring, jobjectArray, jlongArray>;
constexpr auto kCreateFamily = &AroundCreateFamily<jbyteArray, jint, jlong>;
constexpr auto kCreateFamily5 = &AroundCreateFamily<jbyteArray, jlong>;
constexpr auto kImportFamily = &AroundCreateFamily<jbyteArray, jint, jlong, jlong, jlongArray>;
constexpr auto kCreateTtlFamily = &AroundCreateFamily<jbyteArray, jlong, jint>;
constexpr auto kCreateFamilies = &AroundCreateFamilies<jlong, jobjectArray>;
constexpr auto kCreateDescribedFamilies = &AroundCreateFamilies<jlongArray, jobjectArray>;

#define WRAPPED(around, class_name, method, signature) \
  WrappedMethod<around, class_name, method, signature>::kRow
#define WRAPPED_CLOSES(class_name)                                 \
  WRAPPED(AroundClose, class_name, "closeDatabase", "(J)V"),       \
      WRAPPED(AroundClose, class_name, "disposeInternal", "(J)V"), \
      WRAPPED(AroundClose, class_name, "disposeInternalJni", "(J)V")

constexpr NativeMethod kMethods[] = {
    WRAPPED(kOpen, "RocksDB", "open", "(JLjava/lang/String;)J"),
    WRAPPED(kOpenFamilies, "RocksDB", "open", "(JLjava/lang/String;[[B[J)[J"),
    WRAPPED(kOpen, "RocksDB", "openROnly", "(JLjava/lang/String;)J"),
    WRAPPED(kOpenFamilies, "RocksDB", "openROnly", "(JLjava/lang/String;[[B[J)[J"),
    WRAPPED(kOpenReadOnly, "RocksDB", "openROnly", "(JLjava/lang/String;Z)J"),
    WRAPPED(kOpenReadOnlyFamilies, "RocksDB", "openROnly", "(JLjava/lang/String;[[B[JZ)[J"),
    WRAPPED(kOpenSecondary, "RocksDB", "openAsSecondary",
            "(JLjava/lang/String;Ljava/lang/String;)J"),
    WRAPPED(kOpenSecondaryFamilies, "RocksDB", "openAsSecondary",
            "(JLjava/lang/String;Ljava/lang/String;[[B[J)[J"),
    WRAPPED(kOpenTtl, "TtlDB", "open", "(JLjava/lang/String;IZ)J"),
    WRAPPED(kOpenTtlFamilies, "TtlDB", "openCF", "(JLjava/lang/String;[[B[J[IZ)[J"),
    WRAPPED(kOpenTransactions, "TransactionDB", "open", "(JJLjava/lang/String;)J"),
    WRAPPED(kOpenTransactionsFamilies, "TransactionDB", "open", "(JJLjava/lang/String;[[B[J)[J"),
    WRAPPED(kOpen, "OptimisticTransactionDB", "open", "(JLjava/lang/String;)J"),
    WRAPPED(kOpenFamilies, "OptimisticTransactionDB", "open", "(JLjava/lang/String;[[B[J)[J"),

    WRAPPED(kCreateFamily, "RocksDB", "createColumnFamily", "(J[BIJ)J"),
    WRAPPED(kCreateFamily5, "RocksDB", "createColumnFamily", "(J[BJ)J"),
    WRAPPED(kCreateFamilies, "RocksDB", "createColumnFamilies", "(JJ[[B)[J"),
    WRAPPED(kCreateDescribedFamilies, "RocksDB", "createColumnFamilies", "(J[J[[B)[J"),
    WRAPPED(kImportFamily, "RocksDB", "createColumnFamilyWithImport", "(J[BIJJ[J)J"),
    WRAPPED(kCreateTtlFamily, "TtlDB", "createColumnFamilyWithTtl", "(J[BJI)J"),
    WRAPPED(AroundNewManager, "WriteBufferManager", "newWriteBufferManager", "(JJ)J"),
    WRAPPED(AroundNewStallingManager, "WriteBufferManager", "newWriteBufferManager", "(JJZ)J"),

    WRAPPED_CLOSES("RocksDB"),
    WRAPPED_CLOSES("TtlDB"),
    WRAPPED_CLOSES("TransactionDB"),
    WRAPPED_CLOSES("OptimisticTransactionDB"),
    WRAPPED(AroundCloseFamily, "ColumnFamilyHandle", "disposeInternal", "(J)V"),
    WRAPPED(AroundCloseFamily, "ColumnFamilyHandle", "disposeInternalJni", "(J)V"),
};

}  // namespace

NativeMethodTable RocksDbMethods() { return {kMethods, sizeof(kMethods) / sizeof(kMethods[0])}; }

}  // namespace wrackline::preload
