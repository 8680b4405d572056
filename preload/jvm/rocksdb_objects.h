// The native methods of RocksDB's Java interface that make and end objects which the program has to close, and the record of how
// many there are (rocksdb_probe/jni/objects.h).
#pragma once

#include <cstddef>

#include "preload/jvm/native_bind.h"
#include "rocksdb_probe/jni/objects.h"

namespace wrackline::preload {

NativeMethodTable RocksDbObjectMethods();

// Of all JNI libraries. In static memory: Java closes objects to the very end.
rocksdb_jni::Objects& RocksDbObjects();

// A database was opened, or is being closed; a manager was made. Their methods are wrapped elsewhere (rocksdb_methods.h).
void NoteObjectMade(const BoundLibrary* library, rocksdb_jni::ObjectKind kind, jlong handle,
                    const void* code);
void NoteObjectClosed(const BoundLibrary* library, rocksdb_jni::ObjectKind kind, jlong handle);

// Submits one record a library. On the thread that reads databases, 64 KiB of stack at most.
void RecordRocksDbObjects();

}  // namespace wrackline::preload
