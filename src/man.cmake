# man.cmake - passerby(1): passerby.1.in, with the options as `passerby config --man` prints them.
#
# Included by CMakeLists.txt it adds the build rule and the installation; run by that rule (cmake -P) it fills in the template.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ ${OPTIONS_FILE} OPTIONS)
  string(STRIP "${OPTIONS}" OPTIONS)
  configure_file(${TEMPLATE} ${PAGE} @ONLY)
  return()
endif()

# A binary for another machine can't be run to ask it for its options.
if(NOT CMAKE_CROSSCOMPILING)
  set(page ${CMAKE_BINARY_DIR}/passerby.1)
  add_custom_command(OUTPUT ${page}
    COMMAND passerby config --man > ${page}.options
    COMMAND ${CMAKE_COMMAND} -DTEMPLATE=${CMAKE_CURRENT_LIST_DIR}/passerby.1.in -DOPTIONS_FILE=${page}.options
      -DPAGE=${page} -DVERSION=${PROJECT_VERSION} -P ${CMAKE_CURRENT_LIST_DIR}/man.cmake
    DEPENDS passerby ${CMAKE_CURRENT_LIST_DIR}/passerby.1.in ${CMAKE_CURRENT_LIST_DIR}/man.cmake
    COMMENT "Writing passerby(1)"
    VERBATIM)
  add_custom_target(man ALL DEPENDS ${page})
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
