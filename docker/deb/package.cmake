# package.cmake - installing as a service of systemd, and the .deb: cmake --preset release && cmake --build build && (cd build && cpack)
#
# What only Debian asks for (compressed documents, /etc/default, maintainer scripts) is added to the staged files by stage.cmake.
install(FILES ${CMAKE_CURRENT_LIST_DIR}/../systemd/passerby.service DESTINATION lib/systemd/system)
install(FILES ${CMAKE_CURRENT_LIST_DIR}/../systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME passerby.conf)

set(CPACK_GENERATOR DEB)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PACKAGE_CONTACT "The Passerby developers <passerby@users.noreply.github.com>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/stage.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "anonymous one-to-one text chat service")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Pairs two strangers at random and lets them talk in text, without accounts and
without stored messages. A chat survives lost connections: each message is
shown exactly once and in order, while no server keeps a word.

One process serves the page and thousands of people; several of them, joined
by a Redis, serve as many as there are.")
# libwebsockets loads its libuv plug-in by name, unseen by dpkg-shlibdeps.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libwebsockets-evlib-uv, systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS redis-server)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_CURRENT_LIST_DIR}/conffiles ${CMAKE_CURRENT_LIST_DIR}/postinst ${CMAKE_CURRENT_LIST_DIR}/prerm ${CMAKE_CURRENT_LIST_DIR}/postrm)
include(CPack)
