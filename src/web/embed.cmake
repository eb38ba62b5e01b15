# embed.cmake - the page's files as a C object: the library `web`, which defines assets[] of passerby/assets.h.
#
# Included by the root CMakeLists.txt, it declares the target; run as a script (cmake -P) by that target's build, it
# makes the object's source. Nothing generated is checked in, and the same files give the same bytes.
#
# Flow:      the files of this folder → a copy (sw.js with the version and the names of the others put in), gzip and
#            brotli of each → assets.c, which takes the bytes in with .incbin.
# Fails:     a file whose name has no content type here stops the build and says so.
# Extending: a new file needs nothing but a content type for its ending; CMake notices it by itself.

set(WEB_TYPES
  html "text/html"
  css "text/css"
  js "text/javascript"
  json "application/json"
  svg "image/svg+xml"
  png "image/png"
  txt "text/plain"
  webmanifest "application/manifest+json")

if(NOT CMAKE_SCRIPT_MODE_FILE)
  # --- the target -----------------------------------------------------------------------------------------------------
  find_program(GZIP gzip REQUIRED)
  find_program(BROTLI brotli REQUIRED)
  file(GLOB_RECURSE web_files CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_LIST_DIR} ${CMAKE_CURRENT_LIST_DIR}/*)
  # Not for browsers: the build's own file, and what makes the client a package.
  list(REMOVE_ITEM web_files embed.cmake package.json README.md)
  list(FILTER web_files EXCLUDE REGEX "(^|/)\\.|^types/")
  list(SORT web_files)
  list(TRANSFORM web_files PREPEND ${CMAKE_CURRENT_LIST_DIR}/ OUTPUT_VARIABLE web_paths)
  set(web_dir ${CMAKE_BINARY_DIR}/web)
  add_custom_command(OUTPUT ${web_dir}/assets.c
    COMMAND ${CMAKE_COMMAND} -DGZIP=${GZIP} -DBROTLI=${BROTLI} -DFROM=${CMAKE_CURRENT_LIST_DIR} -DTO=${web_dir} "-DFILES=${web_files}"
      -P ${CMAKE_CURRENT_LIST_FILE}
    DEPENDS ${web_paths} ${CMAKE_CURRENT_LIST_FILE}
    COMMENT "Packing the page" VERBATIM)
  add_library(web STATIC ${web_dir}/assets.c)
  target_include_directories(web PUBLIC ${CMAKE_CURRENT_LIST_DIR}/../../include)
  target_link_libraries(web PRIVATE flags)
  # .incbin looks for its files there.
  target_compile_options(web PRIVATE -Wa,-I${web_dir})
  # Link-time optimisation does not see what assembly defines.
  set_target_properties(web PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
  return()
endif()

# --- the script: GZIP, BROTLI, FROM, TO, FILES ------------------------------------------------------------------------
# web_type(FILE OUT): its content type.
function(web_type file out)
  string(REGEX REPLACE "^.*\\." "" ending ${file})
  list(FIND WEB_TYPES ${ending} at)
  if(at EQUAL -1)
    message(FATAL_ERROR "src/web/${file}: no content type for \".${ending}\"; add one to src/web/embed.cmake")
  endif()
  math(EXPR at "${at} + 1")
  list(GET WEB_TYPES ${at} type)
  if(type MATCHES "^text/")
    string(APPEND type "; charset=utf-8")
  endif()
  set(${out} "${type}" PARENT_SCOPE)
endfunction()

# web_body(STEM OUT): appends the declaration of the bytes of TO/STEM to `embeds`, and sets OUT to their struct
# asset_body.
macro(web_body stem out)
  file(SIZE ${TO}/${stem} size)
  string(REPLACE "." "_" name ${stem})
  string(APPEND embeds "EMBED(${name}, \"${stem}\")\n")
  set(${out} "{${name}, ${size}}")
endmacro()

# What the service worker keeps, as it is requested; languages it keeps as they are used. The version is that of all files.
set(SHELL_FILES ${FILES})
list(FILTER SHELL_FILES EXCLUDE REGEX "^i18n/|^sw\\.js$|^robots\\.txt$|-512\\.png$")
list(TRANSFORM SHELL_FILES REPLACE "^index\\.html$" "./")
list(JOIN SHELL_FILES " " SHELL_FILES)
set(SHELL_VERSION "")
foreach(file IN LISTS FILES)
  file(SHA256 ${FROM}/${file} hash)
  string(SHA256 SHELL_VERSION "${SHELL_VERSION}${file}${hash}")
endforeach()
string(SUBSTRING ${SHELL_VERSION} 0 16 SHELL_VERSION)

file(MAKE_DIRECTORY ${TO})
set(embeds "")
set(rows "")
set(number 0)
foreach(file IN LISTS FILES)
  set(stem asset_${number})
  math(EXPR number "${number} + 1")
  if(file STREQUAL sw.js)
    configure_file(${FROM}/${file} ${TO}/${stem} @ONLY)
  else()
    configure_file(${FROM}/${file} ${TO}/${stem} COPYONLY)
  endif()
  execute_process(COMMAND ${GZIP} -9 -n -c ${TO}/${stem} OUTPUT_FILE ${TO}/${stem}.gz COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${BROTLI} -q 11 -f -o ${TO}/${stem}.br ${TO}/${stem} COMMAND_ERROR_IS_FATAL ANY)
  web_type(${file} type)
  web_body(${stem} plain)
  web_body(${stem}.gz gzip)
  web_body(${stem}.br brotli)
  file(SHA256 ${TO}/${stem} etag)
  string(SUBSTRING ${etag} 0 32 etag)
  string(REGEX REPLACE "^index\\.html$" "" path ${file})
  string(APPEND rows "    {\"/${path}\", \"${type}\", \"\\\"${etag}\\\"\", ${plain}, ${gzip}, ${brotli}},\n")
endforeach()

file(WRITE ${TO}/assets.c "/* assets.c - the page; made by src/web/embed.cmake. */
#include \"passerby/assets.h\"

#define EMBED(name, file)                                                                                    \\
    __asm__(\".pushsection .rodata\\n.globl \" #name \"\\n.hidden \" #name \"\\n\" #name \":\\n.incbin \\\"\" file \"\\\"\\n.popsection\\n\"); \\
    extern const uint8_t name[] __attribute__((visibility(\"hidden\")));

${embeds}
const struct asset assets[] = {
${rows}    {NULL, NULL, NULL, {NULL, 0}, {NULL, 0}, {NULL, 0}},
};
")
