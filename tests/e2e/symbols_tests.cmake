# A stripped program and its debug file, made as a packager makes them: whatever the preset, with lines and without a sanitizer.
if(WRACKLINE_PRELOAD AND WRACKLINE_ANALYZER)
  set(leaky "${CMAKE_CURRENT_BINARY_DIR}/leaky_local")
  add_custom_command(
    OUTPUT ${leaky}.stripped ${leaky}.debug
    COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 -g -O1 -fno-omit-frame-pointer -Wl,--build-id=sha1 -o ${leaky}
            ${CMAKE_CURRENT_LIST_DIR}/programs/leaky_local.cc
    COMMAND ${WRACKLINE_GNU_OBJCOPY} --only-keep-debug ${leaky} ${leaky}.debug
    COMMAND ${WRACKLINE_GNU_STRIP} -o ${leaky}.stripped ${leaky}
    COMMAND ${WRACKLINE_GNU_OBJCOPY} --add-gnu-debuglink=${leaky}.debug ${leaky}.stripped
    DEPENDS ${CMAKE_CURRENT_LIST_DIR}/programs/leaky_local.cc
    VERBATIM)
  add_custom_target(leaky_local DEPENDS ${leaky}.stripped ${leaky}.debug)

  wrackline_unit_test(symbols_e2e_test
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/symbols_test.cc
    LIBRARIES wrackline_host wrackline_test_support nlohmann_json::nlohmann_json LABEL e2e TIMEOUT 120)
  target_compile_definitions(symbols_e2e_test PRIVATE
    WRACKLINE_COMMAND="$<TARGET_FILE:wrackline>"
    WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>"
    WRACKLINE_SHIM_TARGET="${leaky}.stripped"
    WRACKLINE_LEAKY_LOCAL="${leaky}")
  add_dependencies(symbols_e2e_test wrackline wrackline_preload leaky_local)
endif()
