# stage.cmake - run by CPack between installing into its staging folder and packing it: what Debian's policy asks for.
set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY})
set(documents ${root}/usr/share/doc/passerby)

# A date that comes with the sources, where one is given: the same sources give the same package.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)

configure_file(${CMAKE_CURRENT_LIST_DIR}/changelog.in ${documents}/changelog @ONLY)
file(COPY ${CMAKE_CURRENT_LIST_DIR}/copyright DESTINATION ${documents})
configure_file(${CMAKE_CURRENT_LIST_DIR}/default ${root}/etc/default/passerby COPYONLY)
file(CHMOD ${root}/etc/default/passerby PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
configure_file(${CMAKE_CURRENT_LIST_DIR}/lintian-overrides ${root}/usr/share/lintian/overrides/passerby COPYONLY)

execute_process(COMMAND gzip -9 -n -f ${documents}/changelog ${root}/usr/share/man/man1/passerby.1 COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND strip --remove-section=.comment --remove-section=.note ${root}/usr/bin/passerby COMMAND_ERROR_IS_FATAL ANY)
