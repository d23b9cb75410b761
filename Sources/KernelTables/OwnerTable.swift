// Owners by inode: one table for what is looked for and what was found.

/// The owners of the sockets that are looked for, found by inode in a step or two.
///
/// A dictionary of arrays does the same. With 100,000 sockets its hashing, its growth and an array for
/// each socket took a tenth of the time of the whole walk over /proc.
struct OwnerTable: Sendable {
  /// Where a socket stands in the table.
  struct Place: Equatable {
    fileprivate var slot: Int
  }

  private struct Slot {
    /// 0 where the slot is free.
    var inode: UInt64 = 0
    /// The places of its first and its last owner in `entries`; −1 where none was found yet.
    var first: Int32 = -1
    var last: Int32 = -1
  }

  private struct Entry {
    var owner: SocketOwner
    /// The place of the socket's next owner; −1 where it is the last.
    var next: Int32 = -1
  }

  /// How many sockets are looked for, and how many of them have an owner.
  private(set) var wanted = 0
  private(set) var found = 0
  /// A power of two of them, at least half of them free: a search ends at a free one.
  private var slots: [Slot]
  private let shift: UInt64
  private var entries: [Entry] = []

  /// - Parameter inodes: 0 is none, and the same may come more than once.
  init(wanted inodes: some Collection<UInt64>) {
    let bits = max(2, Int.bitWidth - (2 * inodes.count + 1).leadingZeroBitCount)
    slots = Array(repeating: Slot(), count: 1 << bits)
    shift = UInt64(UInt64.bitWidth - bits)
    for inode in inodes where inode != 0 {
      let slot = slot(of: inode)
      if slots[slot].inode == inode { continue }
      slots[slot].inode = inode
      wanted += 1
    }
  }

  /// Where the socket stands; nil where it is not looked for.
  func place(of inode: UInt64) -> Place? {
    let slot = slot(of: inode)
    return inode != 0 && slots[slot].inode == inode ? Place(slot: slot) : nil
  }

  /// Whether the socket has an owner.
  func isFound(_ place: Place) -> Bool { slots[place.slot].first >= 0 }

  /// The owners of the socket, in the order in which they were found.
  func owners(at place: Place) -> [SocketOwner] {
    var owners: [SocketOwner] = []
    var next = slots[place.slot].first
    while next >= 0 {
      owners.append(entries[Int(next)].owner)
      next = entries[Int(next)].next
    }
    return owners
  }

  mutating func add(_ owner: SocketOwner, at place: Place) {
    let entry = Int32(entries.count)
    entries.append(Entry(owner: owner))
    let last = slots[place.slot].last
    slots[place.slot].last = entry
    if last >= 0 {
      entries[Int(last)].next = entry
    } else {
      slots[place.slot].first = entry
      found += 1
    }
  }

  /// The slot of an inode, or the free one where it belongs.
  private func slot(of inode: UInt64) -> Int {
    // The kernel numbers inodes one after the other, so two groups of them would lie upon each other
    // if they were not scattered: by 2⁶⁴ divided by the golden ratio. Four neighbours, which are likely
    // to be asked for together, stay in one line of the processor's cache.
    var slot = Int(
      truncatingIfNeeded: ((inode >> 2) &* 0x9E37_79B9_7F4A_7C15) >> shift & ~3 | inode & 3)
    while slots[slot].inode != inode && slots[slot].inode != 0 {
      slot = (slot + 1) & (slots.count - 1)
    }
    return slot
  }
}
