// SHA-256's compression function (FIPS 180-4), portable and by the instructions of x86-64 and ARMv8.
#include "Digests.h"

#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline uint32_t rotated(uint32_t word, int count) {
  return word >> count | word << (32 - count);
}

static inline uint32_t word_at(const uint8_t *bytes) {
  uint32_t word;
  memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  word = __builtin_bswap32(word);
#endif
  return word;
}

// One round. Instead of moving the eight variables on, the next round names them one place further.
// The majority of a, b and c is b where a and b agree, else c; a ^ b is what the next round calls b ^ c.
#define ROUND(a, b, c, d, e, f, g, h, word)                                                    \
  do {                                                                                         \
    const uint32_t a_b = (a) ^ (b);                                                            \
    h += (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + ((g) ^ ((e) & ((f) ^ (g)))) +     \
         (word);                                                                               \
    d += h;                                                                                    \
    h += (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((b) ^ (a_b & b_c));              \
    b_c = a_b;                                                                                 \
  } while (0)

#define EIGHT_ROUNDS(i, word)                      \
  do {                                             \
    ROUND(a, b, c, d, e, f, g, h, word((i) + 0)); \
    ROUND(h, a, b, c, d, e, f, g, word((i) + 1)); \
    ROUND(g, h, a, b, c, d, e, f, word((i) + 2)); \
    ROUND(f, g, h, a, b, c, d, e, word((i) + 3)); \
    ROUND(e, f, g, h, a, b, c, d, word((i) + 4)); \
    ROUND(d, e, f, g, h, a, b, c, word((i) + 5)); \
    ROUND(c, d, e, f, g, h, a, b, word((i) + 6)); \
    ROUND(b, c, d, e, f, g, h, a, word((i) + 7)); \
  } while (0)

// The same word of four blocks. The words of a block depend on no other block, so that those of four
// are made at once, by whatever vector instructions there are.
enum { LANES = 4 };
typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));

static inline lanes rotated_lanes(lanes words, int count) {
  return words >> count | words << (32 - count);
}

// Word i of the schedule takes the place of word i - 16, which nothing needs any more.
static inline lanes next_words(lanes *w, int i) {
  const lanes near = w[(i + 14) & 15], far = w[(i + 1) & 15];
  w[i & 15] += (rotated_lanes(near, 17) ^ rotated_lanes(near, 19) ^ near >> 10) + w[(i + 9) & 15] +
               (rotated_lanes(far, 7) ^ rotated_lanes(far, 18) ^ far >> 3);
  return w[i & 15];
}

// The words of `count` blocks, at most four, with the constants of their rounds added to them.
static inline void make_schedule(lanes *sums, const uint8_t *blocks, size_t count) {
  lanes w[16];
  for (int i = 0; i < 16; i++) {
    for (size_t lane = 0; lane < LANES; lane++) {
      w[i][lane] = lane < count ? word_at(blocks + 64 * lane + 4 * i) : 0;
    }
    sums[i] = w[i] + constants[i];
  }
  for (int i = 16; i < 64; i += 16) {
#pragma clang loop unroll(full)
    for (int k = 0; k < 16; k++) sums[i + k] = next_words(w, k) + constants[i + k];
  }
}

void clinux_sha256_portable(uint32_t *state, const void *blocks, size_t count) {
  const uint8_t *next = blocks;
  while (count > 0) {
    const size_t taken = count < LANES ? count : LANES;
    lanes sums[64];
    make_schedule(sums, next, taken);
    for (size_t lane = 0; lane < taken; lane++) {
      uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
      uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
      uint32_t b_c = b ^ c;
#define SUM(i) (sums[i][lane])
      for (int i = 0; i < 64; i += 16) {
        EIGHT_ROUNDS(i, SUM);
        EIGHT_ROUNDS(i + 8, SUM);
      }
      state[0] += a, state[1] += b, state[2] += c, state[3] += d;
      state[4] += e, state[5] += f, state[6] += g, state[7] += h;
    }
    count -= taken;
    next += 64 * taken;
  }
}

#if defined(__x86_64__)

int clinux_has_sha256(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1)) return 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) != 0;
}

// SHA256RNDS2 does two rounds with the eight variables in two registers, {a, b, e, f} and
// {c, d, g, h} from the highest lane down, and gives the new first one; the new second one is the old
// first one. So the registers change their parts with each call.
__attribute__((target("sha,sse4.1"))) void clinux_sha256_hardware(
    uint32_t *state, const void *blocks, size_t count) {
  const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  const __m128i *block = blocks;
  const __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
  const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state + 1), 0x1b);
  __m128i abef = _mm_alignr_epi8(badc, efgh, 8);
  __m128i cdgh = _mm_blend_epi16(efgh, badc, 0xf0);
  for (; count > 0; count--, block += 4) {
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i w[4];
    for (int i = 0; i < 4; i++) {
      w[i] = _mm_shuffle_epi8(_mm_loadu_si128(block + i), big_endian);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
      const __m128i sum =
          _mm_add_epi32(w[i & 3], _mm_load_si128((const __m128i *)constants + i));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
      if (i >= 12) continue;
      const __m128i part = _mm_add_epi32(
          _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]),
          _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
      w[i & 3] = _mm_sha256msg2_epu32(part, w[(i + 3) & 3]);
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128((__m128i *)state + 1, _mm_alignr_epi8(dchg, feba, 8));
}

#elif defined(__aarch64__)

int clinux_has_sha256(void) { return (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0; }

// SHA256H and SHA256H2 do four rounds; each gives one half of the eight variables.
__attribute__((target("sha2"))) void clinux_sha256_hardware(
    uint32_t *state, const void *blocks, size_t count) {
  const uint8_t *block = blocks;
  uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
  for (; count > 0; count--, block += 64) {
    const uint32x4_t abcd_before = abcd, efgh_before = efgh;
    uint32x4_t w[4];
    for (int i = 0; i < 4; i++) {
      w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block + 16 * i)));
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
      const uint32x4_t sum = vaddq_u32(w[i & 3], vld1q_u32(constants + 4 * i));
      const uint32x4_t old = abcd;
      abcd = vsha256hq_u32(abcd, efgh, sum);
      efgh = vsha256h2q_u32(efgh, old, sum);
      if (i >= 12) continue;
      w[i & 3] = vsha256su1q_u32(
          vsha256su0q_u32(w[i & 3], w[(i + 1) & 3]), w[(i + 2) & 3], w[(i + 3) & 3]);
    }
    abcd = vaddq_u32(abcd, abcd_before);
    efgh = vaddq_u32(efgh, efgh_before);
  }
  vst1q_u32(state, abcd);
  vst1q_u32(state + 4, efgh);
}

#else

int clinux_has_sha256(void) { return 0; }

void clinux_sha256_hardware(uint32_t *state, const void *blocks, size_t count) {
  clinux_sha256_portable(state, blocks, count);
}

#endif
