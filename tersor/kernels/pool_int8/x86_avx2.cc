#include "tersor/kernels/pool_int8/pool_int8.h"
#include "tersor/kernels/simd/intrinsics.h"

namespace tersor::kernels::pool_int8 {
namespace {

/// A vector of bytes: 32 or 16 of them.
struct Bytes32 {
  static constexpr int kLanes = 32;
  __m256i v;
  static Bytes32 Fill(int x) { return {_mm256_set1_epi8(static_cast<char>(x))}; }
  static Bytes32 Load(const uint8_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
  }
  void Store(uint8_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  template <bool kSigned>
  static Bytes32 Max(Bytes32 a, Bytes32 b) {
    return {kSigned ? _mm256_max_epi8(a.v, b.v) : _mm256_max_epu8(a.v, b.v)};
  }
  template <bool kSigned>
  static Bytes32 Min(Bytes32 a, Bytes32 b) {
    return {kSigned ? _mm256_min_epi8(a.v, b.v) : _mm256_min_epu8(a.v, b.v)};
  }
};

struct Bytes16 {
  static constexpr int kLanes = 16;
  __m128i v;
  static Bytes16 Fill(int x) { return {_mm_set1_epi8(static_cast<char>(x))}; }
  static Bytes16 Load(const uint8_t* p) {
    return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))};
  }
  void Store(uint8_t* p) const { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }
  template <bool kSigned>
  static Bytes16 Max(Bytes16 a, Bytes16 b) {
    return {kSigned ? _mm_max_epi8(a.v, b.v) : _mm_max_epu8(a.v, b.v)};
  }
  template <bool kSigned>
  static Bytes16 Min(Bytes16 a, Bytes16 b) {
    return {kSigned ? _mm_min_epi8(a.v, b.v) : _mm_min_epu8(a.v, b.v)};
  }
};

/// What one task may touch.
struct Bounds {
  const uint8_t* input_end;
  const uint8_t* output_end;
};

/// The largest of the cells of one window, for `Bytes::kLanes` channels from `cell` on.
template <typename Bytes, bool kSigned>
inline Bytes LargestOf(const uint8_t* cell, int64_t rows, int64_t columns, int64_t row_bytes,
                       int64_t cell_bytes) {
  Bytes largest = Bytes::Load(cell);
  for (int64_t h = 0; h < rows; ++h, cell += row_bytes) {
    for (int64_t w = 0; w < columns; ++w) {
      largest = Bytes::template Max<kSigned>(largest, Bytes::Load(cell + w * cell_bytes));
    }
  }
  return largest;
}

template <typename Bytes, bool kSigned>
inline Bytes LargestOfFour(const uint8_t* cell, int64_t row_bytes, int64_t cell_bytes) {
  const Bytes upper =
      Bytes::template Max<kSigned>(Bytes::Load(cell), Bytes::Load(cell + cell_bytes));
  cell += row_bytes;
  const Bytes lower =
      Bytes::template Max<kSigned>(Bytes::Load(cell), Bytes::Load(cell + cell_bytes));
  return Bytes::template Max<kSigned>(upper, lower);
}

template <bool kSigned>
class MaxKernel : public Kernel {
 public:
  MaxKernel(const PoolCase& p, int threads) : p_(p), two_by_two_(p.geometry.IsTwoByTwo()) {
    constexpr int64_t kTaskBytes = 200'000;  // some ten microseconds of reading
    const PoolGeometry& g = p.geometry;
    const int64_t worth = g.batch * g.height * g.width * g.channels / kTaskBytes;
    tasks_ = static_cast<int>(
        std::clamp<int64_t>(std::min(worth, g.batch * g.output_height), 1, threads));
  }

  void Run(const KernelCall& call) const override {
    const PoolGeometry& g = p_.geometry;
    const auto* input = call.operands[0].as<uint8_t>();
    auto* output = call.results[0].as<uint8_t>();
    const int64_t rows = g.batch * g.output_height, output_row = g.output_width * g.channels;
    call.pool->Run(tasks_, [&](int task) {
      const int64_t begin = rows * task / tasks_, end = rows * (task + 1) / tasks_;
      const Bounds bounds = {input + g.batch * g.height * g.width * g.channels,
                             output + end * output_row};
      for (int64_t row = begin; row < end; ++row) {
        const uint8_t* image = input + row / g.output_height * g.height * g.width * g.channels;
        if (g.channels >= 32) {
          Row<Bytes32>(image, row % g.output_height, output + row * output_row, bounds);
        } else {
          Row<Bytes16>(image, row % g.output_height, output + row * output_row, bounds);
        }
      }
    });
  }

 private:
  template <typename Bytes>
  void Row(const uint8_t* image, int64_t y, uint8_t* output, const Bounds& bounds) const {
    const PoolGeometry& g = p_.geometry;
    const int64_t row_bytes = g.width * g.channels;
    const Bytes lo = Bytes::Fill(p_.range.lo), hi = Bytes::Fill(p_.range.hi);
    const auto rows = g.RowRange(y);
    for (int64_t x = 0; x < g.output_width; ++x, output += g.channels) {
      const auto columns = g.ColumnRange(x);
      const uint8_t* cell = image + rows.first * row_bytes + columns.first * g.channels;
      const auto window = [&](int64_t c) {
        const Bytes largest =
            two_by_two_
                ? LargestOfFour<Bytes, kSigned>(cell + c, row_bytes, g.channels)
                : LargestOf<Bytes, kSigned>(cell + c, rows.second - rows.first,
                                            columns.second - columns.first, row_bytes, g.channels);
        Bytes::template Min<kSigned>(Bytes::template Max<kSigned>(largest, lo), hi)
            .Store(output + c);
      };
      int64_t c = 0;
      for (; c + Bytes::kLanes <= g.channels; c += Bytes::kLanes) window(c);
      if (c == g.channels) continue;
      const uint8_t* last =
          image + (rows.second - 1) * row_bytes + (columns.second - 1) * g.channels;
      if (c > 0) {
        window(g.channels - Bytes::kLanes);
      } else if (output + Bytes::kLanes <= bounds.output_end &&
                 last + Bytes::kLanes <= bounds.input_end) {
        window(0);  // what spills over is in the next cell, which comes next
      } else {
        for (; c < g.channels; ++c) output[c] = Scalar(cell + c, last + c, columns);
      }
    }
  }

  uint8_t Scalar(const uint8_t* cell, const uint8_t* last,
                 std::pair<int64_t, int64_t> columns) const {
    const PoolGeometry& g = p_.geometry;
    int32_t largest = p_.range.lo;
    for (; cell <= last; cell += g.width * g.channels) {
      for (int64_t w = 0; w < columns.second - columns.first; ++w) {
        const uint8_t q = cell[w * g.channels];
        largest = std::max<int32_t>(largest, kSigned ? static_cast<int8_t>(q) : q);
      }
    }
    return static_cast<uint8_t>(std::min(largest, p_.range.hi));
  }

  PoolCase p_;
  bool two_by_two_;
  int tasks_;
};

template <bool kSigned>
class AvgKernel : public Kernel {
 public:
  explicit AvgKernel(const PoolCase& p) : p_(p) {}

  void Run(const KernelCall& call) const override {
    const PoolGeometry& g = p_.geometry;
    const auto* image = call.operands[0].as<uint8_t>();
    auto* output = call.results[0].as<uint8_t>();
    for (int64_t n = 0; n < g.batch; ++n, image += g.height * g.width * g.channels) {
      for (int64_t y = 0; y < g.output_height; ++y) {
        for (int64_t x = 0; x < g.output_width; ++x, output += g.channels) {
          const auto rows = g.RowRange(y), columns = g.ColumnRange(x);
          const Window window = {
              image + (rows.first * g.width + columns.first) * g.channels, rows.second - rows.first,
              columns.second - columns.first,
              p_.Multiplier((rows.second - rows.first) * (columns.second - columns.first))};
          int64_t c = 0;
          for (; c + 16 <= g.channels; c += 16) Sixteen(window, c, output);
          if (c > 0 && c < g.channels) Sixteen(window, g.channels - 16, output);
          if (c == 0) {
            for (; c < g.channels; ++c) One(window, c, output);
          }
        }
      }
    }
  }

 private:
  struct Window {
    const uint8_t* cell;
    int64_t rows, columns;
    float multiplier;
  };

  /// Channels [c, c + 16) of one window: sums in 16 bits, moved to 32 bits before they can leave.
  void Sixteen(const Window& window, int64_t c, uint8_t* output) const {
    const PoolGeometry& g = p_.geometry;
    constexpr int kSafeCells = 128;  // times 255 is below 2^15
    __m256i low = _mm256_setzero_si256(), high = low, sum16 = low;
    const auto flush = [&] {
      low = _mm256_add_epi32(low, _mm256_cvtepi16_epi32(_mm256_castsi256_si128(sum16)));
      high = _mm256_add_epi32(high, _mm256_cvtepi16_epi32(_mm256_extracti128_si256(sum16, 1)));
      sum16 = _mm256_setzero_si256();
    };
    int cells = 0;
    for (int64_t h = 0; h < window.rows; ++h) {
      const uint8_t* cell = window.cell + h * g.width * g.channels + c;
      for (int64_t w = 0; w < window.columns; ++w, cell += g.channels) {
        const __m128i q = _mm_loadu_si128(reinterpret_cast<const __m128i*>(cell));
        sum16 =
            _mm256_add_epi16(sum16, kSigned ? _mm256_cvtepi8_epi16(q) : _mm256_cvtepu8_epi16(q));
        if (++cells == kSafeCells) {
          flush();
          cells = 0;
        }
      }
    }
    flush();
    const auto count = static_cast<int32_t>(window.rows * window.columns);
    __m256i a, b;
    if (p_.KeepsScale()) {
      a = Mean(low, count);
      b = Mean(high, count);
    } else {
      const __m256i shift = _mm256_set1_epi32(count * p_.zero_in);
      a = Requantized(_mm256_sub_epi32(low, shift), window.multiplier);
      b = Requantized(_mm256_sub_epi32(high, shift), window.multiplier);
    }
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xD8);
    const __m128i w0 = _mm256_castsi256_si128(words), w1 = _mm256_extracti128_si256(words, 1);
    const __m128i bytes = kSigned ? _mm_packs_epi16(w0, w1) : _mm_packus_epi16(w0, w1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(output + c), bytes);
  }

  /// MeanHalfAway, clamped. With at most kMostCells cells the f32 quotient of sum plus or minus
  /// half the count never reaches the next integer by rounding, so cutting it off is exact.
  __m256i Mean(__m256i sum, int32_t count) const {
    const __m256i half =
        _mm256_sign_epi32(_mm256_set1_epi32(count / 2), _mm256_or_si256(sum, _mm256_set1_epi32(1)));
    const __m256 quotient = _mm256_div_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(sum, half)),
                                          _mm256_set1_ps(static_cast<float>(count)));
    const __m256i mean = _mm256_cvttps_epi32(quotient);
    return _mm256_min_epi32(_mm256_max_epi32(mean, _mm256_set1_epi32(p_.range.lo)),
                            _mm256_set1_epi32(p_.range.hi));
  }

  /// Steps 2 to 4 of the rule. The bounds are integers, so clamping before rounding is the same.
  __m256i Requantized(__m256i acc, float multiplier) const {
    const __m256 x = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_set1_ps(multiplier));
    const __m256 lo = _mm256_set1_ps(static_cast<float>(p_.range.lo - p_.zero_out));
    const __m256 hi = _mm256_set1_ps(static_cast<float>(p_.range.hi - p_.zero_out));
    const __m256i r = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(x, lo), hi));
    return _mm256_add_epi32(r, _mm256_set1_epi32(p_.zero_out));
  }

  void One(const Window& window, int64_t c, uint8_t* output) const {
    const PoolGeometry& g = p_.geometry;
    int32_t sum = 0;
    for (int64_t h = 0; h < window.rows; ++h) {
      for (int64_t w = 0; w < window.columns; ++w) {
        const uint8_t q = window.cell[(h * g.width + w) * g.channels + c];
        sum += (kSigned ? static_cast<int8_t>(q) : q) - (p_.KeepsScale() ? 0 : p_.zero_in);
      }
    }
    if (p_.KeepsScale()) {
      const int32_t mean = MeanHalfAway(sum, window.rows * window.columns);
      output[c] = static_cast<uint8_t>(std::clamp(mean, p_.range.lo, p_.range.hi));
      return;
    }
    output[c] = static_cast<uint8_t>(Requantize(sum, window.multiplier, p_.zero_out, p_.range));
  }

  PoolCase p_;
};

}  // namespace

std::unique_ptr<Kernel> MakeMaxPool2dAvx2(const KernelSpec& spec) {
  PoolCase p;
  if (!ReadMax(spec, p)) return nullptr;
  if (p.is_signed) return std::make_unique<MaxKernel<true>>(p, spec.threads);
  return std::make_unique<MaxKernel<false>>(p, spec.threads);
}

std::unique_ptr<Kernel> MakeAvgPool2dAvx2(const KernelSpec& spec) {
  PoolCase p;
  if (!ReadAvg(spec, p)) return nullptr;
  constexpr int64_t kMostCells = 1 << 14;
  if (p.KeepsScale() && p.geometry.window_h * p.geometry.window_w > kMostCells) return nullptr;
  if (p.is_signed) return std::make_unique<AvgKernel<true>>(p);
  return std::make_unique<AvgKernel<false>>(p);
}

}  // namespace tersor::kernels::pool_int8
