// Tables that other kernels and machines printed, as people published them.

import KernelTables

/// Lines of /proc/net/tcp or tcp6 that somebody saved, with what is known of the machine.
struct PublishedTable: Sendable, CustomStringConvertible {
  /// The kernel or the machine.
  var description: String
  var byteOrder = ProcNetTCPParser.ByteOrder.little
  /// How many rows of each table, listeners among them.
  var rows: (ipv4: Int, ipv6: Int)
  var listeners: Int
  /// Some of its rows, decoded by hand: state, ends, queues, uid and inode.
  var known: [String]
  var text: String

  // swift-format-ignore: a line of the kernel stays a line
  static let all = [
    // linux-kernel, 18 December 2001, Mika Liljeberg, "TCP LAST-ACK state broken in 2.4.17-pre2":
    // some lines of the attachment proc.net.tcp.txt. Line 18 is missing there too.
    PublishedTable(
      description: "2.4.17-pre2", rows: (11, 0), listeners: 5,
      known: [
        "LAST_ACK 10.0.5.11:1545 10.0.5.3:3866 0 1 0 0",
        "ESTABLISHED 10.0.5.1:1525 10.0.5.2:1350 0 0 0 12148",
        "ESTABLISHED 10.0.5.11:12865 10.0.5.3:3847 0 0 1001 12181",
        "LISTEN 0.0.0.0:12865 0.0.0.0:0 0 0 1001 2246",
      ],
      text: """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
           0: 00000000:3241 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 2246 1 c70e5b60 300 0 0 2 -1                              
           1: 00000000:0203 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 205 1 c789c460 300 0 0 2 -1                               
           2: 00000000:0025 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 183 1 c7a5b7c0 300 0 0 2 -1                               
          17: 00000000:0015 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 184 1 c7a5bb60 300 0 0 2 -1                               
          19: 00000000:0017 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 185 1 c79e30a0 300 0 0 2 -1                               
          22: 0105000A:05F5 0205000A:0546 01 00000000:00000000 00:00000000 00000000     0        0 12148 1 c12804a0 21 4 27 3 -1                             
          23: 0105000A:05F4 0205000A:0544 01 00000000:00000000 00:00000000 00000000     0        0 12147 1 c5c0e0e0 21 4 8 2 -1                              
          24: 0B05000A:0609 0305000A:0F1A 09 00000001:00000000 01:000010AE 00000000     0        0 0 2 c60023e0 12000 4 30 2 -1                              
          25: 0105000A:05EB 0105000A:05F1 01 00000000:00000000 00:00000000 00000000     0        0 12129 1 c5efcb60 21 0 0 2 -1                              
          35: 0105000A:05EA 0205000A:05EB 01 00000000:00000000 00:00000000 00000000  1001        0 12121 1 c4da47e0 21 4 0 3 -1                              
          38: 0B05000A:3241 0305000A:0F07 01 00000000:00000000 00:00000000 00000000  1001        0 12181 1 c6002780 71 4 11 2 2                              
        """),
    // linux-kernel, 14 October 2003, Tim Shepard, "fix numbering of lines in /proc/net/tcp": both
    // tables, whose lines share their numbers.
    PublishedTable(
      description: "2.4.21", rows: (10, 1), listeners: 11,
      known: [
        "LISTEN 10.0.0.12:53 0.0.0.0:0 0 0 0 2627", "LISTEN 66.92.66.146:53 0.0.0.0:0 0 0 0 2625",
        "LISTEN 127.0.0.1:6010 0.0.0.0:0 0 0 1000 314391", "LISTEN [::]:80 [::]:0 0 0 0 6630",
      ],
      text: """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
           0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 580 1 c702f820 300 0 0 2 -1                               
           1: 00000000:16E9 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 297102 1 c718dba0 300 0 0 2 -1                            
           2: 00000000:006F 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 145 1 c77e5420 300 0 0 2 -1                               
           4: 00000000:1770 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 840 1 c6cf94c0 300 0 0 2 -1                               
           5: 0C00000A:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2627 1 c5fd2b60 300 0 0 2 -1                              
           6: 92425C42:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2625 1 c5fd2080 300 0 0 2 -1                              
           7: 0100007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 332 1 c718d0c0 300 0 0 2 -1                               
           8: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 76922 1 c2eac880 300 0 0 2 -1                             
           9: 00000000:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 403 1 c718d800 300 0 0 2 -1                               
          10: 0100007F:177A 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 314391 1 c2eacc20 300 0 0 2 -1                            
          sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                              
           3: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 6630 1 c702fbc0 300 0 0 2 -1                       
        """),
    // The same message: a kernel that gives many lines one number.
    PublishedTable(
      description: "2.6.0-test7", rows: (13, 0), listeners: 11,
      known: [
        "LISTEN 127.0.0.1:8800 0.0.0.0:0 0 0 1000 2253",
        "ESTABLISHED 66.92.66.184:32769 10.0.0.12:22 0 0 1000 2273",
        "ESTABLISHED 66.92.66.184:32768 18.26.0.82:22 0 0 1000 2249",
      ],
      text: """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
           1: 0100007F:2260 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 2253 1 cdb27440 3000 0 0 2 -1                             
           1: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1862 1 cf1e5060 3000 0 0 2 -1                             
           1: 0100007F:0A43 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 2259 1 cc949460 3000 0 0 2 -1                             
           1: 00000000:0203 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1256 1 cf1e53e0 3000 0 0 2 -1                             
           1: 0100007F:2266 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 2255 1 cc949b60 3000 0 0 2 -1                             
           1: 0100007F:2B48 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 2257 1 cc9497e0 3000 0 0 2 -1                             
           2: 0100007F:16E9 00000000:0000 0A 00000000:00000000 00:00000000 00000000   103        0 1250 1 cf1e5760 3000 0 0 2 -1                             
           2: 0100007F:2B6F 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 2261 1 cc9490e0 3000 0 0 2 -1                             
           2: 0100007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1141 1 c13443c0 3000 0 0 2 -1                             
           2: 0100007F:0C38 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 2265 1 cc927800 3000 0 0 2 -1                             
           2: 0100007F:09DD 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 2263 1 cc927b80 3000 0 0 2 -1                             
           2: B8425C42:8001 0C00000A:0016 01 00000000:00000000 02:006B7C78 00000000  1000        0 2273 2 cc927100 205 40 0 3 -1                             
           2: B8425C42:8000 52001A12:0016 01 00000000:00000000 02:006B4970 00000000  1000        0 2249 2 cdb270c0 262 40 0 3 -1                             
        """),
    // The description of Metasploit's module post/linux/gather/busybox_enum_connections: what it
    // saved from a home router with busybox on 10 August 2015. Kernel before 2.6.39 (a listener's
    // cwnd is 2), MIPS by its pointers.
    PublishedTable(
      description: "a router, MIPS", byteOrder: .big, rows: (9, 0), listeners: 8,
      known: [
        "LISTEN 192.168.1.1:1780 0.0.0.0:0 0 0 0 1748",
        "ESTABLISHED 192.168.1.1:23 192.168.1.128:32495 0 59 0 2813",
      ],
      text: """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           0: 00000000:008B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2783 1 8397f0c0 299 0 0 2 -1
           1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 557 1 8397e040 299 0 0 2 -1
           2: 00000000:AD71 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 166 1 8397f900 299 0 0 2 -1
           3: C0A80101:06F4 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1748 1 82c4f910 299 0 0 2 -1
           4: 00000000:0015 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 560 1 8397eca0 299 0 0 2 -1
           5: 00000000:7535 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 556 1 8397f4e0 299 0 0 2 -1
           6: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 559 1 8397e880 299 0 0 2 -1
           7: 00000000:0017 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 558 1 8397e460 299 0 0 2 -1
           8: C0A80101:0017 C0A80180:7EEF 01 0000003B:00000000 01:00000016 00000000     0        0 2813 5 82c4e050 23 3 1 6 -1
        """),
    // net-snmp, agent/mibgroup/mibII/data_access/tcpConn_linux.c: the line that its comment quotes
    // from a PowerPC, of tcp6.
    PublishedTable(
      description: "a PowerPC, tcp6", byteOrder: .big, rows: (0, 1), listeners: 1,
      known: ["LISTEN [::1]:5222 [::]:0 0 0 500 326699"],
      text: """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
         0: 00000000000000000000000000000001:1466 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000   500        0 326699 1 efb81580 3000 0 0 2 -1
        """),
    // kellyjonbrazil/jc, tests/fixtures/linux-proc/net_tcp: hidden pointers, and TCP Fast Open at
    // systemd-resolved (the last number of a listener).
    PublishedTable(
      description: "hidden pointers", rows: (4, 0), listeners: 3,
      known: [
        "LISTEN 127.0.0.53:53 0.0.0.0:0 0 0 101 34000",
        "CLOSE_WAIT 192.168.42.128:54352 152.199.4.33:443 82 0 1000 149098",
      ],
      text: """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
           0: 3500007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 34000 1 0000000000000000 100 0 0 10 5                     
           1: 0100007F:89E7 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 140054 1 0000000000000000 100 0 0 10 0                    
           2: 0100007F:0277 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 34523 1 0000000000000000 100 0 0 10 0                     
           3: 802AA8C0:D450 2104C798:01BB 08 00000000:00000052 02:00000A6F 00000000  1000        0 149098 2 0000000000000000 20 4 0 10 -1                    
        """),
  ]
}
