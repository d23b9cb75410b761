// The data that is sent by several streams at the same time.

internal import SocketCore

/// Holds what looks at the data of each stream as long as that is open.
final class SentStreams: StreamContents {
  private let options: ContentOptions
  private let whole: SizeOfAll?
  private let narrator: Narrator
  private var contents: [Int: SentContent] = [:]

  init(_ options: ContentOptions, _ whole: SizeOfAll?, _ narrator: Narrator) {
    self.options = options.ofOneStream
    self.whole = whole
    self.narrator = narrator
  }

  func begin(_ number: Int, _ peer: Endpoint) {
    contents[number] = SentContent(
      options, name: streamName(number), size: nil, number: number, whole: whole)
  }

  func content(of number: Int) -> (any SessionContent)? { contents[number] }

  func end(_ number: Int, isWell: Bool) {
    if let content = contents.removeValue(forKey: number), isWell { content.tell(narrator) }
  }

  /// What the server does for each stream.
  var hooks: ServeHooks {
    var hooks = ServeHooks()
    if options.algorithm != nil {
      hooks.tap = { [self] number, direction, bytes in contents[number]?.take(direction, bytes) }
    }
    hooks.accepts = { [self] number, direction, count in
      contents[number]?.accepts(direction, count) ?? true
    }
    return hooks
  }
}

/// What the digest of a stream is said to be of.
func streamName(_ number: Int) -> String { "stream-\(number)" }
