// For families that serve several operators from one list, kernels.inc, of rows
// KERNEL(operator, name, cpu_level, maker): the rows of one operator stand together, best first.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels {

/// The rows whose family is `family`.
template <size_t kCount>
constexpr std::span<const KernelRow> RowsOf(const KernelRow (&rows)[kCount],
                                            std::string_view family) {
  size_t begin = 0;
  while (begin < kCount && rows[begin].family != family) ++begin;
  size_t end = begin;
  while (end < kCount && rows[end].family == family) ++end;
  return {rows + begin, end - begin};
}

}  // namespace tersor::kernels
