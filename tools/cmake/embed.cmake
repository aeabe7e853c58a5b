# cmake -D OUTPUT=x.cc -D HEADER=x.h -D NAMESPACE=a::b -D "FILES=a/report.html;..." -P embed.cmake
# Writes a source that defines a std::string_view for each file, with the file's bytes: report.html becomes kReportHtml. HEADER
# declares them.
set(text "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  string(REGEX MATCHALL "[a-z0-9]+" words ${name})
  set(constant k)
  foreach(word ${words})
    string(SUBSTRING ${word} 0 1 first)
    string(SUBSTRING ${word} 1 -1 rest)
    string(TOUPPER ${first} first)
    string(APPEND constant ${first}${rest})
  endforeach()
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND text "static const char ${constant}Bytes[] = {${bytes}};\n"
    "const std::string_view ${constant}(${constant}Bytes, sizeof(${constant}Bytes));\n")
endforeach()
file(WRITE ${OUTPUT} "${text}}  // namespace ${NAMESPACE}\n")
