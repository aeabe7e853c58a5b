#include "tersor/kernels/reduce/loops.h"

namespace tersor::kernels::reduce {
namespace {

template <typename T, typename Sum>
void AddRow(const T* in, int64_t count, Sum* sums) {
  for (int64_t i = 0; i < count; ++i) sums[i] += in[i];
}

template <typename T, typename Sum>
Sum SumRow(const T* in, int64_t count) {
  Sum sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += in[i];
  return sum;
}

}  // namespace

constinit const Loops kReferenceLoops = {AddRow<float, double>,    AddRow<int8_t, int32_t>,
                                         AddRow<uint8_t, int32_t>, SumRow<float, double>,
                                         SumRow<int8_t, int32_t>,  SumRow<uint8_t, int32_t>};

}  // namespace tersor::kernels::reduce
