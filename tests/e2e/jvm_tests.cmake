# The shim in a VM: one Java program, compiled for 11 so that all run it. The tests look for Java 11, 17, 21 and 25 themselves,
# and fail without.
if(WRACKLINE_PRELOAD)
  find_program(WRACKLINE_JAVAC javac HINTS ${WRACKLINE_JNI_INCLUDE}/../bin REQUIRED)
  set(jvm_classes "${CMAKE_CURRENT_BINARY_DIR}/jvm")
  # -Xlint:-options: of a newer compiler; Unsafe is warned of and cannot be silenced.
  add_custom_command(OUTPUT ${jvm_classes}/JvmTarget.class
    COMMAND ${WRACKLINE_JAVAC} -XDignore.symbol.file -Xlint:-options -nowarn -source 11 -target 11 -d ${jvm_classes}
      ${CMAKE_CURRENT_LIST_DIR}/programs/JvmTarget.java
    DEPENDS ${CMAKE_CURRENT_LIST_DIR}/programs/JvmTarget.java VERBATIM)
  add_custom_target(jvm_target DEPENDS ${jvm_classes}/JvmTarget.class)

  add_executable(jvm_host ${CMAKE_CURRENT_LIST_DIR}/programs/jvm_host.cc)
  wrackline_target(jvm_host IN_PROCESS)
  target_include_directories(jvm_host SYSTEM PRIVATE ${WRACKLINE_JNI_INCLUDE} ${WRACKLINE_JNI_INCLUDE}/linux)
  target_link_libraries(jvm_host PRIVATE Threads::Threads ${CMAKE_DL_LIBS})

  wrackline_unit_test(jvm_e2e_test
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/jvm_test.cc
    LIBRARIES wrackline_host wrackline_test_support LABEL e2e TIMEOUT 240)
  target_compile_definitions(jvm_e2e_test PRIVATE
    WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>"
    WRACKLINE_JVM_CLASSES="${jvm_classes}"
    WRACKLINE_JVM_HOST="$<TARGET_FILE:jvm_host>")
  add_dependencies(jvm_e2e_test wrackline_preload jvm_target jvm_host)

  # What loses memory, in Java and in a library of C.
  file(GLOB leak_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/java/com/example/pipeline/*.java)
  set(leak_classes "${CMAKE_CURRENT_BINARY_DIR}/jvm_leaks")
  add_custom_command(OUTPUT ${leak_classes}/com/example/pipeline/Leaks.class
    COMMAND ${WRACKLINE_JAVAC} -XDignore.symbol.file -Xlint:-options -nowarn -source 17 -target 17 -d ${leak_classes} ${leak_sources}
    DEPENDS ${leak_sources} VERBATIM)
  add_custom_target(jvm_leaks DEPENDS ${leak_classes}/com/example/pipeline/Leaks.class)
  add_library(java_codec MODULE ${CMAKE_CURRENT_LIST_DIR}/java/codec.c)
  target_include_directories(java_codec SYSTEM PRIVATE ${WRACKLINE_JNI_INCLUDE} ${WRACKLINE_JNI_INCLUDE}/linux)
  if(WRACKLINE_ANALYZER)
    wrackline_unit_test(jvm_leaks_e2e_test
      SOURCES ${CMAKE_CURRENT_LIST_DIR}/jvm_leaks_test.cc
      LIBRARIES wrackline_test_support nlohmann_json::nlohmann_json LABEL e2e TIMEOUT 240)
    target_compile_definitions(jvm_leaks_e2e_test PRIVATE
      WRACKLINE_COMMAND="$<TARGET_FILE:wrackline>"
      WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>"
      WRACKLINE_STATE_READER="${CMAKE_CURRENT_LIST_DIR}/java/rocksdb/com/example/pipeline/StateReader.java"
      WRACKLINE_JAVA_LEAKS="${leak_classes}" WRACKLINE_JAVA_CODEC="$<TARGET_FILE:java_codec>")
    add_dependencies(jvm_leaks_e2e_test wrackline wrackline_preload jvm_leaks java_codec)

    # What Java makes of RocksDB and does not close.
    wrackline_unit_test(jvm_rocksdb_objects_e2e_test
      SOURCES ${CMAKE_CURRENT_LIST_DIR}/jvm_rocksdb_objects_test.cc
      LIBRARIES wrackline_host wrackline_test_support nlohmann_json::nlohmann_json LABEL e2e TIMEOUT 240)
    target_compile_definitions(jvm_rocksdb_objects_e2e_test PRIVATE
      WRACKLINE_COMMAND="$<TARGET_FILE:wrackline>"
      WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>"
      WRACKLINE_UNCLOSED="${CMAKE_CURRENT_LIST_DIR}/java/rocksdb_objects/com/example/state/Unclosed.java")
    add_dependencies(jvm_rocksdb_objects_e2e_test wrackline wrackline_preload)
  endif()

  set(stress_classes "${CMAKE_CURRENT_BINARY_DIR}/jvm_stress")
  file(GLOB stress_source CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/java/com/example/stress/*.java)
  add_custom_command(OUTPUT ${stress_classes}/com/example/stress/Commotion.class
    COMMAND ${WRACKLINE_JAVAC} -XDignore.symbol.file -Xlint:-options -nowarn -source 17 -target 17 -d ${stress_classes} ${stress_source}
    DEPENDS ${stress_source} VERBATIM)
  add_custom_target(jvm_stress DEPENDS ${stress_classes}/com/example/stress/Commotion.class)
  wrackline_unit_test(jvm_stress_e2e_test
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/jvm_stress_test.cc
    LIBRARIES wrackline_host wrackline_test_support LABEL e2e TIMEOUT 240)
  target_compile_definitions(jvm_stress_e2e_test PRIVATE
    WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>" WRACKLINE_JEMALLOC="${WRACKLINE_TEST_JEMALLOC}"
    WRACKLINE_JAVA_STRESS="${stress_classes}")
  add_dependencies(jvm_stress_e2e_test wrackline_preload jvm_stress)
  foreach(test storm ends)
    wrackline_unit_test(jvm_${test}_e2e_test
      SOURCES ${CMAKE_CURRENT_LIST_DIR}/jvm_${test}_test.cc
      LIBRARIES wrackline_host wrackline_test_support LABEL e2e TIMEOUT 240)
    target_compile_definitions(jvm_${test}_e2e_test PRIVATE
      WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>" WRACKLINE_JAVA_STRESS="${stress_classes}")
    add_dependencies(jvm_${test}_e2e_test wrackline_preload jvm_stress)
  endforeach()
endif()
