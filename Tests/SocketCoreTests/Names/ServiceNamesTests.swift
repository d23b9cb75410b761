// Names of services by their ports.

import Testing

@testable import SocketCore

struct ServiceNamesTests {
  @Test func `well-known ports have their names`() throws {
    let names = ServiceNames.byPort()
    for (port, name) in [(22, "ssh"), (80, "http"), (443, "https")] as [(UInt16, String)] {
      #expect(names[port] == name)
      #expect(try Resolver.port(name) == port)
    }
    #expect(names[0] == nil)
    #expect(names[65_535] == nil)
  }

  @Test func `it can be asked again`() {
    #expect(ServiceNames.byPort() == ServiceNames.byPort())
  }
}
