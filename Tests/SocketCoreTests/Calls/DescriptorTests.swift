// Descriptors are closed once, by their owner, and 0 to 2 are never left to a socket.

import Glibc
@testable import SocketCore
import TestSupport
import Testing

struct DescriptorTests {
  @Test func `a descriptor is closed where its owner goes`() throws {
    let pipe = try Pipe()
    func own() -> Bool {
      pipe.giveAwayWriteEnd()
      let descriptor = Descriptor(owning: pipe.writeEnd)
      return fcntl(descriptor.rawValue, F_GETFD) != -1
    }
    #expect(own())
    #expect(hasEnded(pipe))
  }

  @Test func `a descriptor can be closed by hand`() throws {
    let pipe = try Pipe()
    pipe.giveAwayWriteEnd()
    let descriptor = Descriptor(owning: pipe.writeEnd)
    try descriptor.close("the pipe")
    #expect(hasEnded(pipe))
  }

  /// Whether nobody has the write end any more: some child of another test may have it in the
  /// moment between its fork and its exec.
  private func hasEnded(_ pipe: Pipe) -> Bool { isReady(pipe.readEnd, for: 0) }

  @Test func `what close says is not lost`() {
    let error = #expect(throws: SystemCallError.self) {
      try Descriptor(owning: -1).close("of nothing")
    }
    #expect(error == SystemCallError("close", "of nothing", .badDescriptor))
  }

  @Test func `a file that is not there is named`() {
    let error = #expect(throws: SystemCallError.self) {
      let opened = try Descriptor.open("/nosuch/file", flags: O_RDONLY)
      return opened.rawValue
    }
    #expect(error == SystemCallError("open", "/nosuch/file", .notFound))
  }

  @Test func `an opened file is closed on exec`() throws {
    let opened = try Descriptor.open("/dev/null", flags: O_RDONLY)
    #expect(fcntl(opened.rawValue, F_GETFD) & FD_CLOEXEC != 0)
  }

  @Test(arguments: [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2], []] as [[Int32]])
  func `standard descriptors that are closed are taken`(closed: [Int32]) async {
    await #expect(processExitsWith: .success) { [closed] in
      let before = (0...2).map { identity(of: $0) }
      // The worker threads of this process read a file in /proc now and then, which may get one of
      // the numbers for a moment: what counts is that it can succeed.
      for _ in 0..<50 {
        for descriptor in closed { close(descriptor) }
        Descriptor.fillStandardDescriptors()
        let next = unsafe open("/dev/null", O_RDONLY)
        defer { close(next) }
        let areFilled = (Int32(0)...2).allSatisfy { descriptor in
          closed.contains(descriptor)
            ? isPlaceholder(descriptor) : identity(of: descriptor) == before[Int(descriptor)]
        }
        if areFilled && next > 2 { return }
      }
      preconditionFailure("a standard descriptor stayed free, or is of use")
    }
  }

  @Test func `the limit of descriptors is raised as far as it goes`() async {
    await #expect(processExitsWith: .success) {
      limitDescriptors(to: 64)
      var limit = rlimit()
      unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      precondition(limit.rlim_cur == 64)
      precondition(DescriptorLimit.raise() == Int(clamping: limit.rlim_max))
      unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      precondition(limit.rlim_cur == limit.rlim_max)
    }
  }
}

/// Whether a descriptor is open, but of no use to anybody: the error of what was closed stays.
private func isPlaceholder(_ descriptor: Int32) -> Bool {
  var byte: UInt8 = 0
  guard fcntl(descriptor, F_GETFD) != -1 else { return false }
  let got = unsafe read(descriptor, &byte, 1)
  guard got == -1, errno == EBADF else { return false }
  let put = unsafe write(descriptor, &byte, 1)
  return put == -1 && errno == EBADF
}
