"""A next hop for the server under test: a tiny SMTP server that answers RCPT as it is told and remembers all."""

import contextlib
import socket
import threading

from harness.ports import free_port


class NextHop:
    """Takes connections in the background. `answers` maps a recipient to its reply line ("550 5.1.1 no");
    any other gets `otherwise`. `commands` holds every line that came, `connections` counts."""

    def __init__(self, answers=None, otherwise="250 2.1.5 ok", greeting="220 next.test ESMTP"):
        self.answers, self.otherwise, self.greeting = dict(answers or {}), otherwise, greeting
        self.commands, self.connections = [], 0
        self.port = free_port()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def rcpts(self, recipient):
        """How often this recipient was asked for."""
        return sum(line.upper().startswith("RCPT") and f"<{recipient}>" in line for line in list(self.commands))

    def stop(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(20)
        with connection, contextlib.suppress(OSError), connection.makefile("rwb") as stream:
            self._say(stream, self.greeting)
            for raw in stream:
                line = raw.decode("utf-8").rstrip("\r\n")
                self.commands.append(line)
                self._say(stream, self._answer(line))
                if line.upper() == "QUIT":
                    return

    def _answer(self, line):
        verb = line.upper()
        if verb.startswith("EHLO"):
            return "250-next.test\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-SMTPUTF8\r\n250 8BITMIME"
        if verb.startswith("RCPT"):
            address = line[line.find("<") + 1:line.rfind(">")]
            return self.answers.get(address, self.otherwise)
        return "221 2.0.0 bye" if verb == "QUIT" else "250 2.0.0 ok"

    @staticmethod
    def _say(stream, text):
        stream.write(text.encode() + b"\r\n")
        stream.flush()
