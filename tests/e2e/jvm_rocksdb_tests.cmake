# RocksDB inside a VM. Its Java interface is another one in each version: the tests compile their programs against the jar of each.
if(WRACKLINE_PRELOAD)
  wrackline_unit_test(jvm_rocksdb_e2e_test
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/jvm_rocksdb_test.cc
    LIBRARIES wrackline_host wrackline_test_support LABEL e2e TIMEOUT 240)
  target_compile_definitions(jvm_rocksdb_e2e_test PRIVATE
    WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>"
    WRACKLINE_ROCKSDB_PROGRAMS="${CMAKE_CURRENT_LIST_DIR}/java/rocksdb/com/example/state")
  add_dependencies(jvm_rocksdb_e2e_test wrackline_preload)
endif()
