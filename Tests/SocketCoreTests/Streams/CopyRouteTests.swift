// Which way fits which two ends.

import SocketCore
import Testing

struct CopyRouteTests {
  @Test(arguments: [
    (StreamKind.file, CopyRoute.spliceTwice, CopyRoute.spliceTwice), (.pipe, .splice, .splice),
    (.socket, .spliceTwice, .spliceTwice), (.device, .userspace, .userspace),
    (.inside, .userspace, .userspace), (.uniform, .repeated, .userspace),
    (.unusable, .userspace, .userspace),
    (.nowhere, .userspace, .drop), (.appendingFile, .spliceTwice, .userspace),
  ])
  func `the fastest that fits`(kind: StreamKind, outbound: CopyRoute, inbound: CopyRoute) {
    #expect(CopyRoute.outbound(from: kind, .auto) == outbound)
    #expect(CopyRoute.inbound(to: kind, .auto) == inbound)
    #expect(CopyRoute.outbound(from: kind, .userspace) == .userspace)
    #expect(CopyRoute.inbound(to: kind, .userspace) == .userspace)
  }

  @Test func `without pipes of one's own a buffer is used`() {
    for kind in [StreamKind.file, .socket] {
      #expect(CopyRoute.inbound(to: kind, .auto, mayOwnPipe: false) == .userspace)
    }
    #expect(CopyRoute.outbound(from: .socket, .auto, mayOwnPipe: false) == .userspace)
    #expect(CopyRoute.outbound(from: .file, .auto, mayOwnPipe: false) == .sendfile)
  }

  @Test(arguments: [StreamKind.pipe, .socket, .device, .inside, .nowhere, .unusable])
  func `sendfile takes files only, and from no connection`(kind: StreamKind) {
    #expect(CopyRoute.outbound(from: kind, .sendfile) == nil)
    #expect(CopyRoute.inbound(to: kind, .sendfile) == nil)
  }

  @Test func `splice does not write where it appends, nor to a device`() {
    #expect(CopyRoute.inbound(to: .appendingFile, .splice) == nil)
    #expect(CopyRoute.inbound(to: .device, .splice) == nil)
    #expect(CopyRoute.inbound(to: .nowhere, .splice) == .spliceTwice)
    #expect(CopyRoute.outbound(from: .file, .splice) == .spliceTwice)
  }
}
