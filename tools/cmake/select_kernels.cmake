# Which operators and kernels a build has. A selected list is written under BUILD/selected with the path that it has in the tree, and that
# folder comes first among the include folders: the code reads the list as ever.
#
# TERSOR_OPERATORS  names of ops.inc ("Conv2d;Softmax"). Empty: all; the deployable runtime: all that can occur in inference.
# TERSOR_KERNELS    "family/row" as `tersor inspect --plan` shows them ("conv2d_int8/avx2;softmax/reference"). Empty: all rows. Where some
#                   are named, the library carries the plans of its models (BUILD/selected/tersor/c_api/planned_models.inc, which
#                   tersor_plan_models writes) and runs these models alone.
# TERSOR_ENCODED_WEIGHTS  OFF where no such model has one: the encodings are left out.
option(TERSOR_ENCODED_WEIGHTS "read encoded weights (with TERSOR_KERNELS)" ON)
set(TERSOR_OPERATORS "" CACHE STRING "operators of the deployable runtime (empty: all)")
set(TERSOR_KERNELS "" CACHE STRING "kernels of the deployable runtime as `tersor inspect --plan` names them (empty: all)")

# Writes `rows` (a list of lines) as the selected LIST.
function(tersor_write_selected list rows)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${list})
  string(REPLACE ";" "\n" text "${rows}")
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/selected/${list} CONTENT "${text}\n" @ONLY)
endfunction()

# The families (folders) of TERSOR_KERNELS.
function(tersor_selected_families out)
  set(families)
  foreach(kernel ${TERSOR_KERNELS})
    string(REGEX REPLACE "/.*" "" family ${kernel})
    list(APPEND families ${family})
  endforeach()
  list(REMOVE_DUPLICATES families)
  set(${out} ${families} PARENT_SCOPE)
endfunction()

# operator_kernels.inc with the rows of selected operators and families; sets `out` to the operators that have one.
function(tersor_select_operators families out)
  set(list tersor/runtime/operator_kernels.inc)
  file(STRINGS ${PROJECT_SOURCE_DIR}/${list} lines)
  set(rows)
  set(operators ${TERSOR_OPERATORS} Dropout)  # a model may hold it: it is removed before kernels are chosen
  list(FILTER lines EXCLUDE REGEX "^//")
  foreach(line IN LISTS lines)
    if(line MATCHES "^(OPERATOR|TRAINING)_FAMILY\\(([A-Za-z0-9]+), ([a-z0-9_]+),")
      set(kind ${CMAKE_MATCH_1})
      set(operator ${CMAKE_MATCH_2})
      set(family ${CMAKE_MATCH_3})
      if(kind STREQUAL "TRAINING" OR (TERSOR_OPERATORS AND NOT operator IN_LIST TERSOR_OPERATORS)
          OR (TERSOR_KERNELS AND NOT family IN_LIST families))
        continue()
      endif()
      list(APPEND operators ${operator})
    endif()
    list(APPEND rows "${line}")
  endforeach()
  list(REMOVE_DUPLICATES operators)
  tersor_write_selected(${list} "${rows}")
  set(${out} ${operators} PARENT_SCOPE)
endfunction()

# kernels.inc of a family with the rows that TERSOR_KERNELS names.
function(tersor_select_rows family)
  set(list tersor/kernels/${family}/kernels.inc)
  if(NOT EXISTS ${PROJECT_SOURCE_DIR}/${list})
    return()
  endif()
  file(STRINGS ${PROJECT_SOURCE_DIR}/${list} lines)
  set(rows)
  list(FILTER lines EXCLUDE REGEX "^//")
  foreach(line IN LISTS lines)
    if(line MATCHES "^(KERNEL|LOOPS)\\((([A-Za-z0-9]+), )?([a-z0-9_]+), (k[A-Za-z0-9]+),")
      set(row ${CMAKE_MATCH_4})
      set(named ${TERSOR_KERNELS})
      list(FILTER named INCLUDE REGEX "^${family}/(.*/)?${row}$")
      if(NOT named)
        continue()
      endif()
    endif()
    list(APPEND rows "${line}")
  endforeach()
  tersor_write_selected(${list} "${rows}")
endfunction()

# Selects, and gives TARGET the include folder and the list of operators as TERSOR_OPERATORS.
function(tersor_select_kernels target)
  tersor_selected_families(families)
  tersor_select_operators("${families}" operators)
  foreach(family ${families})
    tersor_select_rows(${family})
  endforeach()
  list(JOIN operators "," names)
  target_include_directories(${target} BEFORE INTERFACE ${PROJECT_BINARY_DIR}/selected)
  target_compile_definitions(${target} INTERFACE "TERSOR_OPERATORS=\",${names},\"")
  if(TERSOR_KERNELS)
    target_compile_definitions(${target} INTERFACE TERSOR_PLANNED_MODELS=1)
    if(NOT TERSOR_ENCODED_WEIGHTS)
      target_compile_definitions(${target} INTERFACE TERSOR_DENSE_WEIGHTS=1)
    endif()
  endif()
endfunction()
