// CRC-32C (Castagnoli), portable and by the instructions of x86-64 and ARMv8.
#include "Digests.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

// The polynomial of RFC 3720, appendix B.4, its bits reversed: the lowest bit stands first.
static const uint32_t polynomial = 0x82f63b78;

// table[n][b] is what the byte b becomes behind which n zero bytes come: eight bytes are taken in by
// eight independent look-ups.
static uint32_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void fill_table(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
    table[0][byte] = crc;
  }
  for (int zeros = 1; zeros < 8; zeros++) {
    for (int byte = 0; byte < 256; byte++) {
      const uint32_t crc = table[zeros - 1][byte];
      table[zeros][byte] = crc >> 8 ^ table[0][crc & 0xff];
    }
  }
}

static inline uint64_t eight_bytes(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return le64toh(word);
}

uint32_t clinux_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
  pthread_once(&table_once, fill_table);
  const uint8_t *next = bytes;
  for (; count >= 8; count -= 8, next += 8) {
    const uint64_t word = eight_bytes(next) ^ crc;
    crc = 0;
    for (int i = 0; i < 8; i++) crc ^= table[7 - i][word >> 8 * i & 0xff];
  }
  for (; count > 0; count--) crc = crc >> 8 ^ table[0][(crc ^ *next++) & 0xff];
  return crc;
}

#if defined(__x86_64__)

int clinux_has_crc32c(void) {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) != 0;
}

__attribute__((target("sse4.2"))) uint32_t clinux_crc32c_hardware(
    uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  uint64_t wide = crc;
  for (; count >= 8; count -= 8, next += 8) wide = _mm_crc32_u64(wide, eight_bytes(next));
  crc = (uint32_t)wide;
  for (; count > 0; count--) crc = _mm_crc32_u8(crc, *next++);
  return crc;
}

#elif defined(__aarch64__)

int clinux_has_crc32c(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }

__attribute__((target("crc"))) uint32_t clinux_crc32c_hardware(
    uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  for (; count >= 8; count -= 8, next += 8) crc = __crc32cd(crc, eight_bytes(next));
  for (; count > 0; count--) crc = __crc32cb(crc, *next++);
  return crc;
}

#else

int clinux_has_crc32c(void) { return 0; }

uint32_t clinux_crc32c_hardware(uint32_t crc, const void *bytes, size_t count) {
  return clinux_crc32c_portable(crc, bytes, count);
}

#endif
