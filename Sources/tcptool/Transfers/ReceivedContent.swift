// The data that one connection brings: its file, its digest, and whether it is what it has to be.

internal import CommandSpec
internal import Report
internal import SocketCore

final class ReceivedContent: SessionContent {
  private let options: ContentOptions
  private let pattern: PatternName?
  private let narrator: Narrator
  private let number: Int?
  /// What the size of all streams has to be, where this is one of them.
  private let whole: SizeOfAll?
  private let audience: Event.Audience
  /// What is received, as sha256sum would call it.
  private let name: String
  private var file: NewFile?
  private var digest: ConcurrentDigest?
  private var check: PatternCheck?
  /// Bytes that have come to the file or elsewhere.
  private var count = 0
  private(set) var refusal: Failure?
  private(set) var isSettled = false
  /// Whether a failure says where the data is that came.
  private var hasSaidWhere = false

  /// - Parameters:
  ///   - pattern: what the data is compared with.
  ///   - name: what its digest is said to be of.
  ///   - number: that of the connection, where there are several.
  ///   - whole: the size of all streams of which this is one.
  ///   - audience: whom it is told that everything is as expected.
  init(
    _ options: ContentOptions, pattern: PatternName?, name: String, number: Int? = nil,
    whole: SizeOfAll? = nil, for audience: Event.Audience = .all, narrator: Narrator
  ) {
    self.audience = audience
    self.options = options
    self.whole = whole
    budget = whole?.budget ?? options.expectedSize.map { ByteBudget(most: $0.bytes) }
    self.pattern = pattern
    self.name = name
    self.number = number
    self.narrator = narrator
    if let algorithm = options.algorithm {
      // One of many connections has no thread for it: all of them together would have many.
      digest = ConcurrentDigest(algorithm, mayHaveThread: number == nil)
    }
    check = pattern.map { PatternCheck($0.pattern) }
  }

  deinit {
    // An empty file holds nothing that anybody could miss.
    if count == 0 && !isSettled { file?.abandon() }
  }

  /// Opens the file that the data goes to.
  func open(_ file: consuming NewFile) -> ByteOutput {
    var file = file
    let output = file.output()
    self.file = consume file
    return output
  }

  /// How much may come.
  let budget: ByteBudget?

  var seesBytes: Bool { digest != nil || check != nil }

  func take(_ direction: RelayDirection, _ bytes: Span<UInt8>) {
    guard direction == .inbound else { return }
    digest?.append(bytes)
    let wasRight = check?.first == nil
    check?.append(bytes)
    // At once: it may go on for long, or without an end.
    if wasRight, let pattern, let first = check?.first {
      narrator.tell(.wrongByte(first, pattern, number: number))
    }
  }

  func accepts(_ direction: RelayDirection, _ count: Int) -> Bool {
    guard direction == .inbound else { return true }
    refusal =
      whole?.refusal(of: number ?? 1, count)
      ?? options.mismatch("received", count, digest?.value()) ?? difference
    if refusal == nil {
      do throws(SystemCallError) {
        try file?.commit()
        isSettled = true
      } catch {
        refusal = Failure(.localStream, error)
      }
    }
    return refusal == nil
  }

  private var difference: Failure? {
    guard let pattern, let check, let first = check.first else { return nil }
    return Failure(
      .mismatch,
      "\(Units.count(check.wrong)) of \(Units.plural(check.count, "byte")) differ from "
        + "\(pattern.argumentText), the first at offset \(Units.count(first.offset)) (--verify)")
  }

  func note(received count: Int) { self.count = count }

  func explained(_ failure: Failure) -> Failure {
    guard count > 0, let kept = file?.temporaryPath else { return failure }
    hasSaidWhere = true
    return Failure(
      failure.status,
      failure.message + "; the \(Units.plural(count, "byte")) that came are in \(kept)")
  }

  /// Tells what the data is, once it is whole; else where it is, unless a failure says so: a signal is
  /// none.
  func tell() {
    guard isSettled else {
      if !hasSaidWhere, count > 0, let kept = file?.temporaryPath {
        narrator.tell(.kept(kept, bytes: count, number: number))
      }
      return
    }
    if number != nil, let path = file?.path {
      narrator.tell(.received(path, bytes: count, number: number))
    }
    if options.digest.algorithm != nil, let value = digest?.value() {
      narrator.tell(.digest(value, of: name, number: number))
    }
    if options.expectedSize != nil || options.expectedDigest != nil || pattern != nil {
      narrator.tell(
        .verified(options, pattern, bytes: count, number: number, for: audience))
    }
  }
}
