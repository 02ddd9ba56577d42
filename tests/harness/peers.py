"""Other people's mail servers, from the unpacked packages: each in a private folder, with its own configuration.

The programs are in $POSTRIDER_PEERS (default build/peers), where `./test` unpacks them. They need root and the
users `postfix` and `Debian-exim`; tools/in_namespace gives both, for the time of the tests, without adding
anybody to the machine.
"""

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile

from harness.ports import free_port
from harness.smtp import Client
from harness.waiting import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 20
STOP_SECONDS = 20


def peers_folder():
    return pathlib.Path(os.environ.get("POSTRIDER_PEERS") or ROOT / "build/peers").resolve()


def program(path):
    """An unpacked program, by its path on the machine it was made for ("/usr/sbin/exim4")."""
    found = peers_folder() / path.lstrip("/")
    assert found.exists(), f"{found} is not there; `./test interop` unpacks it"
    return found


def environment():
    """The present environment, with the unpacked shared libraries to be found."""
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(str(peers_folder() / "usr/lib" / each) for each in ("postfix", "dovecot"))}


class Peer:
    """A server in the foreground, in its own folder, listening on `port` of 127.0.0.1."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        # The peers drop root, and must still reach their files under the test's private folder.
        temporary = pathlib.Path(tempfile.gettempdir()).resolve()
        for path in (self.folder.resolve(), *self.folder.resolve().parents):
            if temporary in path.parents:
                path.chmod(path.stat().st_mode | 0o011)
        self.port = free_port()
        self.process = None

    def command(self):
        """The command line that runs it in the foreground."""
        raise NotImplementedError

    def log_text(self):
        return "".join(f"--- {path.name}\n{path.read_text('utf-8', 'replace')}"
                       for path in sorted(self.folder.glob("log/*")))

    def start(self):
        """A peer that ends at its start gets one more try: it is not what is tested."""
        (self.folder / "log").mkdir(exist_ok=True)
        self._launch()
        if self.process.poll() is not None:
            self._launch()
        assert self.process.poll() is None, f"{type(self).__name__} ended at start:\n{self.log_text()}"
        return self

    def _launch(self):
        with open(self.folder / "log" / "output", "ab") as output:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=subprocess.STDOUT, env=environment(), start_new_session=True)
        wait_until(self._listening_or_gone, START_SECONDS, lambda: f"{type(self).__name__}:\n{self.log_text()}")

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def client(self, **options):
        """A connection to it, the greeting read."""
        client = Client("127.0.0.1", self.port, **options)
        client.expect(220)
        return client

    def run(self, path, *arguments, stdin=None):
        """Runs one of its programs to the end (60 s at most) and returns its output."""
        done = subprocess.run([program(path), *arguments], input=stdin, env=environment(), timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.returncode == 0, f"{path} ended with {done.returncode}: {done.stdout!r}"
        return done.stdout

    def _listening_or_gone(self):
        if self.process.poll() is not None:
            return True
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False


POSTFIX_MAIN = {
    "compatibility_level": "3.6", "myhostname": "postfix.test", "mydestination": "", "inet_interfaces": "127.0.0.1",
    "inet_protocols": "all", "mynetworks": "127.0.0.0/8", "smtpd_relay_restrictions": "permit_mynetworks, reject",
    "maillog_file_prefixes": "/", "alias_maps": "", "alias_database": "", "local_recipient_maps": "",
    "smtp_tls_security_level": "none", "smtpd_tls_security_level": "none", "message_size_limit": "104857600",
    "queue_minfree": "0", "smtp_host_lookup": "native", "minimal_backoff_time": "5s", "queue_run_delay": "5s",
    "import_environment": "MAIL_CONFIG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH", "smtputf8_enable": "yes",
}
POSTFIX_MASTER = """\
{port}    inet  n - n - - smtpd
postlog   unix-dgram n - n - 1 postlogd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 5 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
lmtp      unix  - - n - - lmtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
local     unix  - n n - - local
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
tlsmgr    unix  - - n 1000? 1 tlsmgr
"""


class Postfix(Peer):
    """Postfix; `main` is laid onto POSTFIX_MAIN, `master` is appended to master.cf.

    To relay all it gets to a server: main={"relayhost": "[127.0.0.1]:2600"}, or lmtp by default_transport.
    """

    def __init__(self, folder, main=None, master=""):
        super().__init__(folder)
        conf, queue = self.folder / "conf", self.folder / "queue"
        uid, gid = pwd.getpwnam("postfix")[2:4]
        for path in (conf, queue, self.folder / "data", self.folder / "log"):
            path.mkdir(exist_ok=True)
        os.chown(self.folder / "data", uid, gid)
        for name in ("active bounce corrupt defer deferred flush hold incoming maildrop pid private public saved "
                     "trace").split():
            (queue / name).mkdir(exist_ok=True)
            if name != "pid":
                os.chown(queue / name, uid, gid)
        settings = {**POSTFIX_MAIN, "queue_directory": queue, "data_directory": self.folder / "data",
                    "daemon_directory": program("/usr/lib/postfix/sbin"), "command_directory": program("/usr/sbin"),
                    "shlib_directory": program("/usr/lib/postfix"), "meta_directory": program("/etc/postfix"),
                    "mail_owner": "postfix", "setgid_group": "postdrop",
                    "maillog_file": self.folder / "log" / "maillog", **(main or {})}
        (conf / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
        (conf / "master.cf").write_text(POSTFIX_MASTER.format(port=self.port) + master)
        self.conf = conf

    def command(self):
        return [program("/usr/lib/postfix/sbin/master"), "-c", self.conf, "-d"]

    def flush(self):
        """Tries all that is queued again, now."""
        self.run("/usr/sbin/postqueue", "-c", self.conf, "-f")

    def queue(self):
        """What is queued, as postqueue -j tells it: one JSON object a line."""
        return self.run("/usr/sbin/postqueue", "-c", self.conf, "-j").decode()


EXIM_HEAD = """\
primary_hostname = exim.test
exim_path = {program}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
exim_user = Debian-exim
exim_group = Debian-exim
keep_environment =
deliver_drop_privilege = true
queue_run_in_order
check_spool_space = 0
check_spool_inodes = 0
message_size_limit = 100M
smtp_accept_max = 100
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
chunking_advertise_hosts = *
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
acl_smtp_rcpt = accept
acl_smtp_data = accept
acl_smtp_predata = accept
"""

EXIM_RELAY = """\
begin acl
accept:
  accept
begin routers
smarthost:
  driver = manualroute
  route_list = * {host}::{target_port}
  transport = out
  self = send
begin transports
out:
  driver = smtp
  hosts_try_chunking = {chunking}
  hosts_avoid_tls = *
  dkim_strict =
begin retry
* * F,1h,5s
"""


class Exim(Peer):
    """Exim; `sections` is what follows its main part (acl, routers, transports, retry); see relay_to()."""

    def __init__(self, folder, sections, main=""):
        super().__init__(folder)
        uid, gid = pwd.getpwnam("Debian-exim")[2:4]
        for name in ("spool", "log"):
            (self.folder / name).mkdir(exist_ok=True)
            os.chown(self.folder / name, uid, gid)
        self.conf = self.folder / "exim.conf"
        head = EXIM_HEAD.format(program=program("/usr/sbin/exim4"), folder=self.folder, port=self.port)
        self.conf.write_text(head + main + sections)

    @classmethod
    def relay_to(cls, folder, host, port, chunking=False, main=""):
        """An Exim that sends all it gets to (host, port), with BDAT where chunking is set."""
        return cls(folder, EXIM_RELAY.format(host=host, target_port=port, chunking="*" if chunking else ""), main)

    def command(self):
        return [program("/usr/sbin/exim4"), "-C", self.conf, "-bdf", "-q5s"]


OPENSMTPD = """\
listen on 127.0.0.1 port {port} hostname opensmtpd.test
smtp max-message-size 100M
action "out" relay host "smtp://127.0.0.1:{target_port}"
match from any for any action "out"
"""


class OpenSmtpd(Peer):
    """OpenSMTPD, which relays all it gets to a port of 127.0.0.1. One at a time: its queue has a fixed place."""

    def __init__(self, folder, target_port):
        super().__init__(folder)
        self.conf = self.folder / "smtpd.conf"
        self.conf.write_text(OPENSMTPD.format(port=self.port, target_port=target_port))

    def command(self):
        return [program("/usr/sbin/smtpd"), "-d", "-f", self.conf]


DOVECOT = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log/dovecot
protocols = lmtp
libexec_dir = {libexec}
import_environment = TZ LD_LIBRARY_PATH={libexec}
mail_plugin_dir = {libexec}/modules
default_internal_user = dovecot
default_internal_group = dovecot
default_login_user = dovenull
first_valid_uid = 1
ssl = no
mail_location = maildir:{folder}/mail/%d/%n
mail_uid = dovecot
mail_gid = dovecot
hostname = dovecot.test
postmaster_address = postmaster@dovecot.test
lda_mailbox_autocreate = yes
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
  unix_listener {folder}/lmtp.sock {{
    mode = 0666
  }}
}}
"""


class Dovecot(Peer):
    """Dovecot's LMTP server, on `port` and at `socket`; `users` are addresses, whose mail is in Maildirs."""

    def __init__(self, folder, users):
        super().__init__(folder)
        uid, gid = pwd.getpwnam("dovecot")[2:4]
        mail = self.folder / "mail"
        mail.mkdir(exist_ok=True)
        os.chown(mail, uid, gid)
        (self.folder / "users").write_text("".join(f"{user}::{uid}:{gid}::{mail}::\n" for user in users))
        self.conf = self.folder / "dovecot.conf"
        self.conf.write_text(DOVECOT.format(folder=self.folder, port=self.port, libexec=program("/usr/lib/dovecot")))
        self.socket = self.folder / "lmtp.sock"

    def command(self):
        # As dovecot itself does it, which looks for doveconf in /usr/bin.
        return [program("/usr/bin/doveconf"), "-f", "service=master", "-c", self.conf, "-m", "master", "-e",
                program("/usr/sbin/dovecot"), "-F", "-c", self.conf]

    def messages(self, user):
        """The files in a mailbox's new/."""
        name, _, domain = user.partition("@")
        return sorted((self.folder / "mail" / domain / name / "new").glob("*"))


class SmtpSink(Peer):
    """Postfix's smtp-sink: throws all away, and fails as its options say (see smtp-sink(1)). `dump`: messages are kept,
    one file each, in `dumped`."""

    def __init__(self, folder, *options, dump=False):
        super().__init__(folder)
        self.options = list(options)
        self.dumped = self.folder / "dumped"
        if dump:
            self.dumped.mkdir()
            self.options += ["-d", f"{self.dumped}/%M."]

    def command(self):
        return [program("/usr/sbin/smtp-sink"), "-u", "root", *self.options, f"127.0.0.1:{self.port}", "1000"]


def have(name):
    """Whether a client program (swaks, msmtp, curl) is installed; its path or None."""
    return shutil.which(name)
