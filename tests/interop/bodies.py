"""Bodies that other people's clients must get through unharmed, and what of them must arrive."""

import random

MIB = 1 << 20
# Below [limits] message_size (50 MiB), with room for the header and for a relay's Received field.
LARGEST = 50 * MIB - (8 << 10)
# Postfix declares with SIZE what a message takes in its queue, some octets more for each line.
LARGEST_OF_POSTFIX = 49 * MIB
SIZES = (1, 2, 997, 998, 5000, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, MIB)
# The longest line that SMTP grants everybody, without its CRLF (RFC 5321 4.5.3.1.6 counts it: 1000).
LONGEST_LINE = 998
# What goes wrong when a dot, an end of line or a "From " is handled by halves.
ODD_LINES = (b".", b"..", b".a", b"...", b"", b" ", b". ", b"From here", b">From here", b"\t.", b"QUIT", b".\t", b"a.")

_SEVEN_BIT = bytes(range(32, 127)) + b"\t"
_EIGHT_BIT = _SEVEN_BIT + bytes(range(128, 256))


def body(size, eight_bit=False):
    """`size` octets of lines with CRLF, the same for the same arguments; the last line has one where it fits."""
    if size < 2:
        return b"a" * size
    source = random.Random(size * 2 + eight_bit)
    octets = _EIGHT_BIT if eight_bit else _SEVEN_BIT
    block = _block(source, octets, min(size, MIB))
    # Whole blocks of lines: 50 MiB of random lines would take longer than their delivery.
    whole = (block * (size // len(block) + 1))[:size - 2]
    if whole.endswith(b"\r"):
        whole = whole[:-1] + b"x"
    return whole + b"\r\n"


def _block(source, octets, size):
    lines = list(ODD_LINES)
    length = sum(len(line) + 2 for line in lines)
    while length < size:
        line = bytes(source.choices(octets, k=source.choice((1, 60, 76, 400, LONGEST_LINE))))
        lines += [line, source.choice(ODD_LINES)]
        length += len(line) + len(lines[-1]) + 4
    if size < 1000:
        return bytes(source.choices(octets, k=size))  # one line of its own
    return b"".join(line + b"\r\n" for line in lines)


def message(token, text, recipient="alice@example.test", sender="sender@client.test"):
    """A message with every field that a client or relay would else add, so that none has to."""
    head = (f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: {token}\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
            f"Message-ID: <{token}@client.test>\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
    return head.encode() + text


def stored(wire):
    """The message as a Maildir holds it: LF, and an end to the last line, which DATA can't go without."""
    return (wire if wire.endswith(b"\r\n") else wire + b"\r\n").replace(b"\r\n", b"\n")
