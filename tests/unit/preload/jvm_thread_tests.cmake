# With a real VM in the test's process, where one is installed; without a sanitizer, whose handlers a VM does not expect.
find_file(WRACKLINE_TEST_LIBJVM libjvm.so PATHS ${WRACKLINE_JNI_INCLUDE}/.. PATH_SUFFIXES lib/server jre/lib/amd64/server NO_DEFAULT_PATH)
if(WRACKLINE_TEST_LIBJVM AND NOT WRACKLINE_SANITIZE)
  wrackline_unit_test(jvm_thread_tests
    SOURCES java_thread_names_test.cc ${PROJECT_SOURCE_DIR}/preload/jvm/thread_names.cc
    LIBRARIES wrackline_sampled_path ${CMAKE_DL_LIBS} TIMEOUT 120)
  target_include_directories(jvm_thread_tests SYSTEM PRIVATE ${WRACKLINE_JNI_INCLUDE} ${WRACKLINE_JNI_INCLUDE}/linux)
  target_compile_definitions(jvm_thread_tests PRIVATE WRACKLINE_LIBJVM="${WRACKLINE_TEST_LIBJVM}")
endif()
