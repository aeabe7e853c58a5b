if(NOT TERSOR_WORKBENCH)
  return()
endif()
# The reader and writer of TFLite's FlatBuffers tables are generated from the schema.
set(schema ${PROJECT_SOURCE_DIR}/tersor/formats/tflite/tflite.fbs)
set(generated ${PROJECT_BINARY_DIR}/generated)
add_custom_command(OUTPUT ${generated}/tflite_generated.h
  COMMAND flatbuffers::flatc --cpp --scoped-enums -o ${generated} ${schema}
  DEPENDS ${schema} VERBATIM)
target_sources(tersor_formats PRIVATE ${generated}/tflite_generated.h)
