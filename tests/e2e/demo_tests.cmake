# The demo, held to its figures. The programs are run as they are built; under a sanitizer the shim cannot be loaded into them.
if(WRACKLINE_PRELOAD AND WRACKLINE_ROCKSDB_PROBE AND WRACKLINE_ANALYZER AND NOT WRACKLINE_SANITIZE)
  wrackline_unit_test(demo_e2e_test
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/demo_test.cc
    LIBRARIES wrackline_host wrackline_test_support nlohmann_json::nlohmann_json LABEL e2e TIMEOUT 240)
  target_compile_definitions(demo_e2e_test PRIVATE
    WRACKLINE_COMMAND="$<TARGET_FILE:wrackline>"
    WRACKLINE_FOUR_STATES="$<TARGET_FILE:wrackline_four_states>")
  add_dependencies(demo_e2e_test wrackline wrackline_preload wrackline_four_states)
endif()
