# find_package(libmemcached): the target libmemcached::libmemcached, found by locate.js as in the node-gyp build.
# (CMake's own pkg_check_modules fails where libcrypto's .pc file is missing; see locate.js.)

foreach(what version include libs)
  execute_process(
    COMMAND node ${CMAKE_CURRENT_LIST_DIR}/locate.js ${what}
    OUTPUT_VARIABLE libmemcached_${what}
    OUTPUT_STRIP_TRAILING_WHITESPACE
    RESULT_VARIABLE libmemcached_result)
  if(NOT libmemcached_result EQUAL 0)
    message(FATAL_ERROR "libmemcached was not found; the reason is above.")
  endif()
endforeach()

set(libmemcached_FOUND TRUE)
if(NOT TARGET libmemcached::libmemcached)
  separate_arguments(libmemcached_libs)
  add_library(libmemcached::libmemcached INTERFACE IMPORTED)
  target_link_libraries(libmemcached::libmemcached INTERFACE ${libmemcached_libs})
  # As an -I of its own, /usr/include would disturb the compiler's order of system folders.
  if(NOT libmemcached_include STREQUAL "/usr/include")
    target_include_directories(libmemcached::libmemcached INTERFACE ${libmemcached_include})
  endif()
endif()
