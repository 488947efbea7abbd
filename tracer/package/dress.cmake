# What a distribution asks of a package, done to each component as it was installed for it: manuals are compressed,
# and its folder in /usr/share/doc has the licence and says what changed. Dates are those of $SOURCE_DATE_EPOCH, if set.
find_program(GZIP gzip REQUIRED)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)

foreach(component ${CPACK_COMPONENTS_ALL})
  string(TOUPPER ${component} upper)
  set(name ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  set(share ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr/share)
  file(GLOB manuals ${share}/man/*/*.[0-9])
  if(manuals)
    execute_process(COMMAND ${GZIP} -9n ${manuals} COMMAND_ERROR_IS_FATAL ANY)
  endif()
  file(MAKE_DIRECTORY ${share}/doc/${name})
  configure_file(${CPACK_RESOURCE_FILE_LICENSE} ${share}/doc/${name}/copyright COPYONLY)
  if(CPACK_GENERATOR STREQUAL DEB)
    file(WRITE ${share}/doc/${name}/changelog
"ctrace (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * Built from the sources of ctrace ${CPACK_PACKAGE_VERSION}.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
    execute_process(COMMAND ${GZIP} -9n ${share}/doc/${name}/changelog COMMAND_ERROR_IS_FATAL ANY)
  endif()
endforeach()
