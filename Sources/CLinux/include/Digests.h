// The inner loops of the digests, portable and by the processor's own instructions: intrinsics are
// functions of the C compiler that Swift does not import, and they need a target of their own, which
// only a C function can have. Padding, buffers and the choice between the two are Swift's
// (Sources/SocketCore/Contents).

#ifndef TCPTOOL_DIGESTS_H
#define TCPTOOL_DIGESTS_H

#include <stddef.h>
#include <stdint.h>

// Whether this processor has instructions for it: SHA and SSE4.1 or ARMv8's SHA2; SSE4.2 or ARMv8's
// CRC32.
int clinux_has_sha256(void);
int clinux_has_crc32c(void);

// Takes `count` blocks of 64 bytes into the eight words of the state: FIPS 180-4, section 6.2.2. The
// second may only be called where `clinux_has_sha256` says so; elsewhere it does what the first does.
void clinux_sha256_portable(uint32_t *state, const void *blocks, size_t count);
void clinux_sha256_hardware(uint32_t *state, const void *blocks, size_t count);

// Takes bytes into a CRC-32C: RFC 3720, appendix B.4, without the inversion at its beginning and its
// end. The second may only be called where `clinux_has_crc32c` says so; elsewhere it does what the
// first does.
uint32_t clinux_crc32c_portable(uint32_t crc, const void *bytes, size_t count);
uint32_t clinux_crc32c_hardware(uint32_t crc, const void *bytes, size_t count);

#endif
