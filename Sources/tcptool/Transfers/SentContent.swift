// The data that is sent: its digests, one a file, and whether it is what it has to be.

internal import CommandSpec
internal import Report
internal import SocketCore

final class SentContent: SessionContent {
  private let options: ContentOptions
  private let files: FileSequence?
  /// The bytes that a single file had at the beginning.
  private let size: Int?
  /// What a digest is said to be of where there are not several files.
  private let name: String
  private let number: Int?
  /// What the size of all streams has to be, where this is one of them.
  private let whole: SizeOfAll?
  private var digest: ConcurrentDigest?
  /// The file that the next byte belongs to, and its bytes so far.
  private var part = 0
  private var countOfPart = 0
  private var values: [DigestValue] = []
  private(set) var refusal: Failure?
  /// Whoever sends without end would else never learn that it is too much.
  let sendBudget: ByteBudget?

  /// - Parameters:
  ///   - name: what is sent, as sha256sum would call it.
  ///   - size: the bytes that a single file has.
  ///   - files: those of several.
  ///   - number: that of the connection, where there are several.
  ///   - whole: the size of all streams of which this is one.
  init(
    _ options: ContentOptions, name: String, size: Int?, files: FileSequence? = nil,
    number: Int? = nil, whole: SizeOfAll? = nil
  ) {
    self.size = size
    self.number = number
    self.whole = whole
    self.options = options
    sendBudget = options.expectedSize.map { ByteBudget(most: $0.bytes) }
    self.name = name
    self.files = files
    digest = Self.digest(options, number)
  }

  /// One of several streams has no thread for it: all of them together would have many.
  private static func digest(_ options: ContentOptions, _ number: Int?) -> ConcurrentDigest? {
    guard let algorithm = options.algorithm else { return nil }
    return ConcurrentDigest(algorithm, mayHaveThread: number == nil)
  }

  var seesBytes: Bool { digest != nil }

  func take(_ direction: RelayDirection, _ bytes: Span<UInt8>) {
    guard direction == .outbound else { return }
    var rest = bytes
    while !rest.isEmpty {
      endWholeParts()
      // The end of a file is known before the first byte of the next one is there.
      let count = min(rest.count, (countOfFile ?? .max) - countOfPart)
      digest?.append(rest.extracting(first: count))
      countOfPart += count
      rest = rest.extracting(droppingFirst: count)
    }
  }

  /// The bytes of the file that is being sent; nil while they are not known.
  private var countOfFile: Int? {
    files.flatMap { $0.parts.indices.contains(part) ? $0.parts[part].count : nil }
  }

  private func endWholeParts() {
    while countOfFile == countOfPart, let value = digest?.value() {
      values.append(value)
      digest = Self.digest(options, number)
      part += 1
      countOfPart = 0
    }
  }

  func accepts(_ direction: RelayDirection, _ count: Int) -> Bool {
    guard direction == .outbound else { return true }
    if let expected = options.expectedSize?.bytes, count > expected {
      refusal = options.mismatch("sent", count, nil)
      return false
    }
    if files != nil {
      endWholeParts()
    } else if let value = digest?.value() {
      values = [value]
    }
    refusal =
      whole?.refusal(of: number ?? 1, count) ?? shrunk(count)
      ?? options.mismatch("sent", count, values.first)
    return refusal == nil
  }

  /// Why not all of a file was sent. One that grew is sent as it was at its end.
  private func shrunk(_ count: Int) -> Failure? {
    let parts = files?.parts.map { ($0.path, $0.size, $0.count ?? 0) }
    let short = (parts ?? [(name, size ?? 0, count)]).first { $0.2 < $0.1 }
    return short.map { path, size, count in
      Failure(
        .mismatch,
        "\(path == "-" ? "standard input" : path) became shorter while it was sent: "
          + "\(Units.count(count)) of \(Units.plural(size, "byte")) were left; send it again when nothing writes to it"
      )
    }
  }

  func explained(_ failure: Failure) -> Failure {
    guard refusal != nil else { return failure }
    return Failure(
      failure.status, failure.message + "; the connection was reset, so that the peer knows")
  }

  /// Tells the digests of what has arrived.
  func tell(_ narrator: Narrator) {
    guard options.digest.algorithm != nil else { return }
    let names = files?.parts.map(\.path) ?? [name]
    for (name, value) in zip(names, values) {
      narrator.tell(.digest(value, of: name, number: number))
    }
  }
}
