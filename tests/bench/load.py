"""Clients of the service's bench: sockets without a library between, so that little of what is measured is their own."""
import re
import selectors
import socket
import time

EVENT = re.compile(rb"^id: (\d+)\n", re.MULTILINE)


def connect(address):
    host, _, port = address.rpartition(":")
    client = socket.create_connection((host, int(port)), timeout=60)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def request(method, path, body=b"", version="1.1"):
    head = "%s %s HTTP/%s\r\nHost: localhost\r\n" % (method, path, version)
    if body:
        head += "Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    return head.encode() + b"\r\n" + body


class Answers:
    """The answers that come over one connection."""

    def __init__(self):
        self.text = b""

    def add(self, piece):
        """The (status, body) of an answer that this piece completes, or None. One request at a time is under way."""
        self.text += piece
        head, found, body = self.text.partition(b"\r\n\r\n")
        if not found or not self.complete(head.lower(), body):
            return None
        self.text = b""
        return int(head.split(b" ", 2)[1]), body

    @staticmethod
    def complete(head, body):
        if b"transfer-encoding: chunked" in head:
            return body.endswith(b"\r\n0\r\n\r\n")
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return len(body) >= int(length)


class Line:
    """One connection that stays."""

    def __init__(self, address):
        self.socket, self.answers = connect(address), Answers()

    def ask(self, text):
        """(status, body, seconds)"""
        began = time.perf_counter()
        self.socket.sendall(text)
        while True:
            piece = self.socket.recv(1 << 16)
            if not piece:
                raise SystemExit("the daemon has closed the connection")
            answer = self.answers.add(piece)
            if answer:
                return *answer, time.perf_counter() - began

    def close(self):
        self.socket.close()


def paced(address, text, each, seconds):
    """Milliseconds of the answers to requests that are sent in even distances: who is late is not spared the next."""
    line, times, begin = Line(address), [], time.perf_counter()
    for count in range(int(seconds / each)):
        due = begin + count * each
        time.sleep(max(0, due - time.perf_counter()))
        status, _, _ = line.ask(text)
        if status != 200:
            raise SystemExit("%s was answered with %d" % (text.split(b"\r\n")[0], status))
        times.append(1e3 * (time.perf_counter() - due))
    line.close()
    return times


def flood(address, texts, connections, seconds):
    """How many of the requests a second are answered with 201, when each connection waits for its answer only."""
    chooser, done, until = selectors.DefaultSelector(), 0, time.perf_counter() + seconds
    for _ in range(connections):
        client = connect(address)
        client.sendall(next(texts))
        chooser.register(client, selectors.EVENT_READ, Answers())
    began = time.perf_counter()
    while time.perf_counter() < until:
        for key, _ in chooser.select(timeout=1):
            answer = key.data.add(key.fileobj.recv(1 << 16))
            if answer and answer[0] != 201:
                raise SystemExit("a submission was answered with %d %s" % answer)
            if answer:
                done += 1
                key.fileobj.sendall(next(texts))
    took = time.perf_counter() - began
    for key in list(chooser.get_map().values()):
        key.fileobj.close()
    return done / took


class Streams:
    """Event streams that are read at once, and the numbers of the events that came over each."""

    def __init__(self, address, path, count):
        self.chooser, self.numbers = selectors.DefaultSelector(), []
        text = request("GET", path, version="1.0")
        for _ in range(count):
            client = connect(address)
            client.sendall(text)
            self.numbers.append([])
            self.chooser.register(client, selectors.EVENT_READ, (self.numbers[-1], bytearray()))

    def read(self, seconds):
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            for key, _ in self.chooser.select(timeout=0.1):
                self.take(key)

    @staticmethod
    def take(key):
        numbers, rest = key.data
        piece = key.fileobj.recv(1 << 18)
        if not piece:
            raise SystemExit("the daemon has closed a stream")
        rest += piece
        whole = rest.rfind(b"\n\n") + 2
        if whole >= 2:
            numbers += map(int, EVENT.findall(bytes(rest[:whole])))
            del rest[:whole]

    def read_up_to(self, number, patience):
        """Reads until every stream has come to that event; what is missing then is lost."""
        until = time.perf_counter() + patience
        while time.perf_counter() < until and any(not numbers or numbers[-1] < number for numbers in self.numbers):
            self.read(0.2)

    def close(self):
        for key in list(self.chooser.get_map().values()):
            key.fileobj.close()
