# What reads a RocksDB inside a JNI library: neither RocksDB nor the C++ runtime is needed. The preload compiles it into itself.
set(WRACKLINE_ROCKSDB_JNI_SOURCES
  cache_walk.cc
  cxx_strings.cc
  facts.cc
  family_files.cc
  figures.cc
  guarded_read.cc
  image.cc
  library.cc
  object_records.cc
  objects.cc
  option_text.cc
  owner_table.cc
  reader.cc
  records.cc
  registry.cc
  roles.cc
  walk_trail.cc
  write_buffer_manager.cc)
list(TRANSFORM WRACKLINE_ROCKSDB_JNI_SOURCES PREPEND "${CMAKE_CURRENT_LIST_DIR}/")
