// The bytes of a connection as a person reads them who debugs a protocol: when, which way, what.

/// Writes the bytes of both directions of a connection, chunk by chunk, as hexadecimal and as text:
///
///     < 0.001234 s  17 bytes
///     < 00000010  48 54 54 50 2f 31 2e 31  20 32 30 30 20 4f 4b 0d  |HTTP/1.1 200 OK.|
///     < 00000020  0a                                                |.|
///
/// `<` is received, `>` is sent. Each chunk begins with a line of its own, with the time in seconds
/// and the number of bytes, and its bytes begin a new line: what came in one piece and when is half
/// of the answer to “where does it wait?”. (TCP keeps no such pieces. They show when the program had
/// the bytes, not how the peer had written them.) The offset is the one in the stream of that
/// direction, in hexadecimal, and goes on from chunk to chunk.
///
/// Every character is printable ASCII: what is not is shown as `.`, so that no byte can act on a
/// terminal. A line has at most 80 characters up to the offset 64 GiB, and one or more besides
/// beyond it.
public struct HexDump: Sendable {
  /// Which way the bytes went.
  public enum Direction: Sendable, CaseIterable {
    case received, sent

    fileprivate var mark: UInt8 { UInt8(ascii: self == .received ? "<" : ">") }
  }

  private var received: UInt64
  private var sent: UInt64
  /// What stands behind the offset, in place. Filled anew for each line.
  private var columns = [UInt8](repeating: blank, count: textStart + bytesPerLine + 1)

  /// - Parameters:
  ///   - received: The offset of the first byte that is received.
  ///   - sent: The offset of the first byte that is sent.
  public init(received: UInt64 = 0, sent: UInt64 = 0) {
    self.received = received
    self.sent = sent
  }

  /// Appends a chunk as it was received or sent. An empty one leaves no trace.
  ///
  /// - Parameters:
  ///   - chunk: The bytes.
  ///   - direction: Which way they went.
  ///   - time: Since the start of the connection; shown in whole microseconds.
  ///   - text: Where whole lines are appended.
  public mutating func append(
    _ chunk: Span<UInt8>, _ direction: Direction, at time: Duration, to text: inout [UInt8]
  ) {
    guard chunk.count > 0 else { return }
    text.append(direction.mark)
    text += " \(Self.seconds(time)) s  \(Units.plural(chunk.count, "byte"))\n".utf8
    var offset = direction == .received ? received : sent
    var start = 0
    while start < chunk.count {
      let end = min(start + Self.bytesPerLine, chunk.count)
      text.append(direction.mark)
      text.append(Self.blank)
      Self.append(offset, to: &text)
      let length = fill(chunk.extracting(start..<end))
      text += columns[..<length]
      text.append(UInt8(ascii: "\n"))
      offset &+= UInt64(end - start)
      start = end
    }
    if direction == .received { received = offset } else { sent = offset }
  }

  private static let bytesPerLine = 16
  private static let blank = UInt8(ascii: " ")
  /// Where the text column's first character stands behind the offset.
  private static let textStart = 51

  /// Puts one line's bytes into the columns.
  ///
  /// - Returns: How many characters of the columns the line needs.
  private mutating func fill(_ bytes: Span<UInt8>) -> Int {
    for place in 0..<Self.bytesPerLine {
      // Two digits and a blank a byte, and one blank more between the two groups of eight.
      let column = place * 3 + place / 8
      if place < bytes.count {
        let byte = bytes[place]
        columns[column] = Self.digit(byte >> 4)
        columns[column + 1] = Self.digit(byte & 0xF)
        let isPrintable = byte &- 0x20 < 0x5F
        columns[Self.textStart + place] = isPrintable ? byte : UInt8(ascii: ".")
      } else {
        columns[column] = Self.blank
        columns[column + 1] = Self.blank
      }
    }
    columns[Self.textStart - 1] = UInt8(ascii: "|")
    columns[Self.textStart + bytes.count] = UInt8(ascii: "|")
    return Self.textStart + bytes.count + 1
  }

  /// Eight digits and two blanks. A longer offset first takes one of the blanks.
  private static func append(_ offset: UInt64, to text: inout [UInt8]) {
    let digits = max(8, (67 - offset.leadingZeroBitCount) / 4)
    for place in (0..<digits).reversed() {
      text.append(digit(UInt8(truncatingIfNeeded: offset >> UInt64(place * 4)) & 0xF))
    }
    if digits == 8 { text.append(blank) }
    text.append(blank)
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }

  /// Seconds with six decimals, so that two of them can be subtracted; 0 for a time before the start.
  private static func seconds(_ time: Duration) -> String {
    let (whole, fraction) = max(time, .zero).components
    let microseconds = "\(fraction / 1_000_000_000_000)"
    return "\(whole)." + String(repeating: "0", count: 6 - microseconds.count) + microseconds
  }
}
