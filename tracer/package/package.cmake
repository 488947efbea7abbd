# Packages for Debian, and RPMs, of what a host needs: `cmake --build BUILD --target package`. Each folder
# of the sources says of which its files are, by CMAKE_INSTALL_DEFAULT_COMPONENT_NAME.
find_program(CTRACE_DPKG_DEB dpkg-deb)
find_program(CTRACE_DPKG_SHLIBDEPS dpkg-shlibdeps)
find_program(CTRACE_FILE file)
find_program(CTRACE_RPMBUILD rpmbuild)
mark_as_advanced(CTRACE_DPKG_DEB CTRACE_DPKG_SHLIBDEPS CTRACE_FILE CTRACE_RPMBUILD)
# What the programs of a package for Debian depend on is told by the second and the third.
set(CTRACE_MAKES_DEB FALSE)
if(CTRACE_DPKG_DEB AND CTRACE_DPKG_SHLIBDEPS AND CTRACE_FILE)
  set(CTRACE_MAKES_DEB TRUE)
elseif(CTRACE_DPKG_DEB)
  message(STATUS "Left out: packages for Debian, which take dpkg-shlibdeps and file")
endif()
set(CPACK_GENERATOR TGZ)
if(CTRACE_MAKES_DEB)
  list(APPEND CPACK_GENERATOR DEB)
endif()
if(CTRACE_RPMBUILD)
  list(APPEND CPACK_GENERATOR RPM)
endif()
if(CTRACE_MAKES_DEB OR CTRACE_RPMBUILD)
  list(REMOVE_ITEM CPACK_GENERATOR TGZ)
endif()

set(CPACK_PACKAGE_NAME ctrace)
set(CPACK_PACKAGE_VENDOR "The ctrace authors")
set(CTRACE_PACKAGER "The ctrace authors <ctrace@localhost>" CACHE STRING "Who makes the packages: NAME <ADDRESS>")
set(CPACK_PACKAGE_CONTACT ${CTRACE_PACKAGER})
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/dress.cmake)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_RPM_COMPONENT_INSTALL ON)
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_LICENSE MIT)
set(CPACK_RPM_PACKAGE_GROUP Development/Tools)
# What other packages have is not ours to remove.
foreach(place bash-completion bash-completion/completions fish fish/vendor_completions.d zsh zsh/vendor-completions
        zsh/site-functions pkgconfig man man/man1 man/man7 doc)
  list(APPEND CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION /usr/share/${place})
endforeach()
list(APPEND CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION /usr/libexec /usr/include)

# ctrace_package(COMPONENT NAME name SUMMARY text DESCRIPTION text [NEEDS package...] [ALSO package...] [BESIDE package...])
# It takes others of ours of the same version, and ALSO others that no library tells of; BESIDE it are those that
# most people want.
function(ctrace_package component)
  cmake_parse_arguments(PARSE_ARGV 1 PACKAGE "" "NAME;SUMMARY;DESCRIPTION" "NEEDS;ALSO;BESIDE")
  string(TOUPPER ${component} upper)
  list(TRANSFORM PACKAGE_NEEDS APPEND " (= ${PROJECT_VERSION})" OUTPUT_VARIABLE debian_needs)
  list(TRANSFORM PACKAGE_NEEDS APPEND " = ${PROJECT_VERSION}" OUTPUT_VARIABLE rpm_needs)
  list(APPEND debian_needs ${PACKAGE_ALSO})
  list(APPEND rpm_needs ${PACKAGE_ALSO})
  list(JOIN debian_needs ", " debian_needs)
  list(JOIN rpm_needs ", " rpm_needs)
  list(JOIN PACKAGE_BESIDE ", " beside)
  set(CPACK_COMPONENT_${upper}_DESCRIPTION "${PACKAGE_SUMMARY}\n${PACKAGE_DESCRIPTION}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${PACKAGE_SUMMARY}\n${PACKAGE_DESCRIPTION}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${PACKAGE_NAME} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "${debian_needs}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_RECOMMENDS "${beside}" PARENT_SCOPE)
  set(CPACK_RPM_${upper}_PACKAGE_NAME ${PACKAGE_NAME} PARENT_SCOPE)
  set(CPACK_RPM_${upper}_PACKAGE_SUMMARY "${PACKAGE_SUMMARY}" PARENT_SCOPE)
  set(CPACK_RPM_${upper}_PACKAGE_DESCRIPTION "${PACKAGE_DESCRIPTION}" PARENT_SCOPE)
  set(CPACK_RPM_${upper}_PACKAGE_REQUIRES "${rpm_needs}" PARENT_SCOPE)
  set(CPACK_COMPONENTS_ALL ${CPACK_COMPONENTS_ALL} ${component} PARENT_SCOPE)
endfunction()

ctrace_package(front NAME ctrace
    SUMMARY "show what the threads of a program wait for"
    DESCRIPTION "The command ctrace, with its completions for shells. What records, reads\nand draws are packages of their own."
    BESIDE ctrace-recorder ctrace-analyzer ctrace-viewer)
ctrace_package(dev NAME ctrace-dev
    SUMMARY "the format of ctrace's recordings, for programs that read them"
    DESCRIPTION "Headers that name the events of a recording, and what their numbers mean.")
if(CTRACE_RECORDER)
  ctrace_package(recorder NAME ctrace-recorder
      SUMMARY "record what the threads of a program wait for"
      DESCRIPTION "The commands record, recover, snapshot and top of ctrace: all that a\nproduction host needs. Recordings can be read elsewhere."
      NEEDS ctrace ALSO lttng-tools BESIDE ctrace-kernel)
  set(CPACK_DEBIAN_RECORDER_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_LIST_DIR}/postrm)
  if(CTRACE_KERNEL_LAYER)
    ctrace_package(kernel NAME ctrace-kernel
        SUMMARY "add to recordings of ctrace what the kernel tells"
        DESCRIPTION "Turns what the kernel said of a program's threads, when they ran and why\nthey did not, into a part of its recording."
        NEEDS ctrace-recorder)
  endif()
endif()
if(TARGET ctrace-serve)
  ctrace_package(agent NAME ctrace-agent
      SUMMARY "serve profiles of programs that run, for go tool pprof"
      DESCRIPTION "The command serve of ctrace: what net/http/pprof gives a Go program, for\nothers, by the commands that record and read. And push, which sends\nprofiles to Pyroscope, Parca or OpenTelemetry."
      NEEDS ctrace BESIDE ctrace-recorder ctrace-kernel ctrace-analyzer)
endif()
if(CTRACE_ANALYZER)
  ctrace_package(analyzer NAME ctrace-analyzer
      SUMMARY "read recordings of what the threads of a program wait for"
      DESCRIPTION "The commands of ctrace that read a recording: report, pprof, export,\nverify and others."
      NEEDS ctrace)
  if(CTRACE_RENDER)
    ctrace_package(viewer NAME ctrace-viewer
        SUMMARY "draw recordings of what the threads of a program wait for"
        DESCRIPTION "The commands timeline and view of ctrace: a recording as PNG, SVG or PDF,\nand in a browser."
        NEEDS ctrace BESIDE ctrace-analyzer xdg-utils)
  endif()
endif()

include(CPack)
