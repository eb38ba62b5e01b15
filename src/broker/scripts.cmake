# scripts.cmake - the Lua scripts of the Redis broker as C strings, redis_script_NAME.
#
# Included by the root CMakeLists.txt, it adds them to the room; run as a script (cmake -P) by the build, it makes
# their source. A script is sent as one text, without comments. Each part but the first is a function inside of the one before:
# a function that Lua makes takes what stands around that one as it is, and looks for its own's locals only, one by one; which saves
# a seventh of what a call costs that asks for nothing.
#
# Extending: a new script is a name in REDIS_SCRIPTS and its parts here, a row of enum redis_script and its source in
# redis_call.c.
set(REDIS_SCRIPTS beat match chat crowd)
set(beat_parts prelude ticket line beat)
set(match_parts prelude ticket line match)
set(chat_parts prelude chat)
set(crowd_parts prelude crowd)

if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(scripts_c ${CMAKE_BINARY_DIR}/redis_scripts.c)
  set(scripts_lua)
  foreach(part IN LISTS beat_parts match_parts chat_parts crowd_parts)
    list(APPEND scripts_lua ${CMAKE_CURRENT_LIST_DIR}/${part}.lua)
  endforeach()
  list(REMOVE_DUPLICATES scripts_lua)
  add_custom_command(OUTPUT ${scripts_c}
    COMMAND ${CMAKE_COMMAND} -DFROM=${CMAKE_CURRENT_LIST_DIR} -DTO=${scripts_c} -P ${CMAKE_CURRENT_LIST_FILE}
    DEPENDS ${scripts_lua} ${CMAKE_CURRENT_LIST_FILE}
    COMMENT "Packing the scripts" VERBATIM)
  target_sources(broker PRIVATE ${scripts_c})
  return()
endif()

# script_text(FILE OUT): its text as the inside of C string literals.
function(script_text file out)
  file(READ ${file} text)
  string(REGEX REPLACE "(^|\n) *--[^\n]*" "\\1" text "${text}")
  string(REGEX REPLACE "\n[\n ]+" "\n" text "${text}")
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

set(source "/* redis_scripts.c - the scripts; made by src/broker/scripts.cmake. */\n#include \"redis_priv.h\"\n")
foreach(name IN LISTS REDIS_SCRIPTS)
  string(APPEND source "\nconst char redis_script_${name}[] =\n    \"")
  set(ends "")
  foreach(part IN LISTS ${name}_parts)
    script_text(${FROM}/${part}.lua text)
    if(NOT part STREQUAL prelude)
      string(PREPEND text "return (function()\\n\"\n    \"")
      string(APPEND ends "end)()\\n")
    endif()
    string(APPEND source "${text}")
  endforeach()
  string(APPEND source "${ends}\";\n")
endforeach()
file(WRITE ${TO} "${source}")
