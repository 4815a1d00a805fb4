# Installs the libraries, the headers, the program and its manual page, hone.pc and the CMake package;
# cpack -G DEB makes Debian packages of them. Both descriptions
# find their files relative to themselves, so a prefix can be moved (cmake --install --prefix,
# DESTDIR).
include(CMakePackageConfigHelpers)

set_target_properties(hone_shared PROPERTIES EXPORT_NAME hone)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)
install(TARGETS hone_shared EXPORT hone-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  COMPONENT runtime NAMELINK_COMPONENT development)
install(TARGETS hone_static EXPORT hone-static-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/hone DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

# The program prints its page, so where it can't run there is none.
if(TARGET hone)
  install(TARGETS hone RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
  if(NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR)
    add_custom_command(OUTPUT hone.1 COMMAND hone help --man > hone.1 DEPENDS hone VERBATIM)
    add_custom_target(hone_man ALL DEPENDS hone.1)
    install(FILES ${PROJECT_BINARY_DIR}/hone.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
      COMPONENT runtime)
  endif()
endif()

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

# ---- Debian packages: hone (the program and the library) and libhone-dev (what programs are made
# with). -DCMAKE_INSTALL_PREFIX=/usr gives Debian's own folders, lib/x86_64-linux-gnu.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME hone)
set(CPACK_PACKAGE_VENDOR hone)
if(NOT DEFINED CPACK_PACKAGE_CONTACT)
  set(CPACK_PACKAGE_CONTACT "hone <hone@localhost>")
endif()
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime development ${HONE_MPI_PARTS})
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME hone)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libhone-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION
  "The program hone and the library it is made of: define-by-run networks, autograd and optimizers\n\
in C, with the same bits on any machine and any number of threads.")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
  "Headers, the static library, hone.pc and the CMake package of hone.")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/src/package/triggers)
# hone.pc requires the others' .pc files.
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "hone (= ${PROJECT_VERSION}), libhwloc-dev, zlib1g-dev${HONE_OPTIONAL_PACKAGES}")
if(CMAKE_CROSSCOMPILING)
  # dpkg-shlibdeps wants the other machine's packages to be installed here.
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS "libc6, libgomp1, libhwloc15, zlib1g")
else()
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE amd64)
endif()
# The MPI parts are packages of their own, so that hone needs no MPI.
foreach(part ${HONE_MPI_PARTS})
  string(TOUPPER ${part} PART)
  set(CPACK_DEBIAN_${PART}_PACKAGE_NAME hone-${part})
  set(CPACK_DEBIAN_${PART}_PACKAGE_DEPENDS "hone (= ${PROJECT_VERSION})")
  set(CPACK_DEBIAN_${PART}_PACKAGE_SHLIBDEPS ON)
  set(CPACK_COMPONENT_${PART}_DESCRIPTION "What hone needs to train on several ranks by ${part}.")
endforeach()
include(CPack)
