/* The RocksDB probe for programs in C, and for languages that call C: what RocksDB holds in memory,
 * per column family, each byte counted once. <wrackline/rocksdb_probe.h> has the words, where samples
 * go, and the same for C++; docs/rocksdb-probe.md explains every figure.
 *
 *   wrackline_rocksdb_options options = WRACKLINE_ROCKSDB_OPTIONS;
 *   wrackline_rocksdb_probe* probe = wrackline_rocksdb_create(&options);
 *   wrackline_rocksdb_watch(probe, db, families, family_count, "orders", NULL);
 *   wrackline_rocksdb_start(probe);
 *   ...
 *   wrackline_rocksdb_unwatch(probe, db);  // before the handles and the database are destroyed
 *   wrackline_rocksdb_destroy(probe);
 *
 * rocksdb_probe/example/embed_c.c is a whole program.
 *
 * - Databases, families and caches are those of <rocksdb/c.h>, of the RocksDB that this library was
 *   built with. They stay the caller's: unwatch comes before they are closed or destroyed, and when it
 *   has returned they are never touched again.
 * - Every function may be called by any thread at any time; wrackline_rocksdb_destroy by one, once,
 *   when no other call is under way, and not from the callback.
 * - Functions that may fail return 0, or an errno number: EINVAL a null pointer or what RocksDB refused,
 *   ENOENT not watched, ENOMEM, EBUSY stopping, ENOTSUP in a forked child.
 * - Sizes are bytes. UINT64_MAX and UINT32_MAX: RocksDB does not say.
 */
#ifndef WRACKLINE_ROCKSDB_H
#define WRACKLINE_ROCKSDB_H

#include <rocksdb/c.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WRACKLINE_ROCKSDB_UNKNOWN UINT64_MAX

typedef struct wrackline_rocksdb_probe wrackline_rocksdb_probe;

/* Bytes in block caches by the kind of block. */
typedef struct wrackline_rocksdb_blocks {
  uint64_t data;
  uint64_t index;
  uint64_t filter;
  uint64_t blob;
  uint64_t other;
  uint64_t entries;
} wrackline_rocksdb_blocks;

typedef struct wrackline_rocksdb_family {
  uint64_t database_id; /* of wrackline_rocksdb_database */
  uint32_t id;
  const char* name;
  uint64_t cache_id; /* of wrackline_rocksdb_cache; 0: none */
  uint64_t active_memtable;
  uint64_t unflushed_memtables;
  uint64_t all_memtables; /* what is in memory; more than unflushed: held by readers */
  uint64_t table_readers;
  uint32_t immutable_memtables;
  uint32_t live_versions;
  uint64_t pinned_sst_bytes;
  int has_cached_blocks; /* 0: its caches were not split yet */
  wrackline_rocksdb_blocks cached_blocks;
  wrackline_rocksdb_blocks former_blocks; /* of files that it had; in the caches' unknown as well */
} wrackline_rocksdb_family;

typedef struct wrackline_rocksdb_database {
  uint64_t id; /* unique in the process, never used again */
  const char* name;
  const char* path;
  uint32_t snapshots;
  uint32_t running_flushes;
  uint32_t running_compactions;
} wrackline_rocksdb_database;

/* Each cache once, however many families and databases use it. */
typedef struct wrackline_rocksdb_cache {
  uint64_t id;
  int kind; /* 0: of blocks, 1: of blob values only, 2: of rows */
  uint64_t capacity;
  uint64_t usage;
  uint64_t pinned_usage;
  int has_split; /* 0: what follows is not known */
  uint64_t split_monotonic_ns;
  uint64_t split_duration_ns;
  uint64_t split_usage; /* families' cached_blocks + unknown + reservations + metadata */
  uint64_t memtable_reservations;
  uint64_t other_reservations;
  uint64_t metadata;
  wrackline_rocksdb_blocks unknown; /* of deleted files, or of databases that are not watched */
  uint64_t pinned_blocks;           /* in use by iterators and table readers */
} wrackline_rocksdb_cache;

typedef struct wrackline_rocksdb_sample {
  uint64_t time_ns; /* CLOCK_REALTIME */
  uint64_t monotonic_ns;
  uint64_t memtable_bytes; /* of all families */
  uint64_t cache_bytes;    /* of all caches */
  uint64_t total_bytes;    /* memtables, caches and table readers, each byte once */
  const wrackline_rocksdb_database* databases;
  size_t database_count;
  const wrackline_rocksdb_family* families;
  size_t family_count;
  const wrackline_rocksdb_cache* caches;
  size_t cache_count;
} wrackline_rocksdb_sample;

/* The sample and all it points to live until the callback returns. */
typedef void (*wrackline_rocksdb_callback)(void* context, const wrackline_rocksdb_sample* sample);

typedef struct wrackline_rocksdb_options {
  size_t size;         /* of this struct, as the caller knows it */
  uint64_t period_ms;  /* between two samples of the thread; at least 1 */
  int submit_to_shim;  /* hand samples to libwrackline_preload.so when it records */
  int record_to_file;  /* write a file of our own when it does not */
  const char* folder;  /* of that file; NULL: what WRACKLINE_OUT names, or no file */
  uint64_t file_bytes; /* its size; at least 1 MiB */
  double split_duty;   /* part of one core that splitting caches may take; 0: never split */
  wrackline_rocksdb_callback callback; /* NULL: none */
  void* context;
} wrackline_rocksdb_options;

/* clang-format off */
#define WRACKLINE_ROCKSDB_OPTIONS \
  { sizeof(wrackline_rocksdb_options), 1000, 1, 1, NULL, (uint64_t)16 << 20, 0.01, NULL, NULL }
/* clang-format on */

/* `options` may be NULL: as WRACKLINE_ROCKSDB_OPTIONS. Nothing of it is kept but the context's address.
 * NULL: no memory, or a size that is none. */
wrackline_rocksdb_probe* wrackline_rocksdb_create(const wrackline_rocksdb_options* options);
/* Stops and lets go of all databases. NULL is allowed. */
void wrackline_rocksdb_destroy(wrackline_rocksdb_probe* probe);

/* Watches families of `db`; the default one when `family_count` is 0. Called again it adds families.
 * `name`, for people, and `write_buffer_manager_cache`, the cache that the database's write buffer
 * manager charges, may be NULL. */
int wrackline_rocksdb_watch(wrackline_rocksdb_probe* probe, rocksdb_t* db,
                            rocksdb_column_family_handle_t* const* families, size_t family_count,
                            const char* name, const rocksdb_cache_t* write_buffer_manager_cache);
int wrackline_rocksdb_unwatch(wrackline_rocksdb_probe* probe, rocksdb_t* db);
int wrackline_rocksdb_unwatch_family(wrackline_rocksdb_probe* probe, rocksdb_t* db,
                                     rocksdb_column_family_handle_t* family);

/* The thread that samples once a period. The callback may call stop. */
int wrackline_rocksdb_start(wrackline_rocksdb_probe* probe);
void wrackline_rocksdb_stop(wrackline_rocksdb_probe* probe);

/* Samples in this thread, for the recorder, the file, the probe's callback and for `callback` (which
 * may be NULL). */
int wrackline_rocksdb_sample_now(wrackline_rocksdb_probe* probe,
                                 wrackline_rocksdb_callback callback, void* context);

#ifdef __cplusplus
}
#endif
#endif
