# The shim in a VM: one Java program, compiled for 17 so that both run it. The tests look for Java 17 and 25 themselves, and
# fail without.
if(WRACKLINE_PRELOAD)
  find_program(WRACKLINE_JAVAC javac HINTS ${WRACKLINE_JNI_INCLUDE}/../bin REQUIRED)
  set(jvm_classes "${CMAKE_CURRENT_BINARY_DIR}/jvm")
  # -Xlint:-options: of a newer compiler; Unsafe is warned of and cannot be silenced.
  add_custom_command(OUTPUT ${jvm_classes}/JvmTarget.class
    COMMAND ${WRACKLINE_JAVAC} -XDignore.symbol.file -Xlint:-options -nowarn -source 17 -target 17 -d ${jvm_classes}
      ${CMAKE_CURRENT_LIST_DIR}/programs/JvmTarget.java
    DEPENDS ${CMAKE_CURRENT_LIST_DIR}/programs/JvmTarget.java VERBATIM)
  add_custom_target(jvm_target DEPENDS ${jvm_classes}/JvmTarget.class)

  wrackline_unit_test(jvm_e2e_test
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/jvm_test.cc
    LIBRARIES wrackline_host wrackline_test_support LABEL e2e TIMEOUT 240)
  target_compile_definitions(jvm_e2e_test PRIVATE
    WRACKLINE_PRELOAD_LIBRARY="$<TARGET_FILE:wrackline_preload>"
    WRACKLINE_JVM_CLASSES="${jvm_classes}")
  add_dependencies(jvm_e2e_test wrackline_preload jvm_target)
endif()
