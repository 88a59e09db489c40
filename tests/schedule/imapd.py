"""A small IMAP server for one folder (RFC 3501, what `IMAPInbox` asks of it), and no more."""

from __future__ import annotations

import contextlib
import re
import socketserver
import ssl
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

TLS = Path(__file__).parent.parent / "deliver" / "tls"


class Server:
    """Serves `letters` (UID -> octets); `seen` holds the UIDs flagged as such; `said` every command.

    Args:
        letters: in the folder.
        security: "tls" from the first byte; "starttls": nothing but CAPABILITY and STARTTLS before it; or "none".
        fail: the command that is refused.
    """

    def __init__(self, letters: dict[int, bytes], *, security: str = "none", fail: str = "") -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
        self.letters = letters
        self.seen: set[int] = set()
        self.said: list[str] = []
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):  # who does not trust us hangs up
                    if security == "tls":
                        self.encrypt()
                    self.wfile.write(b"* OK ready\r\n")
                    self.talk()

            def encrypt(self) -> None:
                self.request = context.wrap_socket(self.request, server_side=True)
                self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", buffering=0)

            def finish(self) -> None:
                super().finish()
                self.request.close()

            def talk(self) -> None:
                while line := self.rfile.readline():
                    tag, _, command = line.decode().strip().partition(" ")
                    server.said.append(command)
                    plain = not isinstance(self.request, ssl.SSLSocket)
                    if command == "STARTTLS" and security == "starttls" and plain:
                        self.wfile.write(f"{tag} OK begin\r\n".encode())
                        self.encrypt()
                        continue
                    if command == "CAPABILITY" and security == "starttls" and plain:
                        self.wfile.write(f"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n{tag} OK done\r\n".encode())
                        continue
                    if plain and security != "none":
                        self.wfile.write(f"{tag} BAD in the clear\r\n".encode())
                        continue
                    if fail and fail in command:
                        self.wfile.write(f"{tag} NO refused\r\n".encode())
                        continue
                    self.wfile.write(server.answer(command) + f"{tag} OK done\r\n".encode())
                    if command == "LOGOUT":
                        return

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    def answer(self, command: str) -> bytes:
        if command.startswith("CAPABILITY"):
            return b"* CAPABILITY IMAP4rev1\r\n"
        if command.startswith("SELECT"):
            return f"* {len(self.letters)} EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n".encode()
        if command.startswith("UID SEARCH"):
            return f"* SEARCH {' '.join(map(str, self.letters))}\r\n".encode()
        if match := re.match(r"UID FETCH (\d+) ", command):
            letter = self.letters.get(int(match[1]))
            if letter is None:
                return b""
            head = letter.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            return b"* 1 FETCH (UID %s BODY[HEADER]<0> {%d}\r\n%s)\r\n" % (match[1].encode(), len(head), head)
        if match := re.match(r"UID STORE (\d+) \+FLAGS.SILENT \(\\Seen\)", command):
            self.seen.add(int(match[1]))
        return b""

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
