# `wrackline collect` of a real VM (JvmTarget of jvm_tests.cmake, which is read after this: targets by name).
if(WRACKLINE_PRELOAD AND WRACKLINE_ANALYZER AND NOT WRACKLINE_SANITIZE)
  wrackline_unit_test(collect_e2e_test
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/collect_test.cc
    LIBRARIES wrackline_host wrackline_test_support nlohmann_json::nlohmann_json LABEL e2e TIMEOUT 240)
  target_compile_definitions(collect_e2e_test PRIVATE
    WRACKLINE_COMMAND="$<TARGET_FILE:wrackline>"
    WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>"
    WRACKLINE_SHIM_TARGET="$<TARGET_FILE:shim_target>"
    WRACKLINE_JVM_CLASSES="${CMAKE_CURRENT_BINARY_DIR}/jvm")
  add_dependencies(collect_e2e_test wrackline wrackline_preload shim_target jvm_target)
endif()
