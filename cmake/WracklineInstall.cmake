# `cmake --install` and find_package(wrackline [COMPONENTS rocksdb_probe preload analyzer]).
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/wrackline)

set(components)
if(WRACKLINE_PRELOAD)
  install(TARGETS wrackline_preload LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES preload/include/wrackline/shim.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/wrackline)
  list(APPEND components preload)
endif()
if(WRACKLINE_ANALYZER)
  install(TARGETS wrackline RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  list(APPEND components analyzer)
endif()
if(WRACKLINE_ROCKSDB_PROBE)
  install(TARGETS wrackline_rocksdb_probe wrackline_core wrackline_nanopb EXPORT wracklineTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY rocksdb_probe/include/wrackline DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT wracklineTargets NAMESPACE wrackline:: DESTINATION ${package_dir})
  list(APPEND components rocksdb_probe)
endif()
install(FILES lib/proto/wrackline.proto DESTINATION ${CMAKE_INSTALL_DATADIR}/wrackline)

set(WRACKLINE_COMPONENTS "${components}")
configure_package_config_file(cmake/wracklineConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/wracklineConfig.cmake
  INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_BINDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/wracklineConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/wracklineConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/wracklineConfigVersion.cmake
  DESTINATION ${package_dir})
