# Kills under cgroup v2 in a machine of their own (vm/boot.sh), whatever this one has. One ctest test: the machine is booted once.
if(WRACKLINE_PRELOAD AND WRACKLINE_ANALYZER AND NOT WRACKLINE_SANITIZE)
  add_executable(vm_test ${CMAKE_CURRENT_LIST_DIR}/vm/vm_test.cc)
  wrackline_target(vm_test)
  target_link_libraries(vm_test PRIVATE wrackline_host wrackline_test_support nlohmann_json::nlohmann_json
    GTest::gtest GTest::gmock GTest::gtest_main Threads::Threads)
  target_compile_definitions(vm_test PRIVATE
    WRACKLINE_VM_BOOT="${CMAKE_CURRENT_LIST_DIR}/vm/boot.sh"
    WRACKLINE_VM_SCRIPT="${CMAKE_CURRENT_LIST_DIR}/vm/two_kills.sh"
    WRACKLINE_COMMAND="$<TARGET_FILE:wrackline>"
    WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>"
    WRACKLINE_SHIM_TARGET="$<TARGET_FILE:shim_target>")
  add_dependencies(vm_test wrackline wrackline_preload shim_target)
  add_test(NAME vm_test COMMAND vm_test)
  set_tests_properties(vm_test PROPERTIES LABELS e2e TIMEOUT 300)
endif()
