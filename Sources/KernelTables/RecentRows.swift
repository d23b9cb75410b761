// The rows that came last, to recognise those that the kernel repeats.

internal import SocketCore

/// A set of rows that forgets the oldest, so that its size is bounded.
///
/// How far back it has to reach. read(2) gives a page; for the next one the kernel goes back to the
/// bucket of its hash table where it stopped, and counts there as many rows as it has given of that
/// bucket (`tcp_seek_last_pos`). Sockets are added at the front, so that as many rows come again as
/// were added to this one bucket between two calls: hardly ever one. But where it stopped behind the
/// last bucket, it counts from the start of the table (`tcp_get_idx`), and gives again as many of the
/// last rows as the table has grown by since the walk began. `ProcNetTCP` therefore does not ask for
/// more where it can see that the table is at its end, which is not seen where the last page happens
/// to be full. With 27,000 connections a second, each of which leaves a row in TIME_WAIT, a table of
/// 100,000 rows grows by 6,000 while it is read.
///
/// Rows are held as seeded 64-bit hashes. That two rows agree in theirs, and one is taken for a
/// repetition, happens once in 10^10 tables of 100,000 rows; a peer, who does not know the seed,
/// cannot provoke it.
///
/// Nearly every row is new, and 64 KiB of marks say so, which stay near the processor while the kernel
/// walks through its table. Only where the marks of a row are all there is it looked for among the
/// hashes: beside repeated rows that is one in three thousand.
struct RecentRows: Sendable {
  /// The set reaches back twice as many rows, and forgets its marks after so many.
  static let generation = 8_192

  /// The last hashes, the oldest of which is replaced by the next; 0 is none.
  private var hashes = [UInt64](repeating: 0, count: 2 * generation)
  private var next = 0
  /// Where the last repetition was found. They come in the order in which the rows came.
  private var found = 0
  /// The marks of the rows of this generation, and of those of the one before it.
  private var marks = [SIMD2<UInt64>](repeating: .zero, count: 4_096)
  /// Unknown to those who choose addresses and ports.
  private let seed = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))

  /// Adds a row.
  ///
  /// - Parameter pointer: The kernel's hashed pointer; 0 where it shows none.
  /// - Returns: false where the row is there already. The connection, the inode and the pointer
  ///   decide: listeners may share an address, and what moves to another state is still one socket.
  mutating func insert(_ row: SocketRow, pointer: UInt64) -> Bool {
    let hash = max(1, hash(of: row, pointer))
    // Six marks in one word: its place takes twelve bits of the hash, and each mark six.
    let place = Int(truncatingIfNeeded: hash) & (marks.count - 1)
    let own =
      mark(hash >> 12) | mark(hash >> 18) | mark(hash >> 24) | mark(hash >> 30)
      | mark(hash >> 36) | mark(hash >> 42)
    let both = marks[place]
    if both[0] & own == own || both[1] & own == own, contains(hash) { return false }
    let current = next / Self.generation
    marks[place][current] |= own
    hashes[next] = hash
    next = (next + 1) & (hashes.count - 1)
    if next & (Self.generation - 1) == 0 { forgetMarks(1 - current) }
    return true
  }

  mutating func removeAll() {
    for place in hashes.indices { hashes[place] = 0 }
    forgetMarks(0)
    forgetMarks(1)
  }

  private mutating func forgetMarks(_ half: Int) {
    for place in marks.indices { marks[place][half] = 0 }
  }

  /// One bit of a word, which the lowest six bits choose.
  private func mark(_ bits: UInt64) -> UInt64 { 1 &<< bits }

  private mutating func contains(_ hash: UInt64) -> Bool {
    for distance in 0..<hashes.count {
      let place = (found + distance) & (hashes.count - 1)
      if hashes[place] == hash {
        found = place
        return true
      }
    }
    return false
  }

  /// A multiplication mixes two words at once. `Hasher` took as long as the reading of the line.
  private func hash(of row: SocketRow, _ pointer: UInt64) -> UInt64 {
    var hash = seed.0
    func mix(_ left: UInt64, _ right: UInt64) {
      let product = (left ^ seed.1).multipliedFullWidth(by: right ^ hash)
      hash = product.high ^ product.low
    }
    func mix(_ address: IPAddress) {
      switch address {
      case .v4(let v4): mix(UInt64(v4.bits), 0)
      case .v6(let v6): mix(v6.high, v6.low)
      }
    }
    mix(row.local.address)
    mix(row.peer.address)
    mix(UInt64(row.local.port) << 16 | UInt64(row.peer.port), row.inode)
    mix(pointer, 0)
    return hash
  }
}
