#include "preload/jvm/rocksdb_objects.h"

#include "preload/clock.h"
#include "preload/jvm/rocksdb_thread.h"
#include "rocksdb_probe/jni/object_records.h"
#include "wrackline/shim.h"

namespace wrackline::preload {
namespace {

using rocksdb_jni::ObjectKind;

static_assert(rocksdb_jni::kObjectLibraries == kBoundLibraries);

constinit rocksdb_jni::Objects g_objects{};

constexpr std::size_t kRecordBytes = 32 * 1024;
// One survey and one record, which one thread makes.
constinit rocksdb_jni::ObjectSurvey g_survey{};
constinit unsigned char g_record[kRecordBytes] = {};

std::uint64_t Handle(jlong handle) { return static_cast<std::uint64_t>(handle); }

template <typename Call>
void NoteMade(const Call& call, ObjectKind kind, jlong handle, jlong of = 0) {
  g_objects.Made(call.library->Index(), kind, Handle(handle), Handle(of), call.code());
}

// --- what is made ---

template <ObjectKind kKind, typename... Arguments>
jlong AroundNew(const NativeCall<jlong, Arguments...>& call, Arguments... arguments) {
  const jlong handle = call(arguments...);
  NoteMade(call, kKind, handle);
  return handle;
}

// The first argument is whose it is: a database.
template <ObjectKind kKind, typename... Arguments>
jlong AroundNewOf(const NativeCall<jlong, jlong, Arguments...>& call, jlong of,
                  Arguments... arguments) {
  const jlong handle = call(of, arguments...);
  NoteMade(call, kKind, handle, of);
  return handle;
}

jlongArray AroundIterators(const NativeCall<jlongArray, jlong, jlongArray, jlong>& call, jlong db,
                           jlongArray families, jlong options) {
  const jlongArray handles = call(db, families, options);
  if (handles == nullptr || call.env->ExceptionCheck() != 0) return handles;
  const jsize length = call.env->GetArrayLength(handles);
  for (jsize i = 0; i < length; ++i) {
    jlong handle = 0;
    call.env->GetLongArrayRegion(handles, i, 1, &handle);
    NoteMade(call, ObjectKind::kIterator, handle, db);
  }
  return handles;
}

// The new iterator owns the one below it: Java does not close that one any more.
template <typename... Arguments>
jlong AroundIteratorWithBase(const NativeCall<jlong, jlong, jlong, jlong, Arguments...>& call,
                             jlong batch, jlong family, jlong base, Arguments... arguments) {
  const jlong handle = call(batch, family, base, arguments...);
  NoteMade(call, ObjectKind::kIterator, handle);
  if (handle != 0) g_objects.Closed(call.library->Index(), ObjectKind::kIterator, Handle(base));
  return handle;
}

// Makes options inside the library: no other native method returns their handle.
jobject AroundGetDescriptor(const NativeCall<jobject, jlong>& call, jlong family) {
  const jobject descriptor = call(family);
  // There is no telling which handle it has; its end counts all the same.
  if (descriptor != nullptr) NoteMade(call, ObjectKind::kFamilyOptions, 1);
  return descriptor;
}

// --- what is ended ---

template <ObjectKind kKind>
void AroundDispose(const NativeCall<void, jlong>& call, jlong handle) {
  g_objects.Closed(call.library->Index(), kKind, Handle(handle));
  call(handle);
}

void AroundReleaseSnapshot(const NativeCall<void, jlong, jlong>& call, jlong db, jlong snapshot) {
  g_objects.Closed(call.library->Index(), ObjectKind::kSnapshot, Handle(snapshot));
  call(db, snapshot);
}

template <ObjectKind kKind>
constexpr auto kNew = &AroundNew<kKind>;
template <ObjectKind kKind>
constexpr auto kCopy = &AroundNew<kKind, jlong>;
template <ObjectKind kKind>
constexpr auto kNewOf2 = &AroundNew<kKind, jlong, jlong>;
template <ObjectKind kKind>
constexpr auto kFromText = &AroundNew<kKind, jstring>;
template <ObjectKind kKind>
constexpr auto kFromConfiguredText = &AroundNew<kKind, jlong, jstring>;

constexpr auto kNewReadOptionsOfTwo = &AroundNew<ObjectKind::kReadOptions, jboolean, jboolean>;
constexpr auto kNewBatchOfBytes = &AroundNew<ObjectKind::kWriteBatch, jint>;
constexpr auto kNewBatchFromBytes = &AroundNew<ObjectKind::kWriteBatch, jbyteArray, jint>;
constexpr auto kNewIndexedBatch = &AroundNew<ObjectKind::kWriteBatch, jboolean>;
constexpr auto kNewIndexedBatchOf4 =
    &AroundNew<ObjectKind::kWriteBatch, jlong, jbyte, jint, jboolean>;
constexpr auto kNewStatisticsOf = &AroundNew<ObjectKind::kStatistics, jbyteArray>;
constexpr auto kNewStatisticsOf2 = &AroundNew<ObjectKind::kStatistics, jbyteArray, jlong>;
constexpr auto kLruCache = &AroundNew<ObjectKind::kCache, jlong, jint, jboolean, jdouble>;
constexpr auto kLruCacheOf5 =
    &AroundNew<ObjectKind::kCache, jlong, jint, jboolean, jdouble, jdouble>;
constexpr auto kClockCache = &AroundNew<ObjectKind::kCache, jlong, jint, jboolean>;
constexpr auto kHyperClockCache = &AroundNew<ObjectKind::kCache, jlong, jlong, jint, jboolean>;
constexpr auto kIterator = &AroundNewOf<ObjectKind::kIterator>;
constexpr auto kIteratorOf2 = &AroundNewOf<ObjectKind::kIterator, jlong>;
constexpr auto kIteratorOf3 = &AroundNewOf<ObjectKind::kIterator, jlong, jlong>;
// Of a transaction: which database is not among the arguments.
constexpr auto kFreeIteratorOf2 = &AroundNew<ObjectKind::kIterator, jlong, jlong>;
constexpr auto kFreeIteratorOf3 = &AroundNew<ObjectKind::kIterator, jlong, jlong, jlong>;
constexpr auto kIteratorWithBase = &AroundIteratorWithBase<>;
constexpr auto kIteratorWithBaseAndOptions = &AroundIteratorWithBase<jlong>;
constexpr auto kGetSnapshot = &AroundNew<ObjectKind::kSnapshot, jlong>;
constexpr auto kBegin = &AroundNew<ObjectKind::kTransaction, jlong, jlong>;
constexpr auto kBeginOf3 = &AroundNew<ObjectKind::kTransaction, jlong, jlong, jlong>;

#define MADE(around, class_name, method, signature) \
  WrappedMethod<around, class_name, method, signature>::kRow
// From 9.9 on these are static and have another name.
#define ENDED(kind, class_name)                                                                 \
  WrappedMethod<&AroundDispose<ObjectKind::kind>, class_name, "disposeInternal", "(J)V">::kRow, \
      WrappedMethod<&AroundDispose<ObjectKind::kind>, class_name, "disposeInternalJni",         \
                    "(J)V">::kRow

// The methods of RocksDB 5.17 to 11 and of ForSt.
constexpr NativeMethod kMethods[] = {
    MADE(kNew<ObjectKind::kReadOptions>, "ReadOptions", "newReadOptions", "()J"),
    MADE(kNewReadOptionsOfTwo, "ReadOptions", "newReadOptions", "(ZZ)J"),
    MADE(kCopy<ObjectKind::kReadOptions>, "ReadOptions", "copyReadOptions", "(J)J"),
    ENDED(kReadOptions, "ReadOptions"),

    MADE(kNew<ObjectKind::kWriteOptions>, "WriteOptions", "newWriteOptions", "()J"),
    MADE(kCopy<ObjectKind::kWriteOptions>, "WriteOptions", "copyWriteOptions", "(J)J"),
    ENDED(kWriteOptions, "WriteOptions"),

    MADE(kNew<ObjectKind::kFlushOptions>, "FlushOptions", "newFlushOptions", "()J"),
    ENDED(kFlushOptions, "FlushOptions"),

    MADE(kNewBatchOfBytes, "WriteBatch", "newWriteBatch", "(I)J"),
    MADE(kNewBatchFromBytes, "WriteBatch", "newWriteBatch", "([BI)J"),
    ENDED(kWriteBatch, "WriteBatch"),
    MADE(kNew<ObjectKind::kWriteBatch>, "WriteBatchWithIndex", "newWriteBatchWithIndex", "()J"),
    MADE(kNewIndexedBatch, "WriteBatchWithIndex", "newWriteBatchWithIndex", "(Z)J"),
    MADE(kNewIndexedBatchOf4, "WriteBatchWithIndex", "newWriteBatchWithIndex", "(JBIZ)J"),
    ENDED(kWriteBatch, "WriteBatchWithIndex"),

    MADE(kNew<ObjectKind::kStatistics>, "Statistics", "newStatistics", "()J"),
    MADE(kCopy<ObjectKind::kStatistics>, "Statistics", "newStatistics", "(J)J"),
    MADE(kNewStatisticsOf, "Statistics", "newStatistics", "([B)J"),
    MADE(kNewStatisticsOf2, "Statistics", "newStatistics", "([BJ)J"),
    // Another Java object, which holds the same statistics.
    MADE(kCopy<ObjectKind::kStatistics>, "Options", "statistics", "(J)J"),
    MADE(kCopy<ObjectKind::kStatistics>, "DBOptions", "statistics", "(J)J"),
    ENDED(kStatistics, "Statistics"),

    MADE(kNew<ObjectKind::kOptions>, "Options", "newOptions", "()J"),
    MADE(kNewOf2<ObjectKind::kOptions>, "Options", "newOptions", "(JJ)J"),
    MADE(kCopy<ObjectKind::kOptions>, "Options", "copyOptions", "(J)J"),
    ENDED(kOptions, "Options"),

    MADE(kNew<ObjectKind::kDbOptions>, "DBOptions", "newDBOptions", "()J"),
    MADE(kCopy<ObjectKind::kDbOptions>, "DBOptions", "copyDBOptions", "(J)J"),
    MADE(kCopy<ObjectKind::kDbOptions>, "DBOptions", "newDBOptionsFromOptions", "(J)J"),
    MADE(kFromText<ObjectKind::kDbOptions>, "DBOptions", "getDBOptionsFromProps",
         "(Ljava/lang/String;)J"),
    MADE(kFromConfiguredText<ObjectKind::kDbOptions>, "DBOptions", "getDBOptionsFromProps",
         "(JLjava/lang/String;)J"),
    ENDED(kDbOptions, "DBOptions"),

    MADE(kNew<ObjectKind::kFamilyOptions>, "ColumnFamilyOptions", "newColumnFamilyOptions", "()J"),
    MADE(kCopy<ObjectKind::kFamilyOptions>, "ColumnFamilyOptions", "copyColumnFamilyOptions",
         "(J)J"),
    MADE(kCopy<ObjectKind::kFamilyOptions>, "ColumnFamilyOptions",
         "newColumnFamilyOptionsFromOptions", "(J)J"),
    MADE(kFromText<ObjectKind::kFamilyOptions>, "ColumnFamilyOptions",
         "getColumnFamilyOptionsFromProps", "(Ljava/lang/String;)J"),
    MADE(kFromConfiguredText<ObjectKind::kFamilyOptions>, "ColumnFamilyOptions",
         "getColumnFamilyOptionsFromProps", "(JLjava/lang/String;)J"),
    MADE(AroundGetDescriptor, "ColumnFamilyHandle", "getDescriptor",
         "(J)Lorg/rocksdb/ColumnFamilyDescriptor;"),
    MADE(AroundGetDescriptor, "ColumnFamilyHandle", "getDescriptor",
         "(J)Lorg/forstdb/ColumnFamilyDescriptor;"),
    ENDED(kFamilyOptions, "ColumnFamilyOptions"),

    MADE(kLruCache, "LRUCache", "newLRUCache", "(JIZD)J"),
    MADE(kLruCacheOf5, "LRUCache", "newLRUCache", "(JIZDD)J"),
    ENDED(kCache, "LRUCache"),
    MADE(kClockCache, "ClockCache", "newClockCache", "(JIZ)J"),
    ENDED(kCache, "ClockCache"),
    MADE(kHyperClockCache, "HyperClockCache", "newHyperClockCache", "(JJIZ)J"),
    ENDED(kCache, "HyperClockCache"),
    ENDED(kWriteBufferManager, "WriteBufferManager"),

    MADE(kIterator, "RocksDB", "iterator", "(J)J"),
    MADE(kIteratorOf2, "RocksDB", "iterator", "(JJ)J"),
    MADE(kIteratorOf3, "RocksDB", "iterator", "(JJJ)J"),
    MADE(kIteratorOf2, "RocksDB", "iteratorCF", "(JJ)J"),
    MADE(kIteratorOf3, "RocksDB", "iteratorCF", "(JJJ)J"),
    MADE(AroundIterators, "RocksDB", "iterators", "(J[JJ)[J"),
    MADE(kFreeIteratorOf2, "Transaction", "getIterator", "(JJ)J"),
    MADE(kFreeIteratorOf3, "Transaction", "getIterator", "(JJJ)J"),
    MADE(kIteratorWithBase, "WriteBatchWithIndex", "iteratorWithBase", "(JJJ)J"),
    MADE(kIteratorWithBaseAndOptions, "WriteBatchWithIndex", "iteratorWithBase", "(JJJJ)J"),
    ENDED(kIterator, "RocksIterator"),

    MADE(kGetSnapshot, "RocksDB", "getSnapshot", "(J)J"),
    MADE(AroundReleaseSnapshot, "RocksDB", "releaseSnapshot", "(JJ)V"),

    MADE(kBegin, "TransactionDB", "beginTransaction", "(JJ)J"),
    MADE(kBeginOf3, "TransactionDB", "beginTransaction", "(JJJ)J"),
    MADE(kBegin, "OptimisticTransactionDB", "beginTransaction", "(JJ)J"),
    MADE(kBeginOf3, "OptimisticTransactionDB", "beginTransaction", "(JJJ)J"),
    ENDED(kTransaction, "Transaction"),
};

// splitmix64's finalizer, as the reader of databases does it: away from the keys of other submitters.
std::uint64_t KeyOf(std::uint64_t library_id) {
  std::uint64_t x = 0x726f636b736f626au + library_id;  // "rocksobj"
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

NativeMethodTable RocksDbObjectMethods() {
  return {kMethods, sizeof(kMethods) / sizeof(kMethods[0])};
}

rocksdb_jni::Objects& RocksDbObjects() { return g_objects; }

void NoteObjectMade(const BoundLibrary* library, ObjectKind kind, jlong handle, const void* code) {
  g_objects.Made(library->Index(), kind, Handle(handle), 0, code);
}

void NoteObjectClosed(const BoundLibrary* library, ObjectKind kind, jlong handle) {
  g_objects.Closed(library->Index(), kind, Handle(handle));
}

void RecordRocksDbObjects() {
  for (const BoundLibrary& library : internal::g_bound_libraries) {
    const std::uint64_t base = library.base.load(std::memory_order_acquire);
    if (base == 0) return;
    const char* why = nullptr;
    const rocksdb_jni::JniLibrary* readable =
        rocksdb_jni::FindJniLibrary(reinterpret_cast<const void*>(base), &why);
    g_objects.Survey(library.Index(), readable, &g_survey);
    if (!g_survey.any) continue;
    const rocksdb_jni::ObjectRecord record = {
        RealtimeNs(),
        MonotonicNs(),
        base,
        library.early.load(std::memory_order_acquire) ||
            !library.whole.load(std::memory_order_acquire),
        &g_survey,
        [](const void* db) { return RocksDbRegistry().IdOf(db); }};
    const std::size_t size = rocksdb_jni::EncodeObjects(record, g_record, sizeof(g_record));
    // One that is refused is a moment without a figure: the next one has it.
    if (size > 0) wrackline_submit(KeyOf(base), WRACKLINE_SUBMIT_HISTORY, g_record, size);
  }
}

}  // namespace wrackline::preload
