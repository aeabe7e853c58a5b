// The loops that one instruction set provides; see elementwise/loops.h for why they are plain
// pointers.
#pragma once

#include <cstdint>

namespace tersor::kernels::quantize {

struct Loops {
  /// q = clamp(rne(x * inverse_scale) + zero_point) to the whole type, |zero_point| <= 255
  void (*quantize_i8)(const float* in, int8_t* out, int64_t count, float inverse_scale,
                      int32_t zero_point);
  void (*quantize_u8)(const float* in, uint8_t* out, int64_t count, float inverse_scale,
                      int32_t zero_point);
  /// x = scale * float(q - zero_point)
  void (*dequantize_i8)(const int8_t* in, float* out, int64_t count, float scale,
                        int32_t zero_point);
  void (*dequantize_u8)(const uint8_t* in, float* out, int64_t count, float scale,
                        int32_t zero_point);
};

extern const Loops kAvx2Loops;
extern const Loops kAvx512Loops;

}  // namespace tersor::kernels::quantize
