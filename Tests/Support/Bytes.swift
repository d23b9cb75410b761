// Data to send: large, the same in every run, and without a pattern that could hide a mix-up.

/// `count` pseudo-random bytes that depend on `seed` alone (the SplitMix64 generator).
public func bytes(count: Int, seed: UInt64 = 1) -> [UInt8] {
  unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
    var state = seed
    let raw = UnsafeMutableRawBufferPointer(buffer)
    var offset = 0
    // Whole words and `while`: a debug build is slow at everything else.
    while offset < count {
      state &+= 0x9e37_79b9_7f4a_7c15
      var word = state
      word = (word ^ (word &>> 30)) &* 0xbf58_476d_1ce4_e5b9
      word = (word ^ (word &>> 27)) &* 0x94d0_49bb_1331_11eb
      word ^= word &>> 31
      if count - offset >= 8 {
        unsafe raw.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
      } else {
        for place in offset..<count {
          unsafe raw[place] = UInt8(truncatingIfNeeded: word)
          word &>>= 8
        }
      }
      offset += 8
    }
    initialized = count
  }
}
