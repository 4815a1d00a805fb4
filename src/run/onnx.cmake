# The messages of ONNX as C that src/run/onnx_graph.c includes: by protobuf-c, where it is.
find_program(PROTOC_C protoc-c)
if(PROTOC_C AND NOT "PkgConfig::PROTOBUF_C" IN_LIST HONE_OPTIONAL)
  hone_optional(PROTOBUF_C libprotobuf-c libprotobuf-c-dev)
endif()
if("PkgConfig::PROTOBUF_C" IN_LIST HONE_OPTIONAL)
  set(HONE_ONNX ${PROJECT_BINARY_DIR}/onnx)
  file(MAKE_DIRECTORY ${HONE_ONNX})
  add_custom_command(OUTPUT ${HONE_ONNX}/onnx.pb-c.c ${HONE_ONNX}/onnx.pb-c.h
    COMMAND ${PROTOC_C} --c_out=${HONE_ONNX} -I${CMAKE_CURRENT_LIST_DIR} onnx.proto
    DEPENDS ${CMAKE_CURRENT_LIST_DIR}/onnx.proto VERBATIM)
  set(users src/run/onnx.c src/run/onnx_graph.c src/run/onnx_ops.c src/run/onnx_recurrent.c)
  set_property(SOURCE ${users} APPEND PROPERTY COMPILE_DEFINITIONS HONE_HAS_PROTOBUF_C=1)
  set_source_files_properties(${users} PROPERTIES INCLUDE_DIRECTORIES ${HONE_ONNX}
    OBJECT_DEPENDS "${HONE_ONNX}/onnx.pb-c.h;${HONE_ONNX}/onnx.pb-c.c")
endif()
