# TensorBoard's messages, as C that src/run/events.c includes: by protobuf-c, where it is.
find_program(PROTOC_C protoc-c)
if(PROTOC_C)
  hone_optional(PROTOBUF_C libprotobuf-c libprotobuf-c-dev src/run/events.c)
endif()
if(PROTOBUF_C_FOUND)
  set(HONE_PROTO ${PROJECT_BINARY_DIR}/proto)
  file(MAKE_DIRECTORY ${HONE_PROTO})
  add_custom_command(OUTPUT ${HONE_PROTO}/events.pb-c.c
    COMMAND ${PROTOC_C} --c_out=${HONE_PROTO} -I${CMAKE_CURRENT_LIST_DIR} events.proto
    DEPENDS ${CMAKE_CURRENT_LIST_DIR}/events.proto VERBATIM)
  set_source_files_properties(src/run/events.c PROPERTIES
    OBJECT_DEPENDS ${HONE_PROTO}/events.pb-c.c INCLUDE_DIRECTORIES ${HONE_PROTO})
endif()
