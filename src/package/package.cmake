# Installs the libraries, the headers, the program, hone.pc and the CMake package. Both descriptions
# find their files relative to themselves, so a prefix can be moved (cmake --install --prefix,
# DESTDIR).
include(CMakePackageConfigHelpers)

set_target_properties(hone_shared PROPERTIES EXPORT_NAME hone)
install(TARGETS hone_shared EXPORT hone-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS hone_static EXPORT hone-static-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET hone)
  install(TARGETS hone RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY include/hone DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

# What a static link needs beside hwloc and zlib, which are hone.pc's Requires.private, with what they
# need in turn: the OpenMP runtime of the compiler that made the objects, and libm.
set(HONE_PC_LIBS_PRIVATE "")
foreach(name ${OpenMP_C_LIB_NAMES})
  if(name MATCHES "^(gomp|pthread)$")
    string(APPEND HONE_PC_LIBS_PRIVATE "-l${name} ")
  else()
    string(APPEND HONE_PC_LIBS_PRIVATE "${OpenMP_${name}_LIBRARY} ")
  endif()
endforeach()
string(APPEND HONE_PC_LIBS_PRIVATE "-lm")
foreach(name ${CMAKE_DL_LIBS})
  string(APPEND HONE_PC_LIBS_PRIVATE " -l${name}")
endforeach()
file(RELATIVE_PATH HONE_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" HONE_PC_PREFIX ${HONE_PC_PREFIX})
configure_file(src/package/hone.pc.in hone.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/hone.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(HONE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/hone)
install(EXPORT hone-targets NAMESPACE hone:: DESTINATION ${HONE_CMAKE_DIR})
install(EXPORT hone-static-targets NAMESPACE hone:: DESTINATION ${HONE_CMAKE_DIR})
configure_package_config_file(src/package/hone-config.cmake.in hone-config.cmake INSTALL_DESTINATION
  ${HONE_CMAKE_DIR})
write_basic_package_version_file(hone-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/hone-config.cmake
  ${PROJECT_BINARY_DIR}/hone-config-version.cmake
  DESTINATION ${HONE_CMAKE_DIR})
