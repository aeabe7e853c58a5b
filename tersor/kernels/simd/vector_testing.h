// An implementation of vector.h behind plain pointers, so that one suite can run them all.
#pragma once

#include <cstdint>

namespace tersor::kernels {

enum class F32Operation : uint8_t {
#define F32_OPERATION(name, vector, scalar) k##name,
#define I32_OPERATION(name, vector, scalar)
#define I16_OPERATION(name, vector, scalar)
#include "tersor/kernels/simd/vector_testing_operations.inc"
#undef F32_OPERATION
#undef I32_OPERATION
  kCount
};
enum class I32Operation : uint8_t {
#define F32_OPERATION(name, vector, scalar)
#define I32_OPERATION(name, vector, scalar) k##name,
#include "tersor/kernels/simd/vector_testing_operations.inc"
#undef I32_OPERATION
#undef I16_OPERATION
  kCount
};
enum class I16Operation : uint8_t {
#define I32_OPERATION(name, vector, scalar)
#define I16_OPERATION(name, vector, scalar) k##name,
#include "tersor/kernels/simd/vector_testing_operations.inc"
#undef F32_OPERATION
#undef I32_OPERATION
#undef I16_OPERATION
  kCount
};

/// Element-wise operations take one vector of each operand; every other function does what its
/// namesake of vector.h does, on memory.
struct VectorTable {
  int lanes;
  void (*f32[static_cast<int>(F32Operation::kCount)])(const float* a, const float* b,
                                                      const float* c, float* out);
  void (*i32[static_cast<int>(I32Operation::kCount)])(const int32_t* a, const int32_t* b,
                                                      const int32_t* c, int32_t* out);
  void (*i16[static_cast<int>(I16Operation::kCount)])(const int16_t* a, const int16_t* b,
                                                      int16_t* out);
  void (*load_part)(const float* p, int count, float* out);
  void (*store_part)(const float* v, int count, float* out);
  void (*copy_up_to)(const float* p, int count, float* out);
  float (*sum)(const float* v);
  float (*largest)(const float* v);
  void (*add_to_doubles)(const float* v, double* sums);
  void (*exp)(const float* v, float* out);
  int32_t (*sum_i32)(const int32_t* v);
  void (*widen_i8)(const int8_t* p, int32_t* out);
  void (*widen_u8)(const uint8_t* p, int32_t* out);
  void (*widen_up_to)(const int8_t* p, int count, int32_t* out);
  void (*widen_pairs)(const char* p, int32_t* out);
  void (*pair_bytes)(const int8_t* a, const int8_t* b, int32_t* out);
  void (*store_four)(int8_t* const (&p)[4], const int32_t* q, int count);
  void (*narrow_i8)(const int32_t* q, int32_t zero, int32_t lo, int32_t hi, int8_t* out);
  void (*narrow_u8)(const int32_t* q, int32_t zero, int32_t lo, int32_t hi, uint8_t* out);
  void (*dot_quads)(int32_t* sum, const void* a, const void* b);  ///< null where it is missing
  void (*widen_sixteen_i8)(const int8_t* p, int16_t* out);
  void (*widen_sixteen_u8)(const uint8_t* p, int16_t* out);
  void (*add_sixteen)(const int16_t* v, int32_t* sums);
  void (*store_sixteen_i8)(const int32_t* q, int8_t* out);
  void (*store_sixteen_u8)(const int32_t* q, uint8_t* out);
  /// (max, min) by (i8, u8), on 16 and on 32 bytes.
  void (*bytes16[4])(const void* a, const void* b, void* out);
  void (*bytes32[4])(const void* a, const void* b, void* out);
  void (*bytes16_xor)(const void* a, const void* b, void* out);
  int transpose_side;
  void (*transpose)(const float* from, int64_t from_stride, float* to, int64_t to_stride);
};

#define VECTOR(name, level, table) extern const VectorTable table;
#include "tersor/kernels/simd/vector_testing_list.inc"
#undef VECTOR

}  // namespace tersor::kernels
