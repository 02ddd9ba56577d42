"""Certificates for tests, made when they are needed: an authority and what it signs."""

import datetime
import pathlib
import ssl
import subprocess

KINDS = {"rsa": ["-newkey", "rsa:2048"], "ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]}


class Certificate:
    """`pem` (with its chain) and `key`, files; `names` is what it is for."""

    def __init__(self, pem, key, names):
        self.pem, self.key, self.names = pathlib.Path(pem), pathlib.Path(key), names

    def fingerprint(self):
        """SHA-256 of the first certificate, as `peer_fingerprint` of a client has it."""
        return fingerprint(ssl.PEM_cert_to_DER_cert(self.pem.read_text().split("-----END")[0] + "-----END CERTIFICATE-----\n"))


def fingerprint(der):
    import hashlib  # pylint: disable=import-outside-toplevel
    return hashlib.sha256(der).hexdigest()


class Authority:
    """Signs certificates; `pem` is its own."""

    def __init__(self, folder, name="Test Authority"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.pem, self._key = self.folder / "ca.pem", self.folder / "ca.key"
        self._number = 0
        # `openssl ca` leaves a second copy of each, named by its serial number.
        self._copies = self.folder / "copies"
        self._copies.mkdir()
        _openssl("req", "-x509", "-nodes", *KINDS["ec"], "-keyout", self._key, "-out", self.pem, "-days", "3650",
                 "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, *names, kind="ec", days=(-1, 365), client=False, email=None):
        """A new certificate for DNS names, valid from days[0] to days[1] from today on."""
        self._number += 1
        stem = self.folder / f"{self._number}"
        pem, key, request, extensions = (stem.with_suffix(suffix) for suffix in (".pem", ".key", ".csr", ".ext"))
        _openssl("req", "-new", "-nodes", *KINDS[kind], "-keyout", key, "-out", request, "-subj", f"/CN={names[0]}")
        alternatives = [f"DNS:{name}" for name in names] + ([f"email:{email}"] if email else [])
        extensions.write_text(f"subjectAltName={','.join(alternatives)}\nbasicConstraints=CA:FALSE\n"
                              f"extendedKeyUsage={'clientAuth' if client else 'serverAuth'}\n")
        # `x509 -req` counts days from now only; `ca` takes dates.
        index, serial = stem.with_suffix(".index"), stem.with_suffix(".serial")
        index.write_text("")
        serial.write_text(f"{self._number:04x}\n")
        config = stem.with_suffix(".cnf")
        config.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={index}\nserial={serial}\nnew_certs_dir={self._copies}\n"
                          "default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n")
        start, end = (_date(day) for day in days)
        _openssl("ca", "-batch", "-notext", "-config", config, "-cert", self.pem, "-keyfile", self._key, "-in", request,
                 "-out", pem, "-startdate", start, "-enddate", end, "-extfile", extensions)
        return Certificate(pem, key, names)


def _date(days):
    day = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return day.strftime("%Y%m%d%H%M%SZ")


def _openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, check=False)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")


def server_context(certificate, newest=None):
    """An ssl.SSLContext of a server; `names` gathers what clients name by SNI."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.pem, certificate.key)
    if newest:
        context.maximum_version = newest
    context.names = []
    context.sni_callback = lambda _socket, name, _context: context.names.append(name)
    return context


def client_context(trusting=None, certificate=None, newest=None, oldest=None, ciphers=None):
    """An ssl.SSLContext of a client: it checks the server only where it is given an authority to trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = trusting is not None
    context.verify_mode = ssl.CERT_REQUIRED if trusting else ssl.CERT_NONE
    if trusting:
        context.load_verify_locations(trusting.pem)
    if certificate:
        context.load_cert_chain(certificate.pem, certificate.key)
    if ciphers:
        context.set_ciphers(ciphers)
    if oldest:
        context.minimum_version = oldest
    if newest:
        context.maximum_version = newest
    return context
