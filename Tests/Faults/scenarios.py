"""The subcommands in their usual forms: the command line, the other end, and what is whole.

A scenario's `complaints` looks at a run that ended with 0, its `damage` at every run: bytes that
nobody sent, or a file that only was to be read.
"""

import hashlib
import json
import os
import re

import peers

SENT, BACK = peers.data(150_000, 1), peers.data(90_000, 2)
# So much that its digest has a thread (ConcurrentDigest.threshold), with pieces of its own.
LARGE = peers.data(6 << 20, 3)


class Run:
    """One run as it is prepared, and as it ended."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.peer = self.standing = None
        self.status, self.stdout, self.stderr = None, b"", ""
        self.taken = []

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, name):
        try:
            with open(self.path(name), "rb") as file:
                return file.read()
        except OSError:
            return None

    def make(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)


class Scenario:
    """A form of a subcommand."""

    # What standard input and output are: a file's name in the folder, or 'pipe'.
    stdin = "null"
    stdout = "out"
    stdin_data = b""
    # Words in front of the command and of whatever traces it.
    prefix = ()
    # Files that the program makes, whole or not at all.
    makes = ()
    # Whether there are threads, whose calls fail too.
    has_threads = False
    # What has to be said on standard error before it may end with 0.
    said = ""
    # Free pages of a disk, and sizes that no file may exceed.
    disks = (0, 1, 5, 20)
    sizes = (0, 1, 100, 4096, 65536, 100_000)
    # Statuses other than 0 that tell a result and no failure: nothing need be said about them.
    results = ()

    def __init__(self, name, words, **changes):
        self.name, self.words = name, words
        for key, value in changes.items():
            setattr(self, key, value)

    def prepare(self, run):
        if self.stdin not in ("null", "pipe"):
            run.make(self.stdin, self.stdin_data)

    def command(self, run):
        return [
            word.format(port=run.port, next=run.port + 1, folder=run.folder) for word in self.words
        ]

    def complaints(self, run):
        return []

    def damage(self, run):
        return []


def differs(what, found, expected):
    if found == expected:
        return []
    if found is None:
        return [f"{what} is missing"]
    place = next((i for i, (a, b) in enumerate(zip(found, expected)) if a != b), None)
    if place is None:
        place = min(len(found), len(expected))
    return [f"{what}: {len(found)} bytes instead of {len(expected)}, different from {place} on"]


def not_a_part(what, found, expected):
    if not found or expected.startswith(found):
        return []
    return [f"{what} holds what nobody sent: {found[:60]!r}"]


class Relayed(Scenario):
    """Data in both directions. `outward` is what the peers are to get, `inward` what they send."""

    role = "client"
    outward = [SENT]
    inward = [BACK]
    output = "out"
    options = {}
    events = None

    def prepare(self, run):
        super().prepare(run)
        if self.role != "none":
            make = peers.client if self.role == "client" else peers.server
            run.peer = make(run.port, *self.inward, **self.options)

    def expected_output(self):
        return b"".join(self.inward)

    def complaints(self, run):
        found = []
        exchanges = run.peer.exchanges
        if len(exchanges) != len(self.inward):
            found.append(f"{len(exchanges)} connections instead of {len(self.inward)}")
        for number, (one, expected) in enumerate(zip(exchanges, self.outward)):
            found += differs(f"what peer {number + 1} got", one.received, expected)
            if one.ending != "end":
                found.append(f"the connection of peer {number + 1} ended with a {one.ending}")
        if self.output == "out":
            found += differs("standard output", run.stdout, self.expected_output())
        elif self.output:
            found += differs(self.output, run.file(self.output), self.expected_output())
        if self.events:
            found += events_complaints(run.file(self.events), self.required)
        return found

    required = ("closed",)

    def damage(self, run):
        found = []
        for one, expected in zip(run.peer.exchanges, self.outward):
            found += not_a_part("what the peer got", one.received, expected)
        if self.output == "out":
            found += not_a_part("standard output", run.stdout, self.expected_output())
        elif self.output:
            found += not_a_part(self.output, run.file(self.output), self.expected_output())
            for name in os.listdir(run.folder):
                if name.endswith(".tcptool-part"):
                    found += not_a_part(name, run.file(name), self.expected_output())
        if self.stdin not in ("null", "pipe"):
            found += differs("standard input", run.file(self.stdin), self.stdin_data)
        return found


def events_complaints(content, required):
    if content is None:
        return ["the file of --log is missing"]
    names = []
    for line in content.split(b"\n")[:-1]:
        try:
            names.append(json.loads(line)["event"])
        except ValueError:
            return [f"a line of --log is no JSON: {line[:80]!r}"]
    if not content.endswith(b"\n"):
        return ["the last line of --log is cut"]
    return [f"no event '{name}' in --log" for name in required if name not in names]


class Kept(Relayed):
    """Output of several connections, in files of their own."""

    def complaints(self, run):
        found = super().complaints(run)
        for number, expected in enumerate(self.inward, 1):
            found += differs(f"file {number}", run.file(f"got-{number}"), expected)
        return found


class Lines(Relayed):
    """Lines of several connections, each with its number."""

    def complaints(self, run):
        found = super().complaints(run)
        for sent in self.inward:
            for line in sent.split():
                if line not in run.stdout:
                    found.append(f"the line {line!r} is missing")
        return found


class Dumped(Relayed):
    """With a dump of all bytes."""

    def complaints(self, run):
        found = super().complaints(run)
        dump = (run.file("dump") or b"").decode(errors="replace")
        for mark, expected in ((">", self.outward[0]), ("<", self.inward[0])):
            lines = re.findall(rf"^{mark} [0-9a-f]{{8}}  ((?:[0-9a-f]{{2}} +)+)", dump, re.M)
            if bytes.fromhex("".join(lines)) != expected:
                found.append(f"the dump lacks bytes of {mark}")
        return found


class Table(Scenario):
    """`states` over sockets that stand."""

    rows = 8
    needs_names = False
    pattern = None
    results = (1,)

    def prepare(self, run):
        run.standing = peers.Standing(run.port)
        for name, content in self.inputs(run).items():
            run.make(name, content)

    def inputs(self, run):
        return {}

    def text(self, run):
        return run.stdout.decode(errors="replace")

    def complaints(self, run):
        text, found = self.text(run), []
        for place in self.expected(run):
            if not re.search(place, text, re.M):
                found.append(f"no row like {place}")
        # One whose name could not be read is "?".
        if self.needs_names and not re.search(r"(python3|\?)\(", text) and not run.stderr:
            found.append("no process is named, and nothing is said about that")
        return found

    def expected(self, run):
        return [
            rf"^LISTEN +1 +(16|-) .*127\.0\.0\.1:{run.port}\b",
            rf"^LISTEN +0 +(16|-) .*\[::1\]:{run.port + 1}\b",
            rf"^ESTABLISHED +0 +0 .*127\.0\.0\.1:{run.port}\b",
            rf"^ESTABLISHED +5 +0 .*127\.0\.0\.1:{run.port}\b",
        ]


class JSONTable(Table):
    """As JSON lines or in a capture."""

    file = None
    wanted = 6

    def complaints(self, run):
        text = run.stdout if self.file is None else run.file(self.file)
        if text is None:
            return ["there is no capture"]
        rows = []
        for line in text.split(b"\n")[:-1]:
            try:
                rows.append(json.loads(line))
            except ValueError:
                return [f"no JSON: {line[:80]!r}"]
        if not text.endswith(b"\n"):
            return ["the last line is cut"]
        mine = [row for row in rows if "local" in row and self.concerns(row, run)]
        if len(mine) != self.wanted:
            return [f"{len(mine)} rows instead of {self.wanted}"]
        return []

    @staticmethod
    def concerns(row, run):
        ends = [row.get("local") or {}, row.get("peer") or {}]
        return any(end.get("port") in (run.port, run.port + 1) for end in ends)


class Patterns(Table):
    """Whatever matches some patterns."""

    patterns = ()

    def expected(self, run):
        return [pattern.format(port=run.port, next=run.port + 1) for pattern in self.patterns]


class Saved(Patterns):
    """From a copy of /proc/net/tcp."""

    def inputs(self, run):
        head = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        row = (
            b"   0: 0100007F:%04X 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0"
            b"        0 5150 1 0000000000000000 100 0 0 10 0\n" % run.port
        )
        return {"saved": head + row}

    def prepare(self, run):
        for name, content in self.inputs(run).items():
            run.make(name, content)


class Experiment(Scenario):
    """`backlog-test`: one JSON object, in which measured and predicted agree."""

    objects = 1
    results = (1,)
    established = None

    def complaints(self, run):
        found, lines = [], run.stdout.split(b"\n")[:-1]
        if len(lines) != self.objects:
            return [f"{len(lines)} objects instead of {self.objects}"]
        for line in lines:
            try:
                result = json.loads(line)
            except ValueError:
                return [f"no JSON: {line[:80]!r}"]
            if self.established is not None:
                count = result["clients"]["established"]
                if count != self.established:
                    found.append(f"{count} clients were let in instead of {self.established}")
        for name in self.makes:
            content = run.file(name)
            if not content or not content.rstrip().endswith((b">", b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9", b",")):
                found.append(f"{name} is missing or cut")
        return found


class Target(Experiment):
    """`backlog-test` against a listener that does not accept."""

    def prepare(self, run):
        run.standing = peers.Standing(run.port)


class Open(Table):
    """`connect` to listeners that do not accept."""

    patterns = ()
    results = (11,)

    def expected(self, run):
        return [pattern.format(port=run.port, next=run.port + 1) for pattern in self.patterns]


def relayed(name, words, role="client", kind=Relayed, **changes):
    changes.setdefault("stdin", "in")
    changes.setdefault("stdin_data", SENT)
    return kind(name, words.split(), role=role, **changes)


def received(name, words, kind=Relayed, **changes):
    changes.setdefault("outward", [b""] * len(changes.get("inward", [SENT])))
    changes.setdefault("inward", [SENT])
    return kind(name, words.split(), **changes)


def sent(name, words, role="server", **changes):
    changes.setdefault("outward", [SENT])
    changes.setdefault("inward", [b""])
    changes.setdefault("output", None)
    return Relayed(name, words.split(), role=role, **changes)


LINES = [b"one\ntwo\nthree\n", b"four\nfive\n"]
DIGEST, LARGE_DIGEST = (hashlib.sha256(data).hexdigest() for data in (SENT, LARGE))
THREADED = {"has_threads": True, "said": LARGE_DIGEST,
            "sizes": (*Scenario.sizes, 5_000_000)}

SCENARIOS = [
    relayed("listen", "listen 127.0.0.1 {port}"),
    relayed("listen-pipe", "listen -q {port}", stdin="pipe", stdout="pipe"),
    relayed("listen-log", "listen --log {folder}/events -v --port-file {folder}/port {port}",
            events="events", makes=["port"]),
    relayed("listen-json", "listen --json --trace {port}", said='"event":"closed"'),
    relayed("listen-dump", "listen --hex-dump {folder}/dump {port}", kind=Dumped,
            stdin_data=SENT[:3000], outward=[SENT[:3000]], inward=[BACK[:2000]]),
    relayed("listen-echo", "listen --max-connections 2 --echo {port}", stdin="null", output=None,
            outward=[SENT, BACK], inward=[SENT, BACK]),
    relayed("listen-exec", "listen --max-connections 1 {port} --exec cat", stdin="null",
            output=None, outward=[SENT], inward=[SENT]),
    relayed("listen-file", "listen --max-connections 1 --file {folder}/in {port}", output=None,
            outward=[SENT], inward=[b""]),
    relayed("listen-lines", "listen --max-connections 2 {port}", kind=Lines, stdin="null", output=None,
            outward=[b"", b""], inward=LINES),
    relayed("listen-queues", "listen --queues=5ms --relisten 3@5ms --accept-delay 20ms {port}"),
    relayed("connect", "connect 127.0.0.1 {port}", "server"),
    relayed("connect-pipe", "connect -v --trace localhost {port}", "server", stdin="pipe",
            stdout="pipe"),
    relayed("connect-crlf", "connect -C --log {folder}/events 127.0.0.1:{port}", "server",
            stdin_data=b"one\ntwo\n" * 500, outward=[b"one\r\ntwo\r\n" * 500], events="events"),
    Open("connect-probe", "connect --probe {port} --json localhost".split(),
         patterns=['"port":{port}.*"state":"open"']),
    # Ctrl-C ends a series with what it has counted, and with status 0 as ping does.
    Open("connect-count", "connect -c 3 -i 50ms --svg {folder}/svg 127.0.0.1 {port}".split(),
         patterns=[r"([123]) handshakes? with .*: \1 connected"], makes=["svg"]),
    sent("send", "send 127.0.0.1 {port} {folder}/in", stdin="in", stdin_data=SENT),
    sent("send-pipe", "send 127.0.0.1 {port}", stdin="pipe", stdin_data=SENT),
    sent("send-digest", "send --digest sha256 127.0.0.1 {port} {folder}/in {folder}/in",
         stdin="in", stdin_data=SENT, outward=[SENT + SENT], said=f"/in\n{DIGEST}"),
    sent("send-digest-large", "send --digest sha256 127.0.0.1 {port} {folder}/in", stdin="in",
         stdin_data=LARGE, outward=[LARGE], **THREADED),
    sent("send-splice", "send --copy splice 127.0.0.1 {port} {folder}/in", stdin="in",
         stdin_data=SENT),
    sent("send-listen", "send --listen 127.0.0.1:{port} --size 100K", role="client",
         outward=[bytes(102_400)]),
    sent("send-interval", "send -i 10ms --svg {folder}/svg 127.0.0.1 {port} {folder}/in",
         stdin="in", stdin_data=SENT, makes=["svg"]),
    received("recv", "recv -o {folder}/got {port}", output="got", makes=["got"]),
    received("recv-stdout", "recv --digest crc32c {port}", said="  -\n"),
    received("recv-pipe", "recv {port}", stdout="pipe"),
    received("recv-fsync", "recv --fsync -f --copy userspace -o {folder}/got {port}",
             output="got", makes=["got"]),
    received("recv-check", f"recv -o {{folder}}/got --expect-digest {DIGEST} {{port}}",
             output="got", makes=["got"]),
    received("recv-digest-large", "recv -o {folder}/got --digest sha256 {port}", output="got",
             makes=["got"], inward=[LARGE], disks=(*Scenario.disks, 1200), **THREADED),
    received("recv-connect", "recv --connect -o {folder}/got 127.0.0.1 {port}", role="server",
             output="got", makes=["got"]),
    received("recv-many", "recv --max-connections 2 -o {folder}/got-%n {port}", Kept,
             output=None, makes=["got-1", "got-2"], inward=[SENT, BACK]),
    received("recv-discard", "recv --discard --verify zero {port}", output=None,
             inward=[bytes(100_000)]),
    Table("states", ["states"]),
    Table("states-proc", "states --source proc".split()),
    Table("states-process", "states -p".split(), needs_names=True),
    JSONTable("states-json", "states --json -m -i -p".split()),
    JSONTable("states-save", "states --save {folder}/capture".split(), file="capture",
              makes=["capture"]),
    Patterns("states-listeners", "states --listeners -p".split(),
             patterns=[r"127\.0\.0\.1:{port}\b", r"\[::1\]:{next}\b"]),
    Patterns("states-metrics", "states --listeners -f openmetrics".split(),
             patterns=[r'tcp.*127\.0\.0\.1.*{port}"', "^# EOF$"]),
    Patterns("states-summary", "states --by process".split(), patterns=[r"LISTEN +2"]),
    Saved("states-from", "states --from {folder}/saved".split(), patterns=[r"^LISTEN +3 .*:{port}"]),
    Saved("states-diff", "states --diff {folder}/saved".split(), patterns=[r"127\.0\.0\.1:{port}"]),
    Experiment("backlog-test", "backlog-test --backlog 3 --json".split(), established=4),
    Experiment("backlog-test-user", "backlog-test -b 3 --json".split(), established=4,
               prefix=("setpriv", "--bounding-set=-all", "--inh-caps=-all")),
    Experiment("backlog-test-both", "backlog-test -b 2 -q both --json --isolate never".split()),
    Experiment("backlog-test-files",
               "backlog-test -b 2 --json --svg {folder}/svg --samples {folder}/samples".split(),
               established=3, makes=["svg", "samples"]),
    Experiment("backlog-test-sweep", "backlog-test --sweep 0,1 --json".split(), objects=2),
    Experiment("backlog-test-late", "backlog-test -b 2 --late-acks 2 --json".split()),
    Experiment("backlog-test-relisten", "backlog-test -b 4 --relisten 2 --json".split()),
    Experiment("backlog-test-group", "backlog-test -b 2 --reuse-port 2 --json".split()),
    Target("backlog-test-target", "backlog-test --json 127.0.0.1 {port}".split()),
]
