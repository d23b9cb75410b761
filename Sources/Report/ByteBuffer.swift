// Bytes that are gathered one behind the other: what every output is made in.

/// Bytes with one owner, appended one by one or in pieces.
///
/// An array does the same and asks at each byte whether it is shared. A table of 100,000 rows has ten
/// million bytes: that question, and the calls for it, took as long as all else in writing them.
@safe public struct ByteBuffer: ~Copyable {
  /// Room for `capacity` bytes, of which the first `filled` have values.
  @usableFromInline var start: UnsafeMutablePointer<UInt8>
  @usableFromInline var capacity: Int
  @usableFromInline var filled = 0

  /// - Parameter capacity: The room at the start; more is made where it is needed.
  public init(capacity: Int = 64) {
    self.capacity = max(1, capacity)
    unsafe start = .allocate(capacity: self.capacity)
  }

  deinit { unsafe start.deallocate() }

  /// How many bytes there are.
  @inlinable public var count: Int { filled }

  /// Any byte of those that are there.
  @inlinable public subscript(place: Int) -> UInt8 {
    get {
      precondition(place >= 0 && place < filled, "no such byte")
      return unsafe start[place]
    }
    set {
      precondition(place >= 0 && place < filled, "no such byte")
      unsafe start[place] = newValue
    }
  }

  @inlinable public mutating func append(_ byte: UInt8) {
    makeRoom(1)
    unsafe start[filled] = byte
    filled &+= 1
  }

  @inlinable public mutating func append(_ text: StaticString) {
    unsafe append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  public mutating func append(_ bytes: Span<UInt8>) {
    unsafe bytes.withUnsafeBufferPointer { unsafe append($0) }
  }

  @inlinable @inline(__always)
  public mutating func append(repeating byte: UInt8, count: Int) {
    precondition(count >= 0, "less than nothing")
    // Eight at a time, beyond the last one too: a call of memset(3) costs more than what it does for
    // the few blanks between two columns.
    makeRoom(count + 8)
    let eight = UInt64(byte) &* 0x0101_0101_0101_0101
    let end = filled &+ count
    var place = filled
    while place < end {
      unsafe UnsafeMutableRawPointer(start + place).storeBytes(of: eight, as: UInt64.self)
      place &+= 8
    }
    filled = end
  }

  /// Appends the bytes of a range, eight at a time like the above: so the span has to go on for seven
  /// bytes or more behind the range.
  @inlinable @inline(__always)
  public mutating func append(_ range: Range<Int>, of longer: Span<UInt8>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= longer.count - 7, "no such bytes")
    makeRoom(range.count + 8)
    let bytes = unsafe longer.bytes
    var place = range.lowerBound
    while place < range.upperBound {
      let eight = unsafe bytes.unsafeLoadUnaligned(
        fromUncheckedByteOffset: place, as: UInt64.self)
      let target = unsafe UnsafeMutableRawPointer(start + filled + (place &- range.lowerBound))
      unsafe target.storeBytes(of: eight, as: UInt64.self)
      place &+= 8
    }
    filled &+= range.count
  }

  /// Appends what `write` appends, which is at most so many bytes.
  @inlinable public mutating func append(
    atMost count: Int, _ write: (inout OutputSpan<UInt8>) -> Void
  ) {
    makeRoom(count)
    let room = unsafe UnsafeMutableBufferPointer(start: start + filled, count: count)
    var span = unsafe OutputSpan(buffer: room, initializedCount: 0)
    write(&span)
    filled &+= unsafe span.finalize(for: room)
  }

  public static func += (buffer: inout ByteBuffer, bytes: some Sequence<UInt8>) {
    let isDone: Void? = bytes.withContiguousStorageIfAvailable {
      unsafe buffer.append($0)
    }
    if isDone == nil { for byte in bytes { buffer.append(byte) } }
  }

  /// Puts bytes before those that start at `place`, which are few: they are moved one by one, since a
  /// processor has to wait before it reads as one word what was just written in pieces.
  mutating func insert(repeating byte: UInt8, count: Int, at place: Int) {
    precondition(place >= 0 && place <= filled, "no such place")
    guard count > 0 else { return }
    var from = filled
    append(repeating: byte, count: count)
    while from > place {
      from &-= 1
      unsafe start[from &+ count] = unsafe start[from]
      // Where another byte comes to lie, it comes later.
      unsafe start[from] = byte
    }
  }

  /// Takes the first bytes away.
  mutating func removeFirst(_ count: Int) {
    precondition(count >= 0 && count <= filled, "less than nothing is left")
    filled -= count
    unsafe start.update(from: start + count, count: filled)
  }

  /// Takes the last byte away.
  public mutating func removeLast() { remove(from: filled - 1) }

  /// Takes the bytes from `place` on away.
  public mutating func remove(from place: Int) {
    precondition(place >= 0 && place <= filled, "no such place")
    filled = place
  }

  /// Lends the bytes of a range.
  func withSpan<Result: ~Copyable, Failure>(
    _ range: Range<Int>, _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(range.lowerBound >= 0 && range.upperBound <= filled, "no such bytes")
    let bytes = unsafe UnsafeBufferPointer(start: start + range.lowerBound, count: range.count)
    return try body(unsafe bytes.span)
  }

  /// The bytes of a range as text.
  func text(_ range: Range<Int>) -> String {
    withSpan(range) { bytes in
      unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
  }

  /// The bytes as text.
  public var text: String { text(0..<filled) }

  @inlinable mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let source = bytes.baseAddress else { return }
    makeRoom(bytes.count)
    unsafe (start + filled).update(from: source, count: bytes.count)
    filled &+= bytes.count
  }

  @inlinable @inline(__always)
  mutating func makeRoom(_ count: Int) {
    if count > capacity &- filled { grow(count) }
  }

  @usableFromInline mutating func grow(_ count: Int) {
    let larger = max(filled + count, 2 * capacity)
    let other = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    unsafe other.update(from: start, count: filled)
    unsafe start.deallocate()
    unsafe start = other
    capacity = larger
  }
}
