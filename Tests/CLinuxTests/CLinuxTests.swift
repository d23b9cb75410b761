// The shim seen from Swift: each wrapper does what the call behind it does, and the kernel's
// structures lie where the modules above read them.

import CLinux
import Glibc
import Testing

struct CLinuxTests {
  @Test(
    arguments: [
      (EAGAIN, "EAGAIN", "Resource temporarily unavailable"),
      (ENOENT, "ENOENT", "No such file or directory"),
    ] as [(Int32, String, String)])
  func `errno values have names and texts`(
    number: Int32, expectedName: String, expectedText: String
  ) {
    #expect(name(of: number) == expectedName)
    #expect(text(of: number) == expectedText)
  }

  @Test(arguments: [-1, 4095, .max, .min] as [Int32])
  func `unknown errno values have none`(number: Int32) {
    #expect(name(of: number) == nil)
    #expect(text(of: number) == nil)
  }

  @Test func `every error of getaddrinfo has the name of its macro`() throws {
    for code in Int32(-110)...0 {
      let name = lookUpName(of: code)
      let text = unsafe string(gai_strerror(code))
      // Codes that glibc knows only in its asynchronous look-ups (EAI_INPROGRESS, -100, to
      // EAI_INTR, -104) never come from getaddrinfo; 0 is no error.
      let isKnown = text != "Unknown error" && code != 0 && !(-104 ... -100).contains(code)
      #expect((name != nil) == isKnown, "\(code): \(text)")
      if let name { #expect(name.hasPrefix("EAI_")) }
    }
    let standard = [
      (EAI_NONAME, "EAI_NONAME"), (EAI_AGAIN, "EAI_AGAIN"), (EAI_SERVICE, "EAI_SERVICE"),
    ]
    for (code, name) in standard {
      #expect(lookUpName(of: code) == name)
    }
  }

  private func name(of errno: Int32) -> String? { unsafe string(clinux_strerrorname(errno)) }
  private func text(of errno: Int32) -> String? { unsafe string(clinux_strerrordesc(errno)) }
  private func lookUpName(of code: Int32) -> String? { unsafe string(clinux_gai_name(code)) }

  private func string(_ text: UnsafePointer<CChar>?) -> String? {
    unsafe text.map { unsafe String(cString: $0) }
  }

  @Test func `the placeholder can be neither read nor written`() {
    let descriptor = clinux_open_placeholder()
    #expect(descriptor >= 0)
    defer { close(descriptor) }
    var byte: UInt8 = 0
    let got = unsafe read(descriptor, &byte, 1)
    #expect(got == -1 && errno == EBADF)
    let put = unsafe write(descriptor, &byte, 1)
    #expect(put == -1 && errno == EBADF)
  }

  @Test func `accept4 sets the flags at once`() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer {
      close(listener)
      close(client)
    }
    // Unbound: listen(2) chooses the port.
    try #require(listen(listener, 1) == 0)
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    func rebound<Result>(_ body: (UnsafeMutablePointer<sockaddr>) -> Result) -> Result {
      unsafe withUnsafeMutablePointer(to: &address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0) }
      }
    }
    let named = unsafe rebound { unsafe getsockname(listener, $0, &length) }
    try #require(named == 0)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = unsafe rebound { unsafe connect(client, $0, length) }
    try #require(connected == 0)
    let accepted = unsafe rebound {
      unsafe clinux_accept4(
        listener, $0, &length, Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue))
    }
    try #require(accepted >= 0)
    defer { close(accepted) }
    #expect(fcntl(accepted, F_GETFD) & FD_CLOEXEC != 0)
    #expect(fcntl(accepted, F_GETFL) & O_NONBLOCK != 0)
    #expect(address.sin_family == sa_family_t(AF_INET))
    #expect(address.sin_port != 0)

    var pending: Int32 = -1
    let asked = unsafe ioctl(accepted, UInt(clinux_siocoutq()), &pending)
    #expect(asked == 0)
    #expect(pending == 0)
  }

  @Test func `accept4 hands over the errno`() {
    let result = clinux_accept4(-1, nil, nil, 0)
    #expect(result == -1 && errno == EBADF)
  }

  @Test func `the kernel's tcp_info stands beside libc's`() {
    typealias Info = linux_tcp_info
    #expect(MemoryLayout<Info>.size > MemoryLayout<tcp_info>.size)
    #expect(MemoryLayout<Info>.offset(of: \.tcpi_state) == 0)
    #expect(MemoryLayout<Info>.offset(of: \.tcpi_unacked) == 24)
    #expect(MemoryLayout<Info>.offset(of: \.tcpi_sacked) == 28)
    #expect(MemoryLayout<Info>.offset(of: \.tcpi_rtt) == 68)
    #expect(MemoryLayout<Info>.offset(of: \.tcpi_total_retrans) == 100)
    #expect(MemoryLayout<Info>.offset(of: \.tcpi_bytes_acked) == 120)
    #expect(MemoryLayout<Info>.offset(of: \.tcpi_bytes_received) == 128)
  }

  @Test func `a program with an interpreter is not static`() {
    #expect(clinux_is_static() == 0)
  }

  @Test func `name look-ups can be kept to libc's own sources`() async {
    // In a process of its own, because it holds for the whole process from then on.
    await #expect(processExitsWith: .success) {
      #expect(clinux_use_builtin_name_sources() == 0)
      let port = unsafe getservbyname("http", "tcp")?.pointee.s_port
      #expect(port == Int32(UInt16(80).bigEndian))
    }
  }
}
